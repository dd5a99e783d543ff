"""The errors of a network, by kind."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from math import log

import numpy as np

from charrnn.arrays import Array
from charrnn.errors import TextError
from charrnn.inspection.answer import Answer, Figure, Series
from charrnn.inspection.character_classes import (
    BRACKET,
    PUNCTUATION,
    START,
    SYMBOL,
    classes_of,
    words_of,
)
from charrnn.inspection.kneser_ney import MAX_CHARACTERS, NGram
from charrnn.inspection.recording import record
from charrnn.inspection.subject import Subject
from charrnn.inspection.wording import share
from charrnn.network.model import CharRNN

HELP = "The errors of the model by kind."
HEADING = "Errors"

#: A character with a probability below this is an error.
KNOWN = 0.5
#: The order of the longest n-gram model.
ORDER = 9
#: Characters of a repeated string, including the predicted one.
STRING_LENGTH = 6
#: The largest distances, in characters, to the earlier occurrence of the string.
DISTANCES = (100, 500, 1_000, 5_000)
#: A word that occurs at most this often in the training text is rare.
MAX_RARE_COUNT = 5
#: The kinds of errors, in order; an error belongs to the first kind that fits.
KINDS = (
    "an n-gram knows",
    *(f"seen in the last {distance:,}" for distance in DISTANCES),
    "rare words",
    "word starts",
    "punctuation",
    "the rest",
)


@dataclass(frozen=True)
class Kind:
    """Errors of one kind.

    Attributes:
        name: a name in `KINDS`.
        count: the number of errors.
        share: their share of all errors.
        bits: the mean of −log2 p of these characters by the network; NaN without any.
    """

    name: str
    count: int
    share: float
    bits: float


@dataclass(frozen=True)
class Errors:
    """The errors of a network, by kind.

    Attributes:
        characters: the number of predicted characters: all of the text but the first.
        errors: the number of them with a probability below 0.5.
        cost: the share of the errors in the bits of the whole text.
        kinds: all kinds in order, including those without errors.
    """

    characters: int
    errors: int
    cost: float
    kinds: tuple[Kind, ...]


def errors_by_kind(
    model: CharRNN, text: str, train: Array, *, ngram: NGram | None = None
) -> Errors:
    """The errors of a network by kind, after Karpathy, Johnson, Fei-Fei (2015).

    An error is a character to which the network gives p < 0.5. It belongs to the first of
    these kinds that fits:

    1. an n-gram knows: p >= 0.5 by the n-gram model (`charrnn.inspection.kneser_ney`) of some
       order from 1 to 9, the best order for each character;
    2. seen in the last 100, then 500, 1,000, 5,000 characters: the character and the 5 before
       it have occurred at that distance in this text, so a memory of that length could have
       helped;
    3. rare words: it is in a word or number that occurs at most 5 times in the training text,
       upper and lower case alike;
    4. word starts: the first letter of a word;
    5. punctuation: punctuation marks, brackets, quotes and symbols;
    6. the rest: later letters of common words, digits, spaces, line breaks.

    Args:
        model: the network.
        text: N characters, at least 2.
        train: the text that the network was trained on, indices (M,); only the last
            `charrnn.inspection.kneser_ney.MAX_CHARACTERS` are used.
        ngram: the n-gram models of `train`; made here unless given.

    Raises:
        TextError: for a shorter text.
        UnknownCharacterError: for characters that are not in the model's vocabulary.
    """
    if len(text) < 2:
        raise TextError(f"errors are counted on a text of at least 2 characters, not {len(text)}")
    indices = model.vocabulary.encode(text)
    ngram = ngram or NGram(train, len(model.vocabulary), ORDER)
    known = ngram.log_probs(indices)[1:].max(axis=0) >= log(KNOWN)
    counted = model.vocabulary.decode(train[max(0, len(train) - MAX_CHARACTERS) :])
    seen = last_seen(indices, STRING_LENGTH)
    fits = fitting_kinds(text, known, seen, in_rare_words(text, counted))
    return count_by_kind(record(model, text).losses / log(2), fits[:, 1:])


def analyse(subject: Subject) -> Errors:
    """The errors of a subject by kind."""
    return errors_by_kind(subject.model, subject.text, subject.train, ngram=subject.ngram)


def fitting_kinds(text: str, known: Array, seen: Array, rare: Array) -> Array:
    """The kinds that fit each of N characters, error or not: booleans (K, N).

    Args:
        text: the text.
        known: the characters that an n-gram knows, booleans (N,).
        seen: the distance of each character to its earlier occurrence after the same
            characters, (N,), as from `last_seen`.
        rare: the characters in rare words, booleans (N,).
    """
    classes = classes_of(text)
    return np.stack(
        [
            known,
            *(seen <= distance for distance in DISTANCES),
            rare,
            classes == START,
            np.isin(classes, (BRACKET, PUNCTUATION, SYMBOL)),
            np.ones(len(text), bool),
        ]
    )


def count_by_kind(bits: Array, fits: Array) -> Errors:
    """Count each error for the first kind that fits.

    Args:
        bits: −log2 p of each character by the network, (M,).
        fits: the kinds that fit, (K, M); the last kind fits every character.
    """
    wrong = bits > -np.log2(KNOWN)
    first = fits[:, wrong].argmax(axis=0)
    counts = np.bincount(first, minlength=len(KINDS))
    totals = np.bincount(first, bits[wrong], minlength=len(KINDS))
    errors, whole = int(wrong.sum()), float(bits.sum())
    return Errors(
        characters=len(bits),
        errors=errors,
        cost=float(totals.sum()) / whole if whole else 0.0,
        kinds=tuple(
            Kind(name, n, n / errors if errors else 0.0, total / n if n else float("nan"))
            for name, n, total in zip(KINDS, counts.tolist(), totals.tolist())
        ),
    )


def last_seen(indices: Array, length: int) -> Array:
    """The distance from each character to the last earlier end of the same string, (N,).

    Args:
        indices: a text, (N,).
        length: the length of the string that ends at each character, at least 1.

    Returns:
        The distances in characters; infinity where the string has not occurred before, and for
        the first length − 1 characters.
    """
    N, V = len(indices), int(indices.max(initial=0)) + 1
    seen = np.full(N, np.inf)
    if length > N:
        return seen
    strings = np.zeros(
        N, np.int64
    )  # a number for the string of k characters that ends before each character
    for k in range(length):
        _, numbers = np.unique(strings * V + indices[k:], return_inverse=True)
        strings = numbers[:-1]
    order = np.argsort(numbers, kind="stable")
    again = np.flatnonzero(np.diff(numbers[order]) == 0) + 1
    seen[order[again] + length - 1] = order[again] - order[again - 1]
    return seen


def in_rare_words(text: str, train: str) -> Array:
    """The characters of a text in words that `train` has at most 5 times, booleans (N,)."""
    frequency = Counter(word.casefold() for word in words_of(train)[0])
    words, number = words_of(text)
    # The last entry is for the number −1 of characters outside words.
    rare = np.array([frequency[word.casefold()] <= MAX_RARE_COUNT for word in words] + [False])
    of_each: Array = rare[number]
    return of_each


def answer(result: Errors) -> Answer:
    """Say how many errors there are, and what would have prevented how many of them."""
    if not result.errors:
        return Answer(f"It makes no errors: every character has p ≥ {KNOWN}.", ())
    # The last kind is a remainder, so it is not named as the largest.
    ngram, *others, _ = result.kinds
    seen, others = others[: len(DISTANCES)], others[len(DISTANCES) :]
    largest = max(others, key=lambda kind: kind.count)
    sentence = (
        f"{share(result.errors / result.characters)} of the characters are errors (p < {KNOWN}). "
        f"Of these an n-gram knows {share(ngram.share)} and the last {DISTANCES[-1]:,} characters "
        f"{share(sum(kind.share for kind in seen))}"
    )
    if largest.count:
        name = "in rare words" if largest.name == "rare words" else largest.name
        sentence += f"; {share(largest.share)} are {name}"
    return Answer(f"{sentence}.", (_shares(result), _bits(result)))


def _shares(result: Errors) -> Figure:
    names = [kind.name for kind in result.kinds]
    shares = [100 * kind.share for kind in result.kinds]
    return Figure(
        title="Errors, each of the first kind that explains it",
        x_label="",
        y_label="% of the errors",
        series=(Series("", names, shares, "bars"),),
        caption="Each error counts in the first kind that fits, from the top.",
    )


def _bits(result: Errors) -> Figure:
    names = [kind.name for kind in result.kinds]
    return Figure(
        title="How far off errors are",
        x_label="",
        y_label="bits each",
        series=(Series("", names, [kind.bits for kind in result.kinds], "bars"),),
        caption="The longer the bar, the less likely the network held the character that came.",
    )
