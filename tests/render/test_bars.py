from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.inspection.answer import Figure, Series
from charrnn.render.bars import bar_rows
from charrnn.render.colors import Style, columns, tinted


def rows(*values, names=None, width=30, **axes):
    """The rows of series of values."""
    names = names or [f"bar {n}" for n in range(len(values[0]))]
    series = tuple(Series("", names, one, "bars") for one in values)
    return bar_rows(Figure("", "", "", series, **axes), width)


def lengths(lines, mark="#"):
    return [line.count(mark) for line in lines]


def test_a_row_has_its_name_its_bar_and_its_value():
    assert rows([1, 2.5], names=["one", "three"], width=22) == [
        "one   |#### 1.00",
        "three |########## 2.50",
    ]


def test_bars_are_as_long_as_their_values():
    assert lengths(rows([1, 2, 4, 0], width=50)) == [10, 20, 41, 0]


def test_headings_stand_above_names_and_bars():
    series = (Series("", ["a", "b"], [1, 2], "bars"),)
    assert bar_rows(Figure("", "class", "bits", series), 19) == [
        "class  bits",
        "a     |##### 1",
        "b     |########## 2",
    ]


def test_a_long_heading_has_its_own_line():
    series = (Series("", ["a"], [1], "bars"),)
    lines = bar_rows(Figure("", "what the characters are", "bits", series), 30)
    assert lines[0] == "what the characters are"
    assert lines[1].endswith(" bits")


def test_several_series_stand_below_one_another():
    assert rows([4, 2], [2, 4], width=13) == [
        "bar 0 |#### 4",
        "      |== 2",
        "bar 1 |## 2",
        "      |==== 4",
    ]


def test_series_meet_by_name():
    series = (Series("", ["a", "b"], [1, 2], "bars"), Series("", ["b", "c"], [3, 4], "bars"))
    lines = bar_rows(Figure("", "", "", series), 30)
    assert [line.split()[-1] for line in lines] == ["1", "|", "2", "3", "|", "4"]


def test_two_bars_may_have_the_same_name():
    assert [line.split()[-1] for line in rows([1, 2], names=["a", "a"])] == ["1", "2"]


def test_bars_below_zero_go_to_the_left():
    assert rows([2, -1], width=22) == ["bar 0     |######## 2", "bar 1 ####| -1"]
    assert rows([-2, -1], width=15) == ["bar 0 #####| -2", "bar 1   ###| -1"]


@pytest.mark.parametrize("nothing", [nan, inf, -inf])
def test_what_is_not_finite_has_no_bar(nothing):
    assert rows([1, nothing], width=14) == ["bar 0 |##### 1", "bar 1 |"]


def test_the_range_asked_for_is_held():
    assert lengths(rows([0.5, 2], y_range=(0, 1), width=33)) == [10, 21]


def test_on_a_logarithmic_scale_equal_ratios_are_equal_lengths():
    lines = rows([1000, 10, 0.1, 0], log_y=True, width=36)
    assert lengths(lines) == [23, 14, 5, 0]
    assert [line.split()[-1] for line in lines] == ["1,000", "10", "0.1", "0"]


@pytest.mark.parametrize(
    ("values", "written"),
    [
        ([1, 20], ["1", "20"]),
        ([1234567, 2], ["1,234,567", "2"]),
        ([0.5, 0.0123], ["0.500", "0.012"]),
        ([12.25, 1], ["12.2", "1.0"]),
        ([1e-9, 2e-7], ["1e-09", "2e-07"]),
        ([0, 0], ["0", "0"]),
    ],
)
def test_values_have_the_digits_that_matter(values, written):
    assert [line.split()[-1].lstrip("|#") for line in rows(values)] == written


def test_names_are_harmless_and_cut_where_too_long():
    lines = rows([1, 1, 1], names=["a\n\x1b", "각" * 30, "z"])
    assert [line.split(" ")[0] for line in lines] == [r"a\n\x1b", "각각각각...", "z"]
    assert {columns(line) for line in lines} == {30}


def test_without_values_there_are_no_rows():
    assert rows([nan, inf]) == []
    assert rows([0, -1], log_y=True) == []
    assert bar_rows(Figure("", "", "", ()), 30) == []


values = st.lists(st.floats(-1e9, 1e9) | st.just(nan), min_size=1, max_size=6)
names = st.lists(st.text("ab 각\n", max_size=40), min_size=6, max_size=6)


@given(values, values, names, st.integers(40, 90), st.booleans())
def test_no_row_is_wider_than_asked_for(one, other, names, width, log):
    lines = rows(one, other, names=names, width=width, log_y=log)
    assert all(columns(line) <= width for line in lines)


def styled(*values, depth="none", width=22, **axes):
    series = tuple(Series("", ["a", "b"], one, "bars") for one in values)
    return bar_rows(Figure("", "", "", series, **axes), width, Style(depth, blocks=True))


def test_bars_of_blocks_end_in_eighths():
    assert styled([8, 4.2], width=14) == ["a │██████ 8.00", "b │███▏ 4.20"]


def test_bars_of_several_series_have_blocks_of_their_own():
    assert styled([4, 2], [2, 4], width=11) == [
        "a │██████ 4",
        "  │▓▓▓ 2",
        "b │███ 2",
        "  │▓▓▓▓▓▓ 4",
    ]


def test_bars_of_blocks_below_zero_go_to_the_left():
    assert styled([2, -1], width=18) == ["a     │████████ 2", "b ████│ -1"]


def test_bars_have_the_colour_of_their_series():
    rows = styled([4, 2], [2, 4], depth="16", width=11)
    assert rows[0] == f"a │{tinted('██████', 0, '16')} 4"
    assert rows[1] == f"  │{tinted('▓▓▓', 1, '16')} 2"


def test_a_long_name_goes_on_beside_the_bars_of_further_series():
    names = ["first word of a sentence", "first word of a line"]
    assert rows([1, 2], [2, 1], names=names, width=32) == [
        "first word   |######## 1",
        "of a sent... |================ 2",
        "first word   |################ 2",
        "of a line    |======== 1",
    ]
    assert rows([1, 2], names=names, width=32)[1] == "first wor... |################ 2"
