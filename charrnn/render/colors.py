"""Text on coloured backgrounds, for terminals of 24-bit, 256 and 16 colours."""

from __future__ import annotations

import os
import sys
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Literal

Depth = Literal["24-bit", "256", "16", "none"]

RESET = "\x1b[0m"
#: The ends of the scale, as on a map: cold below zero, hot above. Red and blue differ for
#: people who cannot tell red from green.
BLUE, WHITE, RED = (33, 102, 172), (255, 255, 255), (178, 24, 43)
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
    """The escape sequence of the background for a value from −1 (blue) to 1 (red).

    Near 0 there is none, so that what matters stands out from whatever the terminal's own
    background is.
    """
    strength = min(abs(value), 1.0)
    if depth == "none" or strength < 0.1:
        return ""
    if depth == "16":
        # Dark and bright: 4 levels are told apart where the 24-bit scale has a continuum.
        code = (44 if value < 0 else 41) if strength > 0.6 else (104 if value < 0 else 101)
        return f"\x1b[30;{code}m" if strength <= 0.6 else f"\x1b[97;{code}m"
    end = BLUE if value < 0 else RED
    red, green, blue = (round(w + (e - w) * strength) for w, e in zip(WHITE, end))
    # Dark letters on light backgrounds, light ones on dark.
    letters = "97" if strength > 0.6 else "30"
    if depth == "24-bit":
        return f"\x1b[{letters};48;2;{red};{green};{blue}m"
    nearest = [min(range(6), key=lambda i: abs(CUBE[i] - part)) for part in (red, green, blue)]
    return f"\x1b[{letters};48;5;{16 + 36 * nearest[0] + 6 * nearest[1] + nearest[2]}m"


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
