"""A picture of lines in SVG: each line is named at its end, and the page may be light or dark."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from html import escape
from pathlib import Path
from typing import NamedTuple

from charrnn.inspection.answer import Figure, Series
from charrnn.render.scale import Scale, scales

#: Width and height of the picture, and the space around the axes: left, top, right, bottom; pixels.
WIDTH, HEIGHT = 760, 420
LEFT, TOP, RIGHT, BOTTOM = 64, 44, 16, 52
#: Pixels of a line of text, of a character, and from the end of a line to its name.
LINE, CHARACTER, BELOW = 16, 6.6, 10
#: The most ticks of an axis.
MAX_TICKS = 8
#: The y axis gets longer by this until the names at the ends of the lines have room above its end.
ROOM = 0.1
#: Colours that colour-blind people can distinguish (Okabe, Ito 2008), on light and on dark.
LIGHT = ("#0072b2", "#009e73", "#c04f00", "#6b6b6b", "#a3457c")
DARK = ("#56b4e9", "#2fc79a", "#f0843c", "#a6a6a6", "#e39ac4")
#: The picture has a background of its own, because a page need not follow the reader's system.
STYLE = """svg { background: var(--page); --page: #fff; --ink: #1f2328; --grid: #d8dce0; %s }
@media (prefers-color-scheme: dark) {
svg { --page: #0d1117; --ink: #e6edf3; --grid: #30363d; %s }
}
text { font: 13px system-ui, sans-serif; fill: var(--ink); }
.name { stroke: var(--page); stroke-width: 4px; paint-order: stroke; text-anchor: middle; }
.title { font-weight: 600; font-size: 15px; }
.grid { stroke: var(--grid); }
.line { fill: none; stroke-width: 2; stroke-linejoin: round; }
"""


class Box(NamedTuple):
    """A rectangle, in pixels."""

    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: Box) -> bool:
        """True where the two overlap."""
        across = self.left < other.right and other.left < self.right
        return across and self.top < other.bottom and other.top < self.bottom


def write(figure: Figure, path: Path) -> None:
    """Write a figure of lines and points as SVG.

    Args:
        figure: at most five series; the name of each may have several lines.
        path: replaced if it exists.
    """
    path.write_text(svg(figure), encoding="utf-8")


def svg(figure: Figure) -> str:
    """A figure of lines and points as SVG; see `write`."""
    series = [each for each in figure.series if len(each.x)]
    while True:
        found = scales(figure)
        assert found is not None
        across, up = found
        drawn = [positions(each, across, up) for each in series]
        names = place(drawn, [each.name for each in series])
        if figure.y_range is None or max(box.bottom for box in names) < vertical(0):
            break
        low, high = figure.y_range
        figure = replace(figure, y_range=(low - ROOM, high))
    colors = (
        " ".join(f"--line{n}: {color};" for n, color in enumerate(each)) for each in (LIGHT, DARK)
    )
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'width="{WIDTH}" height="{HEIGHT}" role="img" aria-labelledby="title description">',
        f'<title id="title">{escape(figure.title)}</title>',
        f'<desc id="description">{escape(figure.caption)}</desc>',
        f"<style>{STYLE % tuple(colors)}</style>",
        *axes(figure, across, up),
    ]
    for number, (each, points) in enumerate(zip(series, drawn)):
        color = f"var(--line{number})"
        if each.kind == "line":
            path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
            parts.append(f'<polyline class="line" stroke="{color}" points="{path}"/>')
        parts += (f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{color}"/>' for x, y in points)
    for number, (each, box) in enumerate(zip(series, names)):
        for row, text in enumerate(each.name.split("\n"), start=1):
            parts.append(
                f'<text class="name" x="{(box.left + box.right) / 2:.1f}" '
                f'y="{box.top + LINE * row - 4:.1f}" style="fill: var(--line{number})">'
                f"{escape(text)}</text>"
            )
    return "\n".join([*parts, "</svg>"]) + "\n"


def positions(series: Series, across: Scale, up: Scale) -> list[tuple[float, float]]:
    """The points of a series in pixels."""
    return [
        (horizontal(x), vertical(y))
        for x, y in zip(across.fractions(series.x), up.fractions(series.y))
    ]


def horizontal(fraction: float) -> float:
    """The pixels from the left edge, of a fraction of the axis."""
    return LEFT + fraction * (WIDTH - LEFT - RIGHT)


def vertical(fraction: float) -> float:
    """The pixels from the upper edge, of a fraction of the axis."""
    return HEIGHT - BOTTOM - fraction * (HEIGHT - TOP - BOTTOM)


def axes(figure: Figure, across: Scale, up: Scale) -> Iterable[str]:
    """The title, the grid, the ticks and the names of the axes."""
    low, high = horizontal(0), horizontal(1)
    yield f'<text class="title" x="{LEFT}" y="24">{escape(figure.title)}</text>'
    for value, label in up.ticks(MAX_TICKS):
        y = vertical(float(up.fractions([value])[0]))
        yield f'<line class="grid" x1="{low}" x2="{high}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield f'<text x="{low - 8}" y="{y + 4:.1f}" text-anchor="end">{label}</text>'
    for value, label in across.ticks(MAX_TICKS):
        x = horizontal(float(across.fractions([value])[0]))
        yield f'<text x="{x:.1f}" y="{vertical(0) + 20}" text-anchor="middle">{label}</text>'
    yield (
        f'<text x="{(low + high) / 2}" y="{HEIGHT - 10}" text-anchor="middle">'
        f"{escape(figure.x_label)}</text>"
    )
    middle = (vertical(0) + vertical(1)) / 2
    yield (
        f'<text transform="translate(16 {middle}) rotate(-90)" text-anchor="middle">'
        f"{escape(figure.y_label)}</text>"
    )


def place(lines: Sequence[Sequence[tuple[float, float]]], names: Sequence[str]) -> list[Box]:
    """A box for the name of each line, below its end, over no other name and no point.

    Losses fall, so that there is space below the end of a line.

    Args:
        lines: the points of each line, in pixels.
        names: the name of each line.
    """
    points = [Box(x - BELOW, y, x + BELOW, y + BELOW) for line in lines for x, y in line]
    boxes: dict[int, Box] = {}
    for number in sorted(range(len(lines)), key=lambda number: -lines[number][-1][1]):  # from below
        (x, y), rows = lines[number][-1], names[number].split("\n")
        half = max(map(len, rows)) * CHARACTER / 2
        x = min(max(x, LEFT + half), WIDTH - RIGHT - half)
        top = y + BELOW
        box = Box(x - half, top, x + half, top + LINE * len(rows))
        while any(box.meets(other) for other in [*boxes.values(), *points]):
            box = box._replace(top=box.top + LINE, bottom=box.bottom + LINE)
        boxes[number] = box
    return [boxes[number] for number in range(len(lines))]
