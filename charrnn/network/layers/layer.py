"""The interface of all recurrent layers, and their common code.

Sizes, here and in every layer: `T` steps, `B` streams, `D` inputs, `H` cells, `V`
characters. Vectors are columns, as in a lecture: the values of a layer at one step are (H, B), a
column for each stream, and a product is `W @ h`. The gates of a layer, one below the other in
(4·H, B), are therefore contiguous slices, and BLAS splits the product over the many cells
instead of over the few streams: with two threads and 32 streams this is up to twice as fast as
the transposed arrangement.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar

import numpy as np
from numpy.typing import DTypeLike

from charrnn.arrays import Array, Shape


class Layer(ABC):
    """One recurrent layer: equations, sizes, weights and their gradient, but no activations.

    The activations that `forward` keeps for `backward` are the *tape*: a dictionary of arrays,
    allocated once for each (T, B) and passed in. One layer thus serves windows of any size, and
    the loop over time allocates nothing.

    Args:
        input_size: D, the width of the input; for the first layer the number of characters.
        hidden_size: H, the number of cells.
        ensemble: E, the number of networks that share the cells equally. No weight connects the
            cells of two networks: a row of Wh has the weights from the H/E cells of its own.

    Attributes:
        weights: the weights by name, in the shapes of `shapes`; none before `attach`.
        gradient: arrays like `weights`, which `backward` overwrites.
    """

    #: The arrays carried from step to step, in the order in which a state stacks them.
    state_names: ClassVar[tuple[str, ...]] = ("h",)
    #: The values of each cell that can be read from a tape; gates are between 0 and 1.
    signals: ClassVar[tuple[str, ...]] = ("h",)
    gates: ClassVar[frozenset[str]] = frozenset()
    #: The gate that keeps the state where it is open; None for none.
    forget_gate: ClassVar[str | None] = None
    #: h is the result of max(0, …): no upper end, and zero where a cell is off.
    rectified: ClassVar[bool] = False

    def __init__(self, input_size: int, hidden_size: int, ensemble: int = 1) -> None:
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.ensemble = ensemble
        self.weights: dict[str, Array] = {}
        self.gradient: dict[str, Array] = {}

    def attach(self, weights: dict[str, Array], gradient: dict[str, Array]) -> None:
        """Use these arrays as weights and gradient; a model passes views of its flat vectors."""
        self.weights = weights
        self.gradient = gradient

    @property
    def width(self) -> int:
        """The cells of a network, H/E."""
        return self.hidden_size // self.ensemble

    @abstractmethod
    def shapes(self) -> dict[str, Shape]:
        """The shape of each weight, by name."""

    @abstractmethod
    def initialize(self, rng: np.random.Generator, one_hot: bool = True) -> None:
        """Fill the weights with starting values.

        Args:
            rng: the source of randomness.
            one_hot: the inputs are one-hot vectors, as in the first layer, and not the outputs
                of another layer.
        """

    @abstractmethod
    def tape_shapes(self, T: int, B: int) -> dict[str, Shape]:
        """The shape of each array of the tape, by name; includes those of `h_shapes`."""

    def h_shapes(self, T: int, B: int) -> dict[str, Shape]:
        """The shapes of the two copies of h, from before the first step to after the last.

        The loop over time needs each step contiguous, the products over the whole window need
        each cell contiguous.
        """
        H = self.hidden_size
        return {"h": (T + 1, H, B), "h_cells_first": (H, T + 1, B)}

    def tape(self, T: int, B: int, dtype: DTypeLike) -> dict[str, Array]:
        """A new tape for T steps of B streams."""
        return {name: np.zeros(shape, dtype) for name, shape in self.tape_shapes(T, B).items()}

    @abstractmethod
    def forward(
        self,
        inputs: Array,
        state: Array,
        tape: dict[str, Array],
        keep: Array | None = None,
        mask: Array | None = None,
    ) -> Array:
        """Run T steps and keep on the tape what `backward` and `signal` need.

        Args:
            inputs: character indices (T, B), read as one-hot vectors, or reals (D, T, B).
            state: (S, H, B), an array for each of `state_names`; overwritten by the last state.
            tape: as made by `tape`.
            keep: factors of the state before each step, (T, B): 0 where a stream begins anew,
                1 elsewhere; None for ones.
            mask: factors of the h that Wh reads and that is returned, (H, 1, B), for dropout; None
                for ones. The state that is carried keeps all of h.

        Returns:
            The outputs, h times the mask, (H, T, B): a view of the tape.
        """

    @abstractmethod
    def step(self, x: Array, state: Array, tape: dict[str, Array]) -> None:
        """Run one step in place, without a record for `backward`: all that sampling needs.

        Args:
            x: the input Wx·x + b, (G, B); may be overwritten.
            state: (S, H, B), overwritten by the next state; its first array is the output h.
            tape: as made by `tape` for T = 1; used as buffers.
        """

    def recompute_h(self, state: Array, tape: dict[str, Array], at: tuple[Array, Array]) -> None:
        """Compute h again after a change of the memory, with the output gate of the last `step`.

        Only a layer with a state beside h needs this.

        Args:
            state: (S, H, B); h is overwritten at `at`.
            tape: as `step` left it.
            at: the cells, (n,), and the stream of each, (n,).
        """
        raise NotImplementedError(f"{type(self).__name__} has no memory beside h")

    @abstractmethod
    def backward(
        self,
        inputs: Array,
        d_outputs: Array,
        d_state: Array,
        tape: dict[str, Array],
        keep: Array | None = None,
        mask: Array | None = None,
    ) -> Array | None:
        """Backpropagate through the T steps of the last `forward`, into `gradient`.

        Args:
            inputs, tape, keep, mask: as given to `forward`.
            d_outputs: (H, T, B), the gradient of the loss with respect to h: that with respect to
                the outputs, times the mask.
            d_state: (S, H, B), the gradient with respect to the last state; overwritten by the
                gradient with respect to the first state.

        Returns:
            The gradient with respect to real inputs, (D, T, B); None for character indices.
        """

    def signal(self, tape: dict[str, Array], name: str) -> Array:
        """The values of one of `signals` on the tape, (T, H, B)."""
        if name == "h":
            return tape["h"][1:]
        raise KeyError(name)


def scratch(tape: dict[str, Array], name: str, shape: Shape, dtype: DTypeLike) -> Array:
    """A buffer on the tape that only some windows need, allocated at its first use.

    Reused memory is faster: the system clears fresh memory page by page, which takes longer
    than filling it.
    """
    if name not in tape or tape[name].shape != shape:
        tape[name] = np.empty(shape, dtype)
    return tape[name]


def outputs(tape: dict[str, Array], mask: Array | None) -> Array:
    """Copy h to the cells-first array of the tape; the outputs of all steps, (H, T, B).

    With a mask, h times the mask is kept from before the first step on, for `previous_h`.
    """
    h = tape["h_cells_first"]
    np.copyto(h, tape["h"].swapaxes(0, 1))
    if mask is not None:
        h = np.multiply(h, mask, out=scratch(tape, "dropped", h.shape, h.dtype))
    return h[:, 1:]


def h_before_steps(tape: dict[str, Array], keep: Array | None) -> Array:
    """The array for the h from which each step computes, (T, H, B).

    Without `keep` this is the h on the tape. With it, `forward` fills the array, because the
    outputs need the h of a step also where the next step does not use it.
    """
    h = tape["h"][:-1]
    return h if keep is None else scratch(tape, "kept", h.shape, h.dtype)


def previous_h(tape: dict[str, Array], keep: Array | None, mask: Array | None) -> Array:
    """The h that Wh reads at each step, (H, T·B); call `outputs` first."""
    h = tape["h_cells_first" if mask is None else "dropped"][:, :-1]
    if keep is not None:
        h = np.multiply(h, keep, out=scratch(tape, "kept_cells_first", h.shape, h.dtype))
    return h.reshape(len(h), -1)


def masked_input(
    function: Callable[[Array], None], mask: Array | None, buffer: Array
) -> Callable[[Array], None]:
    """A function of h, (H, B), that calls another one with h∘mask.

    Args:
        function: the other one.
        mask: (H, 1, B), or None for ones.
        buffer: (H, B), overwritten in each call.
    """
    if mask is None:
        return function
    factors = mask[:, 0]

    def masked(h: Array) -> None:
        np.multiply(h, factors, out=buffer)
        function(buffer)

    return masked


def masked_output(function: Callable[[Array], None], mask: Array | None) -> Callable[[Array], None]:
    """A function that lets another one fill an array (H, B), and multiplies it by a mask."""
    if mask is None:
        return function
    factors = mask[:, 0]

    def masked(out: Array) -> None:
        function(out)
        np.multiply(out, factors, out=out)

    return masked


def fill_orthogonal(Wh: Array, rng: np.random.Generator, gain: float = 1.0) -> None:
    """Fill a matrix with random orthogonal matrices, one below the other, times `gain`.

    A product with an orthogonal matrix keeps the length of a vector (Saxe, McClelland,
    Ganguli 2014).

    Args:
        Wh: (blocks·H, H), overwritten.
        rng: the source of randomness.
        gain: the factor of the matrices.
    """
    H = Wh.shape[1]
    for block in Wh.reshape(-1, H, H):  # one after the other, since float64 needs more memory
        q, r = np.linalg.qr(rng.standard_normal((H, H)))
        # With the signs of r's diagonal every orthogonal matrix is equally likely (Mezzadri 2007).
        block[...] = gain * (q * np.sign(np.diagonal(r)))
