"""Which brackets belong together, and what is between `if` and what it leads to."""

from __future__ import annotations

import re
from collections import Counter
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np

from charrnn.arrays import Array
from charrnn.inspection.parsing.kinds import Kind
from charrnn.inspection.parsing.lexing import PARAGRAPH_END, lexed
from charrnn.inspection.parsing.measures import as_spans, depth, places_of_matches

OPENING: Final = {")": "(", "]": "[", "}": "{"}
BRACKET: Final = re.compile(r"[][(){}]")
#: A statement of Python that is outside of all brackets, as it begins a line.
STATEMENT: Final = re.compile(r"^(?:(?:def|class|import)\b|@)", re.MULTILINE)
#: What a condition follows.
PYTHON_IF: Final = re.compile(r"^[ \t]*(?:if|elif|while)\b", re.MULTILINE)
C_IF: Final = re.compile(r"\b(?:if|while)\s*(?=\()")
#: Where a condition of Python ends, or where it is broken off.
CONDITION_END: Final = re.compile(r":|(?<!\\)\n")
INDENT: Final = re.compile(r"^[ \t]*", re.MULTILINE)
#: What is not closed after so many characters never will be, unless it is a block of code.
FAR = 2000
#: Any level of indentation.
ANYWHERE = -1


class Pair(NamedTuple):
    """Two brackets: which, the place of the first, and that of the second or the text's end."""

    bracket: str
    start: int
    stop: int


class Stack:
    """Brackets that are open."""

    def __init__(self) -> None:
        self._open: list[tuple[str, int, int]] = []
        self._count: Counter[tuple[str, int]] = Counter()

    def read(self, bracket: str, place: int, level: int = 0, begins: bool = False) -> list[Pair]:
        """Read the next bracket, and give the pair that it ends, if it ends one.

        It ends one with the latest that is open, or, if it begins its line, with the latest of
        a line that is as much indented. Those within that were never closed count for nothing,
        and so does one that closes nothing.

        Args:
            bracket: one of `()[]{}`.
            place: where it is.
            level: how much its line is indented.
            begins: whether it begins its line.
        """
        if bracket not in OPENING:
            self._open.append((bracket, place, level))
            self._count[bracket, level] += 1
            self._count[bracket, ANYWHERE] += 1
            return []
        bracket = OPENING[bracket]
        level = level if begins and self._count[bracket, level] else ANYWHERE
        while self._count[bracket, level]:
            opened, start, indented = self._open.pop()
            self._count[opened, indented] -= 1
            self._count[opened, ANYWHERE] -= 1
            if opened == bracket and level in (indented, ANYWHERE):
                return [Pair(bracket, start, place)]
        return []

    def unclosed(self, N: int) -> list[Pair]:
        """Those still open, as if they were closed at the end of the text."""
        return [Pair(bracket, start, N) for bracket, start, _ in self._open]


@lru_cache(maxsize=1)
def pairs(text: str) -> tuple[Pair, ...]:
    """The brackets of a text that belong together.

    Those of code by themselves, whatever strings and comments are between; those in a string, in
    a comment or in a paragraph of prose among each other. What is open at the end of the text
    counts as closed there.
    """
    parts = lexed(text)
    found = pairs_of_code(text, parts.code)
    places = places_of_matches(BRACKET, parts.prose)
    ends = places_of_matches(re.compile(PARAGRAPH_END), parts.prose)
    stack, current = Stack(), 0
    for place, paragraph in zip(places.tolist(), np.searchsorted(ends, places).tolist()):
        if paragraph != current:
            stack, current = Stack(), paragraph
        found += stack.read(text[place], place)
    return (*found, *(stack.unclosed(len(text)) if current == len(ends) else []))


def pairs_of_code(text: str, code: str) -> list[Pair]:
    """The same of code."""
    indents = as_spans([match.span() for match in INDENT.finditer(text)])
    places = places_of_matches(BRACKET, code)
    lines = np.searchsorted(indents[:, 0], places, side="right") - 1
    levels = (indents[:, 1] - indents[:, 0])[lines]
    begins_line = places == indents[lines, 1]
    python = lexed(text).kind is Kind.PYTHON
    statements = places_of_matches(STATEMENT, code) if python else np.zeros(0, np.intp)
    parts = np.searchsorted(statements, places)
    stack, current, found = Stack(), 0, []
    for place, level, begins, part in zip(
        places.tolist(), levels.tolist(), begins_line.tolist(), parts.tolist()
    ):
        if part != current:
            stack, current = Stack(), part
        found += stack.read(text[place], place, level, begins)
    unclosed = stack.unclosed(len(text)) if current == len(statements) else []
    # Blocks of code may be long; braces of prose are mostly just spoken of.
    endless = "(" if lexed(text).kind not in (Kind.PROSE, Kind.HTML) else "([{"
    near = len(text) - FAR
    return found + [pair for pair in unclosed if pair.start > near or pair.bracket not in endless]


def conditions(text: str) -> Array:
    """Spans (n, 2) between `if`, `elif` or `while` and what they lead to, in code."""
    parts = lexed(text)
    if parts.kind is not Kind.PYTHON:
        starts = set(places_of_matches(C_IF, parts.code, at_end=True).tolist())
        return as_spans([pair[1:] for pair in pairs(text) if pair.start in starts])
    outside = depth(as_spans([pair[1:] for pair in pairs(text)]), len(text)) == 0
    ends = places_of_matches(CONDITION_END, parts.code)
    ends = ends[outside[ends]]
    starts_at = places_of_matches(PYTHON_IF, parts.code, at_end=True)
    starts_at = starts_at[outside[starts_at - 1]]
    following = np.searchsorted(ends, starts_at)
    starts_at, following = (array[following < len(ends)] for array in (starts_at, following))
    spans = np.stack([starts_at, ends[following]], axis=1)
    return spans[[text[stop] == ":" for stop in spans[:, 1].tolist()]]
