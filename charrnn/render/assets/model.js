// The network: it reads one character at a time, and gives each next character a probability.
//
//   one-hot character → layer 1 → … → layer L → logits = Wy·h + by → softmax
//
// The names are those of the equations: the weights Wx, Wh, b of a layer, its output h, the memory c
// of an LSTM, and the gates i, f, o, g and r, z, n. A layer has H cells; a matrix is stored row by
// row. Sums are in double precision, so the logits differ from those of NumPy after 6 digits or so.

/**
 * out ← W·x: W has a row for each number of `out`.
 * In an ensemble, x are the cells, and a row has the weights from the `width` cells of its network.
 */
function multiply(W, x, out, width = x.length) {
  const D = x.length;
  for (let row = 0, at = 0; row < out.length; row++, at += width) {
    const own = (row % D) - (row % width); // the first cell of its network
    // Four sums at a time: the processor need not wait for one before it begins the next.
    let s0 = 0, s1 = 0, s2 = 0, s3 = 0, j = 0;
    for (; j + 3 < width; j += 4) {
      s0 += W[at + j] * x[own + j];
      s1 += W[at + j + 1] * x[own + j + 1];
      s2 += W[at + j + 2] * x[own + j + 2];
      s3 += W[at + j + 3] * x[own + j + 3];
    }
    for (; j < width; j++) s0 += W[at + j] * x[own + j];
    out[row] = s0 + s1 + (s2 + s3);
  }
}

const sigmoid = (a) => 1 / (1 + Math.exp(-a));

/** A layer: the weights, and the values of its gates at the last step. */
class Layer {
  constructor({ Wx, Wh, b, bh }, H) {
    Object.assign(this, { Wx, Wh, b, bh, H });
    this.width = Wh.length / b.length; // the cells of a network: H, or fewer in an ensemble
    this.recurrent = new Float32Array(b.length); // Wh·h
    this.gates = new Float32Array(b.length);
  }

  /** The values of a gate, H of them: the gates lie one after the other. */
  gate(number) {
    return this.gates.subarray(number * this.H, (number + 1) * this.H);
  }
}

class Vanilla extends Layer {
  signals = {};

  /** h ← tanh(x + Wh·h), where x is Wx·(input) + b. */
  step(x, { h }) {
    multiply(this.Wh, h, this.recurrent, this.width);
    for (let j = 0; j < this.H; j++) h[j] = this.activate(x[j] + this.recurrent[j]);
  }

  activate(a) {
    return Math.tanh(a);
  }
}

class VanillaReLU extends Vanilla {
  activate(a) {
    return Math.max(0, a);
  }
}

class LSTM extends Layer {
  signals = { i: this.gate(0), f: this.gate(1), o: this.gate(2), g: this.gate(3) };

  /** i, f, o = σ(x + Wh·h), g = tanh(x + Wh·h), c ← f∘c + i∘g, h ← o∘tanh(c). */
  step(x, { h, c }) {
    const { H, gates, recurrent, signals: { i, f, g } } = this;
    multiply(this.Wh, h, recurrent, this.width);
    for (let row = 0; row < 3 * H; row++) gates[row] = sigmoid(x[row] + recurrent[row]);
    for (let row = 3 * H; row < 4 * H; row++) gates[row] = Math.tanh(x[row] + recurrent[row]);
    for (let j = 0; j < H; j++) {
      c[j] = f[j] * c[j] + i[j] * g[j];
      this.output(j, { h, c });
    }
  }

  /** h ← o∘tanh(c), of one cell. */
  output(j, { h, c }) {
    h[j] = this.signals.o[j] * Math.tanh(c[j]);
  }
}

class GRU extends Layer {
  signals = { r: this.gate(0), z: this.gate(1), n: this.gate(2) };

  /** r, z = σ(x + Wh·h), n = tanh(x + r∘(Wh·h + bh)), h ← (1−z)∘n + z∘h. */
  step(x, { h }) {
    const { H, gates, recurrent, bh, signals: { r, z, n } } = this;
    multiply(this.Wh, h, recurrent, this.width);
    for (let row = 0; row < 2 * H; row++) gates[row] = sigmoid(x[row] + recurrent[row]);
    for (let j = 0; j < H; j++) {
      const q = recurrent[2 * H + j] + bh[j];
      n[j] = Math.tanh(x[2 * H + j] + r[j] * q);
      h[j] = (1 - z[j]) * n[j] + z[j] * h[j];
    }
  }
}

const LAYER_TYPES = { vanilla: Vanilla, "vanilla-relu": VanillaReLU, lstm: LSTM, gru: GRU };

/** The weights and the layers. `newline` is the character before which a model of lines forgets. */
class Network {
  constructor({ layerType, cells, layers, states, lines }, weights, V, newline) {
    Object.assign(this, { H: cells, states, V });
    this.newline = lines ? newline : -1;
    this.layers = Array.from({ length: layers }, (_, number) => {
      const of = (name) => weights[`layer${number + 1}.${name}`];
      const [Wx, Wh, b, bh] = ["Wx", "Wh", "b", "bh"].map(of);
      return new LAYER_TYPES[layerType]({ Wx, Wh, b, bh }, cells);
    });
    this.Wy = weights.Wy;
    this.by = weights.by;
  }
}

/** One stream of text that the network reads. */
class Reader {
  constructor(network) {
    const { layers, states, H, V } = network;
    this.network = network;
    this.state = new Float32Array(layers.length * states.length * H); // (L, S, H)
    this.layers = layers.map((layer, number) => Object.fromEntries(states.map((name, s) => {
      const at = (number * states.length + s) * H;
      return [name, this.state.subarray(at, at + H)];
    })));
    this.inputs = layers.map(({ b }) => new Float32Array(b.length));
    this.logits = new Float32Array(V); // of the next character
    this.empty();
  }

  /** Begin with an empty state: the logits are then by. */
  empty() {
    this.begin(new Float32Array(this.state.length), this.network.by);
  }

  /** Begin with a state, and the logits that belong to it. */
  begin(state, logits) {
    this.state.set(state);
    this.logits.set(logits);
  }

  /** A copy of the state and the logits, for `begin`. */
  snapshot() {
    return [this.state.slice(), this.logits.slice()];
  }

  /**
   * Read a character, given by its index.
   *
   * `held` are cells to hold: { layer, name, cell, value }, the name h or c. Within a layer c is
   * held first, and h computed from it; then h is held.
   */
  read(index, held = []) {
    const { layers, newline, Wy, by } = this.network;
    if (index === newline) this.state.fill(0);
    layers.forEach((layer, number) => {
      const state = this.layers[number];
      layer.step(number ? this.input(number) : this.firstInput(index), state);
      const here = held.filter((cell) => cell.layer === number + 1);
      for (const { cell, value } of here.filter(({ name }) => name === "c")) {
        state.c[cell] = value;
        layer.output(cell, state);
      }
      for (const { cell, value } of here.filter(({ name }) => name === "h")) state.h[cell] = value;
    });
    multiply(Wy, this.layers.at(-1).h, this.logits);
    for (let v = 0; v < by.length; v++) this.logits[v] += by[v];
  }

  /** Wx·(one-hot) + b of the first layer: a column of Wx, and b. */
  firstInput(index) {
    const { layers: [{ Wx, b }], V } = this.network;
    const [input] = this.inputs;
    for (let row = 0; row < b.length; row++) input[row] = Wx[row * V + index] + b[row];
    return input;
  }

  /** Wx·h + b of a layer, where h is the output of the layer below. */
  input(number) {
    const { Wx, b } = this.network.layers[number];
    multiply(Wx, this.layers[number - 1].h, this.inputs[number]);
    for (let row = 0; row < b.length; row++) this.inputs[number][row] += b[row];
    return this.inputs[number];
  }

  /** The values of a signal of all cells of a layer, after the last character. */
  values(layer, name) {
    return this.layers[layer - 1][name] ?? this.network.layers[layer - 1].signals[name];
  }
}

/** The probability of each next character, from the logits. */
function softmax(logits) {
  const largest = logits.reduce((a, b) => Math.max(a, b));
  const p = Float64Array.from(logits, (logit) => Math.exp(logit - largest));
  const sum = p.reduce((a, b) => a + b);
  return p.map((each) => each / sum);
}

/** ln p of one character, from the logits. */
function logProbability(logits, index) {
  const largest = logits.reduce((a, b) => Math.max(a, b));
  const sum = logits.reduce((total, logit) => total + Math.exp(logit - largest), 0);
  return logits[index] - largest - Math.log(sum);
}

/** The indices of the likeliest characters, the likeliest first. */
function likeliest(p, count) {
  const best = [];
  for (let index = 0; index < p.length; index++) {
    let rank = best.length;
    while (rank && p[index] > p[best[rank - 1]]) rank--;
    if (rank < count) best.splice(rank, 0, index);
    if (best.length > count) best.pop();
  }
  return best;
}

/**
 * Draw a character: divide the logits by the temperature, keep the likeliest characters that
 * together reach the probability `topP`, and draw one of them with a random number from 0 to 1.
 * At temperature 0 it is the likeliest one.
 */
function draw(logits, temperature, topP, uniform) {
  if (temperature === 0) return logits.indexOf(logits.reduce((a, b) => Math.max(a, b)));
  const p = softmax(Float64Array.from(logits, (logit) => logit / temperature));
  let order = Array.from(p.keys());
  if (topP < 1) {
    order.sort((a, b) => p[b] - p[a] || a - b);
    let before = 0;
    order = order.filter((index) => {
      const kept = before < topP;
      before += p[index];
      return kept;
    });
  }
  const total = order.reduce((sum, index) => sum + p[index], 0);
  let cumulative = 0;
  return order.find((index) => (cumulative += p[index]) > uniform * total) ?? order.at(-1);
}

/** Random numbers from 0 to 1 that a seed repeats (mulberry32, Ettinger 2017). */
function randomNumbers(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

// ---- from the page

/** The bytes that were written in base64. */
function bytesOf(base64) {
  const letters = atob(base64);
  const bytes = new Uint8Array(letters.length);
  for (let at = 0; at < bytes.length; at++) bytes[at] = letters.charCodeAt(at);
  return bytes;
}

/** A number in half precision: 1 bit for the sign, 5 for the exponent, 10 for the fraction. */
function half(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31, fraction = bits & 1023;
  return exponent ? sign * (1 + fraction / 1024) * 2 ** (exponent - 15) : sign * fraction * 2 ** -24;
}

/** Numbers in half precision as those in single precision: each is looked up in a table. */
function ofHalves(buffer) {
  const table = Float32Array.from({ length: 2 ** 16 }, (_, bits) => half(bits));
  const halves = new Uint16Array(buffer);
  const numbers = new Float32Array(halves.length);
  for (let at = 0; at < halves.length; at++) numbers[at] = table[halves[at]];
  return numbers;
}

/** The network that a page holds, from its JSON and its weights. */
function loadNetwork(data, packed, characters) {
  const { buffer } = bytesOf(packed);
  const flat = data.half ? ofHalves(buffer) : new Float32Array(buffer);
  const weights = {};
  let at = 0;
  for (const [name, size] of data.weights) {
    weights[name] = flat.subarray(at, at + size);
    at += size;
  }
  return new Network(data, weights, characters.length, characters.indexOf("\n"));
}
