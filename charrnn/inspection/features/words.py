"""Words and sentences, as spans of a text."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

import numpy as np

from charrnn.arrays import Array
from charrnn.inspection.character_classes import (
    APOSTROPHE,
    SYMBOL,
    in_words,
    kinds_of,
    runs,
)
from charrnn.inspection.features.kinds import Kind
from charrnn.inspection.features.lexing import lexed
from charrnn.inspection.features.spans import (
    LOWER,
    SPACE,
    UPPER,
    case_and_space,
    named,
    positions_of,
    positions_of_matches,
)

#: Words whose full stop does not end a sentence. Nor does that of a single letter, except I.
ABBREVIATIONS: Final = named(
    "Mr Mrs Ms Messrs Mme Mlle Dr Prof Rev Hon Gen Col Capt Lieut Lt Sgt St cf vs viz e.g i.e"
)
_NO_END = "".join(rf"(?<!\b{re.escape(word)}\.)" for word in sorted(ABBREVIATIONS))
#: The text between two sentences: the end of one, of a paragraph or of a heading, and all that
#: may stand before the first word of the next. It matches greedily, so no position is tried twice.
SENTENCE_GAP: Final = re.compile(
    rf"""(?:\A | \0(?!\0) | \n[ \t\r]*\n | :[ \t\r]*\n
      | (?:[!?…] | \.{_NO_END}(?<!\b[A-HJ-Z]\.)) ["'”’»)\]*]*\s
    )[\s"'“‘„‚«»(\[*¿¡—–-]*""",
    re.VERBOSE,
)


@lru_cache(maxsize=1)
def in_words_of(text: str) -> Array:
    """The characters in words and numbers, booleans (N,).

    In code, quotes are never apostrophes, and the letter of an escape such as that of a newline
    belongs to no word.
    """
    parts, kinds = lexed(text), kinds_of(text)
    if parts.kind is not Kind.PROSE:
        escaped = positions_of(" ", parts.prose) & ((case_and_space(text) & SPACE) == 0)
        kinds[escaped] = SYMBOL
        kinds[(kinds == APOSTROPHE) & positions_of("\0", parts.prose)] = SYMBOL
    found = in_words(kinds)
    found.flags.writeable = False  # it is cached
    return found


def words(text: str) -> Array:
    """The spans of words and numbers, (n, 2)."""
    return runs(in_words_of(text))


def capitalized_words(text: str) -> Array:
    """The spans of words that begin with a capital."""
    spans = words(text)
    capitalized: Array = spans[(case_and_space(text)[spans[:, 0]] & UPPER) > 0]
    return capitalized


def uppercase_words(text: str) -> Array:
    """The spans of words with at least two capitals and no lower-case letter."""
    spans, bits = words(text), case_and_space(text)
    capitals, small = (number_within(spans, (bits & bit) > 0) for bit in (UPPER, LOWER))
    uppercase: Array = spans[(capitals >= 2) & (small == 0)]
    return uppercase


def number_within(spans: Array, marks: Array) -> Array:
    """The number of marks in each span, (n,)."""
    before = np.concatenate([[0], np.cumsum(marks)])
    number: Array = before[spans[:, 1]] - before[spans[:, 0]]
    return number


def first_words_of_lines(text: str) -> Array:
    """The spans of the first words of lines."""
    spans = words(text)
    lines = np.cumsum(positions_of("\n", text))[spans[:, 0]]
    first: Array = spans[np.diff(lines, prepend=-1) > 0]
    return first


def first_words_of_sentences(text: str) -> Array:
    """The spans of the first words of sentences."""
    first: Array = words(text)[sentences(text)]
    return first


@lru_cache(maxsize=1)
def sentences(text: str) -> Array:
    """The numbers of the words of `words` that begin a sentence of prose, (n,).

    A sentence begins with an upper-case letter, or one without case, after a full stop or similar
    mark and white space, in a new paragraph, or after a line that ends with a colon. A single word
    in code is no sentence.
    """
    prose = lexed(text).prose
    spans, bits = words(text), case_and_space(text)
    starts = positions_of_matches(SENTENCE_GAP, prose, at_end=True)
    starts = starts[starts < len(text)]
    letters = np.array([text[start].isalpha() for start in starts.tolist()], bool)
    starts = starts[letters & ((bits[starts] & LOWER) == 0)]
    numbers: Array = np.searchsorted(spans[:, 0], starts)
    # A sentence needs a further word after white space in its paragraph.
    ends = np.flatnonzero(positions_of("\0", "\0" + prose + "\0")) - 1
    paragraph = np.searchsorted(ends, starts)
    first, last = (np.searchsorted(spans[:, 0], ends[paragraph - side]) for side in (1, 0))
    spaces = positions_of(" ", prose) | positions_of("\n", prose)
    following = np.concatenate([[0], np.cumsum(spaces[spans[:, 0] - 1])])
    numbers = numbers[following[last] > following[np.minimum(first + 1, last)]]
    numbers.flags.writeable = False  # it is cached
    return numbers
