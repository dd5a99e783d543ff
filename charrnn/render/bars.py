"""Bars of plain characters, a row each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import floor, isfinite, log10
from typing import NamedTuple

from charrnn.render.colors import columns
from charrnn.render.figures import Figure, Series
from charrnn.render.scale import Scale, scale_for
from charrnn.render.wrap import cut, one_line, padded, wrapped

#: What the bars of the first, second, … series are made of.
MARKS = "#=-:+"
#: Significant digits of the largest value; the others have as many decimals.
DIGITS = 3


class Bars(NamedTuple):
    """What a row of bars is called, and its value in each series: None for none."""

    name: str
    values: list[float | None]


def bar_rows(figure: Figure, width: int) -> list[str]:
    """A figure of bars as lines: what each is called, the bar, its value at the end.

    The bars of several series stand below one another. What is not finite has no bar.
    """
    groups = grouped(figure.series)
    scale = _scale(figure)
    if scale is None:
        return []
    values = [value for group in groups for value in group.values]
    decimals = None if figure.log_y else _decimals([v for v in values if v is not None])
    heading = one_line(figure.x_label)
    place = max(columns(text) for text in [heading, *(group.name for group in groups)])
    place = min(place, 2 * width // 5)
    written = [_written(value, decimals) for value in values]
    room = max(1, width - place - len(" | ") - max(map(len, written)))
    lines = []
    if columns(heading) > place:
        lines, heading = wrapped(heading, width), ""
    zero = round(_place(scale, 0.0) * room)
    if heading or figure.y_label:
        first, *more = wrapped(figure.y_label, width - place - 2)
        lines.append(f"{padded(heading, place)}  {first}".rstrip())
        lines += [f"{' ' * place}  {line}" for line in more]
    for group in groups:
        for number, value in enumerate(group.values):
            label = padded(cut(group.name, place) if number == 0 else "", place)
            bar = _bar(value, scale, zero, room, MARKS[number % len(MARKS)])
            lines.append(f"{label} {bar} {_written(value, decimals)}".rstrip())
    return lines


def grouped(series: Sequence[Series]) -> list[Bars]:
    """The bars of several series by what they are called, in the order of their appearance."""
    groups: dict[tuple[str, int], Bars] = {}
    for number, drawn in enumerate(series):
        seen: Counter[str] = Counter()
        for x, value in zip(drawn.x, drawn.y):
            name = one_line(str(x))
            # Two bars of one series may be called the same.
            seen[name] += 1
            group = groups.setdefault((name, seen[name]), Bars(name, [None] * len(series)))
            group.values[number] = float(value) if isfinite(value) else None
    return list(groups.values())


def _scale(figure: Figure) -> Scale | None:
    """From zero to the longest bar, or from the power of ten below the shortest."""
    values = [float(value) for drawn in figure.series for value in drawn.y if isfinite(value)]
    if figure.log_y:
        values = [value for value in values if value > 0]
        low = [10.0 ** floor(log10(min(values) * 0.999))] if values else []
    else:
        low = [0.0] if values else []
    return scale_for(low + values, log=figure.log_y, ends=figure.y_range)


def _place(scale: Scale, value: float) -> float:
    """Where a bar that reaches a value ends, from 0 to 1."""
    place = float(scale.places([value])[0])
    return min(1.0, max(0.0, place)) if isfinite(place) else 0.0


def _bar(value: float | None, scale: Scale, zero: int, room: int, mark: str) -> str:
    """A bar from the line of zero to the right, or to the left for a value below it."""
    length = 0 if value is None else round(_place(scale, value) * room) - zero
    left = (max(0, -length) * mark).rjust(zero)
    return f"{left}|{max(0, length) * mark}"


def _decimals(values: Sequence[float]) -> int | None:
    """How many decimals the values are worth; None to write each for itself."""
    sizes = [abs(value) for value in values if value]
    if not sizes or all(value == round(value) for value in values):
        return 0
    largest = floor(log10(max(sizes)))
    return max(0, DIGITS - 1 - largest) if -4 < largest < 7 else None


def _written(value: float | None, decimals: int | None) -> str:
    if value is None:
        return ""
    return f"{value:.{DIGITS}g}" if decimals is None else f"{value:,.{decimals}f}"
