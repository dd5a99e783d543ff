"""What in a text is string, comment, tag, code and prose.

The rules of one kind of text are wrong for another: `#` begins a comment in Python and nothing in
English, where `'` is most often an apostrophe. So the kind of a text is told first, from all of it
(`charrnn.inspection.parsing.kinds`), and its rules hold from its first character to its last.

An excerpt begins and ends anywhere, and texts have errors. Whether it begins inside of a string
or a comment is decided by what makes more sense of what follows; a string that may not go on
beyond the end of a line is no string if it would. A cut in the middle of a text may turn
inside out only what has no such end: strings in triple quotes, up to the end of the text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np

from charrnn.arrays import Array
from charrnn.inspection.parsing.kinds import Kind, kind_of
from charrnn.inspection.parsing.markup import INLINE, attribute_values, lex_html, tag_name
from charrnn.inspection.parsing.measures import (
    SPACE,
    as_spans,
    characters,
    inside,
    places_of,
    replaced,
)
from charrnn.inspection.parsing.tokens import Token, lex_code

#: Where a paragraph of `Lexed.prose` ends: at an empty line, or where there is something else.
PARAGRAPH_END: Final = r"\0+|\n[ \t\r]*\n"
#: White space in strings of code: no letters of prose.
ESCAPED_SPACE: Final = re.compile(r"\\[nrtbfv]")


@dataclass(frozen=True)
class Lexed:
    """A text of N characters, taken apart.

    Attributes:
        kind: of the text.
        tokens: strings, comments, tags and the like, in the order of the text.
        values: what attributes of tags are set to.
        code: the text, with spaces in place of all that is not code. Braces always are.
        prose: the text, with NUL in place of all that is neither prose nor white space. Prose is
            where English is expected: in all of prose, in strings and comments of code, and between
            tags. NUL ends a paragraph, as an empty line does.
    """

    kind: Kind
    tokens: tuple[Token, ...]
    values: tuple[Token, ...]
    code: str
    prose: str


@lru_cache(maxsize=1)
def lexed(text: str) -> Lexed:
    """Take a text apart. The last one is kept, as one feature after the other asks for it."""
    kind, N = kind_of(text), len(text)
    spaces = (characters(text) & SPACE) > 0
    tokens: list[Token] = []
    values: list[Token] = []
    is_code = np.zeros(N, bool)
    if kind is Kind.HTML:
        tokens, scripts = lex_html(text)
        values = attribute_values(text, tokens)
        tokens += [value for value in values if value.is_string]
        is_code = inside(as_spans(scripts), N)
    elif kind is not Kind.PROSE:
        tokens = lex_code(text, kind)
        is_code = ~is_code
    taken = spans_of(tokens, N)
    free = ~(is_code | taken)
    braces = free & (places_of("{", text) | places_of("}", text))
    code = replaced(text, (is_code & ~taken) | braces | spaces, " ")
    prose = prose_of(text, tokens, free | spaces, braces)
    return Lexed(kind, tuple(sorted(tokens)), tuple(values), code, prose)


def spans_of(tokens: list[Token], N: int) -> Array:
    """Which of N characters belong to tokens, booleans (N,)."""
    return inside(as_spans([(token.start, token.stop) for token in tokens]), N)


def prose_of(text: str, tokens: list[Token], keep: Array, blank: Array) -> str:
    """The prose of a text: strings, comments of code, and what to keep.

    There are spaces in place of tags that do not interrupt a sentence, of what makes a comment
    of several lines look like one, and of what is to be blank.
    """
    N = len(text)
    comments = [token for token in tokens if token.mark in ("#", "//", "/*")]
    strings = as_spans([token.content for token in tokens if token.is_string])
    inline = [token for token in tokens if tag_name(token, text).lstrip("/") in INLINE]
    in_comments = spans_of(comments, N)
    begins = [(token.start, token.start + len(token.mark)) for token in comments if not token.begun]
    ends = [(token.stop - 1, token.stop) for token in comments if token.closed]
    signs = in_comments & (places_of("#", text) | places_of("*", text))
    blank = blank | signs | inside(as_spans(begins + ends), N) | spans_of(inline, N)
    prose = replaced(text, keep | inside(strings, N) | in_comments | blank, "\0")
    return ESCAPED_SPACE.sub("  ", replaced(prose, ~blank, " "))
