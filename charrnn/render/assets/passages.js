// Two kinds of passages, of which the page shows the same: a text that was recorded when the page
// was made, and a text that the network reads now. Each has, for a position, the level of the
// chosen cell, the surprisal in bits, and the likeliest next characters.

const SNAPSHOT_INTERVAL = 64; // characters between two copies of the state
const MAX_BYTES = 128e6; // of the values of a passage that the network reads now
const MAX_CHARACTERS = 20_000; // of such a passage

/** The text of the page. */
class Recorded {
  characters = TEXT;
  levels = new Uint8Array(TEXT.length).fill(DATA.levels);
  lines = new Map(); // by signal: the packed cells

  async load() {
    [this.surprisal, this.guesses, this.probabilities] = await Promise.all([
      unpack($("surprisal-data").textContent, Uint16Array),
      unpack($("guesses").textContent, Uint32Array),
      unpack($("probabilities").textContent, Uint16Array),
    ]);
  }

  /** The levels of a cell. */
  levelsOf(signal, cell) {
    if (!this.lines.has(signal)) {
      this.lines.set(signal, $(`signal-${signal}`).textContent.split("\n"));
    }
    return unpack(this.lines.get(signal)[cell]);
  }

  /** The value of the chosen cell, as exact as its levels; of c it is tanh c. */
  valueAt(position) {
    return valueOf(this.levels[position], signalChosen());
  }

  /** The decimals of such a value: two, or fewer where the levels are further apart. */
  decimals() {
    const step = signalChosen().largest / DATA.levels;
    return within(-Math.floor(Math.log10(step)), 0, 2);
  }

  /** The surprisal; null for the first character, which nothing predicts. */
  bits(position) {
    const hundredths = this.surprisal[position];
    return hundredths === DATA.unpredicted ? null : hundredths / DATA.perBit;
  }

  successors(position) {
    return Array.from({ length: DATA.guesses }, (_, rank) => {
      const at = position * DATA.guesses + rank;
      return [this.guesses[at], this.probabilities[at] / DATA.perOne];
    });
  }
}

/** A text that the network reads now, from the state in which its samples begin. */
class Live {
  constructor(network) {
    this.reader = new Reader(network);
    const perPosition = DATA.signals.reduce((sum, { cells }) => sum + cells, 0);
    const bytes = perPosition * Float32Array.BYTES_PER_ELEMENT;
    this.maxLength = Math.min(MAX_CHARACTERS, Math.floor(MAX_BYTES / bytes));
    this.perPosition = perPosition;
    this.chosen = { signal: 0, cell: 0 };
    this.clear();
  }

  clear() {
    this.reader.begin(...START);
    // For each position: { bits, successors, values }, with the values of all cells of all signals.
    this.steps = [];
    Object.assign(this, { characters: [], indices: [], levels: [] });
    this.snapshots = [this.reader.snapshot()]; // the first, and one after each interval
    this.before = this.reader.snapshot(); // before the last character
  }

  get length() {
    return this.indices.length;
  }

  get full() {
    return this.length >= this.maxLength;
  }

  /** Read a character. An error leaves the passage and the state as they were. */
  push(index, held = []) {
    const before = this.reader.snapshot();
    const step = this.step(index, held);
    this.before = before;
    this.indices.push(index);
    this.characters.push(CHARACTERS[index]);
    this.keep(step);
  }

  /** Read the last character again, with other cells held; an error leaves all as it was. */
  again(held) {
    const after = this.reader.snapshot();
    this.reader.begin(...this.before);
    try {
      const step = this.step(this.indices.at(-1), held);
      this.keep(step);
    } catch (error) {
      this.reader.begin(...after);
      throw error;
    }
  }

  /** Read a character, and return its numbers. */
  step(index, held) {
    const { reader } = this;
    const bits = -logProbability(reader.logits, index) / Math.LN2;
    const before = reader.snapshot();
    reader.read(index, held);
    if (!reader.logits.every(Number.isFinite)) {
      reader.begin(...before);
      throw new Error("The state of the network became infinite");
    }
    const p = softmax(reader.logits);
    const successors = likeliest(p, DATA.guesses).map((guess) => [guess, p[guess]]);
    return { bits, successors, values: this.valuesNow() };
  }

  /** Keep the numbers of the last character. */
  keep(step) {
    const last = this.length - 1;
    this.steps[last] = step;
    this.levels[last] = levelOf(step.values[this.at()], DATA.signals[this.chosen.signal]);
    if (this.length % SNAPSHOT_INTERVAL === 0) {
      this.snapshots[this.length / SNAPSHOT_INTERVAL] = this.reader.snapshot();
    }
  }

  /** The values of all cells of all signals after the last character. */
  valuesNow() {
    const values = new Float32Array(this.perPosition);
    let at = 0;
    for (const { layer, name, cells } of DATA.signals) {
      values.set(this.reader.values(layer, name), at);
      at += cells;
    }
    return values;
  }

  /** The place of a cell among those values. */
  at({ signal, cell } = this.chosen) {
    return DATA.signals.slice(0, signal).reduce((sum, { cells }) => sum + cells, 0) + cell;
  }

  levelsOf(signal, cell) {
    this.chosen = { signal, cell };
    const at = this.at();
    return this.steps.map(({ values }) => levelOf(values[at], DATA.signals[signal]));
  }

  /** The value of the chosen cell; of c it is tanh c. */
  valueAt(position) {
    const value = this.steps[position].values[this.at()];
    return DATA.signals[this.chosen.signal].name === "c" ? Math.tanh(value) : value;
  }

  decimals() {
    return 2;
  }

  /** Forget the end, at least from a position on; returns the length that is left. */
  cut(length) {
    const intervals = Math.floor(Math.min(length, this.length) / SNAPSHOT_INTERVAL);
    this.snapshots.length = intervals + 1;
    for (const list of [this.characters, this.indices, this.steps, this.levels]) {
      list.length = intervals * SNAPSHOT_INTERVAL;
    }
    this.reader.begin(...this.snapshots[intervals]);
    return this.length;
  }

  bits(position) {
    return this.steps[position].bits;
  }

  successors(position) {
    return this.steps[position].successors;
  }
}

// ---- from a text to indices

const INDEX = new Map(CHARACTERS.map((character, index) => [character, index]));

/** The characters of a text as the training read texts. Typed text has no line ends but newlines. */
function charactersOf(text) {
  const { normalize, binary } = DATA.network;
  if (binary) {
    return Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte));
  }
  if (normalize) return Array.from(text.normalize(normalize.toUpperCase()));
  // The normal form with the fewest unknown characters: macOS writes é as two characters.
  const unknown = (form) => form.filter((character) => !INDEX.has(character)).length;
  const forms = [text, text.normalize("NFC"), text.normalize("NFD")].map((form) => [...form]);
  return forms.reduce((best, form) => (unknown(form) < unknown(best) ? form : best));
}

/**
 * The indices of a text, a sentence on unknown characters (those that are not in the vocabulary),
 * and true if some of them were left out.
 */
function encode(text) {
  const unknown = new Map();
  const { replacement } = DATA.network;
  const indices = charactersOf(text).flatMap((character) => {
    if (INDEX.has(character)) return [INDEX.get(character)];
    unknown.set(character, (unknown.get(character) ?? 0) + 1);
    return replacement < 0 ? [] : [replacement];
  });
  if (!unknown.size) return { indices, notice: "", leftOut: false };
  const total = [...unknown.values()].reduce((a, b) => a + b);
  const some = [...unknown.keys()].slice(0, 8).map(visible).join(" ");
  const treatment = replacement < 0 ? "left out" : "read as U+FFFD";
  const more = unknown.size > 8 ? " …" : "";
  const notice = `${counted(total, "unknown character")} ${treatment}: ${some}${more}`;
  return { indices, notice, leftOut: replacement < 0 };
}

/** The beginning of a text that fits into a passage, with sentences on what is not read. */
function beginningOf(text, { maxLength }) {
  const { indices, notice, leftOut } = encode(text);
  const cut = indices.length > maxLength
    ? `only the first ${counted(maxLength, "character")} are read` : "";
  return {
    indices: indices.slice(0, maxLength),
    notice: [notice, cut].filter(Boolean).join("; "),
    leftOut,
  };
}
