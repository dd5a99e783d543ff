"""Which characters of a text surprise a network."""

from __future__ import annotations

from dataclasses import dataclass
from math import log

import numpy as np

from charrnn.arrays import Array
from charrnn.errors import TextError
from charrnn.inspection.classes import CLASSES, classes_of, positions_in_words, sums
from charrnn.inspection.recording import record
from charrnn.network.model import CharRNN

#: A place in the word is looked at where so many words of the text have it.
LEAST = 20


@dataclass(frozen=True)
class ClassSurprise:
    """How much the characters of a class surprise.

    Attributes:
        name: of the class, of `charrnn.inspection.classes.CLASSES`.
        count: how many characters of it there are.
        bits: the mean of their surprise.
        share: of the surprise of the whole text.
    """

    name: str
    count: int
    bits: float
    share: float


@dataclass(frozen=True)
class Surprisal:
    """How much each character of a text surprises.

    Attributes:
        bits: −log2 p of each character but the first given those before it, (N − 1,).
        mean: of the bits.
        classes: the classes that occur among these characters.
        by_position: the mean bits of the first, second, … character of words, (M,), as far as
            there are at least 20 of each.
        position_counts: how many of each there are, (M,).
    """

    bits: Array
    mean: float
    classes: tuple[ClassSurprise, ...]
    by_position: Array
    position_counts: Array


def surprisal(model: CharRNN, text: str) -> Surprisal:
    """How much each character of a text surprises a network: −log2 p (Shannon 1948).

    Args:
        model: the model.
        text: of N characters, at least 2; the first one is read and not predicted.

    Raises:
        TextError: for a shorter text.
        UnknownCharacterError: for characters that the model does not know.
    """
    if len(text) < 2:
        raise TextError(f"surprise shows in a text of 2 characters or more, not {len(text)}")
    return summed_up(text, record(model, text).losses / log(2))


def summed_up(text: str, bits: Array) -> Surprisal:
    """Means by class and by position in the word.

    Args:
        text: of N characters.
        bits: the surprise of each but the first, (N − 1,).
    """
    bits = np.asarray(bits, np.float64)
    classes, positions = classes_of(text)[1:], positions_in_words(text)[1:]
    counts, totals = sums(classes, bits, len(CLASSES))
    whole = float(totals.sum())
    counted = np.bincount(positions)[1:]
    few = np.flatnonzero(counted < LEAST)
    M = int(few[0]) if len(few) else len(counted)
    position_counts, position_totals = sums(positions, bits, M + 1)
    return Surprisal(
        bits=bits,
        mean=float(bits.mean()),
        classes=tuple(
            ClassSurprise(name, int(n), total / n, total / whole if whole else 0.0)
            for name, n, total in zip(CLASSES, counts.tolist(), totals.tolist())
            if n
        ),
        by_position=position_totals[1:] / position_counts[1:],
        position_counts=position_counts[1:],
    )
