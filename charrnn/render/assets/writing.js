// The panel "Write": the network writes, character by character, and each character is read again.

const SPEEDS = [2, 5, 10, 20, 50, 100, 200, Infinity]; // characters a second
const FIRST = 240; // characters that are written when the page is opened

const writing = {
  passage: null,
  view: null,
  random: null,
  running: false,
  before: 0, // the time of the last frame
  due: 0, // characters to write until now
  request: 0, // numbers the beginnings: only the last one counts
};

const setting = (id) => Number($(id).value);
const speed = () => SPEEDS[setting("speed")];

// ---- writing

/** Read the start text, and leave the rest to be written. */
async function beginAgain() {
  stop();
  const request = ++writing.request;
  const { passage, view } = writing;
  passage.clear();
  view.cut(0);
  whyWriting.clear();
  writing.random = randomNumbers(setting("seed"));
  const { indices, notice } = encode($("prime").value);
  $("prime-notice").textContent = notice;
  const wanted = () => request === writing.request;
  const start = indices.slice(0, passage.most);
  const read = (index) => attempt(() => passage.push(index, held()));
  const complete = await inSlices(start, read, wanted);
  if (!complete) return;
  view.extend(passage.characters);
  afterWriting();
}

/** Write one character, or the one that is given. */
function write(index = null) {
  const { passage, view } = writing;
  const { logits } = passage.reader;
  passage.push(index ?? draw(logits, setting("temperature"), setting("top-p"), writing.random()),
    held());
  view.extend([passage.characters.at(-1)]);
}

function frame(now) {
  if (!writing.running) return;
  const { passage } = writing;
  const seconds = Math.max(0, now - writing.before) / 1000;
  writing.due = speed() === Infinity ? Infinity : writing.due + speed() * seconds;
  writing.before = Math.max(now, writing.before);
  const begun = performance.now();
  while (writing.running && writing.due >= 1 && !passage.full
    && performance.now() - begun < SLICE) {
    attempt(() => write());
    writing.due--;
  }
  writing.due = Math.min(writing.due, 1); // what this computer cannot do is not made up for
  if (passage.full) stop();
  afterWriting();
  requestAnimationFrame(frame);
}

function go() {
  if (writing.passage.full || writing.running) return;
  Object.assign(writing, { running: true, before: performance.now(), due: 1 });
  $("write").textContent = "Stop";
  requestAnimationFrame(frame);
}

function stop() {
  writing.running = false;
  $("write").textContent = "Write";
}

const toggle = () => (writing.running ? stop() : go());

/** Do something with the network; where its state became infinite, stop and say so. */
function attempt(act) {
  try {
    act();
  } catch (error) {
    stop();
    $("prime-notice").textContent = `${error.message}: begin again with other values`;
  }
}

/** Write the character that was chosen instead of a drawn one. */
function writeInstead(rank) {
  const successor = nextCharacters()[rank];
  if (!successor || writing.passage.full) return;
  stop();
  attempt(() => write(successor[0]));
  afterWriting();
}

// ---- what is shown

/** The likeliest next characters, with their probabilities. */
function nextCharacters() {
  const p = softmax(writing.passage.reader.logits);
  return likeliest(p, GUESSES).map((index) => [index, p[index]]);
}

function afterWriting() {
  const element = $("written");
  element.scrollTop = element.scrollHeight;
  showNext();
  showHeld();
  const { length, full } = writing.passage;
  $("count").textContent = counted(length, "character") + (full ? ": begin again to go on" : "");
  $("write").disabled = full;
}

const buttons = [];
function showNext() {
  nextCharacters().forEach(([index, p], rank) => {
    const button = buttons[rank];
    button.replaceChildren();
    successorIn(button, CHARACTERS[index], p);
  });
}

function makeButtons() {
  const count = Math.min(GUESSES, CHARACTERS.length);
  for (let rank = 0; rank < count; rank++) {
    const button = add(add($("next-characters"), "li"), "button");
    button.type = "button";
    button.addEventListener("click", () => writeInstead(rank));
    buttons.push(button);
  }
}

// ---- the command that does the same

/** A word of a command line, in quotes where a shell needs them. */
function quoted(word) {
  return /^[\w.,:/=+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** A text as `--prime` takes it. */
const escaped = (text) => text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n")
  .replaceAll("\t", "\\t");

function showCommand() {
  const words = ["charrnn", "sample", "--temp", String(setting("temperature"))];
  if (setting("top-p") < 1) words.push("--top-p", String(setting("top-p")));
  if ($("prime").value) words.push("--prime", escaped($("prime").value));
  for (const cell of held()) words.push("--hold", `${nameOf(cell)}=${Number(cell.value.toFixed(3))}`);
  $("command").textContent = Array.from(words.map(quoted).join(" "), harmless).join("");
}

// ---- controls and keys

/** Act on a key in the text that is written; false for a key without a meaning. */
function writingKey(key, ctrlKey) {
  if (key === " ") toggle();
  else if (key === "Escape") stop();
  else if (/^[1-9]$/.test(key)) writeInstead(Number(key) - 1);
  else return writing.view.move(key, ctrlKey);
  return true;
}

function showSettings() {
  $("temperature-is").textContent = setting("temperature").toFixed(2);
  $("top-p-is").textContent = setting("top-p").toFixed(2);
  $("speed-is").textContent = speed() === Infinity ? "as fast as it can" : `${speed()} a second`;
  showCommand();
}

function listenToWriting() {
  const on = (id, event, act) => $(id).addEventListener(event, act);
  on("write", "click", toggle);
  on("again", "click", beginAgain);
  on("prime", "input", () => {
    showCommand();
    beginAgain();
  });
  on("seed", "input", beginAgain);
  for (const id of ["temperature", "top-p", "speed"]) on(id, "input", showSettings);
}

/** Prepare the panel, with the beginning of a text in it. */
async function startWriting(network) {
  writing.passage = new Live(network);
  writing.view = new TextView($("written"), (position) => classIn(writing.passage, position),
    (position) => whyWriting.explain(writing.passage, position));
  makeButtons();
  listenToWriting();
  showSettings();
}

async function writeFirst() {
  await beginAgain();
  const request = writing.request;
  const numbers = Array.from({ length: FIRST });
  await inSlices(numbers, () => attempt(write), () => request === writing.request);
  afterWriting();
  $("written").scrollTop = 0;
}
