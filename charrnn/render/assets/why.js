// Why did the network expect a character? Take x, and n characters of what stands before it, read
// from an empty state:
//
//   L(n) = log2 p(x | the last n characters),   L(0) = log2 p(x) from an empty state
//
// The contribution of the character n positions back is L(n) − L(n−1), in bits: +1 bit makes x
// twice as likely. The contributions add up to L(N) − L(0).

const CONTEXT = 40; // N, characters of context
const FULL_COLOUR_BITS = 3;
const MAX_EXPLAIN_MS = 4_000; // after which longer contexts are left out

/** Yield L(0), L(1), … L(N) of the last of some characters, and null where work goes on. */
function* withContext(network, indices) {
  const reader = new Reader(network);
  const last = indices.length - 1;
  const bits = () => logProbability(reader.logits, indices[last]) / Math.LN2;
  yield bits();
  for (let n = 1; n <= last; n++) {
    reader.empty();
    for (let at = last - n; at < last; at++) {
      reader.read(indices[at]);
      yield null;
    }
    yield bits();
  }
}

/** The items until some milliseconds have passed, at least the first two numbers. */
function* inTime(items, milliseconds) {
  const end = performance.now() + milliseconds;
  let count = 0;
  for (const item of items) {
    yield item;
    if (item !== null) count++;
    if (count > 1 && performance.now() > end) return;
  }
}

/** The part of a panel that explains a character. */
class Explanation {
  constructor(network, element) {
    this.network = network;
    this.element = element;
    this.request = 0;
  }

  part(name) {
    return this.element.querySelector(`.${name}`);
  }

  clear() {
    this.request++;
    this.element.hidden = true;
  }

  async explain(passage, position) {
    if (!position) return this.clear(); // nothing stands before it
    const request = ++this.request;
    const wanted = () => request === this.request;
    // A key that is held down moves on: wait for the character where it stays.
    await new Promise((go) => setTimeout(go, 60));
    if (!wanted()) return;
    const characters = passage.characters.slice(Math.max(0, position - CONTEXT), position + 1);
    const indices = characters.map((character) => INDEX.get(character));
    const steps = inTime(withContext(this.network, indices), MAX_EXPLAIN_MS);
    const found = []; // L(0), L(1), …
    this.element.hidden = false;
    this.element.setAttribute("aria-busy", "true");
    const draw = () => this.draw(characters, found);
    const complete = await inSlices(steps, (bits) => {
      if (bits !== null) found.push(bits);
    }, wanted, draw);
    if (!complete) return;
    draw();
    this.say(characters, found);
    this.element.removeAttribute("aria-busy");
  }

  /** Colour the context by the contributions that are known. */
  draw(characters, found) {
    const context = this.part("context");
    context.replaceChildren();
    const last = characters.length - 1;
    characters.forEach((character, at) => {
      const n = last - at;
      const bits = n && n < found.length ? found[n] - found[n - 1] : 0;
      const name = n ? blueToRed(within(bits / FULL_COLOUR_BITS, -1, 1)) : "target";
      const span = add(context, "span", harmless(character), name);
      if (character === "\n" || character === "\t") span.dataset.as = WHITE.get(character);
      if (n && n < found.length) span.title = `${signed(bits)} bits, ${n} back`;
    });
  }

  say(characters, found) {
    const [first, last] = [found[0], found.at(-1)];
    const of = visible(characters.at(-1));
    const parts = found.slice(1).map((bits, at) => [bits - found[at], at + 1]);
    parts.sort((a, b) => Math.abs(b[0]) - Math.abs(a[0]));
    const named = parts.slice(0, 3).map(([bits, n]) =>
      `${visible(characters.at(-1 - n))} (${n} back) ${signed(bits)}`);
    const read = found.length - 1, before = characters.length - 1;
    const late = read < before
      ? ` The network is large: there was time for ${read} of ${before} characters.` : "";
    const said = `Without context, the probability of ${of} is ${percent(2 ** first)}; after the last `
      + `${counted(read, "character")} it is ${percent(2 ** last)}. The context adds `
      + `${signed(last - first)} bits. Largest contributions: ${named.join(", ")}.${late}`;
    this.part("sentence").textContent = said.replaceAll(" %", "\u00a0%");
  }
}
