"""What a character of a text is: where a word starts, a space, a bracket, …"""

from __future__ import annotations

import unicodedata

import numpy as np

from charrnn.arrays import Array
from charrnn.text.vocabulary import code_points

#: The classes of characters, by their names, with what is in each. Each character is in one.
CLASSES = {
    "word starts": "the first of a word, unless it is a digit",
    "letters inside of words": "later ones, accents and `_`; apostrophes between two letters",
    "digits": "and other characters for numbers",
    "spaces": "and tabs, after something else in the line",
    "indentation": "spaces and tabs at the beginning of a line",
    "line breaks": "and page breaks",
    "brackets and quotes": "of all kinds, also straight ones (\" ' `)",
    "punctuation marks": "other ones; also # % & * / @ and \\, as Unicode has it",
    "symbols": "< = > + $ ^ ~ |, pictures, control characters and what else there is",
}
START, INSIDE, DIGIT, SPACE, INDENT, BREAK, BRACKET, PUNCTUATION, SYMBOL = range(len(CLASSES))

#: Not a class: what is an apostrophe between two letters and a quote elsewhere.
APOSTROPHE = len(CLASSES)

#: The classes of characters by the categories of Unicode, or the first letter of a category.
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
#: And of characters that the categories do not tell: joiners, of Persian and Hindi, are in words.
CHARACTERS = (
    dict.fromkeys("\n\r\v\f\x1c\x1d\x1e\x85", BREAK)
    | dict.fromkeys("'\u2019", APOSTROPHE)
    | {"\t": SPACE, '"': BRACKET, "`": BRACKET, "\u200c": INSIDE, "\u200d": INSIDE}
)


def classes_of(text: str) -> Array:
    """The class of each character, by its place in `CLASSES`, (N,).

    A word is a run of letters, digits, accents and apostrophes in any script; so what is written
    without spaces between words is one word as far as the next comma.
    """
    kinds = _kinds(text)
    wordlike = _in_words(kinds)
    before = np.concatenate([[False], wordlike[:-1]])[: len(text)]
    classes = kinds.copy()
    classes[kinds == APOSTROPHE] = BRACKET
    inside = wordlike & (kinds != DIGIT)
    classes[inside] = INSIDE
    classes[inside & ~before] = START
    blank = kinds == SPACE
    first = _run_starts(blank)
    after_break = (first == 0) | (kinds[first - 1] == BREAK)
    classes[blank & after_break] = INDENT
    return classes


def positions_in_words(text: str) -> Array:
    """1 for the first character of a word, 2 for the next, …, and 0 outside of words, (N,)."""
    wordlike = _in_words(_kinds(text))
    position: Array = np.where(wordlike, np.arange(len(text)) - _run_starts(wordlike) + 1, 0)
    return position


def words_of(text: str) -> tuple[list[str], Array]:
    """The words and numbers of a text in their order, and the number of its word for each
    character, (N,): −1 outside of words.
    """
    wordlike = _in_words(_kinds(text))
    steps = np.diff(wordlike.astype(np.int8), prepend=0, append=0)
    starts, ends = np.flatnonzero(steps == 1), np.flatnonzero(steps == -1)
    words = [text[start:end] for start, end in zip(starts.tolist(), ends.tolist())]
    number: Array = np.where(wordlike, np.cumsum(steps[:-1] == 1) - 1, -1)
    return words, number


def sums(groups: Array, values: Array, number: int) -> tuple[Array, Array]:
    """How many values there are in groups 0, 1, …, and their sums, (number,) each."""
    within = groups < number
    counts = np.bincount(groups[within], minlength=number)
    totals = np.bincount(groups[within], values[within], minlength=number)
    return counts, totals


def _kinds(text: str) -> Array:
    """What each character is by itself: letters are `INSIDE`, some may be `APOSTROPHE`."""
    points = code_points(text)
    table = np.zeros(int(points.max(initial=0)) + 1, np.uint8)
    for character in set(text):
        table[ord(character)] = _kind(character)
    kinds: Array = table[points]
    return kinds


def _kind(character: str) -> int:
    if character in CHARACTERS:
        return CHARACTERS[character]
    category = unicodedata.category(character)
    return CATEGORIES.get(category, CATEGORIES.get(category[0], SYMBOL))


def _in_words(kinds: Array) -> Array:
    """Which characters are in words or numbers, (N,)."""
    letter = kinds == INSIDE
    between = np.zeros(len(kinds), bool)
    between[1:-1] = letter[:-2] & letter[2:]
    wordlike: Array = letter | (kinds == DIGIT) | ((kinds == APOSTROPHE) & between)
    return wordlike


def _run_starts(marks: Array) -> Array:
    """The place after the last one that is not marked, (N,): where a run of marks starts."""
    places = np.where(marks, 0, np.arange(1, len(marks) + 1))
    starts: Array = np.maximum.accumulate(places) if len(places) else places
    return starts
