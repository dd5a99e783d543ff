"""What is shown of a result: a sentence, pictures and a table, before anyone draws them.

The terminal, matplotlib and the HTML report all draw these, so they show the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Kind = Literal["line", "points", "bars"]


@dataclass(frozen=True)
class Series:
    """One line, cloud of points or set of bars.

    Attributes:
        name: what the legend calls it; "" for a series that the legend leaves out.
        x: where the values are; of bars, what each is called.
        y: the values, as many as there are `x`; NaN where there is nothing.
        kind: how it is drawn.
    """

    name: str
    x: Sequence[float] | Sequence[str]
    y: Sequence[float]
    kind: Kind = "line"


@dataclass(frozen=True)
class Figure:
    """One picture: series over common axes. Bars do not share a figure with other kinds.

    Attributes:
        title: what is seen.
        x_label, y_label: what the axes are, with units; "" for none. Of bars, `x_label` names
            what the labels are and `y_label` what the values are.
        series: drawn in this order, later ones over earlier ones.
        log_x, log_y: whether an axis is logarithmic; what is not above zero is left out then.
        equal: whether both axes have the same scale, with the unit circle drawn; they reach as
            far as it and the farthest point do.
        x_range, y_range: the ends of the axes otherwise, lower first; None to have what is
            drawn fit.
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


@dataclass(frozen=True)
class Table:
    """Rows of text under headings, where rows say more than a picture."""

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Answer:
    """What an analysis found.

    Attributes:
        sentence: the plain answer, one sentence or two short ones, with a full stop at the end.
        figures: pictures of it.
        table: what rows say better.
    """

    sentence: str
    figures: tuple[Figure, ...]
    table: Table | None = None
