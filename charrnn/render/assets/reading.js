// The first half of the script: the data, the coloured text, and the numbers beside it.
// Everything from a text, a model or the address reaches the page only as text nodes.

const SHADES = 12; // on either side of zero, classes b1 … b12 and r1 … r12
const MOST = 8; // bits of surprisal with the strongest colour of s1 … s12
const BLOCK = 400; // characters; a block ends with the line, or when it is five times as long
const MEANINGS = {
  h: "output", c: "memory, as tanh c", i: "input gate", f: "forget gate", o: "output gate",
  g: "candidate", r: "reset gate", z: "update gate", n: "candidate",
};

const $ = (id) => document.getElementById(id);
const DATA = JSON.parse($("data").textContent);
const TEXT = DATA.text.map((point) => String.fromCodePoint(point));
const CHARACTERS = DATA.characters.map((point) => String.fromCodePoint(point));
const N = TEXT.length;

// The choice: one of DATA.signals, one of its cells, the colours, a character.
const chosen = { signal: 0, cell: 0, by: "cell", position: 0 };
let surprisal, guesses, probabilities; // N, N × K, N × K
let levels = null; // of the chosen cell, N
let hovered = null; // the character under the pointer
let asked = 0; // numbers the requests for cells: only the last one counts

// ---- characters

const WHITE = new Map([["\n", "↵"], ["\t", "⇥"], [" ", "␣"]]);
// Controls, formats, surrogates, unassigned, and separators other than the space.
const UNSEEN = /^[\p{C}\p{Zl}\p{Zp}\p{Zs}]$/u;

/** A character as the text shows it: spelled out if it is invisible or moves others. */
function harmless(character) {
  if (WHITE.has(character) || !UNSEEN.test(character)) return character;
  const digits = character.codePointAt(0).toString(16);
  const [letter, size] = digits.length <= 2 ? ["x", 2] : digits.length <= 4 ? ["u", 4] : ["U", 8];
  return "\\" + letter + digits.padStart(size, "0");
}

/** A single character, made visible. */
function visible(character) {
  if (/^\p{M}$/u.test(character)) return "◌" + character;
  return WHITE.get(character) ?? harmless(character);
}

// ---- data

/** The array that was deflated and written in base64. */
async function unpack(packed, Type = Uint8Array) {
  const bytes = Uint8Array.from(atob(packed), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Type(await new Response(stream).arrayBuffer());
}

const lines = new Map(); // by signal: the packed cells
function packedCell(signal, cell) {
  if (!lines.has(signal)) lines.set(signal, $(`signal-${signal}`).textContent.split("\n"));
  return lines.get(signal)[cell];
}

/** The value that a level stands for, in the units of the signal. */
function valueOf(level) {
  const { gate, largest } = signalChosen();
  const drawn = level / DATA.levels - 1;
  return gate ? (drawn + 1) / 2 : drawn * largest;
}

const number = (value) => value.toFixed(2).replace(/^-(0\.00)$/, "$1").replace("-", "−");
const bits = (position) =>
  surprisal[position] === DATA.none ? null : surprisal[position] / DATA.perBit;

// ---- the text

const spans = [];
const positions = new Map(); // of the spans

function layOut() {
  let block = null;
  TEXT.forEach((character, position) => {
    const length = block ? block.childElementCount : Infinity;
    if (length >= 5 * BLOCK || (length >= BLOCK && TEXT[position - 1] === "\n")) {
      block = $("text").appendChild(document.createElement("div"));
    }
    const span = document.createElement("span");
    span.textContent = harmless(character);
    if (character === "\n" || character === "\t") span.dataset.as = WHITE.get(character);
    spans.push(block.appendChild(span));
    positions.set(span, position);
  });
}

const shade = (strength, letter) => {
  const step = Math.round(Math.min(1, strength) * SHADES);
  return step ? letter + step : "";
};
const CELL_CLASSES = Array.from({ length: 2 * DATA.levels + 1 }, (_, level) =>
  shade(Math.abs(level / DATA.levels - 1), level < DATA.levels ? "b" : "r"));

function classAt(position) {
  if (byCell()) return CELL_CLASSES[levels[position]];
  return shade((bits(position) ?? 0) / MOST, "s");
}

const painted = new Array(N).fill("");
function recolour() {
  performance.mark("recolour");
  for (let position = 0; position < N; position++) {
    const name = classAt(position);
    if (name === painted[position]) continue;
    painted[position] = name;
    spans[position].className = name;
  }
  performance.measure("recolour", "recolour");
}

// ---- the numbers of the cell and of a character

const signalChosen = () => DATA.signals[chosen.signal];
const byCell = () => chosen.by === "cell";

/** The values at the two ends of the colours. */
function ends() {
  const { gate, largest } = signalChosen();
  return byCell() ? [gate ? 0 : -largest, largest] : [0, MOST];
}

/** The position of a value between the two ends, in percent. */
function along(value) {
  const [low, high] = ends();
  return 100 * Math.max(0, Math.min(1, (value - low) / (high - low)));
}

function describeCell() {
  const { layer, name, gate } = signalChosen();
  const what = byCell() ? `cell ${chosen.cell} of layer ${layer}, ${name}` : "surprisal";
  const values = byCell() ? Array.from(levels, valueOf) : TEXT.map((_, position) => bits(position) ?? 0);
  const low = values.reduce((a, b) => Math.min(a, b));
  const high = values.reduce((a, b) => Math.max(a, b));
  const mean = values.reduce((a, b) => a + b) / Math.max(1, byCell() ? N : N - 1);
  $("text").setAttribute("aria-label", `Text, coloured by ${what}`);
  $("workbench").dataset.by = chosen.by;
  $("range").textContent = byCell()
    ? `From ${number(low)} to ${number(high)}, ${number(mean)} on average.`
    : `${number(mean)} bits a character on average, ${number(high)} at most.`;
  const [least, most] = ends().map((end) => String(Number(end.toFixed(2))).replace("-", "−"));
  $("low").textContent = byCell() && gate ? `closed ${least}` : least;
  $("high").textContent = byCell() ? (gate ? `${most} open` : most) : `${most} bits or more`;
  $("reach").style.left = `${along(low)}%`;
  $("reach").style.width = `${along(high) - along(low)}%`;
}

/** The whole text at a glance, from left to right: in each column the mean, and the extremes. */
function drawOverview() {
  const canvas = $("overview");
  const { clientWidth: wide, clientHeight: high } = canvas;
  if (!levels || !wide) return;
  const scale = window.devicePixelRatio || 1;
  canvas.width = wide * scale;
  canvas.height = high * scale;
  const context = canvas.getContext("2d");
  context.scale(scale, scale);
  const style = getComputedStyle(canvas);
  const zero = byCell() ? high / 2 : high;
  const bar = (x, width, value, alpha) => {
    const name = byCell() ? (value < 0 ? "--blue" : "--red") : "--ochre";
    context.fillStyle = `rgb(${style.getPropertyValue(name)} / ${alpha})`;
    context.fillRect(x, zero, width, -value * zero);
  };
  const drawn = byCell()
    ? Array.from(levels, (level) => level / DATA.levels - 1)
    : TEXT.map((_, position) => Math.min(1, (bits(position) ?? 0) / MOST));
  const columns = Math.min(N, Math.floor(wide / 2));
  for (let column = 0; column < columns; column++) {
    const start = Math.floor((column * N) / columns);
    const part = drawn.slice(start, Math.floor(((column + 1) * N) / columns));
    const [x, width] = [(column * wide) / columns, wide / columns];
    bar(x, width, Math.max(0, ...part), 0.25);
    bar(x, width, Math.min(0, ...part), 0.25);
    bar(x, width, part.reduce((a, b) => a + b) / part.length, 1);
  }
}

function describeCharacter() {
  const position = hovered ?? chosen.position;
  if (!levels) return;
  const value = valueOf(levels[position]);
  const surprise = bits(position);
  $("character").textContent = visible(TEXT[position]);
  $("where").textContent = `character ${position.toLocaleString("en")} of ${N.toLocaleString("en")}`;
  $("surprisal-here").textContent = surprise === null ? "–" : `${number(surprise)} bits`;
  $("value-name").textContent = `${signalChosen().name} of cell ${chosen.cell}`;
  $("value-here").textContent = number(value);
  $("there").style.left = `${(100 * (position + 0.5)) / N}%`;
  $("mark").style.left = `${along(byCell() ? value : surprise ?? 0)}%`;
  describeSuccessors(position);
}

const rows = [];
function describeSuccessors(position) {
  const next = position + 1 < N ? TEXT[position + 1] : null;
  let among = false;
  rows.forEach(({ item, code, bar, data }, rank) => {
    const guess = CHARACTERS[guesses[position * DATA.guesses + rank]];
    const probability = probabilities[position * DATA.guesses + rank] / DATA.perOne;
    const came = guess === next;
    among ||= came;
    code.textContent = visible(guess);
    bar.style.width = `${100 * probability}%`;
    data.textContent = `${(100 * probability).toFixed(1)} %`;
    if (came) item.setAttribute("aria-current", "true");
    else item.removeAttribute("aria-current");
  });
  $("came").textContent = next === null ? "The text ends here."
    : `Then came ${visible(next)}${among ? "" : ", which is not among them"}.`;
}

function makeRows() {
  for (let rank = 0; rank < DATA.guesses; rank++) {
    const item = document.createElement("li");
    const code = item.appendChild(document.createElement("code"));
    const outer = item.appendChild(document.createElement("span"));
    outer.className = "bar";
    const bar = outer.appendChild(document.createElement("i"));
    const data = item.appendChild(document.createElement("data"));
    $("successors").append(item);
    rows.push({ item, code, bar, data });
  }
}
