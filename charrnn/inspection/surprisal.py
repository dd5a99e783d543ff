"""The surprisal of each character of a text, by class of character and position in the word."""

from __future__ import annotations

from dataclasses import dataclass
from math import log

import numpy as np

from charrnn.arrays import Array
from charrnn.errors import TextError
from charrnn.inspection.answer import Answer, Figure, Series
from charrnn.inspection.character_classes import CLASSES, classes_of, positions_in_words, sums
from charrnn.inspection.recording import record
from charrnn.inspection.subject import Subject
from charrnn.network.model import CharRNN

HELP = "The surprisal of the characters of each class."
HEADING = "Surprisal"

#: A position in the word is reported where at least this many words have it.
MIN_WORDS = 20
#: The distribution has a row for each bit up to this many, and one for all beyond.
MAX_ROW_BITS = 8
#: The sentence names only classes with at least this share of the characters.
LARGE_SHARE = 0.01


@dataclass(frozen=True)
class ClassSurprisal:
    """The surprisal of the characters of one class.

    Attributes:
        name: a key of `charrnn.inspection.character_classes.CLASSES`.
        count: the number of characters of the class.
        bits: their mean surprisal.
        share: their share of the surprisal of the whole text.
    """

    name: str
    count: int
    bits: float
    share: float


@dataclass(frozen=True)
class Surprisal:
    """The surprisal of a text of N characters.

    Attributes:
        bits: −log2 p of each character but the first given those before it, (N − 1,).
        mean: the mean of the bits.
        classes: the classes that occur among these characters.
        by_position: the mean bits of the first, second, … character of words, (M,); M is the
            last position that at least 20 words have.
        position_counts: the number of words that have each position, (M,).
    """

    bits: Array
    mean: float
    classes: tuple[ClassSurprisal, ...]
    by_position: Array
    position_counts: Array


def surprisal(model: CharRNN, text: str) -> Surprisal:
    """The surprisal −log2 p of each character of a text (Shannon 1948).

    Args:
        model: the model.
        text: N characters, at least 2; the first one is read and not predicted.

    Raises:
        TextError: for a shorter text.
        UnknownCharacterError: for characters that are not in the model's vocabulary.
    """
    if len(text) < 2:
        raise TextError(f"surprisal needs a text of at least 2 characters, not {len(text)}")
    return summarize(text, record(model, text).losses / log(2))


def analyse(subject: Subject) -> Surprisal:
    """The surprisal of a subject."""
    return surprisal(subject.model, subject.text)


def summarize(text: str, bits: Array, *, min_words: int = MIN_WORDS) -> Surprisal:
    """The means by class and by position in the word.

    Args:
        text: N characters.
        bits: the surprisal of each character but the first, (N − 1,).
        min_words: the number of words that a reported position in the word needs.
    """
    bits = np.asarray(bits, np.float64)
    classes, positions = classes_of(text)[1:], positions_in_words(text)[1:]
    counts, totals = sums(classes, bits, len(CLASSES))
    whole = float(totals.sum())
    counted = np.bincount(positions)[1:]
    few = np.flatnonzero(counted < min_words)
    M = int(few[0]) if len(few) else len(counted)
    position_counts, position_totals = sums(positions, bits, M + 1)
    return Surprisal(
        bits=bits,
        mean=float(bits.mean()),
        classes=tuple(
            ClassSurprisal(name, int(n), total / n, total / whole if whole else 0.0)
            for name, n, total in zip(CLASSES, counts.tolist(), totals.tolist())
            if n
        ),
        by_position=position_totals[1:] / position_counts[1:],
        position_counts=position_counts[1:],
    )


def answer(result: Surprisal) -> Answer:
    """Say which class of characters is hardest, beside the most frequent other one."""
    large = [one for one in result.classes if one.count >= LARGE_SHARE * len(result.bits)]
    hardest = max(large, key=lambda one: one.bits)
    name = hardest.name.capitalize()
    others = [one for one in large if one is not hardest]
    if others:
        usual = max(others, key=lambda one: one.count)
        verb = "is" if hardest.name == "indentation" else "are"
        sentence = (
            f"{name} {verb} hardest: {hardest.bits:.1f} bits, against {usual.bits:.1f} of "
            f"{usual.name}."
        )
    else:
        sentence = f"All of the text is {hardest.name}: {hardest.bits:.1f} bits each."
    figures = [_means(result), _shares(result), _distribution(result)]
    if len(result.by_position):
        figures.append(_positions(result))
    return Answer(sentence, tuple(figures))


def _means(result: Surprisal) -> Figure:
    names = [one.name for one in result.classes]
    return Figure(
        title="Surprisal by class of character",
        x_label="",
        y_label="bits a character",
        series=(Series("", names, [one.bits for one in result.classes], "bars"),),
        caption=(
            "The longer the bar, the harder to predict; 1 bit is a choice between two "
            "characters that are equally likely."
        ),
    )


def _shares(result: Surprisal) -> Figure:
    names = [one.name for one in result.classes]
    characters = [100 * one.count / len(result.bits) for one in result.classes]
    surprisals = [100 * one.share for one in result.classes]
    return Figure(
        title="Shares of the text and of its surprisal",
        x_label="",
        y_label="%",
        series=(
            Series("of the characters", names, characters, "bars"),
            Series("of the surprisal", names, surprisals, "bars"),
        ),
        caption="Where the second bar is the longer one, characters are harder than the average.",
    )


def _distribution(result: Surprisal) -> Figure:
    edges = [-np.inf, *range(1, MAX_ROW_BITS + 1), np.inf]
    names = [f"{low} to {low + 1} bits" for low in range(MAX_ROW_BITS)]
    names.append(f"{MAX_ROW_BITS} bits or more")
    counts, _ = np.histogram(result.bits, edges)
    sums_of_bits, _ = np.histogram(result.bits, edges, weights=result.bits)
    total = max(result.bits.sum(), np.finfo(np.float64).tiny)
    return Figure(
        title="Distribution of the surprisal",
        x_label="",
        y_label="%",
        series=(
            Series("of the characters", names, (100 * counts / len(result.bits)).tolist(), "bars"),
            Series("of the surprisal", names, (100 * sums_of_bits / total).tolist(), "bars"),
        ),
        caption=(
            "The first rows are characters that the network expected, the last ones are surprises; "
            "the second bar is their part of the loss."
        ),
    )


def _positions(result: Surprisal) -> Figure:
    positions = list(range(1, len(result.by_position) + 1))
    return Figure(
        title="Surprisal by position in the word",
        x_label="character of the word",
        y_label="bits a character",
        series=(Series("", positions, result.by_position.tolist()),),
        caption="A falling line means that words are hard at the beginning, and easy once begun.",
    )
