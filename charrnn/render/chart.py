"""Charts of plain characters, which any terminal, console and file can show."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import cos, pi, sin

from charrnn.inspection.answer import Figure
from charrnn.render import bars
from charrnn.render.canvas import FINE, Canvas, Place
from charrnn.render.colors import columns
from charrnn.render.scale import Number, Scale, scales
from charrnn.render.wrap import one_line, wrapped

#: What the first, second, … series are drawn with. ASCII: a console in any country has it.
MARKS = "*o+x#@%&"
#: The unit circle, which is no data.
FAINT = "."
CIRCLE = [[f(2 * pi * n / 360) for n in range(360)] for f in (cos, sin)]
#: A character is about twice as high as wide.
ASPECT = 2
#: Columns beside a square drawing.
SIDE = 10


def chart(figure: Figure, *, width: int = 60, height: int = 10) -> list[str]:
    """A figure as lines of text.

    Args:
        figure: what to draw.
        width: columns that no line exceeds, 30 or more.
        height: rows between the axes; twice as many at most where both axes have the same
            scale. Bars take a row each instead.
    """
    title = _words(figure.title, width)
    of_bars = any(series.kind == "bars" for series in figure.series)
    drawn = bars.bar_rows(figure, width) if of_bars else _plane(figure, width, height)
    if not drawn:
        return [*title, "(no values)"]
    return [*title, *_legend(figure, width), *drawn]


def _marks(figure: Figure) -> list[str]:
    """What each series is drawn with; a line that is the only one is drawn finer."""
    kinds = [series.kind for series in figure.series]
    marks = bars.MARKS if "bars" in kinds else MARKS
    return [
        FINE if kind == "line" and kinds.count("line") == 1 else marks[number % len(marks)]
        for number, kind in enumerate(kinds)
    ]


def _legend(figure: Figure, width: int) -> list[str]:
    """The marks and what they stand for."""
    lines: list[str] = []
    for mark, series in zip(_marks(figure), figure.series):
        if series.name:
            # A single series needs no mark: there is nothing to tell it from.
            entry = f"{mark} " * (len(figure.series) > 1) + one_line(series.name)
            joined = f"{lines[-1]}   {entry}" if lines else entry
            if lines and columns(joined) <= width:
                lines[-1] = joined
            else:
                lines += wrapped(entry, width)
    return lines


def _plane(figure: Figure, width: int, height: int) -> list[str]:
    """Lines and points between two axes."""
    found = scales(figure)
    if found is None:
        return []
    across, up = found
    if figure.equal:
        height = max(4, min(2 * height, (width - SIDE) // ASPECT))
    ticks = up.ticks(max(2, height // 2))
    margin = max(len(label) for _, label in ticks)
    columns_left = width - margin - len(" |")
    canvas = Canvas(min(columns_left, ASPECT * height) if figure.equal else columns_left, height)
    if figure.equal:
        canvas.points(_pairs(across, up, *CIRCLE), FAINT)
    for mark, series in zip(_marks(figure), figure.series):
        places = _pairs(across, up, series.x, series.y)
        if series.kind == "points":
            canvas.points(places, mark)
        elif mark == FINE:
            canvas.fine_line(places)
        else:
            canvas.line(places, mark)
    at = zip((canvas.row(1 - place) for place in up.places(v for v, _ in ticks)), ticks)
    labels = {row: label for row, (_, label) in at}
    lines = _words(figure.y_label, width)
    for row, drawn in enumerate(canvas.lines()):
        axis = "+" if row in labels else "|"
        lines.append(f"{labels.get(row, ''):>{margin}} {axis}{drawn}".rstrip())
    below = _below(across, canvas, figure.x_label)
    return lines + [" " * (margin + 1) + line for line in below]


def _below(scale: Scale, canvas: Canvas, label: str) -> list[str]:
    """The axis at the bottom: its line, the values at its ticks, and what they are."""
    axis = ["-"] * canvas.width
    most = max(3, canvas.width // 8)
    while True:
        ticks = scale.ticks(most)
        at = [canvas.column(place) for place in scale.places(value for value, _ in ticks)]
        written = _beside(at, [text for _, text in ticks], canvas.width)
        if written is not None or most == 1:
            break
        most -= 1
    for column in at:
        axis[column] = "+"
    lines = ["+" + "".join(axis), " " + (written or "")]
    return lines + [
        " " + line.center(canvas.width).rstrip() for line in _words(label, canvas.width)
    ]


def _words(text: str, width: int) -> list[str]:
    """Lines of a text; none without one."""
    return wrapped(text, width) if text else []


def _beside(at: Sequence[int], labels: Sequence[str], width: int) -> str | None:
    """Labels centred at columns of a line, moved in at its ends; None where two would meet."""
    line = ""
    for column, label in zip(at, labels):
        start = max(0, min(column - len(label) // 2, width - len(label)))
        if line and start < len(line) + 2:
            return None
        line = line.ljust(start) + label
    return line


def _pairs(across: Scale, up: Scale, x: Iterable[Number], y: Iterable[Number]) -> list[Place]:
    return list(zip(across.places(x), 1 - up.places(y)))
