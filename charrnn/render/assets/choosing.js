// The second half of the script: the choice of a cell, of a character and of the colours.

// ---- choosing

/** Show another cell, colouring or character; the rest stays. */
async function choose(change) {
  const request = ++asked;
  Object.assign(chosen, change);
  chosen.cell = Math.max(0, Math.min(signalChosen().cells - 1, chosen.cell));
  showChoice();
  const found = await unpack(packedCell(chosen.signal, chosen.cell));
  if (request !== asked) return;
  levels = found;
  recolour();
  describeCell();
  drawOverview();
  describeCharacter();
  keepAddress();
}

function showChoice() {
  const { layer, cells } = signalChosen();
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

/** Move the current character, and scroll to it. */
function go(position, block = "nearest") {
  spans[chosen.position]?.removeAttribute("data-here");
  chosen.position = Math.max(0, Math.min(N - 1, position));
  const span = spans[chosen.position];
  span.setAttribute("data-here", "");
  point(null);
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

// ---- the address: #layer=1&signal=h&cell=42&position=100

let waiting = 0;
function keepAddress() {
  clearTimeout(waiting); // browsers allow few changes a second
  waiting = setTimeout(() => history.replaceState(null, "", address()), 300);
}

function address() {
  const { layer, name } = signalChosen();
  const state = { layer, signal: name, cell: chosen.cell, position: chosen.position };
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
  if (whole("position") !== null) go(whole("position"), "center");
  return true;
}

// ---- search

// Lower-case where that keeps the length, so that positions stay what they are.
const folded = (character) =>
  character.toLowerCase().length === character.length ? character.toLowerCase() : character;
const starts = []; // of each UTF-16 unit, the character
const haystack = TEXT.map((character, position) => {
  for (const _ of character.split("")) starts.push(position);
  return folded(character);
}).join("");
let hits = []; // from the first character to the one before `to`
let visited = -1; // the hit visited last

function search() {
  const mark = (act) => {
    for (const { from, to } of hits) spans.slice(from, to).forEach(act);
  };
  mark((span) => span.removeAttribute("data-hit"));
  hits = [];
  visited = -1;
  const needle = Array.from($("needle").value, folded).join("");
  let at = needle ? haystack.indexOf(needle) : -1;
  while (at >= 0) {
    hits.push({ from: starts[at], to: starts[at + needle.length - 1] + 1 });
    at = haystack.indexOf(needle, at + needle.length);
  }
  mark((span) => span.setAttribute("data-hit", ""));
  $("hits").textContent = needle ? `${hits.length.toLocaleString("en")} found` : "";
  for (const id of ["hit-before", "hit-after"]) $(id).disabled = !hits.length;
}

function nextHit(step) {
  if (!hits.length) return;
  const ahead = hits.filter(({ from }) => from < chosen.position).length;
  const index = visited >= 0 ? visited + step : step > 0 ? ahead : ahead - 1;
  visited = (index + hits.length) % hits.length;
  go(hits[visited].from, "center");
  $("hits").textContent = `${visited + 1} of ${hits.length.toLocaleString("en")}`;
}

// ---- keys and pointers

/** The character above or below, on the lines as they are broken here. */
function vertically(step) {
  const here = spans[chosen.position].getBoundingClientRect();
  let line = null, best = chosen.position, distance = Infinity;
  for (let position = chosen.position + step; spans[position]; position += step) {
    const there = spans[position].getBoundingClientRect();
    if (Math.abs(there.bottom - here.bottom) < here.height / 2) continue;
    line ??= there.bottom;
    if (Math.abs(there.bottom - line) > here.height / 2) break;
    if (Math.abs(there.left - here.left) < distance) {
      distance = Math.abs(there.left - here.left);
      best = position;
    }
  }
  return best;
}

const MOVES = {
  ArrowLeft: () => chosen.position - 1,
  ArrowRight: () => chosen.position + 1,
  ArrowUp: () => vertically(-1),
  ArrowDown: () => vertically(1),
  Home: (all) => (all ? 0 : TEXT.slice(0, chosen.position).lastIndexOf("\n") + 1),
  End: (all) => {
    const end = all ? -1 : TEXT.indexOf("\n", chosen.position);
    return end < 0 ? N - 1 : end;
  },
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
  const position = positions.get(event.target) ?? null;
  if (position === null || position === hovered) return;
  point(position);
  describeCharacter();
}

function point(position) {
  spans[hovered]?.removeAttribute("data-hover");
  spans[position]?.setAttribute("data-hover", "");
  hovered = position;
}

function listen() {
  const on = (id, event, act) => $(id).addEventListener(event, act);
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
  on("controls", "submit", (event) => event.preventDefault());
  on("needle", "input", search);
  on("needle", "keydown", (event) => {
    if (event.key === "Enter") nextHit(event.shiftKey ? -1 : 1);
  });
  on("hit-before", "click", () => nextHit(-1));
  on("hit-after", "click", () => nextHit(1));
  on("text", "pointermove", onPoint); // not …over: text that scrolls under a pointer at rest
  on("text", "pointerleave", () => {
    point(null);
    describeCharacter();
  });
  on("text", "click", (event) => {
    if (positions.has(event.target)) go(positions.get(event.target));
  });
  on("overview", "click", ({ offsetX }) =>
    go(Math.floor((N * offsetX) / $("overview").clientWidth), "center"));
  new ResizeObserver(drawOverview).observe($("overview"));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawOverview);
  document.addEventListener("keydown", onKey);
  window.addEventListener("hashchange", () => jump(location.hash));
  document.addEventListener("click", (event) => {
    // A link to the current position does not change the address.
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
  if (!N || !DATA.signals.length) return; // nothing to show
  [surprisal, guesses, probabilities] = await Promise.all([
    unpack($("surprisal-data").textContent, Uint16Array),
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
  if (await follow(location.hash)) return;
  // Without a choice: the first cell found, from the beginning of the text.
  const found = document.querySelector("#found a")?.hash.replace(/&position=.*/, "");
  if (!(await follow(found ?? ""))) await choose({});
  go(0);
}

start().catch((error) => {
  $("trouble").textContent = `The text cannot be shown: ${error.message}. It needs Chromium or `
    + "Chrome 103, Firefox 113, Safari 16.4, or newer.";
  $("trouble").hidden = false;
});
