"""Gate saturation: the share of time that gates are open or closed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from charrnn.arrays import Array
from charrnn.errors import TextError
from charrnn.inspection.answer import Answer, Figure, Series
from charrnn.inspection.reading import Piece, Signal, Totals, read_through, signals_of
from charrnn.inspection.subject import Subject
from charrnn.inspection.wording import listed, of_layers, share
from charrnn.network.layers import LAYER_TYPES, Layer
from charrnn.network.model import CharRNN

HELP = "The share of time that gates are open or closed."
HEADING = "Gates"

#: A gate is left-saturated (closed) below the first value and right-saturated (open) above the
#: second (Karpathy, Johnson, Fei-Fei 2015).
GATE = (0.1, 0.9)
#: The same for the tanh output of a layer without gates.
OUTPUT = (-0.9, 0.9)
#: A rectified output is off or on, with nothing between.
RECTIFIED = (0.0, 0.0)
#: Names of the signals.
NAMES = {
    "i": "input gate",
    "f": "forget gate",
    "o": "output gate",
    "r": "reset gate",
    "z": "update gate",
    "h": "output",
    "c": "memory, as tanh c",
    "g": "candidate",
    "n": "candidate",
}
#: How to read the figures.
SATURATED = (
    "Each point is a cell: at the top left its gate is nearly always open, at the bottom right "
    "nearly always closed, and at the bottom left mostly between the two."
)
SATURATED_OUTPUT = (
    "Each point is a cell: the farther from the bottom left, the more of the time its output is "
    "at one of its ends."
)
#: A gate that is open for this share of the time counts as always open.
ALWAYS = 0.99


@dataclass(frozen=True)
class GateSaturation:
    """The share of a text for which each cell is saturated.

    The signals are the gates; in a vanilla network, which has none, the output h; and in a
    rectified network, whose h has no upper end, h is either zero (off) or above zero (on).

    Attributes:
        layer_type: the type of the layers.
        characters: N, the number of characters read.
        low, high: the ends of saturation: a signal is left-saturated below `low` (a rectified
            output also at `low`), and right-saturated above `high`.
        left: for each signal, the share of characters after which each cell is left-saturated,
            (H,).
        right: the same for right-saturated.
    """

    layer_type: str
    characters: int
    low: float
    high: float
    left: dict[Signal, Array]
    right: dict[Signal, Array]


def gate_saturation(model: CharRNN, indices: Array) -> GateSaturation:
    """The share of a text for which each gate of each cell is nearly closed and nearly open.

    Args:
        model: the model.
        indices: the text, (N,), at least one character.

    Raises:
        TextError: for an empty text.
    """
    if not len(indices):
        raise TextError("gates are measured on a text of at least 1 character, not 0")
    names, (low, high) = measured_signals(model.layers[0])
    signals = signals_of(model, names=names)
    N, below = len(indices), np.less_equal if low == high else np.less
    left, right = (Totals(signals, N, model.hidden_size, np.uint8) for _ in range(2))

    def store(piece: Piece) -> None:
        for signal, values in piece.values.items():
            left.store(piece, signal, below(values, low))
            right.store(piece, signal, np.greater(values, high))

    read_through(model, indices, signals, store)
    return GateSaturation(
        layer_type=model.layer_type,
        characters=N,
        low=low,
        high=high,
        left=left.means(),
        right=right.means(),
    )


def analyse(subject: Subject) -> GateSaturation:
    """The gate saturation of a subject."""
    return gate_saturation(subject.model, subject.indices)


def measured_signals(layer: Layer) -> tuple[list[str], tuple[float, float]]:
    """The signals of a layer type to measure, and the values between which they are unsaturated."""
    if layer.gates:
        return [name for name in layer.signals if name in layer.gates], GATE
    return ["h"], RECTIFIED if layer.rectified else OUTPUT


def answer(result: GateSaturation) -> Answer:
    """Say how often the gates that keep the state are open, with a scatter for each gate."""
    names = list(dict.fromkeys(signal.name for signal in result.left))
    if (result.low, result.high) == RECTIFIED:
        return Answer(_rectified(result), (_rectified_figure(result),))
    forget = LAYER_TYPES[result.layer_type].forget_gate
    sentence = _saturated(result) if forget is None else _kept(result, forget)
    return Answer(sentence, tuple(_scatter(result, name) for name in names))


def _signals(result: GateSaturation, name: str) -> list[Signal]:
    return [signal for signal in result.left if signal.name == name]


def _kept(result: GateSaturation, name: str) -> str:
    signals = _signals(result, name)
    shares = listed([share(float(result.right[signal].mean())) for signal in signals])
    always = np.concatenate([result.right[signal] for signal in signals]) >= ALWAYS
    never = f"{always.sum():,} of {always.size:,} cells never forget, or hardly ever"
    if not always.any():
        never = "there is no cell that never forgets"
    return (
        f"{NAMES[name].capitalize()}s of {of_layers([signal.layer for signal in signals])} are "
        f"open (above {result.high:g}), and keep the state, {shares} of the time; {never}."
    )


def _saturated(result: GateSaturation) -> str:
    signals = list(result.left)
    shares = listed(
        [share(float((result.left[s] + result.right[s]).mean())) for s in signals],
    )
    where = of_layers([signal.layer for signal in signals])
    return (
        f"Cells of {where} are saturated (below {_number(result.low)} or above "
        f"{_number(result.high)}) {shares} of the time: gradients hardly pass there."
    )


def _rectified(result: GateSaturation) -> str:
    signals = list(result.left)
    shares = listed([share(float(result.left[signal].mean())) for signal in signals])
    on = np.concatenate([result.right[signal] for signal in signals]) > 0
    where = of_layers([signal.layer for signal in signals])
    never = (
        f"{(~on).sum():,} of {on.size:,} are never on" if not on.all() else "each is on at times"
    )
    return f"Cells of {where} are off (zero) {shares} of the time; {never}."


def _scatter(result: GateSaturation, name: str) -> Figure:
    is_gate = name != "h"
    low, high = ("closed, ", "open, ") if is_gate else ("", "")
    return Figure(
        title=f"Saturation of the {NAMES.get(name, 'gate')}{f' {name}' if is_gate else ' h'}",
        x_label=f"share of time {low}below {_number(result.low)}",
        y_label=f"share of time {high}above {_number(result.high)}",
        series=tuple(
            Series(
                f"layer {signal.layer}",
                result.left[signal].tolist(),
                result.right[signal].tolist(),
                "points",
            )
            for signal in _signals(result, name)
        ),
        x_range=(0, 1),
        y_range=(0, 1),
        caption=SATURATED if is_gate else SATURATED_OUTPUT,
    )


def _rectified_figure(result: GateSaturation) -> Figure:
    return Figure(
        title="Share of time that cells are off",
        x_label="cells, in ascending order",
        y_label="share of time off",
        series=tuple(
            Series(f"layer {signal.layer}", list(range(1, len(off) + 1)), np.sort(off).tolist())
            for signal, off in result.left.items()
        ),
        y_range=(0, 1),
        caption="Cells at a height of 1, at the right, are never on, and of no use to the network.",
    )


def _number(value: float) -> str:
    return f"{value:g}".replace("-", "−")
