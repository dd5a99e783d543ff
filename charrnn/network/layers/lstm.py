"""The long short-term memory."""

from __future__ import annotations

import numpy as np

from charrnn.arrays import Array, Shape
from charrnn.network.layers.activations import ONE, sigmoid
from charrnn.network.layers.inputs import project, project_backward
from charrnn.network.layers.layer import (
    Layer,
    fill_orthogonal,
    h_before_steps,
    masked_input,
    masked_output,
    outputs,
    previous_h,
)
from charrnn.network.products import multiply, product, recurrent_gradient, transposed_product


class LSTM(Layer):
    """Long short-term memory (Hochreiter, Schmidhuber 1997; forget gate: Gers 2000).

        i, f, o = σ(Wx·x + Wh·h + b)        input, forget and output gate
        g       = tanh(Wx·x + Wh·h + b)     candidate
        c       ← f∘c + i∘g
        h       ← o∘tanh(c)

    Each gate has its own H rows of Wx (4·H, D), Wh (4·H, H) and b (4·H), in the order
    i, f, o, g. The forget bias starts at 1 (Jozefowicz 2015), Wh orthogonal.

    Backward, where d_ is a gradient (d_i is the gradient with respect to the argument of σ, not to
    i), c₋₁ the memory after the previous step, and σ' = σ∘(1−σ), tanh' = 1−tanh²:

        d_c  += d_h∘o∘(1−tanh²c)   = d_h∘(o − h∘tanh c)
        d_i   = d_c∘g∘i∘(1−i)      = d_c∘ig∘(1−i)         ig = i∘g
        d_f   = d_c∘c₋₁∘f∘(1−f)    = d_c∘fc∘(1−f)         fc = f∘c₋₁
        d_o   = d_h∘tanh c∘o∘(1−o) = d_h∘h∘(1−o)
        d_g   = d_c∘i∘(1−g²)       = d_c∘(i − ig∘g)
        d_c₋₁ = d_c∘f
        d_h₋₁ = Whᵀ·d_gates

    The code computes the right-hand forms, which reuse values of the forward pass.
    """

    state_names = ("h", "c")
    signals = ("h", "c", "i", "f", "o", "g")
    gates = frozenset("ifo")
    forget_gate = "f"

    def shapes(self) -> dict[str, Shape]:
        D, H = self.input_size, self.hidden_size
        return {"Wx": (4 * H, D), "Wh": (4 * H, self.width), "b": (4 * H,)}

    def initialize(self, rng: np.random.Generator, one_hot: bool = True) -> None:
        H, weights = self.hidden_size, self.weights
        weights["Wx"][...] = rng.standard_normal(weights["Wx"].shape) / np.sqrt(self.width)
        fill_orthogonal(weights["Wh"], rng)
        weights["b"][...] = 0
        weights["b"][H : 2 * H] = 1

    def tape_shapes(self, T: int, B: int) -> dict[str, Shape]:
        H = self.hidden_size
        return {
            **self.h_shapes(T, B),
            # Rows i, f, o, g, c₋₁: (i, f)∘(g, c₋₁) gives i∘g and f∘c₋₁ in one call.
            "gates": (T + 1, 5 * H, B),
            "tanh_c": (T, H, B),
            "d_a": (4 * H, T, B),  # in the forward pass: Wx·x + b
            "a": (4 * H, B),
            "terms": (4 * H, B),
            "tmp": (H, B),
        }

    def forward(
        self,
        inputs: Array,
        state: Array,
        tape: dict[str, Array],
        keep: Array | None = None,
        mask: Array | None = None,
    ) -> Array:
        H = self.hidden_size
        h, c = tape["h"], tape["gates"][:, 4 * H :]
        a, ig_fc = tape["a"], tape["terms"][: 2 * H]
        to_a = masked_input(product(self.weights["Wh"], a, self.ensemble), mask, tape["tmp"])
        a_ifo, a_g, ig, fc = a[: 3 * H], a[3 * H :], ig_fc[:H], ig_fc[H:]
        h[0], c[0] = state
        before = h_before_steps(tape, keep)
        tape.pop("c", None)
        if keep is not None:
            tape["c"] = np.empty(before.shape, before.dtype)
        for t, x in enumerate(project(inputs, self.weights, tape["d_a"])):
            gates, c_next, tanh_c = tape["gates"][t], c[t + 1], tape["tanh_c"][t]
            if keep is not None:
                np.multiply(h[t], keep[t], out=before[t])
                np.multiply(c[t], keep[t], out=c[t])
            to_a(before[t])  # a ← Wh·h
            np.add(a, x, out=a)
            sigmoid(a_ifo, out=gates[: 3 * H])
            np.tanh(a_g, out=gates[3 * H : 4 * H])
            np.multiply(gates[: 2 * H], gates[3 * H :], out=ig_fc)
            np.add(ig, fc, out=c_next)
            if keep is not None:  # the next step may overwrite c_next
                tape["c"][t] = c_next
            np.tanh(c_next, out=tanh_c)
            np.multiply(gates[2 * H : 3 * H], tanh_c, out=h[t + 1])
        state[0], state[1] = h[-1], c[-1]
        return outputs(tape, mask)

    def step(self, x: Array, state: Array, tape: dict[str, Array]) -> None:
        H = self.hidden_size
        (h, c), a = state, tape["a"]
        multiply(self.weights["Wh"], h, a, self.ensemble)
        np.add(a, x, out=a)
        sigmoid(a[: 3 * H], out=a[: 3 * H])
        np.tanh(a[3 * H :], out=a[3 * H :])
        i, f, o, g = a.reshape(4, *h.shape)
        np.multiply(i, g, out=g)
        np.multiply(f, c, out=c)
        np.add(c, g, out=c)
        np.tanh(c, out=h)
        np.multiply(o, h, out=h)

    def recompute_h(self, state: Array, tape: dict[str, Array], at: tuple[Array, Array]) -> None:
        """h ← o∘tanh(c), as `Layer.recompute_h` describes it."""
        (h, c), o = state, tape["a"][2 * self.hidden_size : 3 * self.hidden_size]
        h[at] = o[at] * np.tanh(c[at])

    def backward(
        self,
        inputs: Array,
        d_outputs: Array,
        d_state: Array,
        tape: dict[str, Array],
        keep: Array | None = None,
        mask: Array | None = None,
    ) -> Array | None:
        H, T, B = d_outputs.shape
        h, d_a, d_gates, tmp = tape["h"], tape["d_a"], tape["a"], tape["tmp"]
        terms, d_ifo, d_g = tape["terms"][: 3 * H], d_gates[: 3 * H], d_gates[3 * H :]
        ig_fc, (ig, fc, d_h_h) = terms[: 2 * H], terms.reshape(3, H, B)
        to_d_h = masked_output(
            transposed_product(self.weights["Wh"], d_gates, tape["terms"], self.ensemble), mask
        )
        d_h, d_c = d_state
        for t in reversed(range(T)):
            gates, h_next = tape["gates"][t], h[t + 1]
            i, f, o, g, _ = gates.reshape(5, H, B)
            np.multiply(gates[: 2 * H], gates[3 * H :], out=ig_fc)  # cheaper than keeping it
            np.add(d_h, d_outputs[:, t], out=d_h)

            np.multiply(h_next, tape["tanh_c"][t], out=tmp)  # d_c
            np.subtract(o, tmp, out=tmp)
            np.multiply(d_h, tmp, out=tmp)
            np.add(d_c, tmp, out=d_c)

            np.multiply(ig, g, out=tmp)  # d_g
            np.subtract(i, tmp, out=tmp)
            np.multiply(d_c, tmp, out=d_g)

            np.multiply(d_c, ig, out=ig)  # d_i, d_f, d_o
            np.multiply(d_c, fc, out=fc)
            np.multiply(d_h, h_next, out=d_h_h)
            np.subtract(ONE, gates[: 3 * H], out=d_ifo)
            np.multiply(d_ifo, terms, out=d_ifo)

            d_a[:, t] = d_gates
            np.multiply(d_c, f, out=d_c)  # d_c₋₁, d_h₋₁
            to_d_h(d_h)  # d_h ← Whᵀ·d_gates
            if keep is not None:
                np.multiply(d_state, keep[t], out=d_state)
        recurrent, before = d_a.reshape(4 * H, -1), previous_h(tape, keep, mask)
        recurrent_gradient(recurrent, before, self.gradient["Wh"], self.ensemble)
        return project_backward(inputs, d_a, self.weights, self.gradient, tape)

    def signal(self, tape: dict[str, Array], name: str) -> Array:
        """The values of a signal, as `Layer.signal` describes them."""
        if name == "c":
            return tape["c"] if "c" in tape else tape["gates"][1:, 4 * self.hidden_size :]
        if name in "ifog":
            start = "ifog".index(name) * self.hidden_size
            return tape["gates"][:-1, start : start + self.hidden_size]
        return super().signal(tape, name)
