"""The simple recurrent layer, with tanh or a rectifier."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from charrnn.arrays import Array, Shape
from charrnn.network.layers.activations import ONE
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


class Vanilla(Layer):
    """The simple recurrent network (Elman 1990; min-char-rnn, Karpathy 2015).

        h ← tanh(Wx·x + Wh·h + b)

    Wx is (H, D), Wh (H, H), b (H). Wh starts orthogonal, times `gain`. Wx starts normal with a
    variance of 1/H, or of 1/2 where the inputs are one-hot: a cell's input is then of the order
    of 1 in both cases.

    Backward, where d_ is a gradient, d_a that with respect to the argument of tanh, and h₋₁ the
    state after the previous step:

        d_a   = d_h∘(1−h²)
        d_h₋₁ = Whᵀ·d_a
    """

    #: Factor of the orthogonal matrix at the start.
    gain: ClassVar[float] = 1.0

    def shapes(self) -> dict[str, Shape]:
        D, H = self.input_size, self.hidden_size
        return {"Wx": (H, D), "Wh": (H, self.width), "b": (H,)}

    def initialize(self, rng: np.random.Generator, one_hot: bool = True) -> None:
        weights = self.weights
        # Only one entry of a one-hot vector counts, whatever its width. With smaller states the
        # output weights learn too slowly, and Wh grows instead until the state explodes.
        variance = 1 / 2 if one_hot else 1 / self.width
        weights["Wx"][...] = rng.standard_normal(weights["Wx"].shape) * np.sqrt(variance)
        fill_orthogonal(weights["Wh"], rng, self.gain)
        weights["b"][...] = 0

    def tape_shapes(self, T: int, B: int) -> dict[str, Shape]:
        H = self.hidden_size
        # In the forward pass d_a holds Wx·x + b.
        return {**self.h_shapes(T, B), "d_a": (H, T, B), "a": (H, B), "sums": (H, B)}

    def activate(self, a: Array, out: Array) -> None:
        """out ← tanh(a)."""
        np.tanh(a, out=out)

    def derivative(self, h: Array, out: Array) -> None:
        """out ← the derivative of `activate`, from its result h: 1 − h²."""
        np.multiply(h, h, out=out)
        np.subtract(ONE, out, out=out)

    def forward(
        self,
        inputs: Array,
        state: Array,
        tape: dict[str, Array],
        keep: Array | None = None,
        mask: Array | None = None,
    ) -> Array:
        h, a = tape["h"], tape["a"]
        to_a = masked_input(product(self.weights["Wh"], a, self.ensemble), mask, tape["sums"])
        h[0], before = state[0], h_before_steps(tape, keep)
        for t, x in enumerate(project(inputs, self.weights, tape["d_a"])):
            if keep is not None:
                np.multiply(h[t], keep[t], out=before[t])
            to_a(before[t])  # a ← Wh·h
            np.add(a, x, out=a)
            self.activate(a, out=h[t + 1])
        state[0] = h[-1]
        return outputs(tape, mask)

    def step(self, x: Array, state: Array, tape: dict[str, Array]) -> None:
        h, a = state[0], tape["a"]
        multiply(self.weights["Wh"], h, a, self.ensemble)
        np.add(a, x, out=a)
        self.activate(a, out=h)

    def backward(
        self,
        inputs: Array,
        d_outputs: Array,
        d_state: Array,
        tape: dict[str, Array],
        keep: Array | None = None,
        mask: Array | None = None,
    ) -> Array | None:
        H, T, _ = d_outputs.shape
        h, d_a, d_a_t = tape["h"], tape["d_a"], tape["a"]
        to_d_h = masked_output(
            transposed_product(self.weights["Wh"], d_a_t, tape["sums"], self.ensemble), mask
        )
        d_h = d_state[0]
        for t in reversed(range(T)):
            np.add(d_h, d_outputs[:, t], out=d_h)
            self.derivative(h[t + 1], out=d_a_t)
            np.multiply(d_a_t, d_h, out=d_a_t)
            d_a[:, t] = d_a_t
            to_d_h(d_h)  # d_h ← Whᵀ·d_a
            if keep is not None:
                np.multiply(d_h, keep[t], out=d_h)
        before = previous_h(tape, keep, mask)
        recurrent_gradient(d_a.reshape(H, -1), before, self.gradient["Wh"], self.ensemble)
        return project_backward(inputs, d_a, self.weights, self.gradient, tape)


class VanillaReLU(Vanilla):
    """The rectified network.

        h ← max(0, Wx·x + Wh·h + b)

    Wh starts as an orthogonal matrix divided by √2. This leaves a margin for the first steps,
    because nothing bounds a rectified state: with the identity (Le, Jaitly, Hinton 2015) the
    carried state grows from window to window before the network has learned anything.
    """

    gain = 0.5**0.5
    rectified = True

    def activate(self, a: Array, out: Array) -> None:
        """out ← max(0, a)."""
        np.maximum(a, 0, out=out)

    def derivative(self, h: Array, out: Array) -> None:
        """out ← the derivative of `activate`, from its result h: 1 where h > 0, else 0."""
        np.greater(h, 0, out=out, casting="unsafe")
