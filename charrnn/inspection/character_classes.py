"""The class of each character (start of a word, space, bracket, …), and the words of a text."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

import numpy as np

from charrnn.arrays import Array
from charrnn.text.vocabulary import code_points

#: The classes of characters and their contents. Each character is in one class.
CLASSES = {
    "word starts": "the first character of a word, unless it is a digit",
    "letters inside of words": "later letters, accents and `_`; apostrophes between two letters",
    "digits": "and other characters for numbers",
    "spaces": "and tabs, except at the beginning of a line",
    "indentation": "spaces and tabs at the beginning of a line",
    "line breaks": "and page breaks",
    "brackets and quotes": "of all kinds, also straight ones (\" ' `)",
    "punctuation marks": "other ones; also # % & * / @ and \\, as in Unicode",
    "symbols": "< = > + $ ^ ~ |, pictures, control characters and all others",
}
START, INSIDE, DIGIT, SPACE, INDENT, BREAK, BRACKET, PUNCTUATION, SYMBOL = range(len(CLASSES))

#: A kind, but not a class: an apostrophe between two letters, a quote elsewhere.
APOSTROPHE = len(CLASSES)

#: The classes of the categories of Unicode, or of the first letter of a category.
CATEGORIES = {
    "L": INSIDE,
    "M": INSIDE,
    "Pc": INSIDE,
    "N": DIGIT,
    "Zs": SPACE,
    "Zl": BREAK,
    "Zp": BREAK,
    "Ps": BRACKET,
    "Pe": BRACKET,
    "Pi": BRACKET,
    "Pf": BRACKET,
    "P": PUNCTUATION,
}
#: The classes of characters whose category is too coarse. The joiners of Persian and Hindi,
#: U+200C and U+200D, belong to words.
CHARACTERS = (
    dict.fromkeys("\n\r\v\f\x1c\x1d\x1e\x85", BREAK)
    | dict.fromkeys("'\u2019", APOSTROPHE)
    | {"\t": SPACE, '"': BRACKET, "`": BRACKET, "\u200c": INSIDE, "\u200d": INSIDE}
)


def classes_of(text: str) -> Array:
    """The class of each character as an index of `CLASSES`, (N,).

    A word is a run of letters, digits, accents and apostrophes in any script. In a script
    without spaces between words, all characters up to the next punctuation mark are one word.
    """
    kinds = kinds_of(text)
    word = in_words(kinds)
    before = np.concatenate([[False], word[:-1]])[: len(text)]
    classes = kinds.copy()
    classes[kinds == APOSTROPHE] = BRACKET
    letters = word & (kinds != DIGIT)
    classes[letters] = INSIDE
    classes[letters & ~before] = START
    blank = kinds == SPACE
    first = _run_starts(blank)
    classes[blank & ((first == 0) | (kinds[first - 1] == BREAK))] = INDENT
    return classes


def positions_in_words(text: str) -> Array:
    """1 for the first character of a word, 2 for the next, …, and 0 outside words, (N,)."""
    return positions_in_runs(in_words(kinds_of(text)))


def words_of(text: str) -> tuple[list[str], Array]:
    """The words and numbers of a text in order, and the number of the word of each character,
    (N,): −1 outside words.
    """
    word = in_words(kinds_of(text))
    spans = runs(word)
    words = [text[start:stop] for start, stop in spans.tolist()]
    starts = np.zeros(len(text), np.intp)
    starts[spans[:, 0]] = 1
    number: Array = np.where(word, np.cumsum(starts) - 1, -1)
    return words, number


def sums(groups: Array, values: Array, number: int) -> tuple[Array, Array]:
    """The number of values in each of the groups 0, 1, …, and their sums, (number,) each."""
    within = groups < number
    counts = np.bincount(groups[within], minlength=number)
    totals = np.bincount(groups[within], values[within], minlength=number)
    return counts, totals


def kinds_of(text: str) -> Array:
    """The kind of each character by itself, (N,): letters are `INSIDE`, some are `APOSTROPHE`."""
    return by_character(text, _kind)


def by_character(text: str, property: Callable[[str], int]) -> Array:
    """A property of each character, (N,), uint8, computed once for each different character."""
    points = code_points(text)
    table = np.zeros(int(points.max(initial=0)) + 1, np.uint8)
    for character in set(text):
        table[ord(character)] = property(character)
    values: Array = table[points]
    return values


def _kind(character: str) -> int:
    if character in CHARACTERS:
        return CHARACTERS[character]
    category = unicodedata.category(character)
    return CATEGORIES.get(category, CATEGORIES.get(category[0], SYMBOL))


def in_words(kinds: Array) -> Array:
    """The characters in words and numbers, booleans (N,)."""
    letter = kinds == INSIDE
    between = np.zeros(len(kinds), bool)
    between[1:-1] = letter[:-2] & letter[2:]
    word: Array = letter | (kinds == DIGIT) | ((kinds == APOSTROPHE) & between)
    return word


def runs(marks: Array) -> Array:
    """The spans of consecutive marked characters, (n, 2)."""
    edges: Array = np.flatnonzero(np.diff(marks, prepend=False, append=False))
    return edges.reshape(-1, 2)


def positions_in_runs(marks: Array) -> Array:
    """1 for the first character of a run of marks, 2 for the next, …, and 0 elsewhere, (N,)."""
    position: Array = np.where(marks, np.arange(len(marks)) - _run_starts(marks) + 1, 0)
    return position


def _run_starts(marks: Array) -> Array:
    """The start of the run of marks at each character, (N,); elsewhere the next position."""
    positions = np.where(marks, 0, np.arange(1, len(marks) + 1))
    starts: Array = np.maximum.accumulate(positions) if len(positions) else positions
    return starts
