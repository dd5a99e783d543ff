"""Pairs of brackets, and the conditions of `if` and `while`."""

from __future__ import annotations

import re
from collections import Counter
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np

from charrnn.arrays import Array
from charrnn.inspection.features.kinds import Kind
from charrnn.inspection.features.lexing import PARAGRAPH_END, lexed
from charrnn.inspection.features.spans import as_spans, depth, positions_of_matches

OPENING: Final = {")": "(", "]": "[", "}": "{", "」": "「", "』": "『", "】": "【"}
BRACKET: Final = re.compile(r"[][(){}「」『』【】]")
#: A statement of Python that is outside all brackets, since it begins a line.
STATEMENT: Final = re.compile(r"^(?:(?:def|class|import)\b|@)", re.MULTILINE)
#: The keyword before a condition.
PYTHON_IF: Final = re.compile(r"^[ \t]*(?:if|elif|while)\b", re.MULTILINE)
C_IF: Final = re.compile(r"\b(?:if|while)\s*(?=\()")
#: The end of a condition of Python, or a newline that interrupts it.
CONDITION_END: Final = re.compile(r":|(?<!\\)\n")
INDENT: Final = re.compile(r"^[ \t]*", re.MULTILINE)
#: A bracket that is not closed after this many characters counts as never closed, unless it may
#: be that of a block of code.
MAX_UNCLOSED = 2000
#: Any level of indentation.
ANY_LEVEL = -1


class Pair(NamedTuple):
    """The opening bracket, its position, and that of the closing one or of the end of the text."""

    bracket: str
    start: int
    stop: int


class Stack:
    """The open brackets."""

    def __init__(self) -> None:
        self._open: list[tuple[str, int, int]] = []
        self._count: Counter[tuple[str, int]] = Counter()

    def read(
        self, bracket: str, position: int, level: int = 0, begins_line: bool = False
    ) -> list[Pair]:
        """Read the next bracket, and return the pair that it closes, if any.

        It closes the latest open bracket of its kind or, if it begins its line, the latest one
        in a line with the same indentation. Open brackets in between are dropped; a bracket that
        closes none is ignored.

        Args:
            bracket: an opening or closing bracket.
            position: the position of the bracket.
            level: the indentation of its line.
            begins_line: True if it is the first character of its line after the indentation.
        """
        if bracket not in OPENING:
            self._open.append((bracket, position, level))
            self._count[bracket, level] += 1
            self._count[bracket, ANY_LEVEL] += 1
            return []
        bracket = OPENING[bracket]
        level = level if begins_line and self._count[bracket, level] else ANY_LEVEL
        while self._count[bracket, level]:
            opened, start, indented = self._open.pop()
            self._count[opened, indented] -= 1
            self._count[opened, ANY_LEVEL] -= 1
            if opened == bracket and level in (indented, ANY_LEVEL):
                return [Pair(bracket, start, position)]
        return []

    def unclosed(self, N: int) -> list[Pair]:
        """The brackets still open, as pairs that end with the text."""
        return [Pair(bracket, start, N) for bracket, start, _ in self._open]


@lru_cache(maxsize=1)
def pairs(text: str) -> tuple[Pair, ...]:
    """The pairs of brackets of a text.

    Brackets of code belong together across strings and comments; those in a string, in a comment
    or in a paragraph of prose belong together there. A bracket that is open at the end of the text
    counts as closed there.
    """
    parts = lexed(text)
    found = pairs_of_code(text, parts.code)
    positions = positions_of_matches(BRACKET, parts.prose)
    ends = positions_of_matches(re.compile(PARAGRAPH_END), parts.prose)
    stack, current = Stack(), 0
    for position, paragraph in zip(positions.tolist(), np.searchsorted(ends, positions).tolist()):
        if paragraph != current:
            stack, current = Stack(), paragraph
        found += stack.read(text[position], position)
    return (*found, *(stack.unclosed(len(text)) if current == len(ends) else []))


def pairs_of_code(text: str, code: str) -> list[Pair]:
    """The pairs of brackets of the code of a text."""
    indents = as_spans([match.span() for match in INDENT.finditer(text)])
    positions = positions_of_matches(BRACKET, code)
    lines = np.searchsorted(indents[:, 0], positions, side="right") - 1
    levels = (indents[:, 1] - indents[:, 0])[lines]
    begins_line = positions == indents[lines, 1]
    python = lexed(text).kind is Kind.PYTHON
    statements = positions_of_matches(STATEMENT, code) if python else np.zeros(0, np.intp)
    parts = np.searchsorted(statements, positions)
    stack, current, found = Stack(), 0, []
    for position, level, begins, part in zip(
        positions.tolist(), levels.tolist(), begins_line.tolist(), parts.tolist()
    ):
        if part != current:
            stack, current = Stack(), part
        found += stack.read(text[position], position, level, begins)
    unclosed = stack.unclosed(len(text)) if current == len(statements) else []
    # Blocks of code may be long; a single brace of prose is mostly one that is written about.
    short = "([{「『【" if lexed(text).kind is Kind.PROSE else "("
    near = len(text) - MAX_UNCLOSED
    return found + [pair for pair in unclosed if pair.start > near or pair.bracket not in short]


def conditions(text: str) -> Array:
    """The spans of conditions after `if`, `elif` and `while` in code, (n, 2)."""
    parts = lexed(text)
    if parts.kind is not Kind.PYTHON:
        starts = set(positions_of_matches(C_IF, parts.code, at_end=True).tolist())
        return as_spans([pair[1:] for pair in pairs(text) if pair.start in starts])
    outside = depth(as_spans([pair[1:] for pair in pairs(text)]), len(text)) == 0
    ends = positions_of_matches(CONDITION_END, parts.code)
    ends = ends[outside[ends]]
    starts_at = positions_of_matches(PYTHON_IF, parts.code, at_end=True)
    starts_at = starts_at[outside[starts_at - 1]]
    following = np.searchsorted(ends, starts_at)
    starts_at, following = (array[following < len(ends)] for array in (starts_at, following))
    spans = np.stack([starts_at, ends[following]], axis=1)
    return spans[[text[stop] == ":" for stop in spans[:, 1].tolist()]]
