// The text of the report: coloured by a cell, read one character at a time, searched.
// All that comes from a text, a model or the address reaches the page as text nodes alone.

const SHADES = 12; // on either side of zero, classes b1 … b12 and r1 … r12
const MOST = 8; // bits of surprisal that have the strongest of s1 … s12
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

// What is chosen: which of DATA.signals, which of its cells, what colours, which character.
const chosen = { signal: 0, cell: 0, by: "cell", place: 0 };
let surprisal, guesses, probabilities; // N, N × K, N × K
let levels = null; // of the chosen cell, N
let hovered = null; // a character that is pointed at
let asked = 0; // numbers the requests for cells: only the last one counts

// ---- characters

const VISIBLE = new Map([["\n", "↵"], ["\t", "⇥"], [" ", "␣"]]);
// Controls, formats, surrogates, unassigned, and separators other than the space.
const UNSEEN = /^[\p{C}\p{Zl}\p{Zp}\p{Zs}]$/u;

/** A character such that it can be seen, and moves nothing around it. */
function visible(character) {
  if (VISIBLE.has(character)) return VISIBLE.get(character);
  if (/^\p{M}$/u.test(character)) return "◌" + character;
  return UNSEEN.test(character) ? escaped(character) : character;
}

function escaped(character) {
  const digits = character.codePointAt(0).toString(16);
  if (digits.length <= 2) return "\\x" + digits.padStart(2, "0");
  return digits.length <= 4 ? "\\u" + digits.padStart(4, "0") : "\\U" + digits.padStart(8, "0");
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
  const { gate, largest } = DATA.signals[chosen.signal];
  const drawn = level / DATA.levels - 1;
  return gate ? (drawn + 1) / 2 : drawn * largest;
}

const number = (value) => value.toFixed(2).replace(/^-(0\.00)$/, "$1").replace("-", "−");
const bits = (place) =>
  surprisal[place] === DATA.none ? null : surprisal[place] / DATA.perBit;

// ---- the text

const spans = [];
const places = new Map(); // of the spans

function layOut() {
  let block = null;
  TEXT.forEach((character, place) => {
    const length = block ? block.childElementCount : Infinity;
    if (length >= 5 * BLOCK || (length >= BLOCK && TEXT[place - 1] === "\n")) {
      block = $("text").appendChild(document.createElement("div"));
    }
    const span = document.createElement("span");
    if (character === "\n" || character === "\t") {
      span.dataset.as = VISIBLE.get(character);
      span.textContent = character;
    } else {
      span.textContent = character === " " ? " " : UNSEEN.test(character) ? escaped(character) : character;
    }
    spans.push(block.appendChild(span));
    places.set(span, place);
  });
}

const shade = (strength, letter) => {
  const step = Math.round(Math.min(1, strength) * SHADES);
  return step ? letter + step : "";
};
const CELL_CLASSES = Array.from({ length: 2 * DATA.levels + 1 }, (_, level) =>
  shade(Math.abs(level / DATA.levels - 1), level < DATA.levels ? "b" : "r"));

function classAt(place) {
  if (chosen.by === "cell") return CELL_CLASSES[levels[place]];
  return shade((bits(place) ?? 0) / MOST, "s");
}

const painted = new Array(N).fill("");
function recolour() {
  performance.mark("recolour");
  for (let place = 0; place < N; place++) {
    const name = classAt(place);
    if (name === painted[place]) continue;
    painted[place] = name;
    spans[place].className = name;
  }
  performance.measure("recolour", "recolour");
}

// ---- what is said of the cell and of a character

function describeCell() {
  const { layer, name, gate, largest } = DATA.signals[chosen.signal];
  const ofCell = chosen.by === "cell";
  const what = ofCell ? `layer ${layer}, ${name}, cell ${chosen.cell}` : "surprisal";
  let low = Infinity, high = -Infinity, sum = 0;
  for (let place = 0; place < N; place++) {
    const value = ofCell ? valueOf(levels[place]) : bits(place) ?? 0;
    low = Math.min(low, value);
    high = Math.max(high, value);
    sum += value;
  }
  $("text").setAttribute("aria-label", `Text, coloured by ${what}`);
  $("workbench").dataset.by = chosen.by;
  $("range").textContent = ofCell
    ? `From ${number(low)} to ${number(high)}, ${number(sum / N)} on average.`
    : `${number(sum / Math.max(1, N - 1))} bits a character on average, ${number(high)} at most.`;
  const ends = ofCell ? [gate ? 0 : -largest, largest] : [0, MOST];
  const said = ofCell ? (gate ? ["closed", "open"] : ["", ""]) : ["", "bits"];
  const short = (value) => String(Number(value.toFixed(2))).replace("-", "−");
  $("low").textContent = `${said[0]} ${short(ends[0])}`.trim();
  $("high").textContent = `${short(ends[1])}${ofCell ? "" : " or more"} ${said[1]}`.trim();
  const [left, right] = [low, high].map((value) => share(value, ends));
  $("reach").style.left = `${left}%`;
  $("reach").style.width = `${right - left}%`;
}

const share = (value, [low, high]) =>
  100 * Math.max(0, Math.min(1, (value - low) / (high - low)));

function describeCharacter() {
  const place = hovered ?? chosen.place;
  if (!levels || !N) return;
  const signal = DATA.signals[chosen.signal];
  const value = valueOf(levels[place]);
  const surprise = bits(place);
  $("character").textContent = visible(TEXT[place]);
  $("where").textContent = `character ${place.toLocaleString("en")} of ${N.toLocaleString("en")}`;
  $("surprisal-here").textContent = surprise === null ? "–" : `${number(surprise)} bits`;
  $("value-name").textContent = `${signal.name} of cell ${chosen.cell}`;
  $("value-here").textContent = number(value);
  const ofCell = chosen.by === "cell";
  const ends = ofCell ? [signal.gate ? 0 : -signal.largest, signal.largest] : [0, MOST];
  $("mark").style.left = `${share(ofCell ? value : surprise ?? 0, ends)}%`;
  describeSuccessors(place);
}

const rows = [];
function describeSuccessors(place) {
  const next = place + 1 < N ? TEXT[place + 1] : null;
  let among = false;
  rows.forEach(({ item, code, bar, data }, rank) => {
    const guess = CHARACTERS[guesses[place * DATA.guesses + rank]];
    const probability = probabilities[place * DATA.guesses + rank] / DATA.perOne;
    const came = guess === next;
    among ||= came;
    code.textContent = visible(guess);
    bar.style.width = `${100 * probability}%`;
    data.textContent = `${(100 * probability).toFixed(1)} %`;
    if (came) item.setAttribute("aria-current", "true");
    else item.removeAttribute("aria-current");
  });
  $("came").textContent = next === null ? "The text ends here."
    : `${visible(next)} came${among ? "" : ", which is not among them"}.`;
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

// ---- choosing

/** Show another cell, colouring or character; what is not given stays. */
async function choose(change) {
  const request = ++asked;
  Object.assign(chosen, change);
  const signal = DATA.signals[chosen.signal];
  chosen.cell = Math.max(0, Math.min(signal.cells - 1, chosen.cell));
  showChoice();
  const found = await unpack(packedCell(chosen.signal, chosen.cell));
  if (request !== asked) return;
  levels = found;
  recolour();
  describeCell();
  describeCharacter();
  keepAddress();
}

function showChoice() {
  const { layer, cells } = DATA.signals[chosen.signal];
  $("layer").value = layer;
  const signals = [...DATA.signals.entries()].filter(([, signal]) => signal.layer === layer);
  $("signal").replaceChildren(...signals.map(([index, { name }]) =>
    new Option(MEANINGS[name] ? `${name} – ${MEANINGS[name]}` : name, index)));
  $("signal").value = chosen.signal;
  for (const id of ["cell", "slider"]) {
    $(id).max = cells - 1;
    if ($(id).value !== String(chosen.cell)) $(id).value = chosen.cell;
  }
  $("previous").disabled = chosen.cell === 0;
  $("next").disabled = chosen.cell === cells - 1;
  for (const radio of document.getElementsByName("by")) radio.checked = radio.value === chosen.by;
}

const flip = (by) => choose({ cell: chosen.cell + by, by: "cell" });

/** Move the current character; it is scrolled to where it can be seen. */
function go(place, block = "nearest") {
  spans[chosen.place]?.removeAttribute("data-here");
  chosen.place = Math.max(0, Math.min(N - 1, place));
  const span = spans[chosen.place];
  span.setAttribute("data-here", "");
  hovered = null;
  scrollTo(span, block);
  // Blocks that come into view get their height only then, and move the character.
  requestAnimationFrame(() => scrollTo(span, block));
  describeCharacter();
  keepAddress();
}

/** Scroll the text, and not the page. */
function scrollTo(span, block) {
  const box = $("text").getBoundingClientRect();
  const { top, bottom } = span.getBoundingClientRect();
  const margin = 12;
  if (block === "center") $("text").scrollTop += (top + bottom - box.top - box.bottom) / 2;
  else if (top < box.top + margin) $("text").scrollTop -= box.top + margin - top;
  else if (bottom > box.bottom - margin) $("text").scrollTop += bottom - box.bottom + margin;
}

// ---- the address: #layer=1&signal=h&cell=42&place=100

let waiting = 0;
function keepAddress() {
  clearTimeout(waiting); // browsers allow few changes a second
  waiting = setTimeout(() => history.replaceState(null, "", address()), 300);
}

function address() {
  const { layer, name } = DATA.signals[chosen.signal];
  const state = { layer, signal: name, cell: chosen.cell, place: chosen.place };
  if (chosen.by !== "cell") state.by = chosen.by;
  return `#${new URLSearchParams(state)}`;
}

/** Do what an address says; false if it says nothing of the text. */
async function follow(hash) {
  const wanted = new URLSearchParams(hash.slice(1));
  const signal = DATA.signals.findIndex(({ layer, name }) =>
    String(layer) === wanted.get("layer") && name === wanted.get("signal"));
  if (signal < 0) return false;
  const whole = (key) => (/^\d{1,9}$/.test(wanted.get(key) ?? "") ? Number(wanted.get(key)) : null);
  const by = wanted.get("by") === "surprisal" ? "surprisal" : "cell";
  await choose({ signal, cell: whole("cell") ?? chosen.cell, by });
  if (whole("place") !== null) go(whole("place"), "center");
  return true;
}

// ---- search

// Lower-case where that keeps the length, so that places stay what they are.
const folded = (character) =>
  character.toLowerCase().length === character.length ? character.toLowerCase() : character;
const starts = []; // of each UTF-16 unit, the character
const haystack = TEXT.map((character, place) => {
  for (const _ of character.split("")) starts.push(place);
  return folded(character);
}).join("");
let hits = [];

function search() {
  for (const { from, to } of hits) for (let i = from; i < to; i++) spans[i].removeAttribute("data-hit");
  hits = [];
  const needle = Array.from($("needle").value, folded).join("");
  for (let at = needle ? haystack.indexOf(needle) : -1; at >= 0;
    at = haystack.indexOf(needle, at + needle.length)) {
    hits.push({ from: starts[at], to: starts[at + needle.length - 1] + 1 });
  }
  for (const { from, to } of hits) for (let i = from; i < to; i++) spans[i].setAttribute("data-hit", "");
  $("hits").textContent = needle ? `${hits.length.toLocaleString("en")} found` : "";
  for (const id of ["hit-before", "hit-after"]) $(id).disabled = !hits.length;
}

function nextHit(step) {
  if (!hits.length) return;
  const after = hits.findIndex(({ from }) => from > chosen.place);
  const before = hits.findLastIndex(({ from }) => from < chosen.place);
  const index = step > 0 ? Math.max(after, 0) : before < 0 ? hits.length - 1 : before;
  go(hits[index].from, "center");
  $("hits").textContent = `${index + 1} of ${hits.length}`;
}

// ---- keys and pointers

/** The character above or below, on the lines as they are broken here. */
function vertically(step) {
  const here = spans[chosen.place].getBoundingClientRect();
  let line = null, best = chosen.place, distance = Infinity;
  for (let place = chosen.place + step; spans[place]; place += step) {
    const there = spans[place].getBoundingClientRect();
    if (Math.abs(there.bottom - here.bottom) < here.height / 2) continue;
    line ??= there.bottom;
    if (Math.abs(there.bottom - line) > here.height / 2) break;
    if (Math.abs(there.left - here.left) < distance) {
      distance = Math.abs(there.left - here.left);
      best = place;
    }
  }
  return best;
}

const MOVES = {
  ArrowLeft: () => chosen.place - 1,
  ArrowRight: () => chosen.place + 1,
  ArrowUp: () => vertically(-1),
  ArrowDown: () => vertically(1),
  Home: (all) => (all ? 0 : TEXT.lastIndexOf("\n", chosen.place - 1) + 1),
  End: (all) => (!all && TEXT.includes("\n", chosen.place) ? TEXT.indexOf("\n", chosen.place) : N - 1),
};

function onKey(event) {
  if (event.altKey || event.metaKey || event.defaultPrevented) return;
  const { key, target, ctrlKey } = event;
  if (target === $("text")) {
    if (!(key in MOVES)) return;
    event.preventDefault();
    go(MOVES[key](ctrlKey), ctrlKey ? "center" : "nearest");
  } else if (!ctrlKey && !event.shiftKey && !target.closest("input, select, textarea, .wide")) {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[key];
    if (!step) return;
    event.preventDefault();
    flip(step);
  }
}

function onPoint(event) {
  const place = places.get(event.target) ?? null;
  if (place === null || place === hovered) return;
  spans[hovered]?.removeAttribute("data-hover");
  hovered = place;
  spans[place].setAttribute("data-hover", "");
  describeCharacter();
}

function onLeave() {
  spans[hovered]?.removeAttribute("data-hover");
  hovered = null;
  describeCharacter();
}

function listen() {
  const on = (id, event, act) => $(id).addEventListener(event, act);
  on("layer", "change", () => {
    const { name } = DATA.signals[chosen.signal];
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
  on("controls", "submit", (event) => event.preventDefault());
  on("needle", "input", search);
  on("needle", "keydown", (event) => {
    if (event.key === "Enter") nextHit(event.shiftKey ? -1 : 1);
  });
  on("hit-before", "click", () => nextHit(-1));
  on("hit-after", "click", () => nextHit(1));
  on("text", "pointerover", onPoint);
  on("text", "pointerleave", onLeave);
  on("text", "click", (event) => {
    if (places.has(event.target)) go(places.get(event.target));
  });
  document.addEventListener("keydown", onKey);
  window.addEventListener("hashchange", () => jump(location.hash));
  document.addEventListener("click", (event) => {
    // A link to the place where one is already changes no address.
    const link = event.target.closest?.('a[href^="#layer="]');
    if (link && link.hash === location.hash) jump(link.hash);
  });
}

async function jump(hash) {
  if (!(await follow(hash))) return;
  $("text").focus({ preventScroll: true });
  $("workbench").scrollIntoView();
}

async function start() {
  if (!N || !DATA.signals.length) return;
  [surprisal, guesses, probabilities] = await Promise.all([
    unpack($("surprisal").textContent, Uint16Array),
    unpack($("guesses").textContent, Uint32Array),
    unpack($("probabilities").textContent, Uint16Array),
  ]);
  const layers = [...new Set(DATA.signals.map(({ layer }) => layer))];
  $("layer").replaceChildren(...layers.map((layer) => new Option(layer, layer)));
  makeRows();
  layOut();
  search();
  listen();
  $("workbench").hidden = false;
  if (!(await follow(location.hash))) {
    await choose({});
    go(0);
  }
}

start().catch((error) => {
  $("trouble").textContent = `The text cannot be shown: ${error.message}. It needs Chromium or `
    + "Chrome 103, Firefox 113, Safari 16.4, or newer.";
  $("trouble").hidden = false;
});
