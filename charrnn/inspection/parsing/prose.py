"""Words and sentences."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

import numpy as np

from charrnn.arrays import Array
from charrnn.inspection.parsing.kinds import Kind
from charrnn.inspection.parsing.lexing import lexed
from charrnn.inspection.parsing.measures import (
    LOWER,
    SPACE,
    UPPER,
    WORD,
    characters,
    named,
    places_of,
    places_of_matches,
)

#: Words that end with a full stop and no sentence; and single letters do, but I.
ABBREVIATIONS: Final = named(
    "Mr Mrs Ms Messrs Mme Mlle Dr Prof Rev Hon Gen Col Capt Lieut Lt Sgt St cf vs viz e.g i.e"
)
_NO_END = "".join(rf"(?<!\b{re.escape(word)}\.)" for word in sorted(ABBREVIATIONS))
#: What is between sentences: the end of one, a paragraph or a heading, and what may be before the
#: first word of the next. It always matches all there is, so that no place is looked at twice.
SENTENCE_GAP: Final = re.compile(
    rf"""(?:\A | \0(?!\0) | \n[ \t\r]*\n | :[ \t\r]*\n
      | (?:[!?…] | \.{_NO_END}(?<!\b[A-HJ-Z]\.)) ["'”’»)\]*]*\s
    )[\s"'“‘„‚«»(\[*¿¡—–-]*""",
    re.VERBOSE,
)


@lru_cache(maxsize=1)
def words(text: str) -> Array:
    """The spans of words and numbers, (n, 2); an apostrophe between letters of prose is in one."""
    parts, bits = lexed(text), characters(text)
    letters = (bits & WORD) > 0
    if parts.kind not in (Kind.PROSE, Kind.HTML):
        # The letter of an escape, such as that of a new line, is none of the word after it.
        letters &= ~(places_of(" ", parts.prose) & ((bits & SPACE) == 0))
    in_word = letters.copy()
    marks = places_of("'", text) | places_of("’", text)
    marks &= ~places_of("\0", parts.prose)
    in_word[1:-1] |= marks[1:-1] & letters[:-2] & letters[2:]
    edges = np.flatnonzero(np.diff(in_word, prepend=False, append=False))
    spans: Array = edges.reshape(-1, 2)
    spans.flags.writeable = False  # it is kept
    return spans


def capitalized_words(text: str) -> Array:
    """The spans of words that begin with a capital."""
    spans = words(text)
    large: Array = spans[(characters(text)[spans[:, 0]] & UPPER) > 0]
    return large


def uppercase_words(text: str) -> Array:
    """The spans of words with two capitals at least, and without small letters."""
    spans, bits = words(text), characters(text)
    capitals, small = (number_within(spans, (bits & bit) > 0) for bit in (UPPER, LOWER))
    large: Array = spans[(capitals >= 2) & (small == 0)]
    return large


def number_within(spans: Array, marks: Array) -> Array:
    """How many marks each span has, (n,)."""
    before = np.concatenate([[0], np.cumsum(marks)])
    number: Array = before[spans[:, 1]] - before[spans[:, 0]]
    return number


def first_words_of_lines(text: str) -> Array:
    """The spans of the first words of lines."""
    spans = words(text)
    lines = np.cumsum(places_of("\n", text))[spans[:, 0]]
    first: Array = spans[np.diff(lines, prepend=-1) > 0]
    return first


@lru_cache(maxsize=1)
def sentences(text: str) -> Array:
    """Which words of `words` begin a sentence of prose, their numbers, (n,).

    A sentence begins after a full stop or the like and white space, in a new paragraph, or after a
    line that ends with a colon, if its first letter is not a small one. Single words in code or
    between tags are no sentence.
    """
    prose = lexed(text).prose
    spans, bits = words(text), characters(text)
    places = places_of_matches(SENTENCE_GAP, prose, at_end=True)
    places = places[places < len(text)]
    large = (bits[places] & (WORD | LOWER)) == WORD
    letters = np.array([text[place].isalpha() for place in places.tolist()], bool)
    places = places[large & letters]
    numbers: Array = np.searchsorted(spans[:, 0], places)
    # How many words of the paragraph follow on white space? One alone is no sentence.
    ends = np.flatnonzero(places_of("\0", "\0" + prose + "\0")) - 1
    paragraph = np.searchsorted(ends, places)
    first, last = (np.searchsorted(spans[:, 0], ends[paragraph - side]) for side in (1, 0))
    spaces = places_of(" ", prose) | places_of("\n", prose)
    following = np.concatenate([[0], np.cumsum(spaces[spans[:, 0] - 1])])
    numbers = numbers[following[last] > following[np.minimum(first + 1, last)]]
    numbers.flags.writeable = False  # it is kept
    return numbers
