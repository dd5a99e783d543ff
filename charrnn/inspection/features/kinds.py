"""The kind of a text: prose, Python or C. The same characters have other meanings in each."""

from __future__ import annotations

import re
from enum import Enum
from typing import Final


class Kind(Enum):
    """The kinds of text. Each has its own rules for strings, comments and brackets."""

    PROSE = "prose"  # or verse, or any text that is neither of the others
    PYTHON = "Python"
    C = "C"  # or another language with its comments, braces and semicolons


#: A line that is hardly ever anything but Python.
PYTHON_LINE: Final = re.compile(
    r"""^[ \t]*(?:
        (?:async[ ])?def[ ]\w+\( | class[ ]\w+[(:] | @\w+
      | from[ ][\w.]+[ ]import\b | import[ ]\w[\w.]*(?:,|[ ]as[ ]|$)
      | (?:if|elif|while|for|with|except|else|try|finally)\b[^\n]*:[ \t]*(?:\#[^\n]*)?$
      | (?:return|raise|yield|del|assert)\b(?![^\n]*[;.]$)
      | self\.\w
      | \w[\w.]*(?:\[[^\]\n]*\])?[ ][-+*/|&]?=[ ](?![^\n]*[;{]$)
    )""",
    re.MULTILINE | re.VERBOSE,
)
#: Lines that begin or end as in C but not in English; lines that end a statement; and lines for
#: the preprocessor.
C_LINE: Final = re.compile(r"^[ \t]*(?:/[/*]|[{}])|(?:[{}]|\*/)[ \t]*$", re.MULTILINE)
STATEMENT_LINE: Final = re.compile(r";[ \t]*(?://[^\n]*|/\*[^\n*]*\*/[ \t]*)?$", re.MULTILINE)
PREPROCESSOR: Final = re.compile(
    r"^#[ \t]*(?:define|endif|ifn?def|include|pragma|undef)\b", re.MULTILINE
)

#: A text is Python if more than the first share of its lines are `PYTHON_LINE`, at most the
#: second share end in an opening brace, and lines have at most this many characters on average.
PYTHON_LINES, BRACE_LINES, MAX_LINE = 0.15, 0.03, 200
#: A text is C from these shares of lines that look like C and that end a statement, or from this
#: share of lines for the preprocessor.
C_LINES, STATEMENT_LINES, PREPROCESSOR_LINES = 0.03, 0.04, 0.05


def kind_of(text: str) -> Kind:
    """The kind of a text as a whole.

    It is decided by lines that are frequent in one kind and rare in the others, so that an
    excerpt that begins and ends anywhere is recognized, and a text with a little of another kind
    in it has the kind of most of it.
    """
    lines = sum(1 for line in text.splitlines() if line and not line.isspace())
    if (
        count(PYTHON_LINE, text) > PYTHON_LINES * lines
        and text.count("{\n") <= BRACE_LINES * lines
        and len(text) <= MAX_LINE * lines
    ):
        return Kind.PYTHON
    lines = max(lines, 1)
    directives = count(PREPROCESSOR, text)
    if directives >= PREPROCESSOR_LINES * lines:
        return Kind.C
    of_c = directives + count(C_LINE, text) >= C_LINES * lines
    return Kind.C if of_c and count(STATEMENT_LINE, text) >= STATEMENT_LINES * lines else Kind.PROSE


def count(pattern: re.Pattern[str], text: str) -> int:
    """The number of matches."""
    return sum(1 for _ in pattern.finditer(text))
