"""The strings, comments, code and prose of a text.

The rules of one kind of text are wrong for another: `#` begins a comment in Python and nothing in
English, where `'` is most often an apostrophe. So the kind of the whole text is decided first
(`charrnn.inspection.features.kinds`), and its rules hold from the first character to the last.

An excerpt begins and ends anywhere, and texts have errors, so the tokenizers of the standard
library, which refuse such texts, do not fit. An excerpt begins inside a string or a comment if that
makes more sense of the following text. A string that has no end in its line is not a string. Only
strings in triple quotes and comments of several lines can extend to the end of the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np

from charrnn.arrays import Array
from charrnn.inspection.features.kinds import PYTHON_LINE, Kind, kind_of
from charrnn.inspection.features.spans import (
    SPACE,
    as_spans,
    case_and_space,
    inside,
    positions_of,
    replaced,
)


# The alternatives of these patterns each begin with a plain character, which makes `re` much
# faster; a group contains a token that the end of the text cuts off.
def within_line(mark: str, guard: str = "") -> str:
    """A pattern for a string that ends in its line."""
    rest = rf"[^{mark}\\\n]*"
    return rf"{mark}{guard}{rest}(?:\\.{rest})*{mark}|{mark}{guard}([^\n]*)\Z"


def alternatives(*patterns: str) -> re.Pattern[str]:
    """A pattern for any of these."""
    return re.compile("|".join(patterns), re.DOTALL)


DOUBLE, SINGLE = within_line('"'), within_line("'")
TRIPLE = r'"""[^"\\]*(?:(?:\\.|"(?!""))[^"\\]*)*"""|"""(.*)\Z'
#: A backslash outside strings: the character after it begins nothing.
ESCAPE = r"\\."
#: `'` after a digit or a letter separates digits or is an apostrophe, unless the word is a
#: keyword; after `<` and `&` it begins a lifetime of Rust.
CHARACTER = within_line("'", r"(?:(?<![\w&<]')|(?<=\breturn')|(?<=\bcase'))")
BLOCK = r"/\*[^*]*(?:\*(?!/)[^*]*)*\*/|/\*(.*)\Z"
#: A comment, but not the slashes of a URL.
SLASHES = r"//(?<![a-z]://)(?<!url\(//)[^\n]*"

PYTHON: Final = alternatives(r"#[^\n]*", TRIPLE, TRIPLE.replace('"', "'"), DOUBLE, SINGLE, ESCAPE)
C: Final = alternatives(BLOCK, SLASHES, DOUBLE, CHARACTER, within_line("`"), ESCAPE)
PATTERNS: Final = {Kind.PYTHON: PYTHON, Kind.C: C}
#: A quote that is not an apostrophe within a word.
STRAY: Final = re.compile(r"\"|(?<!\w)'|'(?!\w)")
#: The end of a comment, but not `*/*`.
COMMENT_END: Final = re.compile(r"\*/(?=\s|\Z)")
#: Letters that may stand before a string.
PREFIXES = "rbfuRBFUL"
#: The beginning of the text that decides whether it begins inside a token, in characters.
BEGINNING = 20_000
#: The end of a paragraph of `Lexed.prose`: an empty line, or text that is not prose.
PARAGRAPH_END: Final = r"\0+|\n[ \t\r]*\n"
#: Escapes for white space, whose letters are not letters of prose.
ESCAPED_SPACE: Final = re.compile(r"\\[nrtbfv]")


class Token(NamedTuple):
    """A string or a comment, with its delimiters.

    Attributes:
        start, stop: its span.
        mark: its opening delimiter.
        begun: True if the text begins inside it.
        closed: True if it has a closing delimiter.
    """

    start: int
    stop: int
    mark: str
    begun: bool = False
    closed: bool = True

    @property
    def is_string(self) -> bool:
        """True for a string."""
        return self.mark[0] in "\"'`"

    @property
    def is_comment(self) -> bool:
        """True for a comment."""
        return self.mark in ("#", "//", "/*")

    @property
    def inside(self) -> tuple[int, int]:
        """The span of characters after which one is inside: all but the last delimiter."""
        return self.start, self.stop - self.closed

    @property
    def content(self) -> tuple[int, int]:
        """The span between the delimiters of a string."""
        start = self.start + len(self.mark) * (not self.begun)
        return start, max(start, self.stop - len(self.mark) * self.closed)


@dataclass(frozen=True)
class Lexed:
    """A text of N characters, separated into code and prose.

    Attributes:
        kind: the kind of the text.
        tokens: its strings and comments, in order; none in prose.
        code: the text, with spaces in place of all characters but code and braces.
        prose: the text, with NUL in place of code. Prose is the whole of a text of prose, and
            the strings and comments of code. Like an empty line, NUL ends a paragraph.
    """

    kind: Kind
    tokens: tuple[Token, ...]
    code: str
    prose: str


@lru_cache(maxsize=1)
def lexed(text: str) -> Lexed:
    """Separate a text into code and prose. The last result is cached for the next feature."""
    kind, N = kind_of(text), len(text)
    spaces = (case_and_space(text) & SPACE) > 0
    nothing = np.zeros(N, bool)
    if kind is Kind.PROSE:
        braces = positions_of("{", text) | positions_of("}", text)
        code = replaced(text, braces | spaces, " ")
        return Lexed(kind, (), code, prose_of(text, (), ~nothing, braces))
    tokens = tuple(lex_code(text, kind))
    code = replaced(text, ~spans_of(tokens, N) | spaces, " ")
    return Lexed(kind, tokens, code, prose_of(text, tokens, spaces, nothing))


def spans_of(tokens: Iterable[Token], N: int) -> Array:
    """The characters, of N, that belong to tokens, booleans (N,)."""
    return inside(as_spans([(token.start, token.stop) for token in tokens]), N)


def prose_of(text: str, tokens: Iterable[Token], keep: Array, blank: Array) -> str:
    """The prose of a text: its strings and comments, and the characters in `keep`.

    Delimiters of comments, also those at the beginning of their lines, and the characters in
    `blank` become spaces.
    """
    N = len(text)
    comments = [token for token in tokens if token.is_comment]
    strings = as_spans([token.content for token in tokens if token.is_string])
    in_comments = spans_of(comments, N)
    begins = [(token.start, token.start + len(token.mark)) for token in comments if not token.begun]
    ends = [(token.stop - 1, token.stop) for token in comments if token.closed]
    signs = in_comments & (positions_of("#", text) | positions_of("*", text))
    blank = blank | signs | inside(as_spans(begins + ends), N)
    prose = replaced(text, keep | inside(strings, N) | in_comments | blank, "\0")
    return ESCAPED_SPACE.sub("  ", replaced(prose, ~blank, " "))


def lex_code(text: str, kind: Kind) -> list[Token]:
    """The strings and comments of a text that is code."""
    pattern, head = PATTERNS[kind], text[:BEGINNING]
    begun = min(beginnings(head, kind), key=lambda begun: faults(head, pattern, begun))
    return [*begun, *scan(pattern, text, begun[0].stop if begun else 0)]


def scan(pattern: re.Pattern[str], text: str, start: int = 0) -> Iterator[Token]:
    """The tokens that a pattern finds from a position on."""
    for match in pattern.finditer(text, start):
        first, last = match.span()
        mark, cut_off = text[first], match.lastindex is not None
        if mark == "\\":
            continue
        if mark in "\"'":
            # "" and then a quote are no triple quote, unless a triple quote can end there too.
            if text.startswith(3 * mark, first) and (cut_off or last - first >= 6):
                mark *= 3
        elif mark == "/":
            mark = text[first : first + 2]
        yield Token(first, last, mark, closed=not cut_off and mark not in ("#", "//"))


def beginnings(head: str, kind: Kind) -> Iterator[list[Token]]:
    """The tokens inside which a text may begin, as lists of one or none; the likelier first."""
    end = COMMENT_END.search(head)
    if kind is Kind.C and end and "/*" not in head[: end.start()]:
        yield [Token(0, end.end(), "/*", begun=True)]
    yield []
    if kind is Kind.PYTHON:
        for mark in ('"""', "'''"):
            if mark in head:
                yield [Token(0, head.index(mark) + 3, mark, begun=True)]
    for mark in "\"'":
        rest = re.match(rf"[^{mark}\\\n]*(?:\\.[^{mark}\\\n]*)*{mark}", head)
        if rest:
            yield [Token(0, rest.end(), mark, begun=True)]


def faults(head: str, pattern: re.Pattern[str], begun: list[Token]) -> int:
    """The number of implausible tokens if a text begins inside the tokens `begun`.

    Implausible are strings that touch words, lines of code in strings, quotes in the first line
    that belong to no string, and tokens without an end.
    """
    tokens = [*begun, *scan(pattern, head, begun[0].stop if begun else 0)]
    in_token = spans_of(tokens, len(head))
    number = 0
    for token in tokens:
        if token.is_string and len(token.mark) == 1:
            before = head[token.start - 1 : token.start]
            touches = before.isalnum() and before not in PREFIXES
            number += touches or head[token.stop : token.stop + 1].isalnum()
        number += not token.closed and token.mark not in ("#", "//")
    if pattern is PYTHON:  # comments of C often contain code
        number += sum(bool(in_token[line.end() - 1]) for line in PYTHON_LINE.finditer(head))
    first_line = head.partition("\n")[0]
    return number + sum(not in_token[quote.start()] for quote in STRAY.finditer(first_line))
