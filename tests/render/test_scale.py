from math import inf, nan

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from charrnn.inspection.answer import Figure, Series
from charrnn.render.scale import Scale, reach, scale_for, shown

numbers = st.floats(-1e9, 1e9)
positive = st.floats(1e-30, 1e30)


def labels(scale, most):
    return [label for _, label in scale.ticks(most)]


def test_positions_go_from_0_to_1():
    assert Scale(2, 6).fractions([2, 3, 6, 7]).tolist() == [0, 0.25, 1, 1.25]
    assert Scale(1, 100, log=True).fractions([1, 10, 100]).tolist() == [0, 0.5, 1]


def test_values_that_a_scale_cannot_show_have_no_position():
    assert np.isnan(Scale(0, 1).fractions([nan, inf, -inf])).all()
    assert np.isnan(Scale(1, 10, log=True).fractions([0, -1, nan])).all()


@pytest.mark.parametrize(
    ("scale", "most", "expected"),
    [
        (Scale(0, 1), 5, ["0.0", "0.5", "1.0"]),
        (Scale(0, 1), 6, ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
        (Scale(-0.3, 0.31), 4, ["-0.2", "0.0", "0.2"]),
        (Scale(1.33, 4.2), 5, ["2", "3", "4"]),
        (Scale(0, 5000), 6, ["0", "1,000", "2,000", "3,000", "4,000", "5,000"]),
        (Scale(0, 3e8), 4, ["0", "1e8", "2e8", "3e8"]),
        (Scale(0, 2.5e-7), 3, ["0", "1e-7", "2e-7"]),
        (Scale(1, 3), 9, ["1.0", "1.5", "2.0", "2.5", "3.0"]),
        (Scale(1, 3, whole=True), 9, ["1", "2", "3"]),
        (Scale(0.2, 0.8, whole=True), 9, ["0.2"]),
    ],
)
def test_ticks_are_round_numbers(scale, most, expected):
    assert labels(scale, most) == expected


@pytest.mark.parametrize(
    ("low", "high", "most", "expected"),
    [
        (1, 100, 9, ["1", "2", "5", "10", "20", "50", "100"]),
        (1, 100, 5, ["1", "10", "100"]),
        (0.003, 2, 5, ["0.01", "0.1", "1"]),
        (1e-9, 1, 5, ["1e-8", "1e-6", "0.0001", "0.01", "1"]),
        (1e-24, 1, 4, ["1e-21", "1e-14", "1e-7", "1"]),
        (3.1, 3.9, 5, ["3.2", "3.4", "3.6", "3.8"]),
        (2, 50, 3, ["20", "40"]),
        (2e-30, 9e28, 2, ["1e-29", "1"]),
    ],
)
def test_ticks_of_a_logarithmic_scale_are_powers_of_ten_where_there_are_enough(
    low, high, most, expected
):
    assert labels(Scale(low, high, log=True), most) == expected


@given(numbers, numbers, st.integers(2, 12), st.booleans())
def test_ticks_are_few_and_in_order_and_within(low, high, most, whole):
    assume(high - low > 1e-6 * max(abs(low), abs(high), 1e-300))
    values = [value for value, _ in Scale(low, high, whole=whole).ticks(most)]
    assert 1 <= len(values) <= most
    assert values == sorted(set(values))
    slack = 1e-5 * (high - low)
    assert all(low - slack <= value <= high + slack for value in values)


@given(positive, positive, st.integers(2, 12))
def test_ticks_of_a_logarithmic_scale_are_few_and_in_order_and_within(low, high, most):
    assume(high > 1.001 * low)
    values = [value for value, _ in Scale(low, high, log=True).ticks(most)]
    assert 1 <= len(values) <= most
    assert values == sorted(set(values))
    assert all(low * 0.9999 <= value <= high * 1.0001 for value in values)


def test_a_scale_fits_the_values_that_can_be_shown():
    assert scale_for([3, nan, 1.5, inf]) == Scale(1.5, 3.0)
    assert scale_for([0, -2, 10, 0.1], log=True) == Scale(0.1, 10.0, log=True)
    assert scale_for([1, 2, 3]) == Scale(1.0, 3.0, whole=True)


def test_a_scale_has_the_ends_asked_for():
    assert scale_for([0.5], ends=(0, 1)) == Scale(0.0, 1.0)
    assert scale_for([0.5], log=True, ends=(0, 1)) == Scale(0.5, 1.0, log=True)


@pytest.mark.parametrize(
    ("value", "log", "expected"),
    [(4, False, (2, 6)), (-4, False, (-6, -2)), (0, False, (-0.5, 0.5)), (4, True, (2, 8))],
)
def test_a_single_value_is_in_the_middle(value, log, expected):
    scale = scale_for([value, value], log=log)
    assert (scale.low, scale.high) == expected
    assert scale.fractions([value]) == pytest.approx(0.5)


@pytest.mark.parametrize(("values", "log"), [([], False), ([nan], False), ([0, -1], True)])
def test_without_values_there_is_no_scale(values, log):
    assert scale_for(values, log=log) is None


def test_numbers_too_large_and_too_small_to_compute_with_are_left_out():
    assert scale_for([1e308, -1e308, 1, 3]) == Scale(1.0, 3.0, whole=True)
    assert scale_for([5e-324, 1, 3], log=True) == Scale(1.0, 3.0, log=True, whole=True)
    assert scale_for([0, 5e-324]) == Scale(-0.5, 0.5)


def test_points_are_shown_where_both_axes_can():
    series = (Series("", [1, 0, 3, nan, 5], [1, 2, 0, 4, nan]), Series("", [7], [8], "points"))
    assert shown(Figure("", "", "", series)) == [(1, 1), (0, 2), (3, 0), (7, 8)]
    assert shown(Figure("", "", "", series, log_x=True)) == [(1, 1), (3, 0), (7, 8)]
    assert shown(Figure("", "", "", series, log_y=True)) == [(1, 1), (0, 2), (7, 8)]


def test_square_axes_reach_around_the_unit_circle_and_all_points():
    near, far = Series("", [0.5], [0.2], "points"), Series("", [0.5], [-2], "points")
    assert reach(Figure("", "", "", (near,))) == (-1.05, 1.05)
    assert reach(Figure("", "", "", (near, far))) == (-2.1, 2.1)
