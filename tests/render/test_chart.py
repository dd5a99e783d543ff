import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.render.chart import chart

points = st.lists(st.tuples(st.integers(0, 10_000), st.floats(0, 10)), min_size=1, max_size=30)
sizes = st.integers(12, 80)  # wide enough for the scale below


def test_a_chart_has_its_scale_at_the_left_and_below():
    assert chart({"*": [(0, 4.0), (500, 1.5), (1000, 1.0)]}, width=11, height=4) == [
        "  4.00 |*",
        "       |",
        "       |     *",
        "  1.00 |          *",
        "       +-----------",
        "        0     1,000",
    ]


def test_series_have_a_common_scale():
    lines = chart({".": [(1, 3.0), (2, 2.0)], "o": [(3, 1.0)]}, width=9, height=3)
    assert [line[8:] for line in lines[:3]] == [".", "    .", "        o"]


def test_later_series_are_drawn_over_earlier_ones():
    lines = chart({".": [(0, 1), (1, 2)], "o": [(1, 2)]}, width=5, height=2)
    assert [line[8:] for line in lines[:2]] == ["    o", "."]


@pytest.mark.parametrize("series", [{}, {"o": []}])
def test_without_points_there_is_no_chart(series):
    assert chart(series) == []


def test_an_empty_series_is_no_hindrance_to_another():
    assert chart({"o": [], "*": [(1, 1)]}) == chart({"*": [(1, 1)]})


def test_a_single_point_is_drawn():
    lines = chart({"*": [(7, 2.5)]}, width=10, height=3)
    assert lines[0] == "  2.50 |*"
    assert sum(line.count("*") for line in lines) == 1


def test_a_flat_series_is_a_line():
    lines = chart({"*": [(x, 2.0) for x in range(10)]}, width=10, height=3)
    assert lines[0] == "  2.00 |**********"


@given(points, sizes, st.integers(2, 12))
def test_a_chart_has_the_size_asked_for(drawn, width, height):
    lines = chart({"*": drawn}, width=width, height=height)
    assert len(lines) == height + 2
    assert all(len(line) <= 8 + width for line in lines)
    assert lines[-2] == 7 * " " + "+" + width * "-"
    assert all(line[7] == "|" for line in lines[:-2])


@given(points, sizes, st.integers(2, 12))
def test_the_extremes_are_at_the_edges(drawn, width, height):
    lines = [line[8:].ljust(width) for line in chart({"*": drawn}, width=width, height=height)]
    columns = [column for column in range(width) if any(row[column] == "*" for row in lines[:-2])]
    rows = [row for row in range(height) if "*" in lines[row]]
    assert columns[0] == 0
    assert rows[0] == 0
    assert columns[-1] == (width - 1 if len({x for x, _ in drawn}) > 1 else 0)
    assert rows[-1] == (height - 1 if len({y for _, y in drawn}) > 1 else 0)
