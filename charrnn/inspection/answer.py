"""An answer as plain data: a sentence, figures and a table, before anything is drawn.

The terminal, matplotlib and the HTML page all draw the same answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from charrnn.arrays import Array

Kind = Literal["line", "points", "bars"]


@dataclass(frozen=True)
class Series:
    """One line, cloud of points or set of bars.

    Attributes:
        name: the entry in the legend; "" for none.
        x: the positions of the values; for bars, their names.
        y: the values, one for each `x`; NaN for a missing value.
        kind: line, points or bars.
    """

    name: str
    x: Sequence[float] | Sequence[str]
    y: Sequence[float]
    kind: Kind = "line"


@dataclass(frozen=True)
class Figure:
    """One picture: series over common axes. A figure has either bars or lines and points.

    Attributes:
        title: a description of the picture.
        x_label, y_label: the axes, with units; "" for none. For bars, `x_label` describes their
            names and `y_label` their values.
        series: drawn in this order, later ones over earlier ones.
        log_y, log_x: draw the axis logarithmically; values of zero and below are left out.
        equal: draw both axes to the same scale, with the unit circle; the axes then contain the
            circle and every point.
        x_range, y_range: the ends of an axis, lower first; None to fit the values.
        caption: how to read the picture, in one sentence.
    """

    title: str
    x_label: str
    y_label: str
    series: tuple[Series, ...]
    log_y: bool = False
    log_x: bool = False
    equal: bool = False
    x_range: tuple[float, float] | None = None
    y_range: tuple[float, float] | None = None
    caption: str = ""


@dataclass(frozen=True)
class ColoredText:
    """A text, each character on the colour of its value.

    Attributes:
        title: a description of the picture.
        text: N characters.
        shades: the values, (N,), from −1, the bluest, to 1, the reddest.
        stops: the key: some shades, each with the value that it stands for.
        caption: how to read the picture, in one sentence.
    """

    title: str
    text: str
    shades: Array
    stops: tuple[tuple[float, str], ...]
    caption: str = ""


@dataclass(frozen=True)
class Table:
    """Rows of text under headings.

    Attributes:
        headings: the headings of the columns; the first column names the rows.
        rows: the entries of each row.
        caption: how to read the table, in one sentence or more; the meanings of short entries.
    """

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    caption: str = ""


@dataclass(frozen=True)
class Answer:
    """The result of an analysis, for people.

    Attributes:
        sentence: one sentence or two short ones, with a full stop at the end.
        figures: pictures of the result, and coloured texts.
        table: details, where rows say more than a picture.
    """

    sentence: str
    figures: tuple[Figure | ColoredText, ...]
    table: Table | None = None
