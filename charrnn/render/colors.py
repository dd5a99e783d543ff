"""Text on coloured backgrounds, for terminals of 24-bit, 256 and 16 colours."""

from __future__ import annotations

import os
import sys
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Literal

Depth = Literal["24-bit", "256", "16", "none"]

RESET = "\x1b[0m"
#: The scale, as on a map: cold below zero, hot above. Red and blue differ for people who cannot
#: tell red from green; grey between them, and nothing at zero, stands back on a dark terminal as
#: well as on a light one.
BLUE, GREY, RED = (30, 90, 215), (110, 110, 110), (205, 30, 30)
#: Values nearer to 0 have the terminal's own background.
FAINT = 0.2
#: The levels of the 256-colour cube.
CUBE = (0, 95, 135, 175, 215, 255)


def color_depth(
    wanted: bool | None, environment: Mapping[str, str] = os.environ, terminal: bool | None = None
) -> Depth:
    """How many colours stdout has.

    Args:
        wanted: True or False as the user says; None to find out.
        environment: NO_COLOR (https://no-color.org), COLORTERM and TERM are looked at.
        terminal: whether stdout is a terminal; None to find out.
    """
    if terminal is None:
        terminal = sys.stdout.isatty()
    term = environment.get("TERM", "")
    if wanted is None:
        wanted = terminal and term != "dumb" and not environment.get("NO_COLOR")
    if not wanted:
        return "none"
    if environment.get("COLORTERM") in ("truecolor", "24bit") or term.endswith("-direct"):
        return "24-bit"
    return "256" if "256color" in term else "16"


def background(value: float, depth: Depth) -> str:
    """The escape sequence of the colours for a value from −1 (blue) to 1 (red)."""
    strength = min(abs(value), 1.0)
    if depth == "none" or strength < FAINT:
        return ""
    if depth == "16":
        # A weak value colours the letter, a strong one what is behind it.
        if strength < 0.5:
            return "\x1b[94m" if value < 0 else "\x1b[91m"
        return "\x1b[97;44m" if value < 0 else "\x1b[97;41m"
    end = BLUE if value < 0 else RED
    red, green, blue = (round(g + (e - g) * strength) for g, e in zip(GREY, end))
    if depth == "24-bit":
        return f"\x1b[38;2;255;255;255;48;2;{red};{green};{blue}m"
    nearest = [min(range(6), key=lambda i: abs(CUBE[i] - part)) for part in (red, green, blue)]
    return f"\x1b[38;5;231;48;5;{16 + 36 * nearest[0] + 6 * nearest[1] + nearest[2]}m"


def paint(cells: Sequence[tuple[str, float]], depth: Depth) -> str:
    """Pieces of one line, each on the background of its value."""
    painted, current = [], ""
    for piece, value in cells:
        code = background(value, depth)
        if code != current:
            painted.append((RESET if current else "") + code)
            current = code
        painted.append(piece)
    return "".join(painted) + (RESET if current else "")


def columns(text: str) -> int:
    """How many columns of a terminal a text takes.

    Marks and joiners take none, and neither do the vowels and final consonants of Hangul,
    which are drawn into the syllable that an initial consonant begins; wide characters two.
    """
    width = 0
    for character in text:
        if (
            unicodedata.category(character) in ("Mn", "Me", "Cf")
            or "\u1160" <= character <= "\u11ff"
        ):
            continue
        width += 2 if unicodedata.east_asian_width(character) in "WF" else 1
    return width
