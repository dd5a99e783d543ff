// The panel "Read": a text by the chosen cell, with the numbers of a character, a view of the whole
// text, and a search. The text is the one that was recorded when the page was made, or one that is
// typed or pasted.

const recorded = new Recorded();
const reading = {
  passage: recorded,
  own: null, // the text that is typed, a Live passage
  edit: 0, // numbers the changes of that text: only the last one counts
  view: null,
  hovered: null, // the character under the pointer
  position: 0, // the current character of the recorded text
};

// ---- which text

function show(passage) {
  reading.passage = passage;
  reading.view.show(passage.characters);
  $("own").hidden = passage === recorded;
  for (const radio of document.getElementsByName("source")) {
    radio.checked = radio.value === (passage === recorded ? "recorded" : "own");
  }
  reading.hovered = null;
  whyReading?.clear();
  search();
  describeReading();
}

function readRecorded() {
  if (reading.passage !== recorded) show(recorded);
}

/** Read the text that is typed, from the first character that differs. */
async function readOwn() {
  const edit = ++reading.edit;
  const { own, view } = reading;
  const { indices, notice } = beginningOf($("typed").value, own);
  $("own-notice").textContent = notice;
  whyReading.clear();
  let same = 0;
  while (same < own.length && own.indices[same] === indices[same]) same++;
  const left = own.cut(same);
  view.cut(left);
  let shown = view.length;
  const extend = () => {
    view.extend(own.characters.slice(shown));
    shown = own.length;
  };
  const wanted = () => edit === reading.edit && reading.passage === own;
  const rest = indices.slice(left);
  try {
    if (!(await inSlices(rest, (index) => own.push(index), wanted, extend))) return;
  } catch (error) {
    $("own-notice").textContent = error.message;
  }
  extend();
  search();
  describeReading();
}

// ---- the numbers of a character

/** Describe the text and its current character. */
function describeReading() {
  describeRange();
  drawOverview();
  describeCharacter();
}

function describeCharacter() {
  const { passage, view } = reading;
  const N = view.length;
  $("detail").hidden = !N;
  if (!N || view.length > passage.levels.length) return;
  const position = within(reading.hovered ?? view.here ?? 0, 0, N - 1);
  const value = passage.valueAt(position);
  const surprise = passage.bits(position);
  $("character").textContent = visible(view.characters[position]);
  $("where").textContent =
    `character ${position.toLocaleString("en")} of ${N.toLocaleString("en")}`;
  $("surprisal-here").textContent = surprise === null ? "–" : `${number(surprise)} bits`;
  const { name } = signalChosen();
  $("value-name").textContent = `${name === "c" ? "tanh c" : name} of cell ${chosen.cell}`;
  $("value-here").textContent = number(value, passage.decimals());
  $("there").style.left = `${(100 * (position + 0.5)) / N}%`;
  $("mark").style.left = `${along(byCell() ? value : surprise ?? 0)}%`;
  describeSuccessors(passage.successors(position), view.characters[position + 1]);
}

function describeSuccessors(successors, next) {
  let among = false;
  $("successors").replaceChildren();
  for (const [index, p] of successors) {
    const guess = CHARACTERS[index];
    const item = add($("successors"), "li");
    makeSuccessor(item)(guess, p);
    if (guess === next) item.setAttribute("aria-current", "true");
    among ||= guess === next;
  }
  $("came").textContent = next === undefined ? "The text ends here."
    : `Then came ${visible(next)}${among ? "" : ", which is not among them"}.`;
}

/** Make the elements of a next character; returns a function that shows one and its probability. */
function makeSuccessor(parent) {
  const code = add(parent, "code");
  const bar = add(add(parent, "span", "", "bar"), "i");
  const data = add(parent, "data");
  return (character, p) => {
    code.textContent = visible(character);
    bar.style.width = `${100 * p}%`;
    data.textContent = percent(p);
  };
}

function describeRange() {
  const { passage, view: { length } } = reading;
  $("range").textContent = "";
  if (!length || length > passage.levels.length) return;
  let [low, high, sum] = [Infinity, -Infinity, 0];
  for (let position = 0; position < length; position++) {
    const value = byCell() ? passage.valueAt(position) : passage.bits(position) ?? 0;
    [low, high, sum] = [Math.min(low, value), Math.max(high, value), sum + value];
  }
  const mean = sum / Math.max(1, byCell() || passage !== recorded ? length : length - 1);
  const shown = (value) => number(value, passage.decimals());
  const name = signalChosen().name === "c" ? "tanh c: from" : "From";
  $("range").textContent = byCell()
    ? `${name} ${shown(low)} to ${shown(high)}, ${shown(mean)} on average.`
    : `${number(mean)} bits a character on average, ${number(high)} at most.`;
  $("reach").style.left = `${along(low)}%`;
  $("reach").style.width = `${along(high) - along(low)}%`;
}

/** The whole text at a glance, from left to right: in each column the mean, and the extremes. */
function drawOverview() {
  const canvas = $("overview");
  const { clientWidth: wide, clientHeight: high } = canvas;
  const { passage, view: { length: N } } = reading;
  if (!wide || N > passage.levels.length) return;
  const bar = barsOn(canvas, wide, high);
  const columns = columnsOf(passage, N, Math.min(N, Math.floor(wide / 2)));
  columns.forEach(({ least, most, mean }, column) => {
    const [x, width] = [(column * wide) / columns.length, wide / columns.length];
    bar(x, width, most, 0.25);
    bar(x, width, least, 0.25);
    bar(x, width, mean, 1);
  });
  const [low, top] = ends().map(short);
  $("axis-from").textContent = "0";
  $("axis-to").textContent = counted(N, "character");
  const unit = byCell() ? "" : " bits";
  $("axis-of").textContent = `height: ${low} to ${top}${unit}`;
}

/** Prepare a canvas; returns a function that draws a bar of a value from −1 to 1. */
function barsOn(canvas, wide, high) {
  const scale = window.devicePixelRatio || 1;
  canvas.width = wide * scale;
  canvas.height = high * scale;
  const context = canvas.getContext("2d");
  context.scale(scale, scale);
  const style = getComputedStyle(canvas);
  const zero = byCell() ? high / 2 : high;
  const [blue, red, ochre] = ["--blue", "--red", "--ochre"].map((name) =>
    style.getPropertyValue(name));
  return (x, width, value, alpha) => {
    context.fillStyle = `rgb(${byCell() ? (value < 0 ? blue : red) : ochre} / ${alpha})`;
    context.fillRect(x, zero, width, -value * zero);
  };
}

/** The lowest, the highest and the mean value of each of some parts of a text, from −1 to 1. */
function columnsOf(passage, N, count) {
  const drawn = (position) => byCell()
    ? passage.levels[position] / DATA.levels - 1
    : Math.min(1, (passage.bits(position) ?? 0) / MAX_BITS);
  return Array.from({ length: count }, (_, column) => {
    const start = Math.floor((column * N) / count);
    const end = Math.floor(((column + 1) * N) / count);
    let [least, most, sum] = [0, 0, 0];
    for (let position = start; position < end; position++) {
      const value = drawn(position);
      [least, most, sum] = [Math.min(least, value), Math.max(most, value), sum + value];
    }
    return { least, most, mean: sum / (end - start) };
  });
}

// ---- search

// Lower-case where that keeps the length, so that positions stay what they are.
const folded = (character) =>
  character.toLowerCase().length === character.length ? character.toLowerCase() : character;
let hits = []; // from the first character to the one before `to`
let visited = -1; // the hit visited last

function search() {
  const { view } = reading;
  const typed = $("needle").value; // read as a text is: in bytes, or in a normal form
  const needle = (DATA.network ? charactersOf(typed) : Array.from(typed)).map(folded).join("");
  hits = needle ? matches(view.characters, needle) : [];
  visited = -1;
  const marked = hits.length ? new Uint8Array(view.length) : null;
  for (const { from, to } of hits) marked.fill(1, from, to);
  view.underline(marked);
  $("hits").textContent = needle ? `${hits.length.toLocaleString("en")} found` : "";
  for (const id of ["hit-before", "hit-after"]) $(id).disabled = !hits.length;
}

function matches(characters, needle) {
  const starts = []; // of each UTF-16 unit, the character
  const haystack = characters.map((character, position) => {
    for (const _ of character.split("")) starts.push(position);
    return folded(character);
  }).join("");
  const found = [];
  for (let at = haystack.indexOf(needle); at >= 0; at = haystack.indexOf(needle, at)) {
    const end = at + needle.length;
    found.push({ from: starts[at], to: starts[end - 1] + 1 });
    at = end;
  }
  return found;
}

function nextHit(step) {
  if (!hits.length) return;
  const ahead = hits.filter(({ from }) => from < (reading.view.here ?? 0)).length;
  const index = visited >= 0 ? visited + step : step > 0 ? ahead : ahead - 1;
  visited = (index + hits.length) % hits.length;
  reading.view.go(hits[visited].from, "center");
  $("hits").textContent = `${visited + 1} of ${hits.length.toLocaleString("en")}`;
}

// ---- pointers and controls

function point(position) {
  const { view, hovered } = reading;
  if (hovered !== null && hovered < view.length) view.span(hovered).removeAttribute("data-hover");
  if (position !== null) view.span(position).setAttribute("data-hover", "");
  reading.hovered = position;
}

function onPoint(event) {
  const position = reading.view.positionOf(event.target);
  if (position === null || position === reading.hovered) return;
  point(position);
  describeCharacterSoon();
}

let drawing = 0;
/** Describe the character once before the browser draws, however many events there are. */
function describeCharacterSoon() {
  cancelAnimationFrame(drawing);
  drawing = requestAnimationFrame(describeCharacter);
}

function onMoveInText(position) {
  point(null);
  if (reading.passage === recorded) reading.position = position;
  describeCharacter();
  keepAddress();
  whyReading?.explain(reading.passage, position);
}

function listenToReading() {
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
  on("overview", "click", ({ offsetX }) =>
    reading.view.go(Math.floor((reading.view.length * offsetX) / $("overview").clientWidth),
      "center"));
  if (reading.own) {
    on("source", "change", ({ target }) => {
      if (target.value === "own") {
        show(reading.own);
        $("typed").focus();
        readOwn();
      } else {
        show(recorded);
        reading.view.go(reading.position, "center");
      }
    });
    on("typed", "input", readOwn);
  }
  new ResizeObserver(drawOverview).observe($("overview"));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawOverview);
}
