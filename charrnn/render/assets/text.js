// A coloured text, of any length: only the part in view has an element for each character.

const BLOCK = 400; // characters; a block ends with the line, or when it is five times as long
const AT_ONCE = 4; // blocks that are coloured before they are in view

class TextView {
  /**
   * `classAt` gives the class of the colour of a position; `onMove` is called when another
   * character becomes the current one.
   */
  constructor(element, classAt, onMove = () => {}) {
    Object.assign(this, { element, classAt, onMove, here: null, hits: null });
    this.characters = [];
    this.blocks = [];
    this.ofDiv = new Map();
    this.printing = false;
    this.watch = new IntersectionObserver((entries) => {
      if (this.printing) return; // all blocks are filled
      for (const { target, isIntersecting } of entries) {
        const block = this.ofDiv.get(target);
        if (block) isIntersecting ? this.fill(block) : this.drain(block);
      }
    }, { root: element, rootMargin: "100% 0px" });
    element.addEventListener("click", (event) => {
      const position = this.positionOf(event.target);
      if (position !== null) this.go(position);
    });
    window.addEventListener("beforeprint", () => {
      this.printing = true;
      this.blocks.forEach((block) => this.fill(block));
    });
    window.addEventListener("afterprint", () => {
      this.printing = false;
      for (const { div } of this.blocks) { // seen anew, and drained where out of view
        this.watch.unobserve(div);
        this.watch.observe(div);
      }
    });
  }

  get length() {
    return this.characters.length;
  }

  // ---- the characters

  /** Show another text from its beginning. */
  show(characters) {
    this.cut(0);
    this.extend(characters);
  }

  /** Leave only the first characters. */
  cut(length) {
    while (this.blocks.length && this.blocks.at(-1).start >= length) {
      const { div } = this.blocks.pop();
      this.watch.unobserve(div);
      this.ofDiv.delete(div);
      div.remove();
    }
    this.characters.length = Math.min(length, this.length);
    const last = this.blocks.at(-1);
    if (last && last.start + last.size > length) {
      last.size = length - last.start;
      this.drain(last);
      this.fill(last);
    }
    if (this.here >= length) this.here = null;
  }

  /** Add characters at the end. */
  extend(characters) {
    const touched = new Set();
    for (const character of characters) {
      let block = this.blocks.at(-1);
      const full = !block || block.size >= 5 * BLOCK
        || (block.size >= BLOCK && this.characters.at(-1) === "\n");
      if (full) block = this.begin();
      this.characters.push(character);
      block.size++;
      if (block.spans) this.addSpan(block, this.length - 1);
      else touched.add(block);
    }
    for (const block of touched) {
      if (this.blocks.indexOf(block) < AT_ONCE) this.fill(block);
      else this.drain(block);
    }
  }

  begin() {
    const div = add(this.element, "div");
    const block = { div, start: this.length, size: 0, spans: null };
    this.blocks.push(block);
    this.ofDiv.set(div, block);
    this.watch.observe(div);
    return block;
  }

  // ---- blocks: with an element for each character, or with the bare text

  fill(block) {
    if (block.spans) return;
    block.spans = [];
    const together = document.createDocumentFragment();
    for (let at = 0; at < block.size; at++) this.addSpan(block, block.start + at, together);
    block.div.replaceChildren(together);
  }

  drain(block) {
    const end = block.start + block.size;
    block.spans = null;
    block.div.textContent = this.characters.slice(block.start, end).map(harmless).join("");
  }

  addSpan(block, position, parent = block.div) {
    const character = this.characters[position];
    const span = add(parent, "span", harmless(character), this.classAt(position));
    if (character === "\n" || character === "\t") span.dataset.as = WHITE.get(character);
    if (position === this.here) span.setAttribute("data-here", "");
    if (this.hits?.[position]) span.setAttribute("data-hit", "");
    block.spans.push(span);
  }

  blockAt(position) {
    let [low, high] = [0, this.blocks.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.blocks[middle].start <= position) low = middle;
      else high = middle - 1;
    }
    return this.blocks[low];
  }

  /** The element of a character. */
  span(position) {
    const block = this.blockAt(position);
    this.fill(block);
    return block.spans[position - block.start];
  }

  /** The position of an element; null for an element that is no character. */
  positionOf(span) {
    const block = this.ofDiv.get(span.parentNode);
    const at = block?.spans?.indexOf(span) ?? -1;
    return at < 0 ? null : block.start + at;
  }

  /** Give every character in view the colour of its value. */
  recolour() {
    for (const { spans, start } of this.blocks) {
      spans?.forEach((span, at) => {
        const name = this.classAt(start + at);
        if (span.className !== name) span.className = name;
      });
    }
  }

  /** Underline characters: `hits` has a 1 for each of them; null for none. */
  underline(hits) {
    this.hits = hits;
    for (const { spans, start } of this.blocks) {
      spans?.forEach((span, at) => span.toggleAttribute("data-hit", Boolean(hits?.[start + at])));
    }
  }

  // ---- the current character

  /** Make a character the current one, and scroll to it. */
  go(position, block = "nearest") {
    if (!this.length) return;
    if (this.here !== null) this.span(this.here).removeAttribute("data-here");
    this.here = within(position, 0, this.length - 1);
    const span = this.span(this.here);
    span.setAttribute("data-here", "");
    this.scrollTo(span, block);
    // Blocks that come into view get their height only then, and move the character.
    requestAnimationFrame(() => this.scrollTo(span, block));
    this.onMove(this.here);
  }

  /** Scroll the text, and not the page. */
  scrollTo(span, block) {
    const box = this.element.getBoundingClientRect();
    const { top, bottom } = span.getBoundingClientRect();
    const margin = 12;
    if (block === "center") this.element.scrollTop += (top + bottom - box.top - box.bottom) / 2;
    else if (top < box.top + margin) this.element.scrollTop -= box.top + margin - top;
    else if (bottom > box.bottom - margin) this.element.scrollTop += bottom - box.bottom + margin;
  }

  /** Move by a key; false for a key that does not move. */
  move(key, all) {
    if (!(key in MOVES) || !this.length) return false;
    this.go(MOVES[key](this, this.here ?? 0, all), all ? "center" : "nearest");
    return true;
  }

  /** The character above or below, on the lines as they are broken here. */
  vertically(step) {
    const here = this.span(this.here ?? 0).getBoundingClientRect();
    let line = null, best = this.here ?? 0, distance = Infinity;
    for (let position = best + step; position >= 0 && position < this.length; position += step) {
      const there = this.span(position).getBoundingClientRect();
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
}

const MOVES = {
  ArrowLeft: (view, here) => here - 1,
  ArrowRight: (view, here) => here + 1,
  ArrowUp: (view) => view.vertically(-1),
  ArrowDown: (view) => view.vertically(1),
  Home: (view, here, all) =>
    all ? 0 : view.characters.slice(0, here).lastIndexOf("\n") + 1,
  End: (view, here, all) => {
    const end = all ? -1 : view.characters.indexOf("\n", here);
    return end < 0 ? view.length - 1 : end;
  },
};
