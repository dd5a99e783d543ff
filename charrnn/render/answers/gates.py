"""How much of the time gates stand open or closed, in words and scatters."""

from __future__ import annotations

import numpy as np

from charrnn.inspection.gates import RECTIFIED, GateSaturation
from charrnn.inspection.reading import Signal
from charrnn.render.figures import Answer, Figure, Series
from charrnn.render.wording import listed, of_layers, share

#: Gates by signal.
NAMES = {
    "i": "input gate",
    "f": "forget gate",
    "o": "output gate",
    "r": "reset gate",
    "z": "update gate",
    "h": "output",
}
#: Gates that keep what is there when they are open.
HOLDING = ("f", "z")
#: Open for so much of the time is always.
ALWAYS = 0.99


def answer(result: GateSaturation) -> Answer:
    """How often the gates that hold what is remembered do, and a scatter for every gate."""
    names = list(dict.fromkeys(signal.name for signal in result.left))
    if (result.low, result.high) == RECTIFIED:
        return Answer(_off(result), (_rectified(result),))
    holding = next((name for name in names if name in HOLDING), None)
    sentence = _saturated(result) if holding is None else _held(result, holding)
    return Answer(sentence, tuple(_scatter(result, name) for name in names))


def _of(result: GateSaturation, name: str) -> list[Signal]:
    return [signal for signal in result.left if signal.name == name]


def _held(result: GateSaturation, name: str) -> str:
    signals = _of(result, name)
    shares = listed([share(float(result.right[signal].mean())) for signal in signals])
    always = np.concatenate([result.right[signal] for signal in signals]) >= ALWAYS
    never = f"{always.sum():,} of {always.size:,} cells never forget, or hardly ever"
    if not always.any():
        never = "there is no cell that never forgets"
    return (
        f"{NAMES[name].capitalize()}s of {of_layers([signal.layer for signal in signals])} are "
        f"open (above {result.high:g}), and hold what is there, {shares} of the time; {never}."
    )


def _saturated(result: GateSaturation) -> str:
    signals = list(result.left)
    shares = listed(
        [share(float((result.left[s] + result.right[s]).mean())) for s in signals],
    )
    where = of_layers([signal.layer for signal in signals])
    return (
        f"Units of {where} are saturated (below {_number(result.low)} or above "
        f"{_number(result.high)}) {shares} of the time: there is little way for a gradient then."
    )


def _off(result: GateSaturation) -> str:
    signals = list(result.left)
    shares = listed([share(float(result.left[signal].mean())) for signal in signals])
    on = np.concatenate([result.right[signal] for signal in signals]) > 0
    where = of_layers([signal.layer for signal in signals])
    never = (
        f"{(~on).sum():,} of {on.size:,} are never on" if not on.all() else "each is on at times"
    )
    return f"Units of {where} are off (zero) {shares} of the time; {never}."


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
            for signal in _of(result, name)
        ),
        x_range=(0, 1),
        y_range=(0, 1),
    )


def _rectified(result: GateSaturation) -> Figure:
    return Figure(
        title="How often units are off",
        x_label="units, by how often they are off",
        y_label="share of time off",
        series=tuple(
            Series(f"layer {signal.layer}", list(range(1, len(off) + 1)), np.sort(off).tolist())
            for signal, off in result.left.items()
        ),
        y_range=(0, 1),
    )


def _number(value: float) -> str:
    return f"{value:g}".replace("-", "−")
