// The panel "Write": the network writes, character by character, and each character is read again.

const SPEEDS = [2, 5, 10, 20, 50, 100, 200, Infinity]; // characters a second
const DEFAULT_SPEED = 3; // the number of one of them
const FIRST_LENGTH = 240; // characters that are written when the page is opened,
const MAX_FIRST_MS = 2_000; // or as many as a slow network writes in this time

const writing = {
  passage: null,
  view: null,
  random: null,
  reading: false, // the start text is being read: nothing is written before its end
  leftOut: false, // the start text has characters that the network does not know
  running: false,
  frame: 0, // the request for the next frame
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
  const { indices, notice, leftOut } = beginningOf($("prime").value, passage);
  Object.assign(writing, { reading: true, leftOut });
  $("prime-notice").textContent = notice;
  showCommand();
  showState();
  const read = (index) => passage.push(index, held());
  const wanted = () => request === writing.request;
  try {
    if (!(await inSlices(indices, read, wanted, showState))) return;
  } catch (error) {
    fail(error);
  }
  writing.reading = false;
  view.extend(passage.characters.slice(view.length));
  scrollToEnd();
  showWritten();
}

/** Write a character: the one that is given, or one that is drawn. */
function write(index = null) {
  const { passage, view } = writing;
  const { logits } = passage.reader;
  passage.push(index ?? draw(logits, setting("temperature"), setting("top-p"), writing.random()),
    held());
  view.extend([passage.characters.at(-1)]);
}

function writeFrame(now) {
  const { passage } = writing;
  const seconds = Math.max(0, now - writing.before) / 1000;
  writing.due = speed() === Infinity ? Infinity : writing.due + speed() * seconds;
  writing.before = Math.max(now, writing.before);
  const begun = performance.now();
  const length = passage.length, follow = atEnd();
  while (writing.due >= 1 && !passage.full && performance.now() - begun < SLICE_MS) {
    if (!attempt(() => write())) break;
    writing.due--;
  }
  writing.due = Math.min(writing.due, 1); // a slow computer does not catch up
  if (passage.full) stop();
  if (passage.length > length) {
    if (follow) scrollToEnd();
    showWritten();
  }
  if (writing.running) writing.frame = requestAnimationFrame(writeFrame);
}

function go() {
  if (writing.passage.full || writing.reading || writing.running) return;
  writing.request++; // the text with which the page is opened ends here
  scrollToEnd();
  Object.assign(writing, { running: true, before: performance.now(), due: 1 });
  $("write").textContent = "Stop";
  writing.frame = requestAnimationFrame(writeFrame);
}

/** End what is being written; the reading of a start text goes on. */
function stop() {
  cancelAnimationFrame(writing.frame);
  if (!writing.reading) writing.request++;
  writing.running = false;
  $("write").textContent = "Write";
}

const toggle = () => (writing.running ? stop() : go());

/** Do something with the network; false where its state became infinite: stop and say so. */
function attempt(act) {
  try {
    act();
    return true;
  } catch (error) {
    fail(error);
    return false;
  }
}

function fail(error) {
  stop();
  $("prime-notice").textContent = `${error.message}: begin again with other values`;
}

/** Write the character that was chosen instead of a drawn one. */
function writeInstead(rank) {
  const successor = nextCharacters()[rank];
  if (!successor || writing.passage.full || writing.reading) return;
  stop();
  attempt(() => write(successor[0]));
  scrollToEnd();
  showWritten();
}

// ---- what is shown

/** The likeliest next characters, with their probabilities. */
function nextCharacters() {
  const p = softmax(writing.passage.reader.logits);
  return likeliest(p, DATA.guesses).map((index) => [index, p[index]]);
}

/** True where the last line of the text is in view, so that the view follows what is written. */
function atEnd() {
  const { scrollHeight, scrollTop, clientHeight } = $("written");
  return scrollHeight - scrollTop - clientHeight < 40;
}

function scrollToEnd() {
  $("written").scrollTop = $("written").scrollHeight;
}

function showWritten() {
  showNext();
  showHeld();
  showState();
}

/** Show the length of the text, and what the buttons can do. */
function showState() {
  const { passage: { length, full }, reading: busy } = writing;
  $("count").textContent = busy ? `reading the start text: ${counted(length, "character")}`
    : counted(length, "character") + (full ? ": begin again to go on" : "");
  $("written").setAttribute("aria-busy", String(busy));
  for (const button of [$("write"), ...$("next-characters").querySelectorAll("button")]) {
    activate(button, !full && !busy);
  }
}

const showSuccessor = []; // by rank
function showNext() {
  nextCharacters().forEach(([index, p], rank) => showSuccessor[rank](CHARACTERS[index], p));
}

function makeButtons() {
  const count = Math.min(DATA.guesses, CHARACTERS.length);
  for (let rank = 0; rank < count; rank++) {
    const button = add(add($("next-characters"), "li"), "button");
    button.type = "button";
    button.addEventListener("pointerdown", stop); // so that it writes the character that it shows
    button.addEventListener("click", () => writeInstead(rank));
    showSuccessor.push(makeSuccessor(button));
  }
}

// ---- the command that does the same

/** A word of a command line, in quotes where a shell of this system needs them. */
function quoted(word) {
  if (/^[\w.,:/=+-]+$/.test(word)) return word;
  if (!/^Win/.test(navigator.platform)) return `'${word.replaceAll("'", "'\\''")}'`;
  return `"${word.replace(/(\\*)"/g, '$1$1\\"').replace(/\\+$/, "$&$&")}"`;
}

/** A text as `--prime` takes it. */
const escaped = (text) => text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n")
  .replaceAll("\t", "\\t");

function showCommand() {
  const words = [...DATA.network.command, "--temp", String(setting("temperature"))];
  if (setting("top-p") < 1) words.push("--top-p", String(setting("top-p")));
  const start = $("prime").value;
  const typed = Array.from(start).every((character) => harmless(character) === character);
  if (start && typed) words.push("--prime", escaped(start));
  if (!typed) words.push("--prime-file", "start.txt");
  if (writing.leftOut) words.push("--unknown", "skip");
  for (const cell of held()) words.push("--hold", `${nameOf(cell)}=${Number(cell.value.toFixed(3))}`);
  $("command").textContent = Array.from(words.map(quoted).join(" "), harmless).join("");
  $("prime-file").hidden = typed;
}

// ---- controls and keys

/** Act on a key in the text that is written; false for a key without a meaning. */
function writingKey({ key, ctrlKey, repeat }) {
  if (key === " ") repeat || toggle();
  else if (key === "Escape") stop();
  else if (/^[1-9]$/.test(key) && key <= showSuccessor.length) repeat || writeInstead(key - 1);
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
  on("write", "click", toggle);
  on("again", "click", beginAgain);
  on("prime", "input", beginAgain);
  on("seed", "input", beginAgain);
  for (const id of ["temperature", "top-p", "speed"]) on(id, "input", showSettings);
}

/** Prepare the panel. */
function startWriting(network) {
  writing.passage = new Live(network);
  writing.view = new TextView($("written"), (position) => classIn(writing.passage, position),
    (position) => whyWriting.explain(writing.passage, position));
  makeButtons();
  Object.assign($("speed"), { max: SPEEDS.length - 1, value: DEFAULT_SPEED });
  listenToWriting();
  showSettings();
}

/** Write the beginning of a text, until something else is asked for. */
async function writeFirst() {
  await beginAgain();
  if (writing.reading || writing.running) return;
  const { request } = writing;
  const end = performance.now() + MAX_FIRST_MS;
  const wanted = () => request === writing.request && performance.now() < end;
  try {
    await inSlices(Array.from({ length: FIRST_LENGTH }), () => write(), wanted, showWritten);
  } catch (error) {
    fail(error);
    showWritten();
  }
  if (request !== writing.request) return;
  showWritten();
  $("written").scrollTop = 0;
}
