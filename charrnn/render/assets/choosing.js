// The choice of a cell, or of the surprisal, by which all texts of the page are coloured; and the
// address of the page, which keeps the choice.

const MAX_BITS = 8; // of surprisal, with the strongest colour
const NAMES = {
  h: "output", c: "memory, as tanh c", i: "input gate", f: "forget gate", o: "output gate",
  g: "candidate", r: "reset gate", z: "update gate", n: "candidate",
};
const MEANINGS = {
  h: "h is the output of the cell, which the next step and the next layer read.",
  c: "c is the memory of the cell; colours and numbers show tanh c. The output is o·tanh c.",
  i: "i is the input gate: the share of the candidate g that is added to the memory c.",
  f: "f is the forget gate: the share of the memory c that is kept.",
  o: "o is the output gate: the share of tanh c that becomes the output h.",
  g: "g is the candidate: the new value, of which the input gate i adds a share to the memory c.",
  r: "r is the reset gate: the share of the previous outputs that the candidate n takes in.",
  z: "z is the update gate: the share of the previous output that is kept.",
  n: "n is the candidate: the new value, of which the output gets the share 1 − z.",
};
const CELL_CLASSES = Array.from({ length: 2 * DATA.levels + 1 }, (_, level) =>
  blueToRed(level / DATA.levels - 1));

const chosen = { signal: 0, cell: 0, by: "cell" };
let asked = 0; // numbers the requests for cells: only the last one counts

const signalChosen = () => DATA.signals[chosen.signal];
const byCell = () => chosen.by === "cell";

/** The class of the colour of a character. */
function classIn(passage, position) {
  if (byCell()) return CELL_CLASSES[passage.levels[position]];
  return shade((passage.bits(position) ?? 0) / MAX_BITS, "s");
}

/** Show another cell, or other colours. */
async function choose(change) {
  const request = ++asked;
  Object.assign(chosen, change);
  chosen.cell = within(chosen.cell, 0, signalChosen().cells - 1);
  showChoice();
  const levels = await recorded.levelsOf(chosen.signal, chosen.cell);
  if (request !== asked) return;
  recorded.levels = levels;
  for (const live of [reading.own, writing.passage]) {
    if (live) live.levels = live.levelsOf(chosen.signal, chosen.cell);
  }
  reading.view.recolour();
  writing.view?.recolour();
  describeScale();
  showHeld();
  describeReading();
  keepAddress();
}

function showChoice() {
  const { layer, cells } = signalChosen();
  $("layer").value = layer;
  const signals = [...DATA.signals.entries()].filter(([, signal]) => signal.layer === layer);
  $("signal").replaceChildren(...signals.map(([index, { name }]) =>
    new Option(NAMES[name] ? `${name} – ${NAMES[name]}` : name, index)));
  $("signal").value = chosen.signal;
  for (const id of ["cell", "slider"]) {
    $(id).max = cells - 1;
    if ($(id).value !== String(chosen.cell)) $(id).value = chosen.cell;
  }
  activate($("previous"), chosen.cell > 0);
  activate($("next"), chosen.cell < cells - 1);
  for (const radio of document.getElementsByName("by")) radio.checked = radio.value === chosen.by;
}

const flip = (by) => choose({ cell: chosen.cell + by, by: "cell" });

// ---- the scale of the colours

/** The values at the two ends of the colours. */
function ends() {
  const { gate, largest } = signalChosen();
  return byCell() ? [gate ? 0 : -largest, largest] : [0, MAX_BITS];
}

/** The position of a value between the two ends, in percent. */
function along(value) {
  const [low, high] = ends();
  return 100 * within((value - low) / (high - low), 0, 1);
}

function describeScale() {
  const { layer, name, gate } = signalChosen();
  const what = byCell() ? `cell ${chosen.cell} of layer ${layer}, ${name}` : "surprisal";
  const [least, most] = ends().map(short);
  $("low").textContent = byCell() && gate ? `closed ${least}` : least;
  $("high").textContent = byCell() ? (gate ? `${most} open` : most) : `${most} bits or more`;
  const [low, high] = byCell() ? ["blue", "red"] : ["no colour", "ochre"];
  const key = `Colours: ${what}, from ${$("low").textContent} (${low}) to `
    + `${$("high").textContent} (${high})`;
  $("legend").setAttribute("aria-label", key);
  $("print-key").textContent = `${key}.`;
  $("meaning").textContent = byCell() ? MEANINGS[name] ?? "" : "";
  $("workbench").dataset.by = chosen.by;
  $("text").setAttribute("aria-label", `Text, coloured by ${what}`);
  $("written").setAttribute("aria-label", `Text that the network writes, coloured by ${what}`);
}

// ---- the address: #layer=1&signal=h&cell=42&position=100

let waiting = 0;
function keepAddress() {
  clearTimeout(waiting); // browsers allow few changes a second
  waiting = setTimeout(() => history.replaceState(null, "", address()), 300);
}

function address() {
  const { layer, name } = signalChosen();
  const state = { layer, signal: name, cell: chosen.cell, position: reading.position };
  if (!byCell()) state.by = chosen.by;
  return `#${new URLSearchParams(state)}`;
}

/** Apply the choice in an address; false if there is none. */
async function follow(hash) {
  const wanted = new URLSearchParams(hash.slice(1));
  const signal = DATA.signals.findIndex(({ layer, name }) =>
    String(layer) === wanted.get("layer") && name === wanted.get("signal"));
  if (signal < 0) return false;
  const whole = (key) => (/^\d{1,9}$/.test(wanted.get(key) ?? "") ? Number(wanted.get(key)) : null);
  const by = wanted.get("by") === "surprisal" ? "surprisal" : "cell";
  await choose({ signal, cell: whole("cell") ?? chosen.cell, by });
  if (whole("position") !== null) {
    readRecorded();
    reading.view.go(whole("position"), "center");
  }
  return true;
}

/** Follow a link to a cell. */
async function jump(hash) {
  if (!(await follow(hash))) return;
  $("text").focus({ preventScroll: true });
  $("explorer").scrollIntoView();
}

// ---- controls and keys

function listenToChoice() {
  on("layer", "change", () => {
    const { name } = signalChosen();
    const inLayer = DATA.signals.filter(({ layer }) => String(layer) === $("layer").value);
    const same = inLayer.find((signal) => signal.name === name) ?? inLayer[0];
    choose({ signal: DATA.signals.indexOf(same), by: "cell" });
  });
  on("signal", "change", () => choose({ signal: Number($("signal").value), by: "cell" }));
  for (const id of ["cell", "slider"]) {
    on(id, "input", () => {
      if ($(id).value !== "") choose({ cell: Math.trunc(Number($(id).value)), by: "cell" });
    });
  }
  on("previous", "click", () => flip(-1));
  on("next", "click", () => flip(1));
  on("by", "change", (event) => choose({ by: event.target.value }));
  document.addEventListener("submit", (event) => event.preventDefault());
  document.addEventListener("keydown", onKey);
  window.addEventListener("hashchange", () => jump(location.hash));
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.('a[href^="#layer="]');
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return; // a new tab or window
    // Not by the browser: it does nothing if the address is that of the link already.
    event.preventDefault();
    history.pushState(null, "", link.hash);
    jump(link.hash);
  });
}

/** Elements that have a use for the left and right keys. */
const SCROLLED = "input, select, textarea, .wide, pre, figure";

function onKey(event) {
  if (event.altKey || event.metaKey || event.defaultPrevented) return;
  const { key, target, ctrlKey } = event;
  if (ctrlKey && key !== "Home" && key !== "End") return; // a key of the browser
  if (target === $("text")) {
    if (reading.view.move(key, ctrlKey)) event.preventDefault();
  } else if (target === $("written")) {
    if (writingKey(event)) event.preventDefault();
  } else if (!ctrlKey && !event.shiftKey && !target.closest(SCROLLED)) {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[key];
    if (!step) return;
    event.preventDefault();
    flip(step);
  }
}
