"""The character model: one-hot input → stacked recurrent layers → softmax."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from charrnn.arrays import Array, Shape
from charrnn.config import HIDDEN_SIZE, ModelConfig
from charrnn.errors import SettingError
from charrnn.network.dropout import draw
from charrnn.network.layers import CELLS, Cell
from charrnn.network.layers.layer import scratch
from charrnn.network.parameters import Parameters
from charrnn.sampling import Choice, sample
from charrnn.text.streams import Window
from charrnn.text.vocabulary import Vocabulary

Tape = dict[str, Array]

#: More than anyone trains, or than any memory holds, is a slip of the pen.
MOST_LAYERS, MOST_PARAMETERS = 1_000, 2**40


class Layer(NamedTuple):
    """A cell with its own slices of the parameters and of the gradient."""

    cell: Cell
    weights: dict[str, Array]
    gradient: dict[str, Array]


class Room(NamedTuple):
    """Memory for a window of T steps of B streams, allocated once."""

    tapes: list[Tape]  # a layer each
    logits: Array  # (V, T, B)
    d_h: Array  # (H, T, B)


class CharRNN:
    """A recurrent network that predicts the next character of a text.

    The probabilities of the next character are softmax(Wy·h + by) of the last layer's h.
    A state is an array (L, S, H, B): L layers, S arrays a layer (h, and c for the LSTM), H
    units, B streams.

    Args:
        vocabulary: the V characters.
        cell: a name in `charrnn.network.layers.CELLS`.
        hidden_size: H, units a layer.
        num_layers: L.
        dropout: the share of each layer's outputs that is set to zero in training (Srivastava
            2014), not within the recurrence (Zaremba 2014), the same ones at every step of a
            window (Gal, Ghahramani 2016).
        dtype: float32 for use, float64 for gradient checks.

    Attributes:
        parameters: all weights, `layer1.Wx`, …, `Wy` (V, H), `by` (V).
        gradient: the gradient of the last `loss_and_gradient`, under the same names.

    Raises:
        SettingError: for a size below 1, an unknown cell or a dropout outside of [0, 1).
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        *,
        cell: str = ModelConfig.layer_type,
        hidden_size: int = HIDDEN_SIZE,
        num_layers: int = ModelConfig.num_layers,
        dropout: float = 0.0,
        dtype: DTypeLike = np.float32,
    ) -> None:
        self._cells = cells_of(len(vocabulary), cell, hidden_size, num_layers)
        if not 0 <= dropout < 1:
            raise SettingError(f"dropout is in [0, 1), not {dropout}")
        self.vocabulary = vocabulary
        self.cell = cell
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.dropout = dropout
        shapes = shapes_of(self._cells, len(vocabulary))
        if sum(map(prod, shapes.values())) > MOST_PARAMETERS:
            raise SettingError(
                f"hidden_size {hidden_size:,} and num_layers {num_layers:,}: more parameters than "
                "any memory holds"
            )
        self._view(Parameters(shapes, dtype))
        self._rooms: dict[tuple[int, int], Room] = {}

    def _view(self, parameters: Parameters, gradient: Array | None = None) -> None:
        self.parameters = parameters
        room = np.zeros_like(parameters.flat) if gradient is None else gradient
        self.gradient = Parameters(parameters.shapes, flat=room)
        self.layers = [
            Layer(cell, parameters.part(f"layer{n}."), self.gradient.part(f"layer{n}."))
            for n, cell in enumerate(self._cells, start=1)
        ]

    def keep_in(self, weights: Array, gradient: Array) -> None:
        """Move into memory that is used by others, too.

        Args:
            weights: flat, like `parameters`, with the values to use from now on.
            gradient: flat; where the gradient goes from now on.
        """
        self._view(Parameters(self.parameters.shapes, flat=weights), gradient)

    def shared(self) -> CharRNN:
        """A model with the very same weights and room of its own, for another thread."""
        other = CharRNN(self.vocabulary, **self.configuration, dtype=self.parameters.flat.dtype)
        other.keep_in(self.parameters.flat, other.gradient.flat)
        return other

    @property
    def configuration(self) -> dict[str, Any]:
        """The keyword arguments that make a model of this shape."""
        return {
            "cell": self.cell,
            "hidden_size": self.hidden_size,
            "num_layers": self.num_layers,
            "dropout": self.dropout,
        }

    def initialize(self, rng: np.random.Generator) -> None:
        """Fill the parameters with starting values."""
        for number, (cell, weights, _) in enumerate(self.layers):
            cell.initialize(weights, rng, one_hot=number == 0)
        Wy = self.parameters["Wy"]
        Wy[...] = rng.standard_normal(Wy.shape) / np.sqrt(self.hidden_size)
        self.parameters["by"][...] = 0

    def state(self, batch_size: int = 1) -> Array:
        """The state before the first character, zeros (L, S, H, B)."""
        carried = len(self.layers[0].cell.state_names)
        shape = (self.num_layers, carried, self.hidden_size, batch_size)
        return np.zeros(shape, self.parameters.flat.dtype)

    def room(self, T: int, B: int) -> Room:
        """The memory for T steps of B streams; what is in it holds until it is used again."""
        if (T, B) not in self._rooms:
            V, H, dtype = len(self.vocabulary), self.hidden_size, self.parameters.flat.dtype
            tapes = [layer.cell.tape(T, B, dtype) for layer in self.layers]
            self._rooms[T, B] = Room(tapes, np.empty((V, T, B), dtype), np.empty((H, T, B), dtype))
        return self._rooms[T, B]

    def forward(self, inputs: Array, state: Array, masks: Array | None = None) -> Array:
        """The logits of the next characters.

        Args:
            inputs: character indices (T, B).
            state: (L, S, H, B), overwritten by the state after the last step.
            masks: (L, H, 1, B), what each layer's outputs are multiplied by, for dropout.

        Returns:
            Logits (V, T, B), which hold until the next window of this size.
        """
        return self.logits(self.hidden(inputs, state, masks))

    def hidden(self, inputs: Array, state: Array, masks: Array | None = None) -> Array:
        """What the last layer says, (H, T, B), which holds until the next window of this size.

        Args:
            inputs, state, masks: as for `forward`.
        """
        x, tapes = inputs, self.room(*inputs.shape).tapes
        with np.errstate(over="ignore"):  # see charrnn.network.layers.activations.sigmoid
            for number, (layer, tape) in enumerate(zip(self.layers, tapes)):
                h = layer.cell.forward(layer.weights, x, state[number], tape)
                x = h
                if masks is not None:
                    x = scratch(tape, "dropped", h.shape, h.dtype)
                    np.multiply(h, masks[number], out=x)
        return x

    def logits(self, h: Array) -> Array:
        """The logits of the next characters, (V, T, B), from what the last layer says, (H, T, B).

        They hold until the next window of this size.
        """
        logits = self.room(*h.shape[1:]).logits
        rows = logits.reshape(len(logits), -1)
        np.matmul(self.parameters["Wy"], h.reshape(self.hidden_size, -1), out=rows)
        rows += self.parameters["by"][:, None]
        return logits

    def losses(self, window: Window, state: Array) -> Array:
        """−ln p of each target, (T, B), in nats; `state` is carried as in `forward`."""
        return cross_entropy(self.forward(window.inputs, state), window.targets)

    def loss_and_gradient(
        self,
        window: Window,
        state: Array,
        masks: Array | None = None,
        d_state: Array | None = None,
        count: int | None = None,
    ) -> float:
        """The mean loss of a window, in nats a character; its gradient goes to `gradient`.

        Args:
            window: inputs and targets, character indices (T, B) each.
            state: (L, S, H, B), overwritten by the state after the window.
            masks: as for `forward`; None for no dropout.
            d_state: the gradient of a further loss with respect to the last state;
                overwritten by the gradient with respect to the first. Zeros unless given.
            count: what the sum is divided by to be a mean, where this window is a part of a
                wider one; the number of its targets unless given.
        """
        inputs, targets = window
        count = count or targets.size
        d_logits = self.forward(inputs, state, masks)
        losses = cross_entropy(d_logits, targets, gradient=d_logits, count=count)
        d_state = np.zeros(state.shape, state.dtype) if d_state is None else d_state
        self.backward(inputs, d_logits, d_state, masks)
        return float(losses.sum(dtype=np.float64)) / count

    def backward(
        self, inputs: Array, d_logits: Array, d_state: Array, masks: Array | None = None
    ) -> None:
        """Backpropagate through the window of the last `forward`, into `gradient`.

        Args:
            inputs, masks: as given to `forward`.
            d_logits: the gradient of the loss with respect to the logits, (V, T, B).
            d_state: that with respect to the last state; overwritten by that with respect to
                the first.
        """
        tapes, _, d_h = self.room(*inputs.shape)
        # What enters each layer, and last what enters the softmax.
        outputs = [
            tape["h_units_first"][:, 1:] if masks is None else tape["dropped"] for tape in tapes
        ]
        entering = [inputs, *outputs]
        d_rows = d_logits.reshape(len(d_logits), -1)  # (V, T·B)
        last = entering[-1].reshape(self.hidden_size, -1)
        np.matmul(d_rows, last.T, out=self.gradient["Wy"])
        np.sum(d_rows, axis=1, out=self.gradient["by"])
        np.matmul(self.parameters["Wy"].T, d_rows, out=d_h.reshape(self.hidden_size, -1))
        for number in reversed(range(self.num_layers)):
            if masks is not None:
                d_h *= masks[number]
            layer = self.layers[number]
            d_x = layer.cell.backward(
                layer.weights, entering[number], d_h, d_state[number], tapes[number], layer.gradient
            )
            if d_x is not None:
                d_h = d_x

    def draw_masks(
        self, batch_size: int, rng: np.random.Generator, part: slice = slice(None)
    ) -> Array:
        """A dropout mask for each layer and stream of `part`: see `charrnn.network.dropout`."""
        shape = self.num_layers, self.hidden_size, batch_size
        return draw(shape, self.dropout, rng, part).astype(self.parameters.flat.dtype, copy=False)

    def reader(self, batch_size: int = 1) -> Reader:
        """What reads characters one at a time, with the weights as they are now."""
        return Reader(self, batch_size)

    def sample(
        self, length: int, *, prime: str = "", seed: int | None = None, **choice: Any
    ) -> Iterator[str]:
        """Write a text: its characters after the prime, as they are made.

        Args:
            length: the number of characters, not counting the prime.
            prime: what the text begins with; the model reads it first.
            seed: of the random choice; None for another text at every call.
            **choice: as in `charrnn.sampling.Choice`: temperature, top_k, top_p, min_p.

        Raises:
            UnknownCharacter: for a character of the prime that the model does not know.
            SettingError: for a setting outside of its range.
        """
        indices = self.vocabulary.encode(prime)
        (text,) = sample(self, indices, length, Choice(**choice), seed=seed)
        return (character.char for character in text)


class Reader:
    """Reads B streams one character at a time, and knows what may come next.

    What is the same for every character is prepared here, once; the weights must not change
    meanwhile.

    Args:
        model: the model.
        batch_size: B.

    Attributes:
        state: after the characters read so far, (L, S, H, B).
    """

    def __init__(self, model: CharRNN, batch_size: int) -> None:
        self.state = model.state(batch_size)
        self._layers = model.layers
        self._tapes = model.room(1, batch_size).tapes
        # Its own: there may be several readers, who take turns.
        self._logits = np.empty((len(model.vocabulary), batch_size), self.state.dtype)
        self._Wy, self._by = model.parameters["Wy"], model.parameters["by"][:, None]
        first = model.layers[0].weights
        # A row is what enters the first layer with a character: together in memory, where a
        # column of Wx is scattered all over it.
        self._entering = np.ascontiguousarray((first["Wx"] + first["b"][:, None]).T)  # (V, G)
        self._held: dict[int, tuple[Array, Array, Array]] = {}

    def hold(self, layer: int, units: Array, streams: Array, values: Array) -> None:
        """Hold units at a value from now on, whatever they read: what would be without them?

        Args:
            layer: counted from 1; what is held of it is held instead of what was before.
            units: n hidden units, (n,).
            streams: in which stream each is held, (n,).
            values: of the arrays of its state, h first, (S, n).
        """
        self._held[layer - 1] = units, streams, values

    def read(self, indices: Array) -> Array:
        """Read one character of each stream.

        Args:
            indices: (B,).

        Returns:
            The logits of the next character, (V, B), which hold until the next one is read.
        """
        x = self._entering.take(indices, axis=0).T
        with np.errstate(
            over="ignore", invalid="ignore"
        ):  # see charrnn.network.layers.activations.sigmoid
            for number, (layer, tape) in enumerate(zip(self._layers, self._tapes)):
                if number:
                    x = layer.weights["Wx"] @ self.state[number - 1, 0]
                    x += layer.weights["b"][:, None]
                layer.cell.step(layer.weights, x, self.state[number], tape)
                if number in self._held:
                    units, streams, values = self._held[number]
                    self.state[number][:, units, streams] = values
            np.matmul(self._Wy, self.state[-1, 0], out=self._logits)
            np.add(self._logits, self._by, out=self._logits)
        return self._logits


def cells_of(V: int, cell: str, hidden_size: int, num_layers: int) -> list[Cell]:
    """The layers of a network for V characters, the first one first.

    Raises:
        SettingError: for an unknown cell or a size below 1.
    """
    if cell not in CELLS:
        raise SettingError(f"no cell named {cell!r}: choose one of {', '.join(CELLS)}")
    if hidden_size < 1 or not 1 <= num_layers <= MOST_LAYERS:
        raise SettingError(
            f"hidden_size is at least 1, and num_layers from 1 to {MOST_LAYERS:,}: not "
            f"{hidden_size} and {num_layers}"
        )
    widths = [V, *[hidden_size] * (num_layers - 1)]
    return [CELLS[cell](width, hidden_size) for width in widths]


def shapes_of(cells: Sequence[Cell], V: int) -> dict[str, Shape]:
    """The shape of each parameter of a network with these layers, by name."""
    shapes = {
        f"layer{number}.{name}": shape
        for number, layer in enumerate(cells, start=1)
        for name, shape in layer.shapes().items()
    }
    return {**shapes, "Wy": (V, cells[-1].hidden_size), "by": (V,)}


def cross_entropy(
    logits: Array, targets: Array, gradient: Array | None = None, count: int = 1
) -> Array:
    """−ln softmax(logits) at the targets, in nats.

    Args:
        logits: (V, T, B), overwritten.
        targets: character indices (T, B).
        gradient: if given, overwritten by the gradient of the losses' sum divided by `count`
            with respect to the logits, (softmax − one-hot) / count; it may be `logits` itself.

    Returns:
        (T, B).
    """
    V, n = len(logits), targets.size
    rows = logits.reshape(V, n)
    at_targets = targets.reshape(n), np.arange(n)
    rows -= rows.max(axis=0)  # so that exp cannot overflow, and one of the terms is 1
    chosen = rows[at_targets]
    np.exp(rows, out=rows)
    total = rows.sum(axis=0)
    if gradient is not None:
        d_rows = gradient.reshape(V, n)
        np.multiply(rows, 1 / (count * total), out=d_rows)
        d_rows[at_targets] -= 1 / count
    losses: Array = (np.log(total) - chosen).reshape(targets.shape)
    return losses
