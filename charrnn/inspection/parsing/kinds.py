"""What kind of text it is: English and Python mean different things by the same characters."""

from __future__ import annotations

import re
from enum import Enum
from typing import Final


class Kind(Enum):
    """The kinds of text that are told apart; each is read by its own rules."""

    PROSE = "prose"  # or verse, or anything that is none of the others
    PYTHON = "Python"
    C = "C"  # or another language with its comments and braces, such as JavaScript
    HTML = "HTML"  # or XML
    JSON = "JSON"


#: A line that hardly is anything but Python.
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
#: What is a string in JSON; and escapes outside of one, which do not begin one.
JSON_STRING: Final = re.compile(r'\\.|"[^"\\\n]*(?:\\.[^"\\\n]*)*"')
#: The end of a key or of a string in JSON, with what comes next.
JSON_JOINT: Final = re.compile(r'"(?<!\\")[ \t]*(?::\s*["\d{\[tfn-]|,\s*["{\[]|\s*[\]}])')
#: What JSON has outside of strings.
JSON_REST: Final = re.compile(r"[\s{}\[\],:\d.eE+-]+|true|false|null")
#: Lines that begin or end as they do in C but not in English; lines that end a statement; and
#: lines for the preprocessor.
C_LINE: Final = re.compile(r"^[ \t]*(?:/[/*]|[{}])|(?:[{}]|\*/)[ \t]*$", re.MULTILINE)
STATEMENT_LINE: Final = re.compile(r";[ \t]*(?://[^\n]*|/\*[^\n*]*\*/[ \t]*)?$", re.MULTILINE)
PREPROCESSOR: Final = re.compile(
    r"^#[ \t]*(?:define|endif|ifn?def|include|pragma|undef)\b", re.MULTILINE
)
#: What statements have in between where all are in one line; and what JavaScript has also where
#: it has no semicolons.
JOINED: Final = re.compile(r";(?=\S)")
SCRIPT_WORD: Final = re.compile(r"=>|\bfunction\b[ \w]{0,60}\(|\bconst[ ][\w ]{1,60}=")
#: The end of an element, and lines that begin with a tag.
CLOSING_TAG: Final = re.compile(r"</[A-Za-z_][\w:.-]*\s*>")
TAG_LINE: Final = re.compile(r"^[ \t]*<[A-Za-z_/!]", re.MULTILINE)

#: How much of JSON may be something else.
OTHER = 0.02
#: The share of lines that are Python's own from which a text is Python, unless a larger share
#: than the second ends in a brace. Lines of code are not longer than so many characters on average.
PYTHON_LINES, BRACE_LINES, LONG = 0.15, 0.03, 200
#: The shares of lines that look like C, that end a statement, and that are for the preprocessor,
#: from which a text is C: both of the first, or the last.
C_LINES, STATEMENT_LINES, PREPROCESSOR_LINES = 0.03, 0.04, 0.05
#: The same where lines tell nothing, in a thousand characters.
BRACES, SEMICOLONS, SCRIPT_WORDS, CLOSING_TAGS = 2.0, 3.0, 1.0, 0.7


def kind_of(text: str) -> Kind:
    """Which kind of text it is, as a whole.

    By what is frequent in one kind and rare in the others, so that a text that begins and ends
    anywhere is known, and one with a little of another kind in it is what most of it is.
    """
    if is_json(text):
        return Kind.JSON
    thousands = len(text) / 1000
    lines = sum(1 for line in text.splitlines() if line and not line.isspace())
    braces = text.count("{") + text.count("}")
    if (
        count(PYTHON_LINE, text) > PYTHON_LINES * lines
        and text.count("{\n") <= BRACE_LINES * lines
        and len(text) <= LONG * lines
    ):
        return Kind.PYTHON
    directives, statements = count(PREPROCESSOR, text), count(STATEMENT_LINE, text)
    of_c = directives + count(C_LINE, text)
    tagged = count(CLOSING_TAG, text) >= max(1, CLOSING_TAGS * thousands, braces / 8)
    if tagged and count(TAG_LINE, text) >= max(of_c, statements):
        return Kind.HTML
    of_lines = max(
        directives / PREPROCESSOR_LINES, min(of_c / C_LINES, statements / STATEMENT_LINES)
    )
    if of_lines >= max(lines, 1):
        return Kind.C
    dense = count(JOINED, text) >= SEMICOLONS * thousands
    dense = dense or count(SCRIPT_WORD, text) >= SCRIPT_WORDS * thousands
    return Kind.C if dense and braces and braces >= BRACES * thousands else Kind.PROSE


def is_json(text: str) -> bool:
    """Whether there is hardly anything outside of strings but what JSON has there."""
    joint = JSON_JOINT.search(text)
    if joint is None:
        return False
    # The text may begin inside of a string; from the first joint on it is known what is one.
    starts = (0, joint.start() + 1) if joint.start() < len(text) / 2 else (0,)
    return any(
        len(JSON_REST.sub("", JSON_STRING.sub("", text[start:]))) <= OTHER * len(text)
        for start in starts
    )


def count(pattern: re.Pattern[str], text: str) -> int:
    """How many matches there are."""
    return sum(1 for _ in pattern.finditer(text))
