"""Arrays over the characters of a text: spans, depths, distances, letter case.

Spans are (n, 2): the first position of each, and the one after its last. All functions use NumPy:
a Python loop over a million characters would be too slow.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import TypeAlias

import numpy as np

from charrnn.arrays import Array
from charrnn.inspection.character_classes import by_character
from charrnn.text.vocabulary import code_points

#: Spans, also as a list of pairs.
Spans: TypeAlias = Array | Sequence[tuple[int, int]]
#: Larger distances count as this: without a limit, the distance from something rare would be
#: little more than the position in the text.
MAX_DISTANCE = 1000
#: Properties of a character, as bits.
UPPER, LOWER, SPACE = 1, 2, 4


def named(names: str) -> frozenset[str]:
    """The names in a line of them."""
    return frozenset(names.split())


def as_spans(spans: Spans) -> Array:
    """Pairs of positions as an array, (n, 2), also for n = 0."""
    return np.array(spans, np.intp).reshape(-1, 2)


def depth(spans: Array, N: int) -> Array:
    """The number of spans that contain each of N characters, (N,)."""
    opened = np.bincount(spans[:, 0], minlength=N + 1)
    closed = np.bincount(spans[:, 1], minlength=N + 1)
    count: Array = np.cumsum(opened - closed)[:N]
    return count


def inside(spans: Array, N: int) -> Array:
    """The characters, of N, that are in a span, booleans (N,)."""
    return depth(spans, N) > 0


def latest(marks: Array) -> Array:
    """The position of the last mark at or before each character, (N,); −1 before the first."""
    positions = np.where(marks, np.arange(len(marks)), -1)
    last: Array = np.maximum.accumulate(positions) if len(positions) else positions
    return last


def since(marks: Array) -> Array:
    """The distance of each character from the last mark, at most `MAX_DISTANCE`, (N,).

    The distance is 0 at a mark; before the first mark, it is counted from a mark just before
    the text.
    """
    distance: Array = np.minimum(np.arange(len(marks)) - latest(marks), MAX_DISTANCE)
    return distance


@lru_cache(maxsize=1)
def case_and_space(text: str) -> Array:
    """`UPPER`, `LOWER` and `SPACE` of each character as bits, (N,), uint8."""

    def bits(one: str) -> int:
        upper = one.isupper() or one.istitle()
        return UPPER * upper | LOWER * one.islower() | SPACE * one.isspace()

    found = by_character(text, bits)
    found.flags.writeable = False  # it is cached
    return found


def positions_of(character: str, text: str) -> Array:
    """The positions of a character, booleans (N,)."""
    found: Array = code_points(text) == ord(character)
    return found


def positions_of_matches(pattern: re.Pattern[str], text: str, at_end: bool = False) -> Array:
    """The positions where matches begin, or where they end, (n,)."""
    find = re.Match.end if at_end else re.Match.start
    return np.fromiter(map(find, pattern.finditer(text)), np.intp)


def replaced(text: str, keep: Array, filler: str) -> str:
    """A text of the same length, with `filler` for every character that is not kept."""
    points = np.where(keep, code_points(text), ord(filler)).astype("<u4")
    return points.tobytes().decode("utf-32-le", "surrogatepass")
