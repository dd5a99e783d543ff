"""The text held out, compared with the text trained on: a validation needs one like the other.

The two are unlike where the text is sorted, or where it ends in another language, another author or
another file. The validation loss then shows the difference and not the learning.

The measure is the distance of a part from all other parts: the Jensen-Shannon divergence (Lin 1991)
of their frequencies of pairs of characters, from 0 to ln 2. It is bounded, so that a table of a few
new characters in a program does not count for much. Each part is compared in the same way: the text
held out, and up to 20 others of its length. The same characters, mixed in small pieces, give the
distance that chance alone makes in parts of this length.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import inf

import numpy as np

from charrnn.arrays import Array
from charrnn.text.frequencies import frequencies
from charrnn.text.vocabulary import Vocabulary

#: Parts of the text trained on: the fewest, and the most.
MIN_PARTS, MAX_PARTS = 8, 20
#: Characters that are read of a part: the most, and in one piece the fewest and the most.
MAX_READ, MIN_PIECE, MAX_PIECE = 1 << 16, 32, 256
#: Characters that are counted separately; all rarer ones count as one.
CLASSES = 64
#: A part is unlike the rest if its distance above chance exceeds `MIN_EXCESS`, and `MIN_RATIO`
#: times the median of the other parts: in a text of many kinds each part is unlike the rest.
MIN_EXCESS, MIN_RATIO = 0.1, 4.0
#: The distance where the lines are sorted: then all parts are unlike the rest, and only by the
#: beginnings of lines, which are a small share of the pairs.
MIN_EXCESS_OF_SORTED = 0.03
#: Lines are sorted if this share of neighbours is in order; the fewest lines to decide by.
SORTED_SHARE, MIN_LINES = 0.9, 20
#: Characters that are read at one position to find lines, and the number of positions.
LINES_READ, LINES_POSITIONS = 2_048, 20


@dataclass(frozen=True)
class Likeness:
    """The distances of parts of a text from the rest, from 0 to ln 2.

    Attributes:
        held_out: the distance of the text held out.
        others: the distances of parts of the text trained on.
        chance: the mean distance of parts that are mixed from all of the text.
        sorted_lines: the lines of the text are sorted.
    """

    held_out: float
    others: tuple[float, ...]
    chance: float
    sorted_lines: bool

    @property
    def excess(self) -> float:
        """The distance of the text held out, above chance."""
        return self.held_out - self.chance

    @property
    def ratio(self) -> float:
        """The excess, in multiples of the median of the other parts."""
        typical = float(np.median(self.others)) - self.chance
        return self.excess / typical if typical > 0 else inf

    @property
    def unlike(self) -> bool:
        """The text held out is unlike the rest, so that the validation loss says little."""
        if self.sorted_lines:
            return self.excess > MIN_EXCESS_OF_SORTED
        return self.excess > MIN_EXCESS and self.ratio > MIN_RATIO


def compare(train: Array, held_out: Array, vocabulary: Vocabulary) -> Likeness | None:
    """Compare the text held out with the text trained on.

    About a million characters are read, however long the text is.

    Args:
        train: indices (N,).
        held_out: indices (M,).
        vocabulary: the characters of both.

    Returns:
        The distances; None where the text is too short to tell.
    """
    read = min(len(held_out), len(train) // MIN_PARTS, MAX_READ)
    piece = min(MAX_PIECE, max(MIN_PIECE, read // 16))
    count = read // piece  # pieces of a part
    if count < 2:
        return None
    number = min(MAX_PARTS, len(train) // read)
    extent = min(len(held_out), len(train) // number)
    starts = np.arange(number) * (len(train) - extent) // max(1, number - 1)
    parts = [pieces(train[start : start + extent], count, piece) for start in starts]
    text = np.stack([*parts, pieces(held_out, count, piece)])  # (parts, count, piece)
    pairs = pairs_of(text, len(vocabulary))
    *others, last = distances(pairs)
    # Piece j of the mixed part i is from part i + j.
    mixed = pairs[(np.arange(len(pairs))[:, None] + np.arange(count)) % len(pairs), range(count)]
    chance = float(distances(mixed).mean())
    return Likeness(float(last), tuple(others), chance, has_sorted_lines(train, vocabulary))


def pieces(text: Array, count: int, length: int) -> Array:
    """Pieces of a text (N,), evenly spaced, (count, length)."""
    starts = np.arange(count) * (len(text) - length) // max(1, count - 1)
    return np.asarray(text[starts[:, None] + np.arange(length)])


def pairs_of(text: Array, vocabulary_size: int) -> Array:
    """The number of each pair of neighbours in pieces (..., n), (..., n − 1), below CLASSES²."""
    counts = frequencies(text.ravel(), vocabulary_size)
    classes = np.full(vocabulary_size, CLASSES - 1, np.uint16)  # pairs of 2 bytes and not of 8
    frequent = np.argsort(-counts, kind="stable")[: CLASSES - 1]
    classes[frequent] = np.arange(len(frequent))
    found: Array = classes[text]
    pairs: Array = found[..., :-1] * np.uint16(CLASSES)
    pairs += found[..., 1:]
    return pairs


def distances(pairs: Array) -> Array:
    """The distance of each part from all others, (parts,).

    Args:
        pairs: numbers of pairs, (parts, pieces, pairs of a piece).
    """
    counts = np.stack([np.bincount(part.ravel(), minlength=CLASSES**2) for part in pairs])
    together = counts.sum(axis=0)
    return np.array([distance(part, together - part) for part in counts])


def distance(one: Array, other: Array) -> float:
    """The Jensen-Shannon divergence of two lists of frequencies, (m,) each, in nats."""
    p, q = one / one.sum(), other / other.sum()
    middle = (p + q) / 2
    return (divergence(p, middle) + divergence(q, middle)) / 2


def divergence(p: Array, q: Array) -> float:
    """Σ p·ln(p/q), where q (m,) is zero only where p (m,) is zero."""
    within = p > 0
    return float((p[within] * np.log(p[within] / q[within])).sum())


def has_sorted_lines(text: Array, vocabulary: Vocabulary) -> bool:
    """The lines of a text (N,) are in order, up or down, with or without regard to case."""
    whole = len(text) <= LINES_READ * LINES_POSITIONS
    read, step = (len(text), len(text)) if whole else (LINES_READ, len(text) // LINES_POSITIONS)
    lines: list[str] = []
    for start in range(0, len(text), step):
        lines += vocabulary.decode(text[start : start + read]).split("\n")[1:-1]
    return any(in_order(order) for order in (lines, [line.casefold() for line in lines]))


def in_order(lines: Sequence[str]) -> bool:
    """Nearly all neighbours are in order, up or down."""
    up = sum(one < two for one, two in pairwise(lines))
    down = sum(one > two for one, two in pairwise(lines))
    return len(lines) >= MIN_LINES and max(up, down) >= SORTED_SHARE * (up + down) > 0


def advice(likeness: Likeness, held_out: int) -> str:
    """One line on a text held out that is unlike the rest, with the remedy.

    Args:
        likeness: the distances of the text held out.
        held_out: characters held out.
    """
    why = "the lines are sorted: " if likeness.sorted_lines else ""
    return (
        f"the last {held_out:,} characters, which are held out, are unlike the rest of the text, "
        f"so the validation loss will say little: {why}train with {remedy(likeness)}"
    )


def remedy(likeness: Likeness) -> str:
    """The options of a new run in which the text held out is like the rest.

    Args:
        likeness: the distances of the text held out.
    """
    spread = "--held-out spread"
    if likeness.sorted_lines:
        return f"--lines, if each line is an item of its own, or else with {spread}"
    return f"{spread}, which takes parts from all over the text"
