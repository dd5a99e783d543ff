// Two kinds of passages, of which the page shows the same: a text that was recorded when the page
// was made, and a text that the network reads now. Each has, for a position, the level of the
// chosen cell, the surprisal in bits, and the likeliest next characters.

const GUESSES = 5; // next characters to show
const SAVE = 64; // characters between two saved states
const MAX_BYTES = 64e6; // of the levels of a passage
const MAX_CHARACTERS = 20_000; // of a passage that the network reads now

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

  /** The surprisal; null for the first character, which nothing predicts. */
  bits(position) {
    const hundredths = this.surprisal[position];
    return hundredths === DATA.none ? null : hundredths / DATA.perBit;
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
    this.most = Math.min(MAX_CHARACTERS, Math.floor(MAX_BYTES / perPosition));
    this.perPosition = perPosition;
    this.chosen = { signal: 0, cell: 0 };
    this.clear();
  }

  clear() {
    this.reader.begin(...START);
    Object.assign(this, { characters: [], indices: [], read: [], levels: [] });
    this.saved = [this.reader.saved()];
  }

  get length() {
    return this.indices.length;
  }

  get full() {
    return this.length >= this.most;
  }

  /** Read a character. */
  push(index, held = []) {
    const { reader } = this;
    const bits = -logProbability(reader.logits, index) / Math.LN2;
    this.before = reader.saved();
    reader.read(index, held);
    if (!reader.logits.every(Number.isFinite)) {
      reader.begin(...this.before);
      throw new Error("The state of the network became infinite");
    }
    const p = softmax(reader.logits);
    const successors = likeliest(p, GUESSES).map((guess) => [guess, p[guess]]);
    const levels = this.levelsNow();
    this.read.push({ bits, successors, levels });
    this.indices.push(index);
    this.characters.push(CHARACTERS[index]);
    this.levels.push(levels[this.at()]);
    if (this.length % SAVE === 0) this.saved.push(reader.saved());
  }

  /** The levels of all cells of all signals after the last character. */
  levelsNow() {
    const levels = new Uint8Array(this.perPosition);
    let at = 0;
    for (const signal of DATA.signals) {
      const values = this.reader.values(signal.layer, signal.name);
      for (let cell = 0; cell < signal.cells; cell++) levels[at++] = levelOf(values[cell], signal);
    }
    return levels;
  }

  /** The place of a cell among those levels. */
  at({ signal, cell } = this.chosen) {
    return DATA.signals.slice(0, signal).reduce((sum, { cells }) => sum + cells, 0) + cell;
  }

  levelsOf(signal, cell) {
    this.chosen = { signal, cell };
    const at = this.at();
    return this.read.map(({ levels }) => levels[at]);
  }

  /** Forget the end, at least from a position on; returns the length that is left. */
  cut(length) {
    const saves = Math.floor(Math.min(length, this.length) / SAVE);
    this.saved.length = saves + 1;
    for (const list of [this.characters, this.indices, this.read, this.levels]) {
      list.length = saves * SAVE;
    }
    this.reader.begin(...this.saved[saves]);
    return this.length;
  }

  /** Read the last character again, with other cells held. */
  again(held) {
    const index = this.indices.pop();
    for (const list of [this.characters, this.read, this.levels]) list.pop();
    if ((this.length + 1) % SAVE === 0) this.saved.pop();
    this.reader.begin(...this.before);
    this.push(index, held);
  }

  bits(position) {
    return this.read[position].bits;
  }

  successors(position) {
    return this.read[position].successors;
  }
}

// ---- from a text to indices

const INDEX = new Map(CHARACTERS.map((character, index) => [character, index]));

/** The characters of a text as the training read texts. */
function charactersOf(text) {
  const { newlines, normalize, binary } = DATA.network;
  if (newlines === "lf") text = text.replace(/\r\r\n|\r\n|\r/g, "\n");
  if (binary) {
    return Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte));
  }
  if (normalize) return Array.from(text.normalize(normalize.toUpperCase()));
  const known = (form) => Array.from(form).every((character) => INDEX.has(character));
  // Another normal form, where it helps: macOS writes é as two characters.
  const forms = [text, text.normalize("NFC"), text.normalize("NFD")];
  return Array.from(forms.find(known) ?? text);
}

/** The indices of a text, and a sentence on unknown characters: those that are not in the vocabulary. */
function encode(text) {
  const unknown = new Map();
  const { replacement } = DATA.network;
  const indices = charactersOf(text).flatMap((character) => {
    if (INDEX.has(character)) return [INDEX.get(character)];
    unknown.set(character, (unknown.get(character) ?? 0) + 1);
    return replacement < 0 ? [] : [replacement];
  });
  if (!unknown.size) return { indices, notice: "" };
  const total = [...unknown.values()].reduce((a, b) => a + b);
  const some = [...unknown.keys()].slice(0, 8).map(visible).join(" ");
  const treatment = replacement < 0 ? "left out" : "read as U+FFFD";
  const more = unknown.size > 8 ? " …" : "";
  return { indices, notice: `${counted(total, "unknown character")} ${treatment}: ${some}${more}` };
}
