"""The character model: one-hot input → stacked recurrent layers → softmax.

An ensemble is one network, too: E networks of H/E cells side by side, without weights from one to
another. Network e alone predicts softmax(E·Wy[:, e]·h[e] + by), where e stands for its cells. The
mean of the E logits is Wy·h + by: the ensemble predicts the normalized geometric mean of their
probabilities (Hinton 2002). It is written, read and inspected like any other network; but each
network learns to predict on its own (Hansen, Salamon 1990).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from charrnn.arrays import Array, Shape
from charrnn.config import HIDDEN_SIZE, ModelConfig
from charrnn.errors import SettingError
from charrnn.network.dropout import draw_masks
from charrnn.network.layers import LAYER_TYPES, Layer
from charrnn.network.loss import cross_entropy
from charrnn.network.parameters import Parameters
from charrnn.text.streams import Window
from charrnn.text.vocabulary import Vocabulary

if TYPE_CHECKING:
    from typing_extensions import Self  # in typing since Python 3.11

#: Limits that catch mistyped sizes: deeper than any network in use, larger than any memory.
MAX_LAYERS, MAX_PARAMETERS = 1_000, 2**40


class Workspace(NamedTuple):
    """The buffers for a window of T steps of B streams, allocated once."""

    tapes: list[dict[str, Array]]  # one per layer
    logits: Array  # (V, T, B)
    d_h: Array  # (H, T, B)


class CharRNN:
    """A recurrent network that predicts the next character of a text.

    The probabilities of the next character are softmax(Wy·h + by) of the last layer's h.
    A state is an array (L, S, H, B): L layers, S arrays per layer (h, and c for the LSTM), H
    cells, B streams.

    Args:
        vocabulary: the V characters.
        layer_type: a name in `charrnn.network.layers.LAYER_TYPES`.
        hidden_size: H, cells of a layer.
        num_layers: L.
        ensemble: E, a divisor of H: networks of H/E cells that learn to predict on their own.
        dropout: the share of each layer's h that training sets to zero (Srivastava 2014) where the
            layer above, the output and Wh read h, the same cells at every step of a window (Gal,
            Ghahramani 2016). The state that is carried keeps all of h.
        lines: each line is an item of its own: the state is set to zeros before each newline is
            read, and an item is predicted from the newline before it.
        dtype: float32 for use, float64 for gradient checks.

    Attributes:
        parameters: all weights, `layer1.Wx`, …, `Wy` (V, H), `by` (V).
        gradient: the gradient of the last `loss_and_gradient`, under the same names.
        layers: the L layers, the first one first; their weights are views of `parameters`.

    Raises:
        SettingError: for a size below 1, an unknown layer type, a dropout outside of [0, 1),
            `lines` with a vocabulary without newline, or an ensemble that does not divide
            hidden_size or has several layers.
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        *,
        layer_type: str = ModelConfig.layer_type,
        hidden_size: int = HIDDEN_SIZE,
        num_layers: int = ModelConfig.num_layers,
        ensemble: int = 1,
        dropout: float = 0.0,
        lines: bool = False,
        dtype: DTypeLike = np.float32,
    ) -> None:
        self.layers = build_layers(len(vocabulary), layer_type, hidden_size, num_layers, ensemble)
        if not 0 <= dropout < 1:
            raise SettingError(f"dropout is in [0, 1), not {dropout}")
        self.vocabulary = vocabulary
        self.layer_type = layer_type
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.ensemble = ensemble
        self.dropout = dropout
        self.lines = lines
        if lines and vocabulary.unknown("\n"):
            raise SettingError("lines: the vocabulary has no newline")
        self._newline = vocabulary.char_to_ix["\n"] if lines else -1
        shapes = parameter_shapes(self.layers, len(vocabulary))
        if sum(map(prod, shapes.values())) > MAX_PARAMETERS:
            raise SettingError(
                f"hidden_size {hidden_size:,} and num_layers {num_layers:,}: more parameters than "
                "any memory holds: choose smaller sizes"
            )
        self._attach(Parameters(shapes, dtype), Parameters(shapes, dtype))
        self._workspaces: dict[tuple[int, int], Workspace] = {}

    def _attach(self, parameters: Parameters, gradient: Parameters) -> None:
        self.parameters, self.gradient = parameters, gradient
        for number, layer in enumerate(self.layers, start=1):
            prefix = f"layer{number}."
            layer.attach(parameters.part(prefix), gradient.part(prefix))

    def keep_in(self, weights: Array, gradient: Array) -> None:
        """Use memory that others share as parameters and gradient.

        Args:
            weights: flat, like `parameters.flat`, with the values to use.
            gradient: flat, overwritten by later gradients.
        """
        shapes = self.parameters.shapes
        self._attach(Parameters(shapes, flat=weights), Parameters(shapes, flat=gradient))

    @classmethod
    def sharing(cls, other: CharRNN) -> Self:
        """A model with the weights of `other`, the same memory, and its own gradient and buffers.

        Two threads can compute with two models that share their weights.
        """
        model = cls(other.vocabulary, **other.configuration, dtype=other.parameters.flat.dtype)
        model.keep_in(other.parameters.flat, model.gradient.flat)
        return model

    @property
    def configuration(self) -> dict[str, Any]:
        """The keyword arguments that make a model of this shape."""
        return {
            "layer_type": self.layer_type,
            "hidden_size": self.hidden_size,
            "num_layers": self.num_layers,
            "ensemble": self.ensemble,
            "dropout": self.dropout,
            "lines": self.lines,
        }

    def extended(self, vocabulary: Vocabulary, rng: np.random.Generator) -> Self:
        """A model with these weights for a larger vocabulary.

        Args:
            vocabulary: all characters of this model, and others.
            rng: the source of the starting weights of the others, as in `initialize`.
        """
        model = type(self)(vocabulary, **self.configuration, dtype=self.parameters.flat.dtype)
        model.initialize(rng)
        known = vocabulary.encode(self.vocabulary.ix_to_char)  # (V,): their indices
        for name, array in self.parameters.items():
            target = model.parameters[name]
            if name == "layer1.Wx":
                target[:, known] = array
            elif name in ("Wy", "by"):
                target[known] = array
            else:
                target[...] = array
        return model

    @property
    def width(self) -> int:
        """The cells of each network of the ensemble, H/E."""
        return self.hidden_size // self.ensemble

    @property
    def size_in_words(self) -> str:
        """The layers or networks, and their cells."""
        if self.ensemble > 1:
            return f"an ensemble of {self.ensemble} networks of {self.width}"
        layers = "1 layer" if self.num_layers == 1 else f"{self.num_layers} layers"
        return f"{layers} of {self.hidden_size}"

    @property
    def character_weights(self) -> int:
        """The weights of one character: its column of the first Wx, its row of Wy, its by."""
        return len(self.parameters["layer1.Wx"]) + self.hidden_size + 1

    def initialize(self, rng: np.random.Generator) -> None:
        """Fill the parameters with starting values."""
        for number, layer in enumerate(self.layers):
            layer.initialize(rng, one_hot=number == 0)
        Wy = self.parameters["Wy"]
        Wy[...] = rng.standard_normal(Wy.shape) / np.sqrt(self.width) / self.ensemble
        self.parameters["by"][...] = 0

    def state(self, batch_size: int = 1) -> Array:
        """The state before the first character, zeros (L, S, H, B)."""
        S = len(self.layers[0].state_names)
        shape = (self.num_layers, S, self.hidden_size, batch_size)
        return np.zeros(shape, self.parameters.flat.dtype)

    def workspace(self, T: int, B: int) -> Workspace:
        """The buffers for T steps of B streams; every window of this size overwrites them."""
        if (T, B) not in self._workspaces:
            V, H, dtype = len(self.vocabulary), self.hidden_size, self.parameters.flat.dtype
            tapes = [layer.tape(T, B, dtype) for layer in self.layers]
            logits, d_h = np.empty((V, T, B), dtype), np.empty((H, T, B), dtype)
            self._workspaces[T, B] = Workspace(tapes, logits, d_h)
        return self._workspaces[T, B]

    def forward(self, inputs: Array, state: Array, masks: Array | None = None) -> Array:
        """Compute the logits of the next characters.

        Args:
            inputs: character indices (T, B).
            state: (L, S, H, B), overwritten by the state after the last step.
            masks: (L, H, 1, B), factors of each layer's h where it is read, for dropout; None for
                none.

        Returns:
            Logits (V, T, B), valid until the next window of this size.
        """
        return self.logits(self.hidden(inputs, state, masks))

    def hidden(self, inputs: Array, state: Array, masks: Array | None = None) -> Array:
        """Run the layers, and return the outputs of the last one, (H, T, B).

        The outputs are valid until the next window of this size.

        Args:
            inputs, state, masks: as for `forward`.
        """
        x, tapes, keep = inputs, self.workspace(*inputs.shape).tapes, self.keep(inputs)
        with np.errstate(over="ignore"):  # see charrnn.network.layers.activations.sigmoid
            for number, (layer, tape) in enumerate(zip(self.layers, tapes)):
                mask = None if masks is None else masks[number]
                x = layer.forward(x, state[number], tape, keep, mask)
        return x

    def keep(self, inputs: Array) -> Array | None:
        """The factors of the state before each input, in the shape of `inputs`: 0 for the newlines
        of a model of lines, else 1; None for a model of running text.
        """
        if not self.lines:
            return None
        factors: Array = (inputs != self._newline).astype(self.parameters.flat.dtype)
        return factors

    def logits(self, h: Array, network: int | None = None) -> Array:
        """The logits (V, T, B) from the outputs of the last layer, (H, T, B).

        They are valid until the next window of this size.

        Args:
            h: the outputs.
            network: the network of an ensemble that predicts alone; None for all of them.
        """
        logits, cells = self.workspace(*h.shape[1:]).logits, self._cells(network)
        rows, outputs = logits.reshape(len(logits), -1), h[cells]
        np.matmul(self.parameters["Wy"][:, cells], outputs.reshape(len(outputs), -1), out=rows)
        if network is not None and self.ensemble > 1:
            rows *= self.ensemble
        rows += self.parameters["by"][:, None]
        return logits

    def _cells(self, network: int | None) -> slice:
        """The cells of a network of the ensemble; None for all."""
        if network is None:
            return slice(None)
        return slice(network * self.width, (network + 1) * self.width)

    def losses(self, window: Window, state: Array) -> Array:
        """−ln p of each target, (T, B), in nats; `state` is overwritten as in `forward`."""
        return cross_entropy(self.forward(window.inputs, state), window.targets)

    def loss_and_gradient(
        self,
        window: Window,
        state: Array,
        masks: Array | None = None,
        d_state: Array | None = None,
        count: int | None = None,
    ) -> float:
        """The mean loss of a window, in nats a character; overwrite `gradient` with its gradient.

        Args:
            window: inputs and targets, character indices (T, B) each.
            state: (L, S, H, B), overwritten by the state after the window.
            masks: as for `forward`.
            d_state: the gradient of a further loss with respect to the last state, zeros unless
                given; overwritten by the gradient with respect to the first state.
            count: the divisor of the summed losses: the targets of the whole batch, if this window
                is one worker's part. By default the targets of this window.
        """
        inputs, targets = window
        count = count or targets.size
        count *= self.ensemble  # the mean over its networks, too
        h, total = self.hidden(inputs, state, masks), 0.0
        for network in range(self.ensemble):
            d_logits = self.logits(h, network)
            losses = cross_entropy(d_logits, targets, gradient=d_logits, count=count)
            total += float(losses.sum(dtype=np.float64))
            self._output_backward(d_logits, h, network)
        # Truncated BPTT cuts the gradient here: zeros, not the gradient from the next window.
        d_state = np.zeros(state.shape, state.dtype) if d_state is None else d_state
        self._layers_backward(inputs, d_state, masks)
        return total / count

    def backward(
        self, inputs: Array, d_logits: Array, d_state: Array, masks: Array | None = None
    ) -> None:
        """Backpropagate through the window of the last `forward`, into `gradient`.

        Args:
            inputs, masks: as given to `forward`.
            d_logits: the gradient of the loss with respect to the logits, (V, T, B).
            d_state: the gradient with respect to the last state; overwritten by the gradient
                with respect to the first state.
        """
        h = self._outputs(inputs, masks)[-1]
        self._output_backward(d_logits, h)
        self._layers_backward(inputs, d_state, masks)

    def _outputs(self, inputs: Array, masks: Array | None) -> list[Array]:
        """The outputs of each layer in the last `forward`, (H, T, B)."""
        read = "h_cells_first" if masks is None else "dropped"
        return [tape[read][:, 1:] for tape in self.workspace(*inputs.shape).tapes]

    def _output_backward(self, d_logits: Array, h: Array, network: int | None = None) -> None:
        """Backpropagate from `logits` to its `h`, into `gradient` and the workspace's d_h.

        Args:
            d_logits: the gradient with respect to the logits, (V, T, B); may be overwritten.
            h, network: as given to `logits`. The networks of an ensemble come one after the other,
                and their gradients of by are added up.
        """
        cells = self._cells(network)
        d_rows = d_logits.reshape(len(d_logits), -1)  # (V, T·B)
        d_by = self.gradient["by"]
        if network is None or network == 0:
            np.sum(d_rows, axis=1, out=d_by)
        else:
            d_by += d_rows.sum(axis=1)
        if network is not None and self.ensemble > 1:
            d_rows *= self.ensemble
        rows, d_h = h[cells], self.workspace(*h.shape[1:]).d_h[cells]
        np.matmul(d_rows, rows.reshape(len(rows), -1).T, out=self.gradient["Wy"][:, cells])
        np.matmul(self.parameters["Wy"][:, cells].T, d_rows, out=d_h.reshape(len(rows), -1))

    def _layers_backward(self, inputs: Array, d_state: Array, masks: Array | None) -> None:
        """Backpropagate from the workspace's d_h through the layers, into `gradient`."""
        tapes, _, d_h = self.workspace(*inputs.shape)
        layer_inputs = [inputs, *self._outputs(inputs, masks)[:-1]]
        keep = self.keep(inputs)
        for number in reversed(range(self.num_layers)):
            mask = None if masks is None else masks[number]
            if mask is not None:
                d_h *= mask
            d_x = self.layers[number].backward(
                layer_inputs[number], d_h, d_state[number], tapes[number], keep, mask
            )
            if d_x is not None:
                d_h = d_x

    def draw_masks(
        self, batch_size: int, rng: np.random.Generator, part: slice = slice(None)
    ) -> Array:
        """Draw dropout masks, (L, H, 1, B), as in `charrnn.network.dropout.draw_masks`."""
        shape = self.num_layers, self.hidden_size, batch_size
        masks = draw_masks(shape, self.dropout, rng, part)
        return masks.astype(self.parameters.flat.dtype, copy=False)


def build_layers(
    V: int, layer_type: str, hidden_size: int, num_layers: int, ensemble: int = 1
) -> list[Layer]:
    """The layers of a network for V characters, the first one first, without weights.

    Raises:
        SettingError: for an unknown layer type, a size out of range, or an ensemble of several
            layers or of networks with different numbers of cells.
    """
    if layer_type not in LAYER_TYPES:
        raise SettingError(f"no layer type {layer_type!r}: choose one of {', '.join(LAYER_TYPES)}")
    if hidden_size < 1 or not 1 <= num_layers <= MAX_LAYERS or ensemble < 1:
        raise SettingError(
            f"hidden_size and ensemble are at least 1, and num_layers is from 1 to {MAX_LAYERS:,}: "
            f"not {hidden_size}, {ensemble} and {num_layers}"
        )
    if hidden_size % ensemble:
        raise SettingError(
            f"ensemble {ensemble} does not divide hidden_size {hidden_size}: choose a hidden_size "
            f"that is a multiple of {ensemble}, such as {-(-hidden_size // ensemble) * ensemble}"
        )
    if ensemble > 1 and num_layers > 1:
        raise SettingError(
            f"the networks of an ensemble have one layer, not {num_layers}: leave out num_layers"
        )
    widths = [V, *[hidden_size] * (num_layers - 1)]
    return [LAYER_TYPES[layer_type](width, hidden_size, ensemble) for width in widths]


def parameter_shapes(layers: Sequence[Layer], V: int) -> dict[str, Shape]:
    """The shape of each parameter of a network with these layers, by name."""
    shapes = {
        f"layer{number}.{name}": shape
        for number, layer in enumerate(layers, start=1)
        for name, shape in layer.shapes().items()
    }
    return {**shapes, "Wy": (V, layers[-1].hidden_size), "by": (V,)}
