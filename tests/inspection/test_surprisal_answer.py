import json

import numpy as np
import pytest

from charrnn.inspection.surprisal import ClassSurprisal, Surprisal, answer, summarize, surprisal
from charrnn.render.plain import plain


def result(*classes):
    total = sum(count * bits for _, count, bits in classes)
    return Surprisal(
        bits=np.ones(sum(count for _, count, _ in classes)),
        mean=1.0,
        classes=tuple(
            ClassSurprisal(name, count, bits, count * bits / total) for name, count, bits in classes
        ),
        by_position=np.array([3.9, 1.5]),
        position_counts=np.array([30, 20]),
    )


@pytest.mark.parametrize(
    ("classes", "sentence"),
    [
        (
            [("word starts", 200, 3.94), ("letters inside of words", 500, 1.21), ("digits", 9, 1)],
            "Word starts are hardest: 3.9 bits, against 1.2 of letters inside of words.",
        ),
        (
            [("letters inside of words", 995, 1.2), ("spaces", 995, 0.5), ("digits", 5, 9)],
            "Letters inside of words are hardest: 1.2 bits, against 0.5 of spaces.",
        ),
        (
            [("spaces", 10, 1), ("indentation", 10, 2)],
            "Indentation is hardest: 2.0 bits, against 1.0 of spaces.",
        ),
        ([("digits", 10, 3.32)], "All of the text is digits: 3.3 bits each."),
    ],
)
def test_the_sentence_is_about_classes_that_are_not_rare(classes, sentence):
    assert answer(result(*classes)).sentence == sentence


def test_pictures_have_every_class_and_position():
    means, shares, distribution, positions = answer(
        result(("digits", 10, 3), ("spaces", 30, 1))
    ).figures
    assert means.series[0].x == ["digits", "spaces"]
    assert means.series[0].y == [3, 1]
    assert [series.y for series in shares.series] == [[25, 75], [50, 50]]
    assert distribution.series[0].x[:2] == ["0 to 1 bits", "1 to 2 bits"]
    assert positions.series[0].x == [1, 2]
    assert positions.series[0].y == [3.9, 1.5]


def test_without_words_there_is_no_picture_of_positions():
    assert len(answer(summarize("...", [1.0, 2.0])).figures) == 3


def test_numbers_can_be_written(tiny_model):
    found = surprisal(tiny_model(), "abcdef")
    assert answer(found).sentence.startswith("All of the text is letters inside of words")
    assert len(json.loads(json.dumps(plain(found), allow_nan=False))["bits"]) == 5


def test_the_distribution_has_all_characters_and_all_of_the_surprisal():
    bits = np.array([0.1, 0.5, 1.0, 7.9, 8.0, 30.0])
    *_, distribution = answer(summarize(".......", bits)).figures
    characters, surprisals = distribution.series
    assert characters.x[-1] == "8 bits or more"
    np.testing.assert_allclose(characters.y, [100 * n / 6 for n in (2, 1, 0, 0, 0, 0, 0, 1, 2)])
    np.testing.assert_allclose(surprisals.y[-1], 100 * 38 / bits.sum())
    assert sum(surprisals.y) == pytest.approx(100)
