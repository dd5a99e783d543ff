// The data of the page, and characters and numbers as the page shows them.
// Everything from a text, a model or the address reaches the page only as text nodes.

const $ = (id) => document.getElementById(id);
const on = (id, event, act) => $(id).addEventListener(event, act);
const DATA = JSON.parse($("data").textContent);
const TEXT = DATA.text.map((point) => String.fromCodePoint(point));
const CHARACTERS = DATA.characters.map((point) => String.fromCodePoint(point));

// ---- characters

const WHITE = new Map([["\n", "↵"], ["\t", "⇥"], [" ", "␣"]]);
// Controls, formats, surrogates, unassigned, and separators other than the space.
const UNSEEN = /^[\p{C}\p{Zl}\p{Zp}\p{Zs}]$/u;

const spelled = new Map(); // by character: a test of each character of a long text would take long

/** A character as a text shows it: spelled out if it is invisible or moves others. */
function harmless(character) {
  if (!spelled.has(character)) spelled.set(character, spell(character));
  return spelled.get(character);
}

function spell(character) {
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

// ---- numbers

const number = (value, decimals = 2) =>
  value.toFixed(decimals).replace(/^-(0(\.0+)?)$/, "$1").replace("-", "−");
const short = (value) => String(Number(value.toFixed(2))).replace("-", "−");
const signed = (value) => (value < 0 ? "" : "+") + number(value);
const counted = (count, name) => `${count.toLocaleString("en")} ${name}${count === 1 ? "" : "s"}`;
const percent = (share) => `${(100 * share).toFixed(1)} %`;
const within = (value, low, high) => Math.max(low, Math.min(high, value));

// ---- colours

/** The class of a colour: b, r or s, and the strength from 0 to 1 in steps. */
const shade = (strength, letter) => {
  const step = Math.round(Math.min(1, strength) * DATA.shades);
  return step ? letter + step : "";
};
/** The class of a value from −1, blue, to 1, red. */
const blueToRed = (value) => shade(Math.abs(value), value < 0 ? "b" : "r");

/** The level of a value of a signal, from 0, the bluest, to 2 · DATA.levels, the reddest. */
function levelOf(value, { name, gate, largest }) {
  const drawn = name === "c" ? Math.tanh(value) : gate ? 2 * value - 1 : value / largest;
  return Math.round(DATA.levels * within(drawn || 0, -1, 1)) + DATA.levels;
}

/** The value that a level stands for, in the units of the signal; of c it is tanh c. */
function valueOf(level, { gate, largest }) {
  const drawn = level / DATA.levels - 1;
  return gate ? (drawn + 1) / 2 : drawn * largest;
}

// ---- elements

/** Make an element with a text, and add it to another. */
function add(parent, tag, text = "", className = "") {
  const element = document.createElement(tag);
  element.textContent = text;
  if (className) element.className = className;
  return parent.appendChild(element);
}

/** The array that was deflated and written in base64. */
async function unpack(packed, Type = Uint8Array) {
  const stream = new Blob([bytesOf(packed)]).stream()
    .pipeThrough(new DecompressionStream("deflate"));
  return new Type(await new Response(stream).arrayBuffer());
}

/**
 * Make a button active or not. An inactive one keeps the focus, unlike one with `disabled`: what it
 * calls has to do nothing then.
 */
function activate(button, active) {
  button.setAttribute("aria-disabled", String(!active));
}

const SLICE_MS = 12; // milliseconds of work, after which the browser may draw

/** Call `act` on each item, in slices of time; false if `wanted()` ended it. */
async function inSlices(items, act, wanted, between = () => {}) {
  let begun = performance.now();
  for (const item of items) {
    act(item);
    if (performance.now() - begun < SLICE_MS) continue;
    between();
    await new Promise((go) => setTimeout(go));
    if (!wanted()) return false;
    begun = performance.now();
  }
  return true;
}
