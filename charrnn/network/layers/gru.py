"""The gated recurrent unit."""

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


class GRU(Layer):
    """Gated recurrent unit (Cho 2014), in the form of cuDNN, PyTorch and Keras.

        r, z = σ(Wx·x + Wh·h + b)           reset and update gate
        q    = Wh·h + bh
        n    = tanh(Wx·x + b + r∘q)         candidate
        h    ← (1−z)∘n + z∘h

    r, z and n each have their own H rows of Wx (3·H, D), Wh (3·H, H) and b (3·H), in this order;
    bh is (H). Wh starts orthogonal.

    The paper resets before the product, Wh·(r∘h), and weighs the candidate by z. Resetting after
    the product needs one product a step instead of two, and makes the weights exchangeable with
    those libraries.

    Backward, where d_ is a gradient (d_r is the gradient with respect to the argument of σ, not to
    r) and h₋₁ the state after the previous step:

        d_n   = d_h∘(1−z)∘(1−n²)
        d_z   = d_h∘(h₋₁−n)∘z∘(1−z)
        d_q   = d_n∘r
        d_r   = d_n∘q∘r∘(1−r)
        d_h₋₁ = d_h∘z + Whᵀ·(d_r, d_z, d_q)
    """

    signals = ("h", "r", "z", "n")
    gates = frozenset("rz")
    forget_gate = "z"

    def shapes(self) -> dict[str, Shape]:
        D, H = self.input_size, self.hidden_size
        return {"Wx": (3 * H, D), "Wh": (3 * H, self.width), "b": (3 * H,), "bh": (H,)}

    def initialize(self, rng: np.random.Generator, one_hot: bool = True) -> None:
        weights = self.weights
        weights["Wx"][...] = rng.standard_normal(weights["Wx"].shape) / np.sqrt(self.width)
        fill_orthogonal(weights["Wh"], rng)
        weights["b"][...] = 0
        weights["bh"][...] = 0

    def tape_shapes(self, T: int, B: int) -> dict[str, Shape]:
        H = self.hidden_size
        return {
            **self.h_shapes(T, B),
            "gates": (T, 3 * H, B),
            "q": (T, H, B),
            # d_r, d_z, d_q, d_n; in the forward pass the first three hold Wx·x + b.
            "d_a": (4 * H, T, B),
            "a": (4 * H, B),
            "sums": (3 * H, B),
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
        h, tmp, bh = tape["h"], tape["tmp"], self.weights["bh"][:, None]
        a = tape["a"][: 3 * H]
        to_a = masked_input(product(self.weights["Wh"], a, self.ensemble), mask, tmp)
        h[0], before = state[0], h_before_steps(tape, keep)
        for t, x in enumerate(project(inputs, self.weights, tape["d_a"][: 3 * H])):
            gates, q = tape["gates"][t], tape["q"][t]
            r, z, n = gates.reshape(3, H, -1)
            if keep is not None:
                np.multiply(h[t], keep[t], out=before[t])
            to_a(before[t])  # a ← Wh·h
            np.add(a[2 * H :], bh, out=q)
            np.add(a[: 2 * H], x[: 2 * H], out=a[: 2 * H])
            sigmoid(a[: 2 * H], out=gates[: 2 * H])
            np.multiply(r, q, out=tmp)
            np.add(tmp, x[2 * H :], out=tmp)
            np.tanh(tmp, out=n)
            np.subtract(before[t], n, out=tmp)  # h ← n + z∘(h−n)
            np.multiply(z, tmp, out=tmp)
            np.add(n, tmp, out=h[t + 1])
        state[0] = h[-1]
        return outputs(tape, mask)

    def step(self, x: Array, state: Array, tape: dict[str, Array]) -> None:
        H = self.hidden_size
        (h,), a = state, tape["a"][: 3 * H]
        multiply(self.weights["Wh"], h, a, self.ensemble)
        np.add(a[: 2 * H], x[: 2 * H], out=a[: 2 * H])
        sigmoid(a[: 2 * H], out=a[: 2 * H])
        (r, z, q), n = a.reshape(3, *h.shape), x[2 * H :]
        np.add(q, self.weights["bh"][:, None], out=q)
        np.multiply(r, q, out=q)
        np.add(n, q, out=n)
        np.tanh(n, out=n)
        np.subtract(h, n, out=h)
        np.multiply(z, h, out=h)
        np.add(n, h, out=h)

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
        before = h_before_steps(tape, keep)
        d_a, d_gates, tmp = tape["d_a"], tape["a"], tape["tmp"]
        d_r, d_z, d_q, d_n = d_gates.reshape(4, H, B)
        to_d_h = masked_output(
            transposed_product(self.weights["Wh"], d_gates[: 3 * H], tape["sums"], self.ensemble),
            mask,
        )
        d_h = d_state[0]
        for t in reversed(range(T)):
            gates = tape["gates"][t]
            r, z, n = gates.reshape(3, H, B)
            np.add(d_h, d_outputs[:, t], out=d_h)
            np.subtract(ONE, gates[: 2 * H], out=d_gates[: 2 * H])  # 1−r, 1−z

            np.multiply(n, n, out=tmp)  # d_n, d_q
            np.subtract(ONE, tmp, out=tmp)
            np.multiply(tmp, d_z, out=tmp)
            np.multiply(d_h, tmp, out=d_n)
            np.multiply(d_n, r, out=d_q)

            np.multiply(d_r, tape["q"][t], out=d_r)  # d_r
            np.multiply(d_r, d_q, out=d_r)

            np.multiply(d_h, z, out=d_h)  # from here on, d_h is the part that stays in h
            np.subtract(before[t], n, out=tmp)  # d_z
            np.multiply(d_h, tmp, out=tmp)
            np.multiply(d_z, tmp, out=d_z)

            d_a[:, t] = d_gates
            to_d_h(tmp)  # tmp ← Whᵀ·(d_r, d_z, d_q)
            np.add(d_h, tmp, out=d_h)
            if keep is not None:
                np.multiply(d_h, keep[t], out=d_h)
        recurrent, rest = d_a[: 3 * H].reshape(3 * H, -1), d_a[2 * H :].reshape(2, H, T, B)
        h = previous_h(tape, keep, mask)
        recurrent_gradient(recurrent, h, self.gradient["Wh"], self.ensemble)
        np.sum(rest[0], axis=(1, 2), out=self.gradient["bh"])
        rest[0] = rest[1]  # Wx and b need d_n where d_q was
        d_x = d_a[: 3 * H]
        return project_backward(inputs, d_x, self.weights, self.gradient, tape)

    def signal(self, tape: dict[str, Array], name: str) -> Array:
        """The values of a signal, as `Layer.signal` describes them."""
        if name in "rzn":
            start = "rzn".index(name) * self.hidden_size
            return tape["gates"][:, start : start + self.hidden_size]
        return super().signal(tape, name)
