import json
from math import nan

import numpy as np
import pytest

from charrnn.inspection.errors import KINDS, Errors, Kind, answer, errors_by_kind
from charrnn.render.plain import plain


def result(counts):
    errors = sum(counts)
    return Errors(
        characters=200,
        errors=errors,
        cost=0.9,
        kinds=tuple(
            Kind(name, n, n / errors if errors else 0.0, 4.0 if n else nan)
            for name, n in zip(KINDS, counts)
        ),
    )


@pytest.mark.parametrize(
    ("counts", "sentence"),
    [
        (
            [18, 1, 3, 2, 6, 16, 23, 6, 25],
            "50 % of the characters are errors (p < 0.5). Of these an n-gram knows 18 % and the "
            "last 5,000 characters 12 %; 23 % are word starts.",
        ),
        (
            [1, 0, 0, 0, 0, 0, 0, 0, 3],
            "2 % of the characters are errors (p < 0.5). Of these an n-gram knows 25 % and the "
            "last 5,000 characters 0 %.",
        ),
        (
            [1, 1, 0, 0, 0, 2, 0, 0, 0],
            "2 % of the characters are errors (p < 0.5). Of these an n-gram knows 25 % and the "
            "last 5,000 characters 25 %; 50 % are in rare words.",
        ),
        ([0] * 9, "The network makes no errors: every character has p ≥ 0.5."),
    ],
)
def test_the_sentence_says_what_would_have_helped(counts, sentence):
    assert answer(result(counts)).sentence == sentence


def test_bars_are_in_the_order_of_the_kinds():
    shares, bits = answer(result([10, 0, 10, 0, 0, 0, 0, 0, 30])).figures
    assert shares.series[0].x == bits.series[0].x == list(KINDS)
    assert shares.series[0].y == pytest.approx([20, 0, 20, 0, 0, 0, 0, 0, 60])
    np.testing.assert_array_equal(bits.series[0].y, [4, nan, 4, nan, nan, nan, nan, nan, 4])


def test_without_errors_there_is_nothing_to_draw():
    assert answer(result([0] * 9)).figures == ()


def test_numbers_can_be_written(tiny_model):
    found = errors_by_kind(tiny_model(), "abcdefgabc", np.arange(7))
    assert "of the characters are errors" in answer(found).sentence
    assert len(json.loads(json.dumps(plain(found), allow_nan=False))["kinds"]) == 9
