"""What every recurrent layer can do, whatever its equations.

Sizes, here and in every cell: `T` steps, `B` streams, `D` inputs, `H` hidden units, `V`
characters. Vectors are columns, as in the lecture: what a layer holds at one step is
(H, B), a column for each stream, and a product is `W @ h`. So the gates of a layer, one
below the other in (4·H, B), are contiguous slices, and BLAS splits the product over the
units, of which there are many, instead of over the streams: with two threads and 32 streams
that is up to twice as fast as the transposed arrangement.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np
from numpy.typing import DTypeLike

from charrnn.parameters import Array, Shape


class Cell(ABC):
    """One recurrent layer: its equations and its sizes, never its activations.

    What forward leaves for backward, the *tape*, is a dictionary of arrays that is allocated
    once for a (T, B) and passed in; so one cell serves many windows and the loop over time
    allocates nothing.

    Args:
        input_size: D, the width of the input; for the first layer the number of characters.
        hidden_size: H, the number of hidden units.
    """

    #: The arrays carried from step to step, in the order in which a state stacks them.
    state_names: ClassVar[tuple[str, ...]] = ("h",)
    #: What can be looked at, in every unit at every step; gates run from 0 to 1.
    signals: ClassVar[tuple[str, ...]] = ("h",)
    gates: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, input_size: int, hidden_size: int) -> None:
        self.input_size = input_size
        self.hidden_size = hidden_size

    @abstractmethod
    def shapes(self) -> dict[str, Shape]:
        """The shape of each weight, by name: the one place where it is written."""

    @abstractmethod
    def initialize(
        self, weights: dict[str, Array], rng: np.random.Generator, one_hot: bool = True
    ) -> None:
        """Fill `weights` with starting values.

        Args:
            weights: as in `shapes`; overwritten.
            rng: the source of randomness.
            one_hot: the inputs are one-hot vectors, as those of the first layer are, and not the
                outputs of a layer.
        """

    @abstractmethod
    def tape_shapes(self, T: int, B: int) -> dict[str, Shape]:
        """The shape of each array of the tape, by name; those of `h_shapes` among them."""

    def h_shapes(self, T: int, B: int) -> dict[str, Shape]:
        """Those of h, from the one before the first step to that after the last.

        The loop over time wants each step contiguous, the products over the whole window want
        each unit so; the second is a copy of the first.
        """
        H = self.hidden_size
        return {"h": (T + 1, H, B), "h_units_first": (H, T + 1, B)}

    def tape(self, T: int, B: int, dtype: DTypeLike) -> dict[str, Array]:
        """Room for the activations of T steps of B streams."""
        return {name: np.zeros(shape, dtype) for name, shape in self.tape_shapes(T, B).items()}

    @abstractmethod
    def forward(
        self, weights: dict[str, Array], inputs: Array, state: Array, tape: dict[str, Array]
    ) -> Array:
        """Run T steps and leave on the tape what `backward` and `signal` need.

        Args:
            weights: as in `shapes`.
            inputs: character indices (T, B), read as one-hot vectors, or reals (D, T, B).
            state: (S, H, B), an array for each of `state_names`; overwritten by the last state.
            tape: as made by `tape`.

        Returns:
            The outputs h, (H, T, B): a view of the tape.
        """

    @abstractmethod
    def step(
        self, weights: dict[str, Array], x: Array, state: Array, tape: dict[str, Array]
    ) -> None:
        """Run one step in place, leaving no trace of it: all that sampling needs.

        Args:
            weights: as in `shapes`.
            x: what enters, Wx·x + b, (G, B); may be overwritten.
            state: (S, H, B), overwritten by the next one; h, the output, is its first array.
            tape: as made by `tape` for T = 1, used as room.
        """

    @abstractmethod
    def backward(
        self,
        weights: dict[str, Array],
        inputs: Array,
        d_outputs: Array,
        d_state: Array,
        tape: dict[str, Array],
        gradient: dict[str, Array],
    ) -> Array | None:
        """Backpropagate through the T steps of the last `forward`.

        Args:
            weights, inputs, tape: as given to `forward`.
            d_outputs: (H, T, B), the gradient of the loss with respect to the outputs.
            d_state: (S, H, B), that with respect to the last state; overwritten by that with
                respect to the first.
            gradient: arrays like `weights`; overwritten.

        Returns:
            The gradient with respect to real inputs, (D, T, B); None for character indices.
        """

    def signal(self, tape: dict[str, Array], name: str) -> Array:
        """The values of one of `signals` on the tape, (T, H, B)."""
        if name == "h":
            return tape["h"][1:]
        raise KeyError(name)


def scratch(tape: dict[str, Array], name: str, shape: Shape, dtype: DTypeLike) -> Array:
    """Room on a tape for what only some windows need; made when it is first asked for.

    Memory that is used again is there already: for fresh memory the system clears page after
    page, which takes longer than to fill it.
    """
    if name not in tape or tape[name].shape != shape:
        tape[name] = np.empty(shape, dtype)
    return tape[name]


def outputs(tape: dict[str, Array]) -> Array:
    """The outputs of a layer after its steps, (H, T, B), from h on its tape."""
    np.copyto(tape["h_units_first"], tape["h"].swapaxes(0, 1))
    return tape["h_units_first"][:, 1:]


def before(tape: dict[str, Array]) -> Array:
    """The h that entered each step, (H, T·B), once `outputs` has been called."""
    h = tape["h_units_first"][:, :-1]
    return h.reshape(len(h), -1)


def orthogonal(size: int, blocks: int, rng: np.random.Generator) -> Array:
    """Random orthogonal matrices, one below the other, (blocks·size, size).

    A product with one neither grows nor shrinks what it carries (Saxe, McClelland,
    Ganguli 2014).
    """
    q, r = np.linalg.qr(rng.standard_normal((blocks, size, size)))
    # With the signs of r's diagonal every orthogonal matrix is equally likely (Mezzadri 2007).
    signs = np.sign(np.diagonal(r, axis1=1, axis2=2))
    stacked: Array = (q * signs[:, None, :]).reshape(blocks * size, size)
    return stacked
