"""Colours and characters of terminals: of 24-bit, 256 and 16 colours, with and without blocks."""

from __future__ import annotations

import os
import sys
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

Depth = Literal["24-bit", "256", "16", "none"]

RESET = "\x1b[0m"
#: The colours of the scale: blue below zero, red above. Colour-blind people can distinguish red
#: and blue. Grey between them is inconspicuous on dark and on light terminals.
BLUE, GREY, RED = (30, 90, 215), (110, 110, 110), (205, 30, 30)
#: Values nearer to 0 than this have the background of the terminal.
FAINT = 0.2
#: The levels of the 256-colour cube.
CUBE = (0, 95, 135, 175, 215, 255)
#: The colours of the series of a chart, which colour-blind people can distinguish (Okabe, Ito
#: 2008), the last two darker for contrast on white; and the nearest of 16 colours.
COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b98200", "#3d92c6")
COLORS_OF_16 = (94, 31, 32, 35, 33, 36)
#: Terminals without block characters: the font of the Linux console has few.
WITHOUT_BLOCKS = ("dumb", "linux")


class Style(NamedTuple):
    """The abilities of a terminal.

    Attributes:
        depth: its colours.
        blocks: True if it shows block and Braille characters.
    """

    depth: Depth = "none"
    blocks: bool = False


#: The style of a file: ASCII without colours.
PLAIN = Style()


def style_of_stdout(wanted: bool | None) -> Style:
    """The style for stdout: block characters on a terminal, or where colours are wanted.

    Args:
        wanted: the user's choice of colours; None to detect.
    """
    depth, terminal = color_depth(wanted), sys.stdout.isatty()
    return Style(depth, (terminal or depth != "none") and has_blocks(sys.stdout.encoding))


def has_blocks(encoding: str | None, environment: Mapping[str, str] = os.environ) -> bool:
    """Return whether a terminal shows block characters: with UTF-8, and a font that has them."""
    locale = next(filter(None, map(environment.get, ("LC_ALL", "LC_CTYPE", "LANG"))), "")
    utf_8 = (encoding or "").lower().replace("_", "-") in ("utf-8", "utf8")
    return utf_8 and locale not in ("C", "POSIX") and environment.get("TERM") not in WITHOUT_BLOCKS


def color_depth(
    wanted: bool | None, environment: Mapping[str, str] = os.environ, terminal: bool | None = None
) -> Depth:
    """The number of colours of stdout.

    Args:
        wanted: True or False for the choice of the user; None to detect.
        environment: NO_COLOR (https://no-color.org), FORCE_COLOR (https://force-color.org), which
            yields to NO_COLOR, COLORTERM and TERM are read.
        terminal: True if stdout is a terminal; None to detect.
    """
    if terminal is None:
        terminal = sys.stdout.isatty()
    term = environment.get("TERM", "")
    if wanted is None:
        able = bool(environment.get("FORCE_COLOR")) or (terminal and term != "dumb")
        wanted = able and not environment.get("NO_COLOR")
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
    return f"\x1b[38;5;231;48;5;{_in_cube(red, green, blue)}m"


def _in_cube(*color: int) -> int:
    """The number of the nearest colour in the cube of 256 colours."""
    red, green, blue = (min(range(6), key=lambda i: abs(CUBE[i] - part)) for part in color)
    return 16 + 36 * red + 6 * green + blue


def tinted(text: str, number: int, depth: Depth) -> str:
    """A text in the colour of the first, second, … series of a chart, counted from 0."""
    if depth == "none" or not text:
        return text
    number %= len(COLORS)
    if depth == "16":
        return f"\x1b[{COLORS_OF_16[number]}m{text}{RESET}"
    red, green, blue = (int(COLORS[number][at : at + 2], 16) for at in (1, 3, 5))
    code = f"2;{red};{green};{blue}" if depth == "24-bit" else f"5;{_in_cube(red, green, blue)}"
    return f"\x1b[38;{code}m{text}{RESET}"


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
