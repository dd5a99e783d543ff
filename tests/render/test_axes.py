from itertools import pairwise
from math import nan

import numpy as np
import pytest
from matplotlib.figure import Figure as Picture

from charrnn.inspection.answer import Figure, Series
from charrnn.render.axes import COLORS, DASHES, SHAPES, draw, height_of

INK = "#010203"


def axes_of(*series, title="Title", **axes):
    """The axes on which a figure was drawn."""
    drawn = Picture().add_subplot()
    draw(Figure(title, "across", "up", series, **axes), drawn, INK)
    return drawn


def labels(axis):
    return [label.get_text() for label in axis.get_ticklabels()]


def names(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]


def luminance(color):
    """The relative luminance of WCAG 2."""
    parts = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return np.dot([0.2126, 0.7152, 0.0722], linear)


@pytest.mark.parametrize("color", COLORS)
@pytest.mark.parametrize("background", ["#ffffff", "#121212"])
def test_colours_are_seen_on_light_and_on_dark(color, background):
    light, dark = sorted([luminance(color), luminance(background)], reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 3


def test_a_figure_has_its_words():
    axes = axes_of(Series("", [0, 1], [2, 3]))
    assert axes.get_title() == "Title"
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("across", "up")
    assert axes.get_legend() is None


def test_the_name_of_a_single_series_is_below_the_title():
    axes = axes_of(Series("layer 1", [0, 1], [2, 3]))
    assert axes.get_title() == "Title\nlayer 1"
    assert axes.get_legend() is None


def test_a_long_title_is_wrapped():
    assert axes_of(title=20 * "word ").get_title().count("\n") == 1


def test_long_names_leave_room_for_what_is_drawn():
    long = 20 * "word "
    axes = axes_of(*2 * [Series(long, [long], [1], "bars")])
    assert labels(axes.yaxis) == [7 * "word " + "wo..."]
    assert names(axes)[0].split("\n") == 2 * [4 * "word " + "word"] + ["word wo..."]


def test_series_differ_by_more_than_their_colour():
    lines = axes_of(*(Series(f"layer {n}", [0, 1], [n, n]) for n in range(3)))
    drawn = [line for line in lines.lines if len(line.get_xdata())]
    assert [line.get_color() for line in drawn] == list(COLORS[:3])
    assert [line.get_linestyle() for line in drawn] == list(DASHES[:3])
    points = axes_of(*(Series(f"{n}", [0, 1], [n, n], "points") for n in range(3)))
    assert [line.get_marker() for line in points.lines] == list(SHAPES[:3])
    assert {line.get_linestyle() for line in points.lines} == {"None"}


def test_only_series_with_names_are_in_the_legend():
    assert names(axes_of(Series("", [0, 1], [2, 3]), Series("b", [0], [1], "points"))) == ["b"]


def test_the_ticks_are_those_of_the_terminal():
    axes = axes_of(Series("", [0, 5000], [1e-6, 1]), log_y=True)
    assert labels(axes.xaxis) == ["0", "1,000", "2,000", "3,000", "4,000", "5,000"]
    assert labels(axes.yaxis) == ["10⁻⁶", "0.0001", "0.01", "1"]
    assert axes.get_yscale() == "log"
    assert labels(axes_of(Series("", [-1, 0], [0, 3e8])).xaxis)[0] == "−1"
    assert labels(axes_of(Series("", [-1, 0], [0, 3e8])).yaxis)[-1] == "3×10⁸"


def test_what_an_axis_cannot_show_is_left_out():
    (line, _) = axes_of(Series("", [1, 2, 3, 4], [1, 0, -1, 10]), log_y=True).lines
    assert np.isnan(line.get_ydata()).tolist() == [False, True, True, False]


def test_a_point_of_a_line_without_neighbours_is_drawn():
    _, alone = axes_of(Series("", [0, 1, 2, 3, 4], [1, 2, nan, 4, nan])).lines
    assert alone.get_xdata().tolist() == [3]
    assert alone.get_marker() == "."


def test_the_ends_asked_for_are_held():
    axes = axes_of(Series("", [0.4, 2], [0.5, 0.6], "points"), x_range=(0, 1), y_range=(0, 1))
    assert axes.get_xlim() == pytest.approx((-0.03, 1.03))
    assert np.isnan(axes.lines[0].get_xdata()).tolist() == [False, True]


def test_equal_axes_have_one_scale_and_the_unit_circle():
    axes = axes_of(Series("", [0.5], [-2], "points"), equal=True)
    assert axes.get_aspect() == 1
    assert axes.get_xlim() == axes.get_ylim() == (-2.1, 2.1)
    circle = axes.lines[0]
    assert np.hypot(circle.get_xdata(), circle.get_ydata()) == pytest.approx(1)
    assert circle.get_color() == INK


def test_bars_go_to_the_right_with_their_values():
    axes = axes_of(Series("", ["a", "b"], [2, 1], "bars"))
    assert [bar.get_width() for bar in axes.patches] == [2, 1]
    assert [text.get_text() for text in axes.texts] == ["2", "1"]
    assert labels(axes.yaxis) == ["a", "b"]
    assert axes.yaxis_inverted()
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("up", "across")


def test_bars_of_several_series_do_not_overlap():
    axes = axes_of(*(Series(f"{n}", ["a", "b"], [1, 1], "bars") for n in range(3)))
    ends = sorted((bar.get_y(), bar.get_y() + bar.get_height()) for bar in axes.patches)
    assert len(ends) == 6
    assert all(end < start for (_, end), (start, _) in pairwise(ends))
    assert names(axes) == ["0", "1", "2"]


def test_bars_below_zero_go_to_the_left():
    axes = axes_of(Series("", ["a", "b"], [1, -0.5], "bars"))
    assert [bar.get_width() for bar in axes.patches] == [1, -0.5]
    assert [text.get_ha() for text in axes.texts] == ["left", "right"]
    assert axes.texts[1].get_text() == "−0.50"


def test_bars_on_a_logarithmic_scale_begin_at_its_low_end():
    axes = axes_of(Series("", ["a", "b", "c"], [100, 0, nan], "bars"), log_y=True)
    assert [bar.get_x() for bar in axes.patches] == [10, 10, 10]
    assert [bar.get_width() for bar in axes.patches] == [90, 0, 0]
    assert [text.get_text() for text in axes.texts] == ["100", "0", ""]


def test_bars_end_at_the_range_asked_for():
    axes = axes_of(Series("", ["a", "b"], [5, 0.5], "bars"), y_range=(0, 1))
    assert [bar.get_width() for bar in axes.patches] == [1, 0.5]


@pytest.mark.parametrize("kind", ["line", "points", "bars"])
def test_without_values_it_says_so(kind):
    axes = axes_of(Series("a", [1], [nan], kind))
    assert [text.get_text() for text in axes.texts] == ["no values"]
    assert axes.get_legend() is None


def test_pictures_of_bars_grow_with_them():
    def bars(number):
        return Figure(
            "", "", "", (Series("", list(map(str, range(number))), range(number), "bars"),)
        )

    line = Figure("", "", "", (Series("", [1], [1]),))
    assert height_of(bars(1)) < height_of(line) < height_of(bars(40))
