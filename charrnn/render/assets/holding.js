// Cells held at a value while the network writes. The chosen cell always has a slider: it moves with
// the cell, and holds it where it is put. Cells that are held stay in the list.

const holding = new Map(); // by name: { layer, name, cell, value }

const held = () => [...holding.values()];

/** The name of a cell as on the command line: 1.42, or 1.42.c for the memory of an LSTM. */
const nameOf = ({ layer, name, cell }) => `${layer}.${cell}${name === "c" ? ".c" : ""}`;

/** The chosen cell as one that can be held: its memory c if that is chosen, else its output h. */
function cellChosen() {
  const { layer, name } = signalChosen();
  return { layer, name: name === "c" ? "c" : "h", cell: chosen.cell };
}

/** The values between which a slider moves, and the low and the high end of the cell in the text. */
function limits({ layer, name, cell }) {
  const [least, low, high, most] = DATA.ranges[`${layer}.${name}`][cell];
  return { least, low, high, most };
}

function hold(cell, value) {
  const { least, most } = limits(cell);
  holding.set(nameOf(cell), { ...cell, value: within(value, least, most) });
  afterHolding();
}

function release(cell) {
  if (holding.delete(nameOf(cell))) afterHolding();
}

/** Read the last character again with what is held, and show what the network expects then. */
function afterHolding() {
  const { passage, running, reading: busy } = writing;
  if (!running && !busy && passage.length) {
    attempt(() => passage.again(held()));
    writing.view.recolour();
    showNext();
  }
  showHeld();
  showCommand();
}

const sliders = new Map(); // by the name of the cell: the elements of its row

function makeRow(cell) {
  const row = document.createElement("div");
  row.className = "hold";
  add(row, "span", `cell ${nameOf(cell)}`, "name");
  const button = (text, label, act) => {
    const made = add(row, "button", text);
    made.type = "button";
    made.setAttribute("aria-label", label);
    made.addEventListener("click", act);
    return made;
  };
  const { least, most, low, high } = limits(cell);
  button(`low ${short(low)}`, `Hold cell ${nameOf(cell)} at its low end, ${short(low)}`,
    () => hold(cell, low));
  const slider = add(row, "input");
  Object.assign(slider, { type: "range", min: least, max: most, step: 0.01 });
  const marks = add(row, "datalist"); // the two ends, as marks on the slider
  marks.id = `ends-${nameOf(cell)}`;
  slider.setAttribute("list", marks.id);
  for (const end of [low, high]) add(marks, "option").value = end.toFixed(2);
  slider.setAttribute("aria-label", `Value of cell ${nameOf(cell)}`);
  slider.addEventListener("input", () => hold(cell, Number(slider.value)));
  button(`high ${short(high)}`, `Hold cell ${nameOf(cell)} at its high end, ${short(high)}`,
    () => hold(cell, high));
  const value = add(row, "output");
  const free = button("let go", `Let go of cell ${nameOf(cell)}`, () => release(cell));
  return { row, slider, value, free };
}

/** Show a row for the chosen cell and for each cell that is held. */
function showHeld() {
  if (!writing.passage) return;
  const shown = new Map([[nameOf(cellChosen()), cellChosen()], ...holding]);
  for (const [name, { row }] of sliders) {
    if (shown.has(name)) continue;
    row.remove();
    sliders.delete(name);
  }
  for (const [name, cell] of shown) {
    if (!sliders.has(name)) {
      sliders.set(name, makeRow(cell));
      $("holds").append(sliders.get(name).row);
    }
    const { row, slider, value, free } = sliders.get(name);
    const fixed = holding.get(name);
    const is = fixed?.value ?? writing.passage.reader.values(cell.layer, cell.name)[cell.cell];
    slider.value = is;
    row.toggleAttribute("data-held", Boolean(fixed));
    value.textContent = `${number(is)} ${fixed ? "held" : "free"}`;
    activate(free, Boolean(fixed));
  }
  activate($("release"), holding.size > 0);
}

function listenToHolding() {
  on("release", "click", () => {
    holding.clear();
    afterHolding();
  });
}
