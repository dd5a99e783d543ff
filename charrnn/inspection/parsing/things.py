"""Where numbers, URLs, keywords, quotations and the like are: spans of a text."""

from __future__ import annotations

import keyword
import re
from collections.abc import Callable
from typing import Final, TypeAlias

from charrnn.inspection.parsing.kinds import Kind
from charrnn.inspection.parsing.lexing import lexed
from charrnn.inspection.parsing.measures import named
from charrnn.inspection.parsing.quotations import double_quotations, single_quotations
from charrnn.inspection.parsing.tokens import Token

#: From a text to spans of it.
Finder: TypeAlias = Callable[[str], list[tuple[int, int]]]


def matches(regex: str, group: int = 0) -> Finder:
    """The matches of a regular expression, or one of its groups, wherever it takes part."""
    compiled = re.compile(regex, re.MULTILINE)

    def find(text: str) -> list[tuple[int, int]]:
        spans = [match.span(group) for match in compiled.finditer(text)]
        return [span for span in spans if span[0] >= 0]

    return find


def tokens(which: Callable[[Token], bool]) -> Finder:
    """Strings, comments or tags, where the kind of text has them."""
    return lambda text: [token.inside for token in lexed(text).tokens if which(token)]


strings = tokens(lambda token: token.is_string)
triple_quoted_strings = tokens(lambda token: token.mark in ('"""', "'''"))
comments = tokens(lambda token: token.is_comment)
tags = tokens(lambda token: token.mark == "<")
_double_quoted = tokens(lambda token: token.mark[0] == '"')
_single_quoted = tokens(lambda token: token.mark[0] == "'")


def in_double_quotes(text: str) -> list[tuple[int, int]]:
    """Strings of code and quotations of prose in `"` and its like."""
    return _double_quoted(text) + double_quotations(lexed(text).prose)


def in_single_quotes(text: str) -> list[tuple[int, int]]:
    """Strings of code and quotations of prose in `'` and its like."""
    return [*_single_quoted(text), *single_quotations(lexed(text).prose)]


def attribute_values(text: str) -> list[tuple[int, int]]:
    """What attributes of tags are set to."""
    return [value.inside for value in lexed(text).values]


def json_keys(text: str) -> list[tuple[int, int]]:
    """Strings of JSON that a colon follows."""
    parts = lexed(text)
    if parts.kind is not Kind.JSON:
        return []
    colon = re.compile(r"\s*:")
    return [token.inside for token in parts.tokens if colon.match(text, token.stop)]


#: Of C and of JavaScript together: they are one kind of text.
C_KEYWORDS: Final = named(
    "async auto await break case catch char class const continue debugger default delete do double "
    "else enum export extends extern false finally float for from function goto if import in "
    "inline instanceof int let long new null private protected public register return short "
    "signed sizeof static struct super switch this throw true try typedef typeof union unsigned "
    "var void volatile while with yield"
)
KEYWORDS: Final = {
    kind: matches(rf"\b(?:{'|'.join(sorted(its))})\b")
    for kind, its in ((Kind.PYTHON, keyword.kwlist), (Kind.C, C_KEYWORDS))
}


def keywords(text: str) -> list[tuple[int, int]]:
    """The keywords of a programming language in its code."""
    parts = lexed(text)
    return KEYWORDS[parts.kind](parts.code) if parts.kind in KEYWORDS else []


_WITH_BASE = r"0(?:[xX][\da-fA-F_]+|[oO][0-7_]+|[bB][01_]+)"
_NUMBER = rf"(?<![\w.])(?:{_WITH_BASE}|(?:%s|\.\d+)(?:\.\d+)*(?:[eE][+-]?\d+)?)"
_number_of_code = matches(_NUMBER % r"\d[\d_]*")
_number_of_prose = matches(_NUMBER % r"\d{1,3}(?:,\d{3})+(?!\d)|\d+")


def numbers(text: str) -> list[tuple[int, int]]:
    """Numbers; in prose a comma between thousands belongs to one."""
    return (_number_of_prose if lexed(text).kind is Kind.PROSE else _number_of_code)(text)


#: Punctuation at the end belongs to the sentence around it. JSON may have a backslash before `/`.
urls = matches(
    r"\b(?:(?:https?|ftps?|file|git|ssh|svn|wss?):\\?/\\?/|www\.)"
    r"""(?:[^\s<>"'`|\\^{}]|\\/)*[^\s<>"'`|\\^{}.,;:!?)\]]"""
)
indents = matches(r"^[ \t]+")
lines_with_colon = matches(r"^([^\n]*\S:)[ \t\r]*$", 1)
