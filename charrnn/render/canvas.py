"""A field of characters to draw points and lines on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import ceil, isfinite, nan

#: A fine line: by where in its row it is, from the top; and through the whole row.
FINE, UPRIGHT = "'-.", "|"

Place = tuple[float, float]


class Canvas:
    """Rows and columns of characters, blank at first.

    Places are pairs from 0 to 1: from the left and from the top. What is beyond is not drawn,
    and neither is NaN, which interrupts a line.
    """

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._cells = [[" "] * width for _ in range(height)]

    def lines(self) -> list[str]:
        """What was drawn, from the top."""
        return ["".join(row) for row in self._cells]

    def column(self, place: float) -> int:
        """The column of a place between left and right."""
        return round(place * (self.width - 1))

    def row(self, place: float) -> int:
        """The row of a place between top and bottom."""
        return round(place * (self.height - 1))

    def points(self, places: Iterable[Place], mark: str) -> None:
        """Draw single points."""
        for x, y in places:
            if 0 <= x <= 1 and 0 <= y <= 1:
                self._cells[self.row(y)][self.column(x)] = mark

    def line(self, places: Iterable[Place], mark: str) -> None:
        """Draw a line from point to point."""
        for column, row in _path(places, self.width, self.height):
            self._cells[row][column] = mark

    def fine_line(self, places: Iterable[Place]) -> None:
        """Draw a line with three heights a row, for a line that has no other beside it."""
        heights = len(FINE)
        passed: dict[tuple[int, int], set[int]] = {}
        for column, fine_row in _path(places, self.width, heights * self.height):
            row, height = divmod(fine_row, heights)
            passed.setdefault((row, column), set()).add(height)
        for (row, column), through in passed.items():
            upright = len(through) == heights
            # Of two heights the outer one, which meets the next row.
            outer = max(through, key=lambda height: abs(height - 1))
            self._cells[row][column] = UPRIGHT if upright else FINE[outer]


def _path(places: Iterable[Place], width: int, height: int) -> Iterator[tuple[int, int]]:
    """The columns and rows that a line passes through, in order and without gaps."""
    right, bottom = width - 1, height - 1
    before = (nan, nan)
    for x, y in places:
        here = (x * right, y * bottom)
        # Twice the same point: one that has no neighbours is drawn, too.
        for start in (before, here):
            within = _within(start, here, (right, bottom))
            if within is not None:
                yield from _steps(start, here, *within)
        before = here


def _steps(start: Place, end: Place, first: float, last: float) -> Iterator[tuple[int, int]]:
    """The cells from one share of the way from start to end to another, both included."""
    (x, y), (dx, dy) = start, (end[0] - start[0], end[1] - start[1])
    steps = max(1, ceil(max(abs(dx), abs(dy)) * (last - first)))
    for step in range(steps + 1):
        share = first + (last - first) * step / steps
        yield round(x + share * dx), round(y + share * dy)


def _within(start: Place, end: Place, most: Place) -> tuple[float, float] | None:
    """The shares of the way between which it is in the field (Liang and Barsky 1984)."""
    if not all(map(isfinite, (*start, *end))):
        return None
    first, last = 0.0, 1.0
    for a, b, limit in zip(start, end, most):
        if a == b:
            if not 0 <= a <= limit:
                return None
            continue
        into, out = sorted((-a / (b - a), (limit - a) / (b - a)))
        first, last = max(first, into), min(last, out)
    return (first, last) if first <= last else None
