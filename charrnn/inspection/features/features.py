"""The features of a text that a cell may follow: a value for each character.

A value holds after its character has been read: 1 at the quote that begins a quotation, and 0 at
the one that ends it. Some features look ahead (a word in capitals, a URL, a bracket that is never
closed); the scores show how much of them a cell can know.

The meaning of `#` and `'` depends on the kind of the text, which is decided for the whole text
(`charrnn.inspection.features.kinds`). A feature that a kind of text does not have is 0 everywhere.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import numpy as np

from charrnn.arrays import Array
from charrnn.errors import SettingError
from charrnn.inspection.features import positions, words
from charrnn.inspection.features.brackets import conditions, pairs
from charrnn.inspection.features.kinds import Kind
from charrnn.inspection.features.lexing import lexed
from charrnn.inspection.features.quotations import double_quotations, single_quotations
from charrnn.inspection.features.spans import Spans, as_spans, depth, inside
from charrnn.text.decoding import bytewise

#: A feature is left out of a search if its value differs from the commonest one at fewer characters
#: than this. A binary feature must be true at this many characters and false at as many.
MIN_CHARACTERS = 50

#: A function from a text to the spans of a feature.
Finder: TypeAlias = Callable[[str], Spans]


class Feature(NamedTuple):
    """A property of each character of a text."""

    #: True for a property that holds or not; False for a number.
    binary: bool
    #: From a text of N characters to its value after each, (N,), float32.
    measure: Callable[[str], Array]
    #: Characters that give the feature away and are left out when a cell is scored.
    delimiters: str = ""


def holds(find: Finder, delimiters: str = "") -> Feature:
    """A feature that holds within spans of a text, and nowhere else."""

    def measure(text: str) -> Array:
        return inside(as_spans(find(text)), len(text)).astype(np.float32)

    return Feature(True, measure, delimiters)


def graded(degree: Callable[[str], Array]) -> Feature:
    """A feature that is a number for each character."""
    return Feature(False, lambda text: degree(text).astype(np.float32))


def matches(regex: str | re.Pattern[str], group: int = 0) -> Finder:
    """A finder of the matches of a regular expression, or of one of its groups."""
    wanted = re.compile(regex, re.MULTILINE) if isinstance(regex, str) else regex

    def find(text: str) -> Spans:
        spans = [match.span(group) for match in wanted.finditer(text)]
        return [span for span in spans if span[0] >= 0]

    return find


def in_double_quotes(text: str) -> list[tuple[int, int]]:
    """Strings of code and quotations of prose in `"` and similar quotes."""
    parts = lexed(text)
    strings = [token.inside for token in parts.tokens if token.mark[0] == '"']
    return strings + double_quotations(parts.prose)


def in_single_quotes(text: str) -> list[tuple[int, int]]:
    """Strings of code and quotations of prose in `'` and similar quotes."""
    parts = lexed(text)
    strings = [token.inside for token in parts.tokens if token.mark[0] == "'"]
    return [*strings, *single_quotations(parts.prose)]


def in_brackets(bracket: str) -> Feature:
    """A feature that holds inside a kind of brackets, such as `()`."""

    def find(text: str) -> Spans:
        return [pair[1:] for pair in pairs(text) if pair.bracket == bracket[0]]

    return holds(find, bracket)


def bracket_depth(text: str) -> Array:
    """The number of open brackets."""
    return depth(as_spans([pair[1:] for pair in pairs(text)]), len(text))


def comments(text: str) -> Spans:
    """The comments of code."""
    return [token.inside for token in lexed(text).tokens if token.is_comment]


def strings(text: str) -> Spans:
    """The strings of code."""
    return [token.inside for token in lexed(text).tokens if token.is_string]


_WITH_BASE = r"0(?:[xX][\da-fA-F_]+|[oO][0-7_]+|[bB][01_]+)"
_NUMBER = rf"(?<![\w.])(?:{_WITH_BASE}|(?:%s|\.\d+)(?:\.\d+)*(?:[eE][+-]?\d+)?)"
_number_of_code = matches(_NUMBER % r"\d[\d_]*")
_number_of_prose = matches(_NUMBER % r"\d{1,3}(?:,\d{3})+(?!\d)|\d+")


def numbers(text: str) -> Spans:
    """Numbers; in prose a comma between thousands belongs to the number."""
    return (_number_of_prose if lexed(text).kind is Kind.PROSE else _number_of_code)(text)


#: Punctuation at the end of a URL belongs to the sentence around it.
urls = matches(
    r"\b(?:(?:https?|ftps?|file|git|ssh|svn|wss?)://|www\.)"
    r"""[^\s<>"'`|\\^{}]*[^\s<>"'`|\\^{}.,;:!?)\]]"""
)

FEATURES: dict[str, Feature] = {
    "inside double quotes": holds(in_double_quotes, '"“”„«»'),
    "inside single quotes": holds(in_single_quotes, "'‘’‚"),
    "inside ( )": in_brackets("()"),
    "inside [ ]": in_brackets("[]"),
    "inside { }": in_brackets("{}"),
    "inside a comment": holds(comments, "#/*"),
    "inside a string": holds(strings, "\"'`"),
    "in a condition": holds(conditions),
    "in a URL": holds(urls),
    "in a number": holds(numbers),
    "in a capitalized word": holds(words.capitalized_words),
    "in an uppercase word": holds(words.uppercase_words),
    "first word of a sentence": holds(words.first_words_of_sentences),
    "first word of a line": holds(words.first_words_of_lines),
    "in indentation": holds(matches(r"^[ \t]+")),
    "depth of brackets": graded(bracket_depth),
    "depth of indentation": graded(positions.indentation),
    "column in the line": graded(positions.column),
    "position in the word": graded(positions.in_word),
    "position in the sentence": graded(positions.in_sentence),
    "position in the paragraph": graded(positions.in_paragraph),
}


def present(text: str, features: dict[str, Feature]) -> tuple[dict[str, Feature], list[str]]:
    """The features that vary often enough in a text, and the names of the others."""
    found, missing = {}, []
    for name, feature in features.items():
        values = feature.measure(text)
        # The median is the commonest value, if one is common enough to matter.
        common = 0 if feature.binary or not len(values) else np.median(values)
        others = np.count_nonzero(values != common)
        if others >= MIN_CHARACTERS and (
            not feature.binary or others <= len(values) - MIN_CHARACTERS
        ):
            found[name] = feature
        else:
            missing.append(name)
    return found, missing


def pattern(regex: str, binary: bool = False) -> Feature:
    """A feature that holds inside each match of a regular expression, or of its first group.

    Args:
        regex: the regular expression.
        binary: as for `compiled`.

    Raises:
        SettingError: for an invalid regular expression.
    """
    wanted = compiled(regex, "--feature", binary)
    return holds(matches(wanted, min(wanted.groups, 1)))


def compiled(regex: str, option: str, binary: bool = False) -> re.Pattern[str]:
    """Compile a regular expression in which `^` and `$` match the ends of lines.

    Args:
        regex: the regular expression.
        option: the option that it is the value of, for the message.
        binary: the text is bytes, each as a character: the bytes of the expression are compared
            with them, and only ASCII has letters, digits and whitespace.

    Raises:
        SettingError: for an invalid regular expression, with the position of the error.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about syntax whose meaning a later Python may change
            if binary:
                return re.compile(bytewise(regex), re.MULTILINE | re.ASCII)
            return re.compile(regex, re.MULTILINE)
    except (re.error, OverflowError, RecursionError) as error:
        raise SettingError(f"{option} {regex!r}: {error}") from None
