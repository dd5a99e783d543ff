from math import nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.render.canvas import Canvas

places = st.lists(st.tuples(*2 * [st.floats(-3, 4) | st.just(nan)]), max_size=20)


def drawn(width, height, how, *arguments):
    canvas = Canvas(width, height)
    getattr(canvas, how)(*arguments)
    return canvas.lines()


def test_the_corners_are_from_the_left_and_from_the_top():
    assert drawn(3, 2, "points", [(0, 0), (1, 1)], "*") == ["*  ", "  *"]


def test_what_is_beyond_and_what_is_not_a_number_is_not_drawn():
    beyond = [(-0.1, 0.5), (1.1, 0.5), (0.5, -0.1), (0.5, 1.1), (nan, 0.5), (0.5, nan)]
    assert drawn(3, 3, "points", beyond, "*") == 3 * ["   "]


def test_a_line_has_no_gaps():
    assert drawn(5, 3, "line", [(0, 0), (1, 1)], "*") == ["**   ", "  *  ", "   **"]
    assert drawn(3, 5, "line", [(0, 1), (1, 0)], "*") == ["  *", "  *", " * ", "*  ", "*  "]


def test_a_line_is_interrupted_where_there_is_nothing():
    line = [(0, 0), (0.25, 0), (0.5, nan), (0.75, 0), (1, 0)]
    assert drawn(9, 1, "line", line, "*") == ["***   ***"]


def test_a_point_without_neighbours_is_drawn():
    assert drawn(5, 1, "line", [(0, nan), (0.5, 0), (1, nan)], "*") == ["  *  "]
    assert drawn(5, 1, "line", [(0.5, 0)], "*") == ["  *  "]


def test_a_line_ends_at_the_edge_and_comes_back():
    line = [(0, 0.5), (0.5, 2.5), (1, 0.5)]
    assert drawn(9, 3, "line", line, "*") == ["         ", "*       *", " *     * "]


def test_a_line_far_beyond_is_not_followed():
    assert drawn(3, 1, "line", [(-1e9, 0), (1e9, 0)], "*") == ["***"]
    assert drawn(3, 3, "line", [(-1e9, 7), (1e9, 7)], "*") == 3 * ["   "]


def test_a_fine_line_has_three_heights_in_a_row():
    assert drawn(6, 1, "fine_line", [(0, 0), (1, 1)]) == ["''--.."]
    assert drawn(12, 2, "fine_line", [(0, 0), (1, 1)]) == ["''--..      ", "      ''--.."]


def test_a_fine_line_through_a_whole_row_is_upright():
    assert drawn(1, 3, "fine_line", [(0, 0), (0, 1)]) == ["|", "|", "|"]


@pytest.mark.parametrize("how", ["points", "line", "fine_line"])
@given(places, st.integers(1, 30), st.integers(1, 10))
def test_drawing_stays_within_the_field(how, line, width, height):
    lines = drawn(width, height, how, line, *["*"] * (how != "fine_line"))
    assert [len(text) for text in lines] == height * [width]
