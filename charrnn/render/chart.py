"""Charts of characters: of ASCII, which any file can hold, or of blocks and Braille in colours."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from math import ceil, cos, pi, sin
from operator import itemgetter

from charrnn.inspection.answer import Figure
from charrnn.render import bars
from charrnn.render.colors import PLAIN, Depth, Style, columns, tinted
from charrnn.render.scale import Number, Scale, scales
from charrnn.render.wrap import one_line, wrapped

#: The marks of the first, second, … series. ASCII, which every console has.
MARKS = "*o+x#@%&"
#: The marks of a single line: one for each of three heights within a row, from the top, and one
#: for a line through the whole row.
FINE, UPRIGHT = "'-.", "|"
#: The mark of a line of Braille characters, which have 2 × 4 dots each: the first of them, and
#: the bit of each dot, by row and column.
DOTTED, BRAILLE = "⠒⠒", 0x2800
DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
#: The characters of the axes: upright, upright with a tick, corner, level, level with a tick.
AXES, AXES_OF_BLOCKS = tuple("|++-+"), tuple("│┤└─┴")
#: The unit circle, which is not data.
FAINT = "."
CIRCLE = [[f(2 * pi * n / 360) for n in range(361)] for f in (cos, sin)]
#: A character is about twice as high as wide.
ASPECT = 2
#: Columns beside a square drawing.
SIDE = 10

#: A point of a canvas: from the left and from the top, from 0 to 1.
Point = tuple[float, float]


def chart(figure: Figure, *, width: int = 60, height: int = 10, style: Style = PLAIN) -> list[str]:
    """Draw a figure as lines of text.

    Args:
        figure: the figure.
        width: columns that no line exceeds, 30 or more.
        height: rows between the axes; up to twice as many where both axes have the same scale.
            Bars take a row each instead.
        style: the colours and characters of the terminal.
    """
    words = [*_words(figure.title, width), *_words(figure.caption, width)]
    of_bars = any(series.kind == "bars" for series in figure.series)
    drawn = bars.bar_rows(figure, width, style) if of_bars else _plane(figure, width, height, style)
    if not drawn:
        return [*words, "(no values)"]
    return [*words, *_legend(figure, width, style), *drawn]


class Canvas:
    """Rows and columns of characters, blank at first.

    Points beyond 0 to 1, and NaN, are not drawn and interrupt a line. `ink` is the number of the
    series that is drawn, for its colour; None for no colour.
    """

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._rows = [[" "] * width for _ in range(height)]
        self._inks: list[list[int | None]] = [[None] * width for _ in range(height)]

    def lines(self, depth: Depth = "none") -> list[str]:
        """The rows, from the top."""
        lines = []
        for row, inks in zip(self._rows, self._inks):
            line = ""
            for ink, run in groupby(zip(row, inks), key=itemgetter(1)):
                piece = "".join(character for character, _ in run)
                line += piece if ink is None else tinted(piece, ink, depth)
            lines.append(line)
        return lines

    def column(self, x: float) -> int:
        """The column of a point between left and right."""
        return round(x * (self.width - 1))

    def row(self, y: float) -> int:
        """The row of a point between top and bottom."""
        return round(y * (self.height - 1))

    def points(self, points: Iterable[Point], mark: str, ink: int | None = None) -> None:
        """Draw single points."""
        for x, y in points:
            if _within(x, y):
                self._draw(self.row(y), self.column(x), mark, ink)

    def line(self, points: Iterable[Point], mark: str, ink: int | None = None) -> None:
        """Draw a line from point to point."""
        for column, row in _path(points, self.width, self.height):
            self._draw(row, column, mark, ink)

    def fine_line(self, points: Iterable[Point], ink: int | None = None) -> None:
        """Draw a line with three heights in a row, for a line that is the only one."""
        heights = len(FINE)
        passed: dict[tuple[int, int], set[int]] = {}
        for column, fine_row in _path(points, self.width, heights * self.height):
            row, height = divmod(fine_row, heights)
            passed.setdefault((row, column), set()).add(height)
        for (row, column), through in passed.items():
            upright = len(through) == heights
            # Of two heights the outer one, which meets the next row.
            outer = max(through, key=lambda height: abs(height - 1))
            self._draw(row, column, UPRIGHT if upright else FINE[outer], ink)

    def dotted_line(self, points: Iterable[Point], ink: int | None = None) -> None:
        """Draw a line of dots in Braille characters. Lines that meet keep the dots of both."""
        high, wide = len(DOTS), len(DOTS[0])
        for column, row in _path(points, wide * self.width, high * self.height):
            before = self._rows[row // high][column // wide]
            dots = ord(before) if ord(before) >= BRAILLE else BRAILLE
            mark = chr(dots | DOTS[row % high][column % wide])
            self._draw(row // high, column // wide, mark, ink)

    def _draw(self, row: int, column: int, mark: str, ink: int | None) -> None:
        self._rows[row][column] = mark
        self._inks[row][column] = ink


def _within(x: float, y: float) -> bool:
    return 0 <= x <= 1 and 0 <= y <= 1


def _path(points: Iterable[Point], width: int, height: int) -> Iterator[tuple[int, int]]:
    """The columns and rows that a line passes through, in order and without gaps."""
    before: Point | None = None
    for x, y in points:
        if not _within(x, y):
            before = None
            continue
        end = (x * (width - 1), y * (height - 1))
        start = before or end  # a point without neighbours is drawn, too
        (column, row), (right, down) = start, (end[0] - start[0], end[1] - start[1])
        steps = max(1, ceil(max(abs(right), abs(down))))
        for step in range(steps + 1):
            yield round(column + right * step / steps), round(row + down * step / steps)
        before = end


def _marks(figure: Figure, style: Style) -> list[str]:
    """The mark of each series; a line that is the only one is drawn finer.

    Lines of Braille characters differ only in colour.
    """
    kinds = [series.kind for series in figure.series]
    alone = kinds.count("line") == 1
    line = DOTTED if style.blocks and (alone or style.depth != "none") else FINE if alone else ""
    marks = bars.marks(style) if "bars" in kinds else MARKS
    return [
        line if kind == "line" and line else marks[number % len(marks)]
        for number, kind in enumerate(kinds)
    ]


def _legend(figure: Figure, width: int, style: Style) -> list[str]:
    """The marks with the names of their series."""
    lines: list[list[str]] = []
    used = 0
    several = len(figure.series) > 1
    for number, (mark, series) in enumerate(zip(_marks(figure, style), figure.series)):
        if not series.name:
            continue
        first, *more = wrapped(f"{mark} " * several + one_line(series.name), width)
        if lines and used + len("   ") + columns(first) <= width and not more:
            used += len("   ") + columns(first)
            lines[-1].append(_inked(first, mark, number, several, style))
        else:
            lines.append([_inked(first, mark, number, several, style)])
            lines += [[line] for line in more]
            used = columns((more or [first])[-1])
    return ["   ".join(entries) for entries in lines]


def _inked(entry: str, mark: str, number: int, marked: bool, style: Style) -> str:
    """The entry of a legend with its mark, if it has one, in the colour of the series."""
    if not marked:
        return entry
    return tinted(mark, number, style.depth) + entry.removeprefix(mark)


def _plane(figure: Figure, width: int, height: int, style: Style) -> list[str]:
    """Draw lines and points between two axes."""
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
    if figure.equal and style.blocks:
        canvas.dotted_line(_points(across, up, *CIRCLE))
    elif figure.equal:
        canvas.points(_points(across, up, *CIRCLE), FAINT)
    for ink, (mark, series) in enumerate(zip(_marks(figure, style), figure.series)):
        points = _points(across, up, series.x, series.y)
        if series.kind == "points":
            canvas.points(points, mark, ink)
        elif mark == DOTTED:
            canvas.dotted_line(points, ink)
        elif mark == FINE:
            canvas.fine_line(points, ink)
        else:
            canvas.line(points, mark, ink)
    upright, tick, *_ = AXES_OF_BLOCKS if style.blocks else AXES
    rows = [canvas.row(1 - y) for y in up.fractions(value for value, _ in ticks)]
    labels = {row: label for row, (_, label) in zip(rows, ticks)}
    lines = _words(figure.y_label, width)
    for row, drawn in enumerate(canvas.lines(style.depth)):
        axis = tick if row in labels else upright
        lines.append(f"{labels.get(row, ''):>{margin}} {axis}{drawn}".rstrip())
    below = _below(across, canvas, figure.x_label, style)
    return lines + [" " * (margin + 1) + line for line in below]


def _below(scale: Scale, canvas: Canvas, label: str, style: Style) -> list[str]:
    """The horizontal axis, the labels of its ticks, and its own label."""
    most = max(3, canvas.width // 8)
    while True:
        ticks = scale.ticks(most)
        at = [canvas.column(x) for x in scale.fractions(value for value, _ in ticks)]
        written = _beside(at, [text for _, text in ticks], canvas.width)
        if written is not None or most == 1:
            break
        most -= 1
    *_, corner, level, tick = AXES_OF_BLOCKS if style.blocks else AXES
    axis = "".join(tick if column in at else level for column in range(canvas.width))
    words = _words(label, canvas.width)
    lines = [corner + axis, " " + (written or "")]
    return lines + [" " + line.center(canvas.width).rstrip() for line in words]


def _words(text: str, width: int) -> list[str]:
    """The lines of a text; none for an empty one."""
    return wrapped(text, width) if text else []


def _beside(at: Sequence[int], labels: Sequence[str], width: int) -> str | None:
    """A line with labels centred at columns, moved in at its ends; None where two would meet."""
    line = ""
    for column, label in zip(at, labels):
        start = max(0, min(column - len(label) // 2, width - len(label)))
        if line and start < len(line) + 2:
            return None
        line = line.ljust(start) + label
    return line


def _points(across: Scale, up: Scale, x: Iterable[Number], y: Iterable[Number]) -> list[Point]:
    return list(zip(across.fractions(x), 1 - up.fractions(y)))
