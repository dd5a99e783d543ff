"""Values as they are coloured, in a terminal and on a page alike."""

from __future__ import annotations

from collections.abc import Set

import numpy as np

from charrnn.arrays import Array


def shades(values: Array, name: str, gates: Set[str], end: float) -> Array:
    """Values of a signal, of any shape, from −1, the bluest, to 1, the reddest.

    A memory "c" is drawn as tanh(c), which is what the output sees; a gate from closed to open;
    a signal that goes beyond ±1, as a rectified one does, as a share of its largest value.

    Args:
        values: of one cell or more.
        name: of the signal.
        gates: the names of those that run from 0 to 1.
        end: `largest` of all cells of the signal, so that their colours can be compared.
    """
    drawn = np.tanh(values) if name == "c" else values / end
    if name in gates:
        drawn = 2 * drawn - 1
    shaded: Array = np.nan_to_num(drawn, nan=0, posinf=1, neginf=-1)
    return shaded


def largest(values: Array, name: str) -> float:
    """What the ends of the colours stand for: 1, or more where values go beyond it."""
    if name == "c":
        return 1.0
    finite = np.isfinite(values)
    ends = (np.min(values, where=finite, initial=-1), np.max(values, where=finite, initial=1))
    return float(np.abs(ends).max())
