"""Text on coloured backgrounds, for terminals of 24-bit, 256 and 16 colours."""

from __future__ import annotations

import os
import sys
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Literal

Depth = Literal["24-bit", "256", "16", "none"]

RESET = "\x1b[0m"
#: The colours of the scale: blue below zero, red above. Colour-blind people can distinguish red
#: and blue. Grey between them is inconspicuous on dark and on light terminals.
BLUE, GREY, RED = (30, 90, 215), (110, 110, 110), (205, 30, 30)
#: Values nearer to 0 than this have the background of the terminal.
FAINT = 0.2
#: The levels of the 256-colour cube.
CUBE = (0, 95, 135, 175, 215, 255)


def color_depth(
    wanted: bool | None, environment: Mapping[str, str] = os.environ, terminal: bool | None = None
) -> Depth:
    """The number of colours of stdout.

    Args:
        wanted: True or False for the choice of the user; None to detect.
        environment: NO_COLOR (https://no-color.org), COLORTERM and TERM are read.
        terminal: True if stdout is a terminal; None to detect.
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
        # A weak value colours the letter, a strong one the background.
        if strength < 0.5:
            return "\x1b[94m" if value < 0 else "\x1b[91m"
        return "\x1b[97;44m" if value < 0 else "\x1b[97;41m"
    end = BLUE if value < 0 else RED
    red, green, blue = (round(g + (e - g) * strength) for g, e in zip(GREY, end))
    if depth == "24-bit":
        return f"\x1b[38;2;255;255;255;48;2;{red};{green};{blue}m"
    nearest = [min(range(6), key=lambda i: abs(CUBE[i] - part)) for part in (red, green, blue)]
    return f"\x1b[38;5;231;48;5;{16 + 36 * nearest[0] + 6 * nearest[1] + nearest[2]}m"


def paint(pieces: Sequence[tuple[str, float]], depth: Depth) -> str:
    """Pieces of one line, each on the background of its value."""
    painted, current = [], ""
    for piece, value in pieces:
        code = background(value, depth)
        if code != current:
            painted.append((RESET if current else "") + code)
            current = code
        painted.append(piece)
    return "".join(painted) + (RESET if current else "")


def columns(text: str) -> int:
    """The width of a text in columns of a terminal.

    Wide characters take two columns. Marks and joiners take none; nor do the vowels and final
    consonants of Hangul, which are drawn into the syllable of their initial consonant.
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
