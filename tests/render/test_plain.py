import json
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.render.plain import plain


class Place(NamedTuple):
    layer: int
    name: str


@dataclass(frozen=True)
class Result:
    values: object
    place: Place


def test_a_result_becomes_json():
    result = Result({Place(1, "h"): np.array([0.5, np.nan])}, Place(2, "c"))
    assert plain(result) == {"values": {"1.h": [0.5, None]}, "place": {"layer": 2, "name": "c"}}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (True, True),
        ("a\nb", "a\nb"),
        (12345678, 12345678),
        (np.int64(12345678), 12345678),
        (np.bool_(True), True),
        (np.str_("x"), "x"),
        (1 / 3, 0.333333),
        (123456.789, 123457.0),
        (1.23456789e-30, 1.23457e-30),
        (np.float32(0.1), 0.1),
        (float("nan"), None),
        (float("inf"), None),
        (np.float32("-inf"), None),
        (1 + 2j, [1.0, 2.0]),
        ((1, (2.5, "x")), [1, [2.5, "x"]]),
        (range(3), [0, 1, 2]),
        (np.array(2.5), 2.5),
        (np.arange(6).reshape(2, 3), [[0, 1, 2], [3, 4, 5]]),
        (np.array([True, False]), [True, False]),
        (np.array([1 + 2j, np.nan], complex), [[1.0, 2.0], [None, 0.0]]),
        (np.zeros((0, 3)), []),
        ({}, {}),
        ({3: 1, "x": 2, np.int64(4): 3, ("a", 1): 4}, {"3": 1, "x": 2, "4": 3, "a.1": 4}),
    ],
)
def test_values_become_plain(value, expected):
    made = plain(value)
    assert made == expected
    assert type(made) is type(expected)


@pytest.mark.parametrize("value", [b"bytes", {1, 2}, object(), Result, {1.5: 1}, {None: 1}])
def test_a_value_without_a_counterpart_is_a_bug(value):
    with pytest.raises(TypeError, match="JSON"):
        plain(value)


numbers = st.floats() | st.integers() | st.complex_numbers(allow_nan=True) | st.none() | st.text()


@given(st.recursive(numbers, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_json_keeps_plain_values(value):
    made = plain(value)
    assert json.loads(json.dumps(made, allow_nan=False)) == made


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_six_digits_are_kept(number):
    assert plain(number) == pytest.approx(number, rel=1e-5, abs=1e-320)
