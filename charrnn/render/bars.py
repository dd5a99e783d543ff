"""Bars of plain characters, a row each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import floor, isfinite, log10
from typing import NamedTuple

from charrnn.inspection.answer import Figure
from charrnn.render.colors import PLAIN, Style, columns, tinted
from charrnn.render.scale import LARGE, Scale, scale_for
from charrnn.render.wrap import cut, one_line, padded, wrapped

#: The marks of the bars of the first, second, … series, of ASCII and of blocks.
MARKS, BLOCKS = "#=-:+", "█▓▒░▚"
#: The ends of a bar of full blocks, by eighths of a column.
EIGHTHS = " ▏▎▍▌▋▊▉"
#: The line of zero.
ZERO, ZERO_OF_BLOCKS = "|", "│"
#: Significant digits of the largest value; the others have the same number of decimals.
DIGITS = 3


class Bars(NamedTuple):
    """A group of bars: its name, and the value of each series, None for none, also as text."""

    name: str
    values: list[float | None]
    written: list[str]


def marks(style: Style) -> str:
    """The marks of the bars of the first, second, … series."""
    return BLOCKS if style.blocks else MARKS


def bar_rows(figure: Figure, width: int, style: Style = PLAIN) -> list[str]:
    """Draw a figure of bars as lines: the name, the bar, and its value at the end.

    The bars of several series stand below one another. A value that is not finite has no bar.
    """
    groups, scale = grouped(figure), bar_scale(figure)
    if scale is None:
        return []
    heading = one_line(figure.x_label)
    name_width = max(columns(text) for text in [heading, *(group.name for group in groups)])
    name_width = min(name_width, 2 * width // 5)
    value_width = max(len(value) for group in groups for value in group.written)
    bar_width = max(1, width - name_width - len(" | ") - value_width)
    lines = []
    if columns(heading) > name_width:
        lines, heading = wrapped(heading, width), ""
    if heading or figure.y_label:
        first, *more = wrapped(figure.y_label, width - name_width - 2)
        lines.append(f"{padded(heading, name_width)}  {first}".rstrip())
        lines += [f"{' ' * name_width}  {line}" for line in more]
    for group in groups:
        names = wrapped(group.name, name_width)
        rows = len(group.values)  # a long name goes on beside the bars of further series
        names[rows - 1 :] = [cut(" ".join(names[rows - 1 :]), name_width)]
        for number, value in enumerate(group.values):
            label = padded(names[number] if number < len(names) else "", name_width)
            bar = _bar(value, scale, bar_width, number, style)
            lines.append(f"{label} {bar} {group.written[number]}".rstrip())
    return lines


def grouped(figure: Figure) -> list[Bars]:
    """The bars of all series grouped by name, in order of appearance."""
    series = figure.series
    groups: dict[tuple[str, int], Bars] = {}
    for number, drawn in enumerate(series):
        seen: Counter[str] = Counter()
        for x, value in zip(drawn.x, drawn.y):
            name = one_line(str(x))
            seen[name] += 1  # two bars of one series may have the same name
            none = Bars(name, [None] * len(series), [""] * len(series))
            group = groups.setdefault((name, seen[name]), none)
            group.values[number] = float(value) if isfinite(value) else None
    decimals = None if figure.log_y else _decimals(_finite(figure))
    for group in groups.values():
        group.written[:] = [_written(value, decimals) for value in group.values]
    return list(groups.values())


def bar_scale(figure: Figure) -> Scale | None:
    """The scale from zero, or from the power of ten below the shortest bar, to the longest bar."""
    values = _finite(figure)
    if figure.log_y:
        values = [value for value in values if value > 0]
        low = [10.0 ** floor(log10(min(values) * 0.999))] if values else []
    else:
        low = [0.0] if any(values) else [0.0, 1.0] if values else []
    return scale_for(low + values, log=figure.log_y, ends=figure.y_range)


def _finite(figure: Figure) -> list[float]:
    return [float(value) for series in figure.series for value in series.y if isfinite(value)]


def _fraction(scale: Scale, value: float) -> float:
    """The end of a bar, from 0 to 1."""
    fraction = float(scale.fractions([value])[0])
    return min(1.0, max(0.0, fraction)) if isfinite(fraction) else 0.0


def _bar(value: float | None, scale: Scale, width: int, number: int, style: Style) -> str:
    """A bar of a series from the line of zero to the right, or to the left for a negative value."""
    line, mark = ZERO_OF_BLOCKS if style.blocks else ZERO, marks(style)[number % len(MARKS)]
    zero = round(_fraction(scale, 0.0) * width)
    end = zero if value is None else _fraction(scale, value) * width
    length = round(end) - zero
    bar = abs(length) * mark
    if length < 0:
        return (zero + length) * " " + tinted(bar, number, style.depth) + line
    if mark == BLOCKS[0]:
        whole, eighths = divmod(max(0, round(8 * (end - zero))), 8)
        bar = whole * mark + EIGHTHS[eighths].strip()
    return zero * " " + line + tinted(bar, number, style.depth)


def _decimals(values: Sequence[float]) -> int | None:
    """The number of decimals of all values; None to choose it for each value."""
    sizes = [abs(value) for value in values if value]
    if not sizes or all(value == round(value) for value in values):
        return 0
    largest = floor(log10(max(sizes)))
    return max(0, DIGITS - 1 - largest) if -4 < largest < 7 else None


def _written(value: float | None, decimals: int | None) -> str:
    if value is None:
        return ""
    if decimals is None:
        large = 10**DIGITS <= abs(value) < LARGE
        return f"{value:,.0f}" if large else f"{value:.{DIGITS}g}"
    return f"{value:,.{decimals}f}"
