"""Gate saturation: how much of the time gates are open or closed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from charrnn.arrays import Array
from charrnn.errors import TextError
from charrnn.inspection.reading import Piece, Signal, Totals, read_through, signals_of
from charrnn.network.layers import Layer
from charrnn.network.layers.vanilla import VanillaReLU
from charrnn.network.model import CharRNN

#: Below the first a gate is left-saturated, closed; above the second right-saturated, open
#: (Karpathy, Johnson, Fei-Fei 2015).
GATE = (0.1, 0.9)
#: The same for the output of a cell that is squashed by tanh and has no gates.
OUTPUT = (-0.9, 0.9)
#: A rectified output is off or on: there is nothing between.
RECTIFIED = (0.0, 0.0)


@dataclass(frozen=True)
class GateSaturation:
    """For how much of a text each unit is saturated.

    What is looked at are the gates; of a vanilla network, which has none, its output h; and of
    a rectified one, whose h has no upper end, whether h is zero (off) or above zero (on).

    Attributes:
        cell: which cell the layers have.
        characters: N, how many were read.
        low, high: where saturation begins: at most `low` for a rectified output, otherwise
            below `low`; and above `high`.
        left: by signal, the share of characters after which each unit is on the low side, (H,).
        right: the same of the high side.
    """

    cell: str
    characters: int
    low: float
    high: float
    left: dict[Signal, Array]
    right: dict[Signal, Array]


def gate_saturation(model: CharRNN, indices: Array) -> GateSaturation:
    """Count how often each gate of each layer is nearly closed and nearly open.

    Args:
        model: the model.
        indices: the text, (N,), at least one character; it is read a piece at a time.

    Raises:
        TextError: for an empty text.
    """
    if not len(indices):
        raise TextError("gates are watched over a text, and this one is empty")
    names, (low, high) = watched(model.layers[0])
    signals = signals_of(model, names=names)
    N, below = len(indices), np.less_equal if low == high else np.less
    left, right = (Totals(signals, N, model.hidden_size, np.uint8) for _ in range(2))

    def take(piece: Piece) -> None:
        for signal, values in piece.values.items():
            left.put(piece, signal, below(values, low))
            right.put(piece, signal, np.greater(values, high))

    read_through(model, indices, signals, take)
    return GateSaturation(
        cell=model.layer_type,
        characters=N,
        low=low,
        high=high,
        left=left.means(),
        right=right.means(),
    )


def watched(layer: Layer) -> tuple[list[str], tuple[float, float]]:
    """What is looked at in a layer, and between which values it is not saturated."""
    if layer.gates:
        return [name for name in layer.signals if name in layer.gates], GATE
    return ["h"], RECTIFIED if isinstance(layer, VanillaReLU) else OUTPUT
