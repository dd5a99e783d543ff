"""A coloured text on axes of matplotlib: each character on the background of its value."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from charrnn.arrays import Array
from charrnn.inspection.answer import ColoredText
from charrnn.render.cells import rows_of
from charrnn.render.colors import columns
from charrnn.render.extras import need

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Columns of a line, and a row in inches; a row is this many times as high as a column is wide.
LINE, ROW, ASPECT = 80, 0.175, 2
#: The space around the text, in inches, and the largest number of its lines.
AROUND, MAX_ROWS = 0.6, 400
#: The colours at the ends of the scale, on which black letters can be read.
BLUE, RED = (84, 148, 255), (247, 104, 92)
#: The size of a monospaced letter that is one column wide, and its baseline, in rows from the top.
SIZE, BASELINE = 1.66, 0.75


def height_of(picture: ColoredText) -> float:
    """The height of a coloured text in inches."""
    return AROUND + ROW * len(_rows(picture))


def draw(picture: ColoredText, axes: Axes, ink: str) -> None:
    """Draw a coloured text, and the key of its colours below.

    Args:
        picture: the coloured text.
        axes: the axes to draw on.
        ink: the colour of the letters.
    """
    rows = _rows(picture)
    colors = np.zeros((len(rows), LINE, 4))
    letters: list[tuple[str, int, int]] = []
    for row, pieces in enumerate(rows):
        column = 0
        for shown, shade in pieces:
            colors[row, column : column + columns(shown)] = _color(shade)
            for letter in shown:
                letters.append((letter, row, column))
                column += columns(letter)
    axes.imshow(colors, extent=(0, LINE, len(rows), 0), aspect=ASPECT, interpolation="nearest")
    axes.add_patch(_glyphs(letters, ink))
    axes.set_title(picture.title, fontsize="large")
    axes.set_axis_off()


def _rows(picture: ColoredText) -> list[list[tuple[str, float]]]:
    """The lines of a text with the shades of their characters, an empty line, and the key."""
    lines = list(islice(rows_of(picture.text, LINE), MAX_ROWS))
    rows = [[(shown, float(picture.shades[number])) for number, shown in line] for line in lines]
    if left := len(picture.text) - sum(map(len, lines)):
        rows += [[], [(f"and {left:,} characters more", 0.0)]]
    key = [piece for shade, label in picture.stops for piece in ((f" {label} ", shade), (" ", 0.0))]
    return [*rows, [], key]


def _color(shade: float) -> tuple[float, float, float, float]:
    """The colour of a shade from −1 to 1, transparent at 0."""
    red, green, blue = BLUE if shade < 0 else RED
    return red / 255, green / 255, blue / 255, min(abs(shade), 1.0)


def _glyphs(letters: list[tuple[str, int, int]], ink: str) -> Any:
    """The outlines of all letters as one patch: single texts would be slow, and not aligned."""
    patches, paths = need("matplotlib.patches", "report"), need("matplotlib.path", "report")
    text_path = need("matplotlib.textpath", "report").TextPath
    font = need("matplotlib.font_manager", "report").FontProperties(family="monospace")
    outlines = {
        letter: text_path((0, 0), letter, size=SIZE, prop=font)
        for letter in {letter for letter, _, _ in letters if not letter.isspace()}
    }
    vertices: list[Array] = [np.zeros((1, 2))]
    codes: list[Array] = [np.array([paths.Path.MOVETO], np.uint8)]
    for letter, row, column in letters:
        if letter in outlines and len(outlines[letter].vertices):
            outline = outlines[letter]
            vertices.append(outline.vertices / (1, -ASPECT) + (column, row + BASELINE))
            codes.append(outline.codes)
    path = paths.Path(np.concatenate(vertices), np.concatenate(codes))
    return patches.PathPatch(path, facecolor=ink, linewidth=0)
