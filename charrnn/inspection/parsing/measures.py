"""Arrays over the characters of a text: spans, depths, distances, and what a character is.

Spans are (n, 2), a row from its first character to the one after its last. All of it is NumPy:
a loop over a million characters in Python is too slow for one feature of many.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import TypeAlias

import numpy as np

from charrnn.arrays import Array
from charrnn.text.vocabulary import code_points

#: Spans, also as a list of pairs.
Spans: TypeAlias = Array | Sequence[tuple[int, int]]
#: Distances beyond this count as this: without an end, the distance from something rare would
#: be little more than the place in the text.
FARTHEST = 1000
#: What a character may be, as bits.
WORD, UPPER, LOWER, SPACE = 1, 2, 4, 8


def named(names: str) -> frozenset[str]:
    """The names in a line of them."""
    return frozenset(names.split())


def as_spans(spans: Spans) -> Array:
    """Pairs of places as an array, (n, 2), also if there are none."""
    return np.array(spans, np.intp).reshape(-1, 2)


def depth(spans: Array, N: int) -> Array:
    """How many spans each of N characters is in, (N,)."""
    opened = np.bincount(spans[:, 0], minlength=N + 1)
    closed = np.bincount(spans[:, 1], minlength=N + 1)
    count: Array = np.cumsum(opened - closed)[:N]
    return count


def inside(spans: Array, N: int) -> Array:
    """Which of N characters are in a span, booleans (N,)."""
    return depth(spans, N) > 0


def latest(marks: Array) -> Array:
    """The place of the last mark at or before each character, (N,); −1 before the first."""
    places = np.where(marks, np.arange(len(marks)), -1)
    last: Array = np.maximum.accumulate(places) if len(places) else places
    return last


def since(marks: Array) -> Array:
    """How many characters ago the last mark was, at most `FARTHEST`, (N,); 0 at the mark.

    Before the first mark it is counted as if there were one just before the text.
    """
    distance: Array = np.minimum(np.arange(len(marks)) - latest(marks), FARTHEST)
    return distance


@lru_cache(maxsize=1)
def characters(text: str) -> Array:
    """What each character is: `WORD`, `UPPER`, `LOWER` and `SPACE` as bits, (N,), uint8.

    Accents that are characters of their own belong to words, and so does `_`.
    """
    points = code_points(text)
    table = np.zeros(int(points.max(initial=0)) + 1, np.uint8)
    for one in set(text):
        word = one.isalnum() or one == "_" or unicodedata.category(one)[0] == "M"
        upper = one.isupper() or one.istitle()
        table[ord(one)] = (
            WORD * word | UPPER * upper | LOWER * one.islower() | SPACE * one.isspace()
        )
    bits: Array = table[points]
    bits.flags.writeable = False  # it is kept
    return bits


def places_of(character: str, text: str) -> Array:
    """Where a character is, booleans (N,)."""
    places: Array = code_points(text) == ord(character)
    return places


def places_of_matches(pattern: re.Pattern[str], text: str, at_end: bool = False) -> Array:
    """Where matches begin, or where they end, (n,)."""
    find = re.Match.end if at_end else re.Match.start
    return np.fromiter(map(find, pattern.finditer(text)), np.intp)


def replaced(text: str, keep: Array, filler: str) -> str:
    """A text of the same length, with `filler` for every character that is not to be kept."""
    points = np.where(keep, code_points(text), ord(filler)).astype("<u4")
    return points.tobytes().decode("utf-32-le", "surrogatepass")
