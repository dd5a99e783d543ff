import json

import numpy as np

from charrnn.inspection.ngram import Comparison, Row, answer, compare
from charrnn.render.plain import plain

CLASSES = (
    Row("word starts", 1200, 3.5, 3.75),
    Row("digits", 7, 3.001, 3.0),
    Row("spaces", 30, 2.0, 1.5),
)
CLOSING = (Row("closing, to 10", 22, 1.0, 4.0),)


def result(closing=CLOSING):
    return Comparison(
        characters=1237,
        trained=9000,
        network=2.154,
        orders=np.arange(1, 4),
        bits=np.array([4.8, 2.468, 2.5]),
        best=2,
        classes=CLASSES,
        closing=closing,
    )


def test_the_sentence_says_what_both_need():
    expected = "The network needs 2.15 bits a character, the best n-gram (n = 2) 2.47."
    assert answer(result()).sentence == expected


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
    found = compare(tiny_model(), rng.integers(0, 7, 50), rng.integers(0, 7, 90))
    assert "the best n-gram (n = " in answer(found).sentence
    assert len(json.loads(json.dumps(plain(found), allow_nan=False))["bits"]) == 9
