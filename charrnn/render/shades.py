"""Values as shades from −1 to 1, for a terminal and for a page."""

from __future__ import annotations

from collections.abc import Set

import numpy as np

from charrnn.arrays import Array


def shades(values: Array, name: str, gates: Set[str], end: float) -> Array:
    """Map values of a signal, of any shape, to shades from −1, the bluest, to 1, the reddest.

    The memory c is mapped by tanh, as in the output of its cell; a gate from closed to open; a
    signal beyond ±1, such as a rectified one, is divided by its largest value.

    Args:
        values: the values of one cell or more.
        name: the name of the signal.
        gates: the names of signals from 0 to 1.
        end: `largest` of all cells of the signal, so that their shades can be compared.
    """
    drawn = np.tanh(values) if name == "c" else values / end
    if name in gates:
        drawn = 2 * drawn - 1
    shaded: Array = np.nan_to_num(drawn, nan=0, posinf=1, neginf=-1)
    return shaded


def largest(values: Array, name: str) -> float:
    """The value with the deepest shade: the largest absolute value, but at least 1."""
    if name == "c":
        return 1.0
    finite = np.isfinite(values)
    ends = (np.min(values, where=finite, initial=-1), np.max(values, where=finite, initial=1))
    return float(np.abs(ends).max())


def stops(name: str, gates: Set[str], end: float) -> tuple[tuple[float, str], ...]:
    """The key of a signal: some shades, each with the value that it stands for.

    Args:
        name: the name of the signal.
        gates: the names of signals from 0 to 1.
        end: as in `shades`.
    """
    if name in gates:
        labels = ["0, closed", "0.25", "0.5", "0.75", "1, open"]
    else:
        labels = [f"{part * end:.3g}" for part in (-1, -0.5, 0, 0.5, 1)]
    return tuple(zip((-1.0, -0.5, 0.0, 0.5, 1.0), labels))
