"""What kinds of errors a network makes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from math import log

import numpy as np

from charrnn.arrays import Array
from charrnn.errors import TextError
from charrnn.inspection.classes import BRACKET, PUNCTUATION, START, SYMBOL, classes_of, words_of
from charrnn.inspection.ngram import MOST, NGram
from charrnn.inspection.recording import record
from charrnn.network.model import CharRNN

#: A character of less than this probability is an error.
KNOWN = 0.5
#: The longest n-grams that may know one.
ORDER = 9
#: Characters of a string that is seen again, the one to predict among them.
STRING = 6
#: How many characters ago it may have been seen.
REACHES = (100, 500, 1_000, 5_000)
#: A word that occurs no more often in the training text is rare.
RARE = 5
#: The kinds of errors, in the order in which they are taken off.
KINDS = (
    "an n-gram knows",
    *(f"seen in the last {reach:,}" for reach in REACHES),
    "rare words",
    "word starts",
    "punctuation",
    "the rest",
)


@dataclass(frozen=True)
class Kind:
    """Errors of one kind.

    Attributes:
        name: of `KINDS`.
        count: how many.
        share: of all errors.
        bits: the mean of −log2 p of these characters by the network; NaN where there are none.
    """

    name: str
    count: int
    share: float
    bits: float


@dataclass(frozen=True)
class Mistakes:
    """The errors of a network, by kind.

    Attributes:
        characters: that were predicted: all of the text but the first.
        errors: how many of them had a probability below 0.5.
        cost: the share of the bits of the whole text that the errors make up.
        kinds: all kinds in the order in which they are taken off, also those without errors.
    """

    characters: int
    errors: int
    cost: float
    kinds: tuple[Kind, ...]


def mistakes(model: CharRNN, text: str, train: Array, *, ngram: NGram | None = None) -> Mistakes:
    """What kinds of errors a network makes, after Karpathy, Johnson, Fei-Fei (2015).

    An error is a character to which the network gives p < 0.5. Each is of the first of these
    kinds that it fits, so that each is what is left when those before are explained:

    1. an n-gram knows: p >= 0.5 by the n-gram model (`charrnn.inspection.ngram`) of some order
       from 1 to 9, whichever does best at each character: more than a single one could do;
    2. seen in the last 100, then 500, 1,000, 5,000 characters: the 5 characters before it and
       the character itself have stood in this text before, not longer ago than that, whatever
       else has followed the 5 since: so a memory of that reach could have helped;
    3. rare words: it is in a word or number that the training text has at most 5 times, in
       capitals or not;
    4. word starts: the first letter of a word;
    5. punctuation: punctuation marks, brackets, quotes and symbols;
    6. the rest: later letters of common words, digits, spaces, line breaks.

    Args:
        model: the network.
        text: of N characters, at least 2.
        train: the text that the network was trained on, indices (M,); of more than
            `charrnn.inspection.ngram.MOST` the end.
        ngram: the n-gram models, where they are at hand, instead of ones made from `train`.

    Raises:
        TextError: for a shorter text.
        UnknownCharacterError: for characters that the model does not know.
    """
    if len(text) < 2:
        raise TextError(f"errors show in a text of 2 characters or more, not {len(text)}")
    indices = model.vocabulary.encode(text)
    ngram = ngram or NGram(train, len(model.vocabulary), ORDER)
    known = ngram.log_probs(indices)[1:].max(axis=0) >= log(KNOWN)
    counted = model.vocabulary.decode(train[max(0, len(train) - MOST) :])
    fits = kinds_fitted(text, known, last_seen(indices, STRING), rare_words(text, counted))
    return taken_off(record(model, text).losses / log(2), fits[:, 1:])


def kinds_fitted(text: str, known: Array, seen: Array, rare: Array) -> Array:
    """Which kinds each of N characters fits, whether it is an error or not: booleans (K, N).

    Args:
        text: the text.
        known: whether an n-gram knows each character, (N,).
        seen: how many characters ago it was seen after the same ones, (N,), as of `last_seen`.
        rare: whether it is in a rare word, (N,).
    """
    classes = classes_of(text)
    return np.stack(
        [
            known,
            *(seen <= reach for reach in REACHES),
            rare,
            classes == START,
            np.isin(classes, (BRACKET, PUNCTUATION, SYMBOL)),
            np.ones(len(text), bool),
        ]
    )


def taken_off(bits: Array, fits: Array) -> Mistakes:
    """Give each error to the first kind that it fits.

    Args:
        bits: −log2 p of each character by the network, (M,).
        fits: which kinds it fits, the last of which all do, (K, M).
    """
    wrong = bits > -np.log2(KNOWN)
    first = fits[:, wrong].argmax(axis=0)
    counts = np.bincount(first, minlength=len(KINDS))
    totals = np.bincount(first, bits[wrong], minlength=len(KINDS))
    errors, whole = int(wrong.sum()), float(bits.sum())
    return Mistakes(
        characters=len(bits),
        errors=errors,
        cost=float(totals.sum()) / whole if whole else 0.0,
        kinds=tuple(
            Kind(name, n, n / errors if errors else 0.0, total / n if n else float("nan"))
            for name, n, total in zip(KINDS, counts.tolist(), totals.tolist())
        ),
    )


def last_seen(indices: Array, length: int) -> Array:
    """How many characters ago the string that ends here has ended before, (N,).

    Args:
        indices: a text, (N,).
        length: of the string, at least 1.

    Returns:
        Infinity where it has not, or where the text is not so long yet.
    """
    N, V = len(indices), int(indices.max(initial=0)) + 1
    seen = np.full(N, np.inf)
    if length > N:
        return seen
    strings = np.zeros(N, np.int64)  # the number of the string that ends before each character
    for k in range(length):
        _, numbers = np.unique(strings * V + indices[k:], return_inverse=True)
        strings = numbers[:-1]
    order = np.argsort(numbers, kind="stable")
    again = np.flatnonzero(np.diff(numbers[order]) == 0) + 1
    seen[order[again] + length - 1] = order[again] - order[again - 1]
    return seen


def rare_words(text: str, train: str) -> Array:
    """Which characters of a text are in words that another text has at most 5 times, (N,)."""
    frequency = Counter(word.casefold() for word in words_of(train)[0])
    words, number = words_of(text)
    # One more at the end, for the number −1 of what is outside of words.
    rare = np.array([frequency[word.casefold()] <= RARE for word in words] + [False])
    of_each: Array = rare[number]
    return of_each
