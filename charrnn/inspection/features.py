"""Properties of a text that a cell may follow: a value for each character."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import accumulate
from typing import NamedTuple

import numpy as np

from charrnn.errors import SettingError
from charrnn.parameters import Array


class Feature(NamedTuple):
    """A property of each character of a text."""

    #: Whether it holds or not; otherwise it is a number.
    binary: bool
    #: From a text of N characters to (N,), each value as it is after reading the character.
    measure: Callable[[str], Array]
    #: Characters whose own places are left out when a cell is scored: they give it away.
    delimiters: str = ""


#: A feature that holds for fewer characters than this, or for all but so few, is left out.
LEAST = 50


def present(text: str, features: dict[str, Feature]) -> tuple[dict[str, Feature], list[str]]:
    """The features that a text has often enough to say something, and the names of the others."""
    found, missing = {}, []
    for name, feature in features.items():
        measured = feature.measure(text)
        if feature.binary:
            enough = LEAST <= measured.sum() <= len(text) - LEAST
        else:
            enough = len(text) > 0 and np.ptp(measured) > 0
        if enough:
            found[name] = feature
        else:
            missing.append(name)
    return found, missing


def matches(pattern: str) -> Callable[[str], Array]:
    """1 inside of a match of a regular expression, or of its group if it has one, else 0."""
    compiled = re.compile(pattern, re.MULTILINE | re.DOTALL)

    def measure(text: str) -> Array:
        inside = np.zeros(len(text))
        for match in compiled.finditer(text):
            inside[slice(*match.span(compiled.groups))] = 1
        return inside

    return measure


def pattern(regex: str) -> Feature:
    """What a regular expression matches: 1 inside of a match, or of its first group, else 0.

    Raises:
        SettingError: for a regular expression that is broken, with the place.
    """
    try:
        compiled = re.compile(regex, re.MULTILINE)
    except (re.error, OverflowError, RecursionError) as error:
        raise SettingError(f"--feature {regex!r}: {error}") from None
    group = min(compiled.groups, 1)

    def measure(text: str) -> Array:
        inside = np.zeros(len(text))
        for match in compiled.finditer(text):
            if match[group] is not None:
                inside[slice(*match.span(group))] = 1
        return inside

    return Feature(True, measure)


def depth(opening: str, closing: str) -> Callable[[str], Array]:
    """How many brackets are open; one that closes nothing counts for nothing."""

    def step(open_brackets: int, character: str) -> int:
        if character in opening:
            return open_brackets + 1
        return max(0, open_brackets - 1) if character in closing else open_brackets

    def measure(text: str) -> Array:
        return np.array(list(accumulate(text, step, initial=0))[1:], float)

    return measure


def inside(opening: str, closing: str) -> Callable[[str], Array]:
    """1 where a bracket is open."""
    count = depth(opening, closing)
    return lambda text: np.minimum(count(text), 1)


def since(characters: Callable[[str], bool]) -> Callable[[str], Array]:
    """How many characters ago the last one of a kind was; counted from the start before it."""

    def step(distance: int, character: str) -> int:
        return 0 if characters(character) else distance + 1

    def measure(text: str) -> Array:
        return np.array(list(accumulate(text, step, initial=0))[1:], float)

    return measure


FEATURES: dict[str, Feature] = {
    "inside double quotes": Feature(True, matches(r'("[^"\n]*)"')),
    "inside ( )": Feature(True, inside("(", ")")),
    "inside [ ]": Feature(True, inside("[", "]")),
    "inside { }": Feature(True, inside("{", "}")),
    "in a # comment": Feature(True, matches(r"#[^\n]*")),
    "in a capitalized word": Feature(True, matches(r"\b[A-Z]\w*")),
    "in an upper-case word": Feature(True, matches(r"\b[A-Z]{2,}\b")),
    "in a number": Feature(True, matches(r"\b\d[\d.,]*")),
    "in indentation": Feature(True, matches(r"^[ \t]+")),
    "first word of a line": Feature(True, matches(r"^\w+")),
    "depth of brackets": Feature(False, depth("([{", ")]}")),
    "column in the line": Feature(False, since("\n".__eq__)),
    "position in the word": Feature(False, since(lambda c: not c.isalnum())),
    "characters since a capital": Feature(False, since(str.isupper)),
}
