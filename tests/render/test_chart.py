import re
from dataclasses import replace
from math import nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.inspection.answer import Figure, Series
from charrnn.render.chart import FAINT, MARKS, Canvas, chart
from charrnn.render.colors import Style, columns, tinted

LINE = Figure("Loss", "steps", "nats", (Series("", [0, 500, 1000], [4.0, 2.0, 1.0]),))


def of(*series, width=40, height=10, **axes):
    """The lines of a figure without words."""
    return chart(Figure("", "", "", series, **axes), width=width, height=height)


def drawing(lines):
    """The drawing between the axes, which are found by the lower one."""
    below = max(number for number, line in enumerate(lines) if line.lstrip().startswith("+"))
    at = lines[below].index("+")
    return [line[at + 1 :] for line in lines[:below] if line[at : at + 1] in ("|", "+")]


def test_a_line_has_its_title_its_axes_and_what_they_are():
    assert chart(LINE, width=30, height=6) == [
        "Loss",
        "nats",
        "4 +'-.",
        "  |   ''-.",
        "  |       '-.",
        "2 +          '--.",
        "  |              ''--...",
        "  |                     ''--..",
        "  ++------------+------------+",
        "   0           500       1,000",
        "              steps",
    ]


def test_without_words_their_lines_are_left_out():
    lines = chart(replace(LINE, title="", x_label="", y_label=""), width=30, height=6)
    assert lines == chart(LINE, width=30, height=6)[2:-1]


def test_a_single_series_has_its_name_and_no_mark():
    named = replace(LINE, series=(replace(LINE.series[0], name="gru"),))
    assert chart(named)[:3] == ["Loss", "gru", "nats"]


def test_several_series_have_marks_and_a_legend():
    series = [Series(f"layer {n}", [0, 1], [n, n]) for n in range(3)]
    lines = of(*series, width=36, height=5)
    assert lines[0] == "* layer 0   o layer 1   + layer 2"
    assert drawing(lines) == [33 * "+", "", 33 * "o", "", 33 * "*"]


def test_a_long_legend_has_several_lines():
    lines = of(*(Series(f"layer {n}", [0, 1], [n, n]) for n in range(5)))
    assert lines[:2] == ["* layer 0   o layer 1   + layer 2", "x layer 3   # layer 4"]


def test_marks_begin_anew_when_there_are_more_series():
    lines = of(*(Series(f"{n}", [0, 1], [n, n]) for n in range(len(MARKS) + 1)))
    assert lines[1].split()[-2:] == [MARKS[0], str(len(MARKS))]


def test_a_line_without_a_name_is_not_in_the_legend():
    lines = of(Series("", [0, 1], [0, 1]), Series("b", [0, 1], [1, 0], "points"))
    assert lines[0] == "o b"


def test_the_only_line_among_points_is_drawn_finer_than_they():
    lines = of(Series("a", [0, 1], [0, 0]), Series("b", [0.5], [1], "points"), width=14, height=3)
    assert lines[0] == "'-. a   o b"
    assert drawing(lines) == ["     o", "", 11 * "."]


def test_points_are_not_joined():
    lines = of(Series("", [0, 1], [0, 1], "points"), width=14, height=3)
    assert drawing(lines) == ["          *", "", "*"]


def test_later_series_are_drawn_over_earlier_ones():
    pair = [Series("", [0, 1], [0, 1], "points"), Series("", [1], [1], "points")]
    assert drawing(of(*pair))[0].strip() == "o"
    assert drawing(of(*pair[::-1]))[0].strip() == "o"


def test_equal_ratios_are_equal_distances_on_a_logarithmic_axis():
    line = Series("", [1, 10, 100], [1, 1e-2, 1e-4], "points")
    lines = of(line, width=30, height=5, log_x=True, log_y=True)
    assert drawing(lines) == ["*", "", 11 * " " + "*", "", 22 * " " + "*"]
    assert lines[-1].split() == ["1", "10", "100"]


def test_the_ends_asked_for_are_the_ends():
    line = Series("", [0.5], [0.25], "points")
    lines = of(line, width=15, height=5, x_range=(0, 1), y_range=(0, 1))
    assert lines[-1].split() == ["0", "1"]
    assert [line[0] for line in lines[:5:4]] == ["1", "0"]
    assert drawing(lines) == ["", "", "", 6 * " " + "*", ""]


def test_values_outside_of_the_ends_are_left_out():
    line = Series("", [0, 1, 2], [0, 5, 0.5], "points")
    assert "".join(drawing(of(line, y_range=(0, 1)))).count("*") == 2


def test_equal_axes_show_the_unit_circle_round():
    drawn = drawing(of(Series("", [0], [0], "points"), equal=True, width=60))
    circle = [line.replace("*", " ") for line in drawn]
    assert len(circle) == 20
    assert max(map(len, circle)) == 39
    assert [line.rstrip() for line in circle] == [line.rstrip() for line in circle[::-1]]
    assert set("".join(circle)) == {" ", FAINT}


def test_equal_axes_fit_a_narrow_terminal():
    lines = of(Series("", [0], [0], "points"), equal=True, width=30)
    assert max(map(len, lines)) <= 30
    assert len(drawing(lines)) == 10


@pytest.mark.parametrize("kind", ["line", "points", "bars"])
@pytest.mark.parametrize("y", [[], [nan, nan]])
def test_without_values_it_says_so(kind, y):
    figure = Figure("Nothing", "x", "y", (Series("a", [1, 2][: len(y)], y, kind),))
    assert chart(figure) == ["Nothing", "(no values)"]
    assert chart(replace(figure, series=())) == ["Nothing", "(no values)"]


def test_a_missing_value_interrupts_a_line():
    assert drawing(of(Series("", [0, 1, 2, 3, 4], [1, 1, nan, 1, 1]), width=15, height=1)) == [
        "----    ----"
    ]


def test_a_flat_line_is_in_the_middle():
    lines = of(Series("", [0, 1], [5, 5]), width=20, height=5)
    assert drawing(lines) == ["", "", 17 * "-", "", ""]


def test_a_single_point_is_in_the_middle():
    lines = of(Series("", [5], [7], "points"), width=14, height=3)
    assert drawing(lines) == ["", 4 * " " + "*", ""]


def test_bars_have_their_title_and_legend():
    series = (Series("one", ["a"], [2], "bars"), Series("two", ["a"], [1], "bars"))
    assert chart(Figure("Title", "", "", series), width=16) == [
        "Title",
        "# one   = two",
        "a |########### 2",
        "  |====== 1",
    ]


def test_words_are_harmless_to_a_terminal_and_wrapped():
    series = (Series("a\tb\x1b", [1, 2], [1, 2]),)
    lines = chart(Figure("No\n\x1b[2J", 30 * "각", 60 * "y", series), width=30, height=3)
    assert lines[:4] == [r"No\n\x1b[2J", r"a\tb\x1b", 30 * "y", 30 * "y"]
    assert [line.strip() for line in lines[-3:]] == [13 * "각", 13 * "각", 4 * "각"]


numbers = st.floats(-1e9, 1e9) | st.just(nan)
lists = st.lists(st.tuples(numbers, numbers), min_size=1, max_size=20)
kinds = st.sampled_from(["line", "points"])


@given(
    st.lists(st.tuples(lists, kinds), min_size=1, max_size=3),
    st.integers(40, 90),
    st.integers(2, 12),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)
def test_a_chart_is_plain_and_of_the_size_asked_for(drawn, width, height, log_x, log_y, equal):
    series = tuple(
        Series(str(number), [x for x, _ in points], [y for _, y in points], kind)
        for number, (points, kind) in enumerate(drawn)
    )
    axes = {"equal": True} if equal else {"log_x": log_x, "log_y": log_y}
    lines = chart(Figure("t", "x", "y", series, **axes), width=width, height=height)
    assert all(columns(line) <= width for line in lines)
    assert "\n".join(lines).isascii()
    assert lines[1] == "(no values)" or len(drawing(lines)) >= height


points = st.lists(st.tuples(*2 * [st.floats(-3, 4) | st.just(nan)]), max_size=20)


def canvas_of(width, height, how, *arguments):
    canvas = Canvas(width, height)
    getattr(canvas, how)(*arguments)
    return canvas.lines()


def test_the_corners_are_from_the_left_and_from_the_top():
    assert canvas_of(3, 2, "points", [(0, 0), (1, 1)], "*") == ["*  ", "  *"]


def test_points_outside_and_nan_are_not_drawn():
    beyond = [(-0.1, 0.5), (1.1, 0.5), (0.5, -0.1), (0.5, 1.1), (nan, 0.5), (0.5, nan)]
    assert canvas_of(3, 3, "points", beyond, "*") == 3 * ["   "]


def test_a_line_has_no_gaps():
    assert canvas_of(5, 3, "line", [(0, 0), (1, 1)], "*") == ["**   ", "  *  ", "   **"]
    assert canvas_of(3, 5, "line", [(0, 1), (1, 0)], "*") == ["  *", "  *", " * ", "*  ", "*  "]


def test_a_point_without_neighbours_is_drawn():
    assert canvas_of(5, 1, "line", [(0, nan), (0.5, 0), (1, nan)], "*") == ["  *  "]
    assert canvas_of(5, 1, "line", [(0.5, 0)], "*") == ["  *  "]


def test_a_line_is_interrupted_by_points_beyond_the_edge():
    line = [(0, 0), (0.25, 0), (0.5, 2.5), (0.75, 0), (1, 0)]
    assert canvas_of(9, 1, "line", line, "*") == ["***   ***"]


def test_a_fine_line_has_three_heights_in_a_row():
    assert canvas_of(6, 1, "fine_line", [(0, 0), (1, 1)]) == ["''--.."]
    assert canvas_of(12, 2, "fine_line", [(0, 0), (1, 1)]) == ["''--..      ", "      ''--.."]


def test_a_fine_line_through_a_whole_row_is_upright():
    assert canvas_of(1, 3, "fine_line", [(0, 0), (0, 1)]) == ["|", "|", "|"]


@pytest.mark.parametrize("how", ["points", "line", "fine_line"])
@given(points, st.integers(1, 30), st.integers(1, 10))
def test_drawing_stays_within_the_field(how, line, width, height):
    lines = canvas_of(width, height, how, line, *["*"] * (how != "fine_line"))
    assert [len(text) for text in lines] == height * [width]


ESCAPES = re.compile(r"\x1b\[[0-9;]*m")
BLOCKS = Style("none", blocks=True)


def test_the_caption_stands_below_the_title():
    lines = chart(replace(LINE, caption="Lower is better."), width=30)
    assert lines[:3] == ["Loss", "Lower is better.", "nats"]


def test_with_blocks_a_line_has_the_dots_of_braille():
    plain = drawing(chart(LINE, width=30, height=6))
    rows = chart(LINE, width=30, height=6, style=BLOCKS)[2:8]
    drawn = [row[3:] for row in rows]
    assert {ord(mark) & ~0xFF for mark in "".join(drawn).replace(" ", "")} == {0x2800}
    ends = [len(row) for row in drawn]
    assert all(abs(end - len(row)) <= 1 for end, row in zip(ends, plain, strict=True))


def test_dots_are_four_to_a_row_and_two_to_a_column():
    assert canvas_of(1, 1, "dotted_line", [(0, 0), (0, 1)]) == ["⡇"]
    assert canvas_of(1, 1, "dotted_line", [(0, 0), (1, 0)]) == ["⠉"]
    assert canvas_of(2, 1, "dotted_line", [(0, 0), (1, 0), (1, 1)]) == ["⠉⢹"]
    assert canvas_of(2, 1, "dotted_line", [(0, 0), (1, 1)]) == ["⠑⢄"]


def test_axes_of_blocks_are_lines():
    lines = chart(LINE, width=30, height=6, style=BLOCKS)
    assert [line.lstrip("0123456789 ")[0] for line in lines[2:8]] == list("┤││┤││")
    assert lines[8].lstrip().startswith("└┴───")


def test_several_lines_have_colours_instead_of_marks():
    series = tuple(Series(f"layer {n}", [0, 1], [n, n]) for n in range(2))
    figure = Figure("", "", "", series)
    colored = chart(figure, style=Style("24-bit", blocks=True))
    assert colored[0] == (
        f"{tinted('⠒⠒', 0, '24-bit')} layer 0   {tinted('⠒⠒', 1, '24-bit')} layer 1"
    )
    assert not any(mark in "".join(colored) for mark in "*o+")
    without = chart(figure, style=BLOCKS)
    assert without[0] == "* layer 0   o layer 1"
    assert "\x1b" not in "".join(without)


def test_points_have_marks_and_colours():
    series = tuple(Series(f"layer {n}", [n], [n], "points") for n in range(2))
    lines = chart(Figure("", "", "", series), style=Style("16", blocks=False))
    assert "".join(lines).count(tinted("*", 0, "16")) == 2  # of the key and the chart
    assert "".join(lines).count(tinted("o", 1, "16")) == 2


@given(
    st.lists(st.tuples(lists, kinds | st.just("bars")), min_size=1, max_size=3),
    st.integers(30, 90),
    st.sampled_from(["none", "16", "256", "24-bit"]),
    st.booleans(),
)
def test_no_chart_of_any_style_is_wider_than_asked(drawn, width, depth, blocks):
    of_bars = any(kind == "bars" for _, kind in drawn)
    series = tuple(
        Series(
            f"series {number}",
            [str(x) if of_bars else x for x, _ in points],
            [y for _, y in points],
            "bars" if of_bars else kind,
        )
        for number, (points, kind) in enumerate(drawn)
    )
    figure = Figure("t", "x", "y", series, caption="word " * 20)
    styled = chart(figure, width=width, style=Style(depth, blocks))
    assert all(columns(ESCAPES.sub("", line)) <= width for line in styled)
    assert all(line.count("\x1b") % 2 == 0 for line in styled)  # no colour runs on
    if not blocks:
        assert [ESCAPES.sub("", line) for line in styled] == chart(figure, width=width)
