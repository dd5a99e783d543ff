import json

import numpy as np
import pytest

from charrnn.inspection.mixture import Gain, Mixture
from charrnn.inspection.ngram import Comparison, Row, answer, compare
from charrnn.render.plain import plain

CLASSES = (
    Row("word starts", 1200, 3.5, 3.75),
    Row("digits", 7, 3.001, 3.0),
    Row("spaces", 30, 2.0, 1.5),
)
CLOSING = (Row("closing, to 10", 22, 1.0, 4.0),)


CLEAR, UNCLEAR = Gain(0.104, 0.01), Gain(0.104, 0.09)


def mixture(over_network=CLEAR, over_ngram=CLEAR):
    return Mixture(
        order=3,
        weight=0.614,
        characters=618,
        network=2.104,
        ngram=2.31,
        mixed=2.0,
        over_network=over_network,
        over_ngram=over_ngram,
        weights=np.array([0.0, 0.5, 1.0]),
        bits=np.array([2.31, 2.01, 2.104]),
    )


def result(closing=CLOSING, mixture=None, characters=1237):
    return Comparison(
        characters=characters,
        trained=9000,
        network=2.154,
        orders=np.arange(1, 4),
        bits=np.array([4.8, 2.468, 2.5]),
        best=2,
        classes=CLASSES,
        closing=closing,
        mixture=mixture,
    )


def test_the_sentence_says_what_both_need():
    expected = "The network needs 2.15 bits a character, the best n-gram (n = 2) 2.47."
    assert answer(result()).sentence.startswith(expected)


@pytest.mark.parametrize(
    ("over_network", "over_ngram", "meaning"),
    [
        (CLEAR, CLEAR, "Counting knows 0.10 bits a character that the network does not know."),
        (CLEAR, UNCLEAR, "Mixing is no better than counting alone: the network adds nothing."),
        (UNCLEAR, CLEAR, "Mixing is no better than the network alone: counting adds nothing."),
    ],
)
def test_the_sentence_says_what_mixing_gains(over_network, over_ngram, meaning):
    sentence = answer(result(mixture=mixture(over_network, over_ngram))).sentence
    expected = (
        "On the second half of the text the network needs 2.10, the 3-gram 2.31, and both mixed "
        f"(61 % network, 39 % 3-gram) 2.00. {meaning}"
    )
    assert sentence.endswith(expected)


def test_the_sentence_says_why_there_is_no_mixture():
    short = answer(result(characters=999)).sentence
    assert short.endswith("a text of more than 1,000 characters is needed.")
    assert "have not counted, with --text FILE." in answer(result()).sentence


def test_the_curve_of_the_mixture_has_a_point_at_its_weight():
    figures = answer(result(mixture=mixture())).figures
    assert len(figures) == len(answer(result()).figures) + 1
    curve, point = figures[1].series
    assert (curve.x, curve.y) == ([0.0, 0.5, 1.0], [2.31, 2.01, 2.104])
    assert (point.x, point.y) == ([0.614], [2.0])


def test_the_picture_has_a_line_for_the_network():
    figure = answer(result()).figures[0]
    network, ngram = figure.series
    assert network.y == [2.154] * 3
    assert ngram.y == [4.8, 2.468, 2.5]
    assert network.x == ngram.x == [1, 2, 3]


def test_the_table_says_who_wins_where():
    table = answer(result()).table
    assert table.headings == ("characters", "how many", "network", "2-gram", "fewer bits")
    assert table.rows == (
        ("word starts", "1,200", "3.50", "3.75", "network, by 0.25"),
        ("digits", "7", "3.00", "3.00", "–"),
        ("spaces", "30", "2.00", "1.50", "n-gram, by 0.50"),
        ("closing, to 10", "22", "1.00", "4.00", "network, by 3.00"),
    )


def test_bars_are_of_classes_and_of_closings_where_there_are_any():
    _, classes, closing = answer(result()).figures
    assert classes.series[0].x == ["word starts", "digits", "spaces"]
    assert [series.y for series in closing.series] == [[1.0], [4.0]]
    assert len(answer(result(closing=())).figures) == 2


def test_the_sentence_says_where_closings_are_too_few_to_compare():
    assert answer(result(closing=())).table.rows[-1][:2] == ("closing, by distance", "too few")


def test_numbers_can_be_written(tiny_model, rng):
    found = compare(tiny_model(), rng.integers(0, 7, 1_500), rng.integers(0, 7, 90))
    assert "the best n-gram (n = " in answer(found).sentence
    numbers = json.loads(json.dumps(plain(found), allow_nan=False))
    assert len(numbers["bits"]) == 9
    assert 0 <= numbers["mixture"]["weight"] <= 1
    assert numbers["mixture"]["over_network"]["clear"] in (True, False)
