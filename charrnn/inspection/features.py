"""Properties of a text that a cell may follow: a value for each character.

A value is as it is after its character has been read: it holds at the quote that begins a
quotation, and no longer at the one that ends it. Whether something is one is often known only by
what comes after (a word in capitals, a URL, a bracket that is never closed). Features look ahead
for that; how much of them a cell can know is what the scores are there to tell.

Whether `#` begins a comment, or `'` a string, depends on the kind of text, and that is told from
the whole of it (`charrnn.inspection.parsing.kinds`). What a kind of text does not have holds
nowhere in it.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from charrnn.arrays import Array
from charrnn.errors import SettingError
from charrnn.inspection.parsing import positions, prose, things
from charrnn.inspection.parsing.brackets import conditions, pairs
from charrnn.inspection.parsing.lexing import lexed
from charrnn.inspection.parsing.markup import elements
from charrnn.inspection.parsing.measures import Spans, as_spans, depth, inside

#: A feature that holds for fewer characters than this, or for all but so few, is left out; and
#: one of degrees, if it has the same for all but so few.
LEAST = 50


class Feature(NamedTuple):
    """A property of each character of a text."""

    #: Whether it holds or not; otherwise it is a number.
    binary: bool
    #: From a text of N characters to (N,), float32, each value as it is after the character.
    measure: Callable[[str], Array]
    #: Characters whose own places are left out when a cell is scored: they give it away.
    delimiters: str = ""


def holds(find: Callable[[str], Spans], delimiters: str = "") -> Feature:
    """What holds within spans of a text, and nowhere else."""

    def measure(text: str) -> Array:
        return inside(as_spans(find(text)), len(text)).astype(np.float32)

    return Feature(True, measure, delimiters)


def graded(degree: Callable[[str], Array]) -> Feature:
    """What is a number for each character."""
    return Feature(False, lambda text: degree(text).astype(np.float32))


def in_brackets(bracket: str) -> Feature:
    """What holds where a bracket is open."""

    def find(text: str) -> Spans:
        return [pair[1:] for pair in pairs(text) if pair.bracket == bracket[0]]

    return holds(find, bracket)


def bracket_depth(text: str) -> Array:
    """How many brackets are open."""
    return depth(as_spans([pair[1:] for pair in pairs(text)]), len(text))


def tag_depth(text: str) -> Array:
    """How many elements of HTML or XML one is in."""
    return depth(as_spans(elements(text, lexed(text).tokens)), len(text))


def first_words_of_sentences(text: str) -> Array:
    """The spans of the first words of sentences."""
    return prose.words(text)[prose.sentences(text)]


FEATURES: dict[str, Feature] = {
    "inside double quotes": holds(things.in_double_quotes, '"“”„«»'),
    "inside single quotes": holds(things.in_single_quotes, "'‘’‚"),
    "inside ( )": in_brackets("()"),
    "inside [ ]": in_brackets("[]"),
    "inside { }": in_brackets("{}"),
    "inside a comment": holds(things.comments, "#/*"),
    "inside a string": holds(things.strings, "\"'`"),
    "inside a triple-quoted string": holds(things.triple_quoted_strings, "\"'"),
    "in a keyword": holds(things.keywords),
    "in a condition": holds(conditions),
    "in a JSON key": holds(things.json_keys, '"'),
    "in a tag": holds(things.tags, "<>"),
    "in an attribute's value": holds(things.attribute_values, "\"'="),
    "in a URL": holds(things.urls),
    "in a number": holds(things.numbers),
    "in a capitalized word": holds(prose.capitalized_words),
    "in an uppercase word": holds(prose.uppercase_words),
    "first word of a sentence": holds(first_words_of_sentences),
    "first word of a line": holds(prose.first_words_of_lines),
    "in indentation": holds(things.indents),
    "in a line that ends with a colon": holds(things.lines_with_colon, ":"),
    "depth of brackets": graded(bracket_depth),
    "depth of tags": graded(tag_depth),
    "depth of indentation": graded(positions.indentation),
    "column in the line": graded(positions.column),
    "column past the line before": graded(positions.column_past_line_before),
    "position in the word": graded(positions.in_word),
    "position in the sentence": graded(positions.in_sentence),
    "position in the paragraph": graded(positions.in_paragraph),
    "characters since a quote": graded(positions.since_quote),
    "characters since a capital": graded(positions.since_capital),
}


def present(text: str, features: dict[str, Feature]) -> tuple[dict[str, Feature], list[str]]:
    """The features that a text has often enough to say something, and the names of the others."""
    found, missing = {}, []
    for name, feature in features.items():
        values = feature.measure(text)
        # The commonest value; what fewer than half have is not common enough to matter.
        common = 0 if feature.binary or not len(values) else np.median(values)
        others = np.count_nonzero(values != common)
        if others >= LEAST and (not feature.binary or others <= len(values) - LEAST):
            found[name] = feature
        else:
            missing.append(name)
    return found, missing


def pattern(regex: str) -> Feature:
    """What a regular expression matches: 1 inside of a match, or of its first group, else 0.

    `^` and `$` are the ends of lines.

    Raises:
        SettingError: for a regular expression that is broken, with the place.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what a later Python may take it for
            return holds(things.matches(regex, min(re.compile(regex).groups, 1)))
    except (re.error, OverflowError, RecursionError) as error:
        raise SettingError(f"--feature {regex!r}: {error}") from None
