"""Draw a figure on given axes of matplotlib, which is not imported here."""

from __future__ import annotations

from collections.abc import Iterable
from math import isnan, pi
from typing import TYPE_CHECKING

import numpy as np

from charrnn.arrays import Array
from charrnn.inspection.answer import Figure
from charrnn.render.bars import bar_scale, grouped
from charrnn.render.colors import COLORS
from charrnn.render.scale import Number, Scale, scales
from charrnn.render.wrap import cut, one_line, wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: The patterns of lines and the shapes of points, which differ as the colours do.
DASHES = ("-", "--", "-.", ":")
SHAPES = ("o", "^", "s", "D", "v", "P")
#: Superscripts for the exponents of ten.
RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
#: The largest number of ticks on an axis.
MAX_TICKS = 6
#: The largest widths, in characters: a line of the title, the labels of an axis and of a bar,
#: the name of a series, and a line of the legend.
TITLE, LABEL, BAR_NAME, SERIES_NAME, LEGEND = 60, 50, 40, 60, 24
#: Heights in inches: a picture, a square one, a bar, and the space above and below all bars.
HEIGHT, SQUARE, BAR, AROUND_BARS = 3.6, 4.8, 0.22, 1.1
#: The margin around the drawing, as a share of it.
MARGIN = 0.03
#: The same for the values of bars that go to the left.
BESIDE_BARS = 0.12
#: The left end of the legend of bars, as a share of the axes: the values stand before it.
BESIDE_VALUES = 1.1
#: More points than this are drawn fainter, so that dense areas are darker.
MANY = 200


def height_of(figure: Figure) -> float:
    """The height of a figure in inches."""
    if of_bars(figure):
        rows = len(grouped(figure)) * (len(figure.series) + 0.5)
        return AROUND_BARS + max(rows, 3) * BAR
    return SQUARE if figure.equal else HEIGHT


def of_bars(figure: Figure) -> bool:
    """True for a figure of bars."""
    return any(series.kind == "bars" for series in figure.series)


def draw(figure: Figure, axes: Axes, ink: str) -> None:
    """Draw a figure.

    Args:
        figure: the figure.
        axes: the axes to draw on.
        ink: the colour of everything but the data.
    """
    names = [series.name for series in figure.series if series.name]
    alone = names if len(figure.series) == 1 else []  # a single series has no legend
    title = [line for text in (figure.title, *alone) for line in wrapped(text, TITLE)]
    axes.set_title("\n".join(title), fontsize="large")
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color=ink, alpha=0.15, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(length=0)
    drawn = _draw_bars(figure, axes) if of_bars(figure) else _draw_plane(figure, axes, ink)
    if not drawn:
        axes.set(xticks=[], yticks=[], frame_on=False)
        axes.text(0.5, 0.5, "no values", ha="center", va="center", transform=axes.transAxes)
    elif len(figure.series) > 1 and names:
        beside = BESIDE_VALUES if of_bars(figure) else 1
        axes.legend(loc="upper left", bbox_to_anchor=(beside, 1), frameon=False, borderaxespad=0)


def _draw_plane(figure: Figure, axes: Axes, ink: str) -> bool:
    """Draw lines and points; return False where there are none."""
    found = scales(figure)
    if found is None:
        return False
    across, up = found
    axes.set(xlabel=_label(figure.x_label), ylabel=_label(figure.y_label))
    _set_scale(axes, "x", across, 0 if figure.equal else MARGIN)
    _set_scale(axes, "y", up, 0 if figure.equal else MARGIN)
    if figure.equal:
        axes.set_aspect("equal")
        angles = np.linspace(0, 2 * pi, 361)
        axes.plot(np.cos(angles), np.sin(angles), color=ink, linewidth=0.8, alpha=0.5)
    for number, series in enumerate(figure.series):
        x, y = _on(across, series.x), _on(up, series.y)
        name, color = _name(series.name), COLORS[number % len(COLORS)]
        if series.kind == "points":
            _draw_points(axes, _inside(across, x), _inside(up, y), name, number)
        else:
            dashes = DASHES[number % len(DASHES)]
            axes.plot(x, y, dashes, color=color, label=name)
            isolated = _isolated(x + y)
            axes.plot(x[isolated], y[isolated], ".", color=color, label="_")
    return True


def _draw_points(axes: Axes, x: Array, y: Array, name: str, number: int) -> None:
    """Draw points; many points are transparent, so that dense areas are darker."""
    axes.plot(
        x,
        y,
        linestyle="none",
        marker=SHAPES[number % len(SHAPES)],
        markersize=5 if len(x) <= MANY else 4,
        markeredgewidth=0,
        alpha=0.8 if len(x) <= MANY else 0.4,
        color=COLORS[number % len(COLORS)],
        clip_on=False,  # points on the edge are drawn whole; those beyond it are NaN
        label=name,
    )


def _draw_bars(figure: Figure, axes: Axes) -> bool:
    """Draw bars from left to right with their values; return False where there are none."""
    groups, scale = grouped(figure), bar_scale(figure)
    if scale is None:
        return False
    axes.set(xlabel=_label(figure.y_label), ylabel=_label(figure.x_label))
    start = scale.low if scale.log else 0.0
    _set_scale(axes, "x", scale, BESIDE_BARS if scale.low < start else 0)
    height = 1 / (len(figure.series) + 0.5)
    for number, series in enumerate(figure.series):
        offset = (number - (len(figure.series) - 1) / 2) * height
        rows = [row + offset for row in range(len(groups))]
        ends = [_end(scale, group.values[number], start) for group in groups]
        color, name = COLORS[number % len(COLORS)], _name(series.name)
        lengths = [end - start for end in ends]
        axes.barh(rows, lengths, 0.9 * height, left=start, color=color, label=name)
        for row, end, group in zip(rows, ends, groups):
            axes.annotate(
                _raised(group.written[number]),
                (end, row),
                xytext=(3 if end >= start else -3, 0),
                textcoords="offset points",
                ha="left" if end >= start else "right",
                va="center",
                fontsize="small",
            )
    axes.set_yticks(range(len(groups)), [cut(group.name, BAR_NAME) for group in groups])
    axes.set_ylim(len(groups) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")
    return True


def _end(scale: Scale, value: float | None, start: float) -> float:
    """The value at which a bar ends, within the scale."""
    fraction = float(scale.fractions([value or start])[0])
    return start if value is None or isnan(fraction) else min(max(value, scale.low), scale.high)


def _label(text: str) -> str:
    return cut(one_line(text), LABEL)


def _name(text: str) -> str:
    """The name of a series in the legend; matplotlib leaves out names that begin with "_"."""
    return "\n".join(wrapped(cut(one_line(text), SERIES_NAME), LEGEND)) or "_"


def _set_scale(axes: Axes, which: str, scale: Scale, margin: float) -> None:
    """Set the scale, the ends and the ticks of an axis, x or y, as on a terminal."""
    low, high = scale.low, scale.high
    if scale.log:
        space = (high / low) ** margin
        ends = (low / space, high * space)
    else:
        space = (high - low) * margin
        ends = (low - space, high + space)
    axes.set(**{f"{which}scale": "log" if scale.log else "linear", f"{which}lim": ends})
    ticks = scale.ticks(MAX_TICKS)
    axes.set(
        **{
            f"{which}ticks": [value for value, _ in ticks],
            f"{which}ticklabels": [_raised(label) for _, label in ticks],
        }
    )
    axes.minorticks_off()


def _raised(label: str) -> str:
    """The label of a tick with a minus sign, and with 10⁻⁶ for 1e-6."""
    mantissa, power, exponent = label.partition("e")
    if power:
        times = "" if mantissa == "1" else f"{mantissa}×"
        return f"{times}10{str(int(exponent)).translate(RAISED)}"
    return label.replace("-", "−")


def _on(scale: Scale, values: Iterable[Number]) -> Array:
    """Values, with NaN for those that a scale cannot show."""
    array = np.array([float(value) for value in values])
    array[np.isnan(scale.fractions(array))] = np.nan
    return array


def _inside(scale: Scale, values: Array) -> Array:
    """Values, with NaN for those beyond the ends of a scale."""
    fractions = scale.fractions(values)
    return np.where((fractions >= 0) & (fractions <= 1), values, np.nan)


def _isolated(values: Array) -> Array:
    """The values without a neighbour to draw a line to, booleans."""
    valid = np.pad(~np.isnan(values), 1)
    isolated: Array = valid[1:-1] & ~valid[:-2] & ~valid[2:]
    return isolated
