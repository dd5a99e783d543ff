"""Small charts of characters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

Point = tuple[float, float]


def chart(series: Mapping[str, Sequence[Point]], *, width: int = 60, height: int = 8) -> list[str]:
    """Lines of a chart: points of one or more series over a common scale.

    Args:
        series: points (x, y) by the mark to draw them with, a single character; later ones
            are drawn over earlier ones.
        width, height: of the drawing, without the scale at its left and below it.
    """
    points = [point for drawn in series.values() for point in drawn]
    if not points:
        return []
    xs, ys = [x for x, _ in points], [y for _, y in points]
    left, right, bottom, top = min(xs), max(xs), min(ys), max(ys)
    canvas = [[" "] * width for _ in range(height)]
    for mark, drawn in series.items():
        for x, y in drawn:
            column = round((x - left) / (right - left or 1) * (width - 1))
            row = round((top - y) / (top - bottom or 1) * (height - 1))
            canvas[row][column] = mark
    labels = {0: f"{top:.2f}", height - 1: f"{bottom:.2f}"}
    lines = [
        f"{labels.get(row, ''):>6} |{''.join(cells).rstrip()}" for row, cells in enumerate(canvas)
    ]
    scale = f"{right:,.0f}"
    lines.append(" " * 7 + "+" + "-" * width)
    lines.append(" " * 8 + f"{left:,.0f}".ljust(width - len(scale)) + scale)
    return lines
