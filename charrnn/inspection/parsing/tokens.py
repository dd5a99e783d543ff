"""Strings and comments of code: of Python, of C and its like, of JSON."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from charrnn.inspection.parsing.kinds import PYTHON_LINE, Kind
from charrnn.inspection.parsing.measures import as_spans, inside


# The alternatives of these patterns each begin with a plain character, by which `re` finds them
# much faster; a group has what is cut off by the end of the text.
def within_line(mark: str, guard: str = "") -> str:
    """A string that ends in its line: one that would go on beyond it is none."""
    rest = rf"[^{mark}\\\n]*"
    return rf"{mark}{guard}{rest}(?:\\.{rest})*{mark}|{mark}{guard}([^\n]*)\Z"


DOUBLE, SINGLE = within_line('"'), within_line("'")
TRIPLE = r'"""[^"\\]*(?:(?:\\.|"(?!""))[^"\\]*)*"""|"""(.*)\Z'
#: A backslash outside of strings: what follows it begins nothing.
ESCAPE = r"\\."
#: `'` after a digit or a letter separates digits or is an apostrophe, unless that is a keyword;
#: after `<` and `&` it is a lifetime of Rust.
CHARACTER = within_line("'", r"(?:(?<![\w&<]')|(?<=\breturn')|(?<=\bcase')|(?<=\btypeof'))")
#: A regular expression of JavaScript: `/` where nothing is that could be divided.
REGEX = (
    r"/(?:(?<=[(,=:\[!&|?{};]/)|(?<=[(,=:!&|?{};][ ]/)|(?<=return[ ]/))(?![*/])"
    r"(?:[^/\\\n\[]|\\.|\[(?:[^\]\\\n]|\\.){0,99}\]){1,499}/"
)
BLOCK = r"/\*[^*]*(?:\*(?!/)[^*]*)*\*/|/\*(.*)\Z"
#: A comment, and not what follows the scheme of a URL.
SLASHES = r"//(?<![a-z]://)(?<!url\(//)[^\n]*"


def alternatives(*patterns: str) -> re.Pattern[str]:
    """A pattern that is one of these."""
    return re.compile("|".join(patterns), re.DOTALL)


PYTHON: Final = alternatives(r"#[^\n]*", TRIPLE, TRIPLE.replace('"', "'"), DOUBLE, SINGLE, ESCAPE)
C: Final = alternatives(BLOCK, SLASHES, DOUBLE, CHARACTER, "`", REGEX, ESCAPE)
JSON: Final = alternatives(DOUBLE, ESCAPE)
#: What counts in a template of JavaScript, which has code between `${` and `}`, and in that code.
IN_TEMPLATE: Final = re.compile(r"\\.|`|\$\{", re.DOTALL)
IN_CODE: Final = alternatives(DOUBLE, SINGLE, "[`{}]", ESCAPE)
#: Templates are not longer than this, and where so many have no end, there are none.
LONGEST, ENDLESS = 20_000, 10
PATTERNS: Final = {Kind.PYTHON: PYTHON, Kind.C: C, Kind.JSON: JSON}
#: A quote that is not an apostrophe within a word.
STRAY: Final = re.compile(r"\"|(?<!\w)'|'(?!\w)")
#: The end of a comment, and not `*/*`.
COMMENT_END: Final = re.compile(r"\*/(?=\s|\Z)")
#: Letters that may stand before a string.
PREFIXES = "rbfuRBFUL"
#: How much of a text decides whether it begins inside of something.
BEGINNING = 20_000


class Token(NamedTuple):
    """A string, a comment, a tag or the like, with its delimiters.

    Attributes:
        start, stop: its span.
        mark: how it begins; of a tag `<`, of a value without quotes `=`.
        begun: whether the text begins inside of it.
        closed: whether it has an end, other than the end of the line or of the text.
    """

    start: int
    stop: int
    mark: str
    begun: bool = False
    closed: bool = True

    @property
    def is_string(self) -> bool:
        """Whether it is a string."""
        return self.mark[0] in "\"'`"

    @property
    def is_comment(self) -> bool:
        """Whether it is a comment."""
        return self.mark in ("#", "//", "/*", "<!--")

    @property
    def inside(self) -> tuple[int, int]:
        """The span of characters after which one is in it: without the last of its end."""
        return self.start, self.stop - self.closed

    @property
    def content(self) -> tuple[int, int]:
        """What is between the delimiters of a string."""
        start = self.start + len(self.mark) * (not self.begun)
        return start, max(start, self.stop - len(self.mark) * self.closed)


def scan(
    pattern: re.Pattern[str], text: str, start: int = 0, stop: int | None = None
) -> Iterator[Token]:
    """The tokens that a pattern finds in a part of a text."""
    stop = len(text) if stop is None else stop
    place, endless = start, 0
    while match := pattern.search(text, place, stop):
        first, last = match.span()
        mark, cut = text[first], match.lastindex is not None
        if mark == "`" and endless < ENDLESS:
            last = end_of_template(text, last, min(stop, last + LONGEST))
            endless += not last
        place = last or first + 1
        if mark == "\\" or (mark == "`" and last <= first + 1):
            continue
        if mark in "\"'":
            # Not "" and then a quote: three only begin where three can end, or nothing does.
            if text.startswith(3 * mark, first) and (cut or last - first >= 6):
                mark *= 3
        elif text.startswith(("//", "/*"), first):
            mark = text[first : first + 2]
        elif text.startswith("<!--", first):
            mark = "<!--"
        yield Token(first, last, mark, closed=not cut and mark not in ("#", "//"))


def end_of_template(text: str, place: int, stop: int) -> int:
    """Where a template ends that has begun before a place; 0 if it does not."""
    braces = [0]  # open ones of code, in the template and the templates in its code
    in_code = False
    while match := (IN_CODE if in_code else IN_TEMPLATE).search(text, place, stop):
        place, found = match.end(), match[0]
        if found == "`" and in_code:
            braces.append(0)
            in_code = False
        elif found == "`":
            braces.pop()
            if not braces:
                return place
            in_code = True
        elif found == "${" or (found == "{" and in_code):
            braces[-1] += 1
            in_code = True
        elif found == "}" and in_code:
            braces[-1] -= 1
            in_code = braces[-1] > 0
    return 0


def lex_code(text: str, kind: Kind) -> list[Token]:
    """The strings and comments of a text that is code."""
    pattern, head = PATTERNS[kind], text[:BEGINNING]
    begun = min(beginnings(head, kind), key=lambda begun: faults(head, pattern, begun))
    return [*begun, *scan(pattern, text, begun[0].stop if begun else 0)]


def beginnings(head: str, kind: Kind) -> Iterator[list[Token]]:
    """What a text may begin inside of, as a token or none; the likelier come first."""
    end = COMMENT_END.search(head)
    if kind is Kind.C and end and "/*" not in head[: end.start()]:
        yield [Token(0, end.end(), "/*", begun=True)]
    yield []
    if kind is Kind.PYTHON:
        for mark in ('"""', "'''"):
            if mark in head:
                yield [Token(0, head.index(mark) + 3, mark, begun=True)]
    for mark in {Kind.JSON: '"', Kind.PYTHON: "\"'"}.get(kind, "\"'`"):
        line = "" if mark == "`" else r"\n"
        rest = re.match(rf"[^{mark}\\{line}]*(?:\\.[^{mark}\\{line}]*)*{mark}", head)
        if rest:
            yield [Token(0, rest.end(), mark, begun=True)]


def faults(head: str, pattern: re.Pattern[str], begun: list[Token]) -> int:
    """How little sense the beginning of a text makes if it begins in this way.

    Strings that touch words make none, nor do lines of code in strings, nor quotes in the first
    line that belong to no string, nor what has no end.
    """
    tokens = [*begun, *scan(pattern, head, begun[0].stop if begun else 0)]
    taken = inside(as_spans([token[:2] for token in tokens]), len(head))
    number = 0
    for token in tokens:
        if token.is_string and len(token.mark) == 1:
            before = head[token.start - 1 : token.start]
            touches = before.isalnum() and before not in PREFIXES
            number += touches or head[token.stop : token.stop + 1].isalnum()
        number += not token.closed and token.mark not in ("#", "//")
    if pattern is PYTHON:  # comments of C may well speak of code
        number += sum(bool(taken[line.end() - 1]) for line in PYTHON_LINE.finditer(head))
    first_line = head.partition("\n")[0]
    return number + sum(not taken[quote.start()] for quote in STRAY.finditer(first_line))
