import re
from functools import cache

import numpy as np
import pytest

from charrnn.errors import SettingError
from charrnn.inspection.effect import (
    KINDS,
    NAMES,
    Effect,
    Measure,
    analyse,
    answer,
    cell_ranges,
    controls,
    effect_of_cell,
    kinds_of,
)
from charrnn.inspection.reading import Signal
from charrnn.inspection.subject import Subject
from charrnn.network.model import CharRNN
from charrnn.render.terminal import lines
from charrnn.text.vocabulary import Vocabulary

CHARACTERS = "\nabcdEFGH( 12"
H, LOGIT = 24, 4.0


@pytest.fixture(scope="module")
def brackets():
    """A network without memory in which cell 0 alone changes what is written: the brackets.

    The logit of "(" is `LOGIT` times the cell, the others are 0.
    """
    rng = np.random.default_rng(1)
    model = CharRNN(Vocabulary(CHARACTERS), layer_type="vanilla", hidden_size=H)
    model.parameters["layer1.Wx"][...] = rng.uniform(-1, 1, (H, len(CHARACTERS)))
    model.parameters["Wy"][model.vocabulary.char_to_ix["("], 0] = LOGIT
    return model


@pytest.fixture(scope="module")
def of_cell(brackets):
    """A function that returns the effect of a cell."""
    text = np.random.default_rng(2).integers(0, len(CHARACTERS), 3_000)
    return cache(lambda cell: effect_of_cell(brackets, text, Signal(1, "h"), cell))


def measure_of(found, name):
    (measure,) = (each for each in found.measures if each.name == name)
    return measure


def share(value):
    """The share of brackets, in %, where cell 0 has a value."""
    return 100 / (1 + (len(CHARACTERS) - 1) * np.exp(-LOGIT * value))


def test_a_planted_cell_has_the_effect_that_its_weights_give(of_cell):
    found = of_cell(0)
    measure = measure_of(found, "opening brackets")
    assert (found.texts, found.characters, len(found.controls)) == (32, 500, 20)
    assert measure.high == pytest.approx(share(found.high), rel=0.03)
    assert measure.low == pytest.approx(share(found.low), abs=0.1)
    np.testing.assert_array_equal(measure.others, 0)
    assert measure.stands_out
    sentence = answer(found).sentence
    times = f"{measure.high / measure.low:.2g}"
    assert sentence.startswith(
        f"Held high, cell 1.0 writes {times} times as many opening brackets as held low. "
        "None of 20 other cells changes this as much. What also stands out: "
    )


def test_a_cell_without_effect_claims_nothing(of_cell):
    found = of_cell(7)
    assert all(each.high == each.low and not each.stands_out for each in found.measures)
    said = "Holding cell 1.7 changes nothing that stands out from 20 other cells."
    assert answer(found).sentence == said


def test_the_bits_are_those_of_the_network_without_a_held_cell(of_cell, brackets):
    free = measure_of(of_cell(0), "bits a character").free
    h = np.tanh(brackets.parameters["layer1.Wx"][0])  # cell 0 after each character
    logits = np.zeros((len(CHARACTERS), len(CHARACTERS)))
    logits[brackets.vocabulary.char_to_ix["("]] = LOGIT * h
    p = np.exp(logits) / np.exp(logits).sum(axis=0)
    often = np.linalg.matrix_power(p, 200)[:, 0]  # of each character in a long text
    expected = -(p * np.log2(p)).sum(axis=0) @ often
    assert free == pytest.approx(expected, rel=0.01)


def test_an_analysis_of_a_subject_is_about_its_cell(brackets):
    text = "".join(np.random.default_rng(2).choice(list(CHARACTERS), 500))
    indices = brackets.vocabulary.encode(text)
    subject = Subject(brackets, text, indices, [], list, list, cell=(Signal(1, "h"), 3))
    found = analyse(subject)
    assert found.cell == 3
    assert re.fullmatch(r"[A-Z].*\.", answer(found).table.caption)


def measure(high, low, others, name="brackets", error=0.1):
    return Measure(name, high, low, 1.0, error, np.array(others))


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (measure(9.0, 1.0, [1.0, -1.1] * 10), True),
        (measure(1.0, 9.0, [1.0, -1.1] * 9 + [-7.9]), True),
        (measure(9.0, 1.0, [1.0, -1.1] * 9 + [-8.1]), False),  # another cell does more
        (measure(7.5, 1.0, [1.0, -1.0] * 10), False),  # less than 7 times the median
        (measure(9.0, 1.0, [1.0, -1.1] * 10, error=2.7), False),  # chance
        (measure(0.0, 0.0, [0.0] * 20), False),
    ],
)
def test_a_difference_stands_out_beyond_other_cells_and_chance(found, expected):
    assert found.stands_out == expected


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (
            measure(2.0, 6.2, [0.1]),
            "Held low, cell 1.42.c writes 3.1 times as many brackets as",
        ),
        (measure(6.2, 0.0, [0.1]), "writes brackets, 6.2 % of its characters, and none held low."),
        (
            measure(60, 31, [1], "characters a line"),
            "writes lines of 60 characters, and of 31",
        ),
        (measure(2, 3, [0.1], "bits a character"), "writes a text of 3.00 bits a character, and"),
    ],
)
def test_the_sentence_says_what_changes_most(found, said):
    result = Effect(1, 42, "c", 0.9, -0.9, 32, 500, (1,), (found, measure(1, 1, [0], "digits")))
    assert said in answer(result).sentence
    for width in (40, 80):
        assert max(map(len, lines(answer(result), width))) <= width


def test_a_layer_of_few_cells_has_nothing_to_compare_with(tiny_model):
    with pytest.raises(
        SettingError, match=r"has 4 other cells .* at least 10 are needed.*: train a larger model"
    ):
        effect_of_cell(tiny_model(), np.arange(7), Signal(1, "h"), 0)


def test_all_measures_are_in_the_result(of_cell):
    assert tuple(each.name for each in of_cell(0).measures) == NAMES


def test_the_range_of_each_cell_has_its_ends():
    values = np.array(
        [np.linspace(-0.5, 0.5, 101), np.linspace(2, 30.2, 101), np.full(101, np.nan)]
    )
    small, large, none = cell_ranges(values.T).tolist()
    assert small == pytest.approx([-1, -0.45, 0.45, 1])
    assert large == pytest.approx([-1, 3.41, 28.79, 31])
    assert none == [-1, 0, 0, 1]
    assert cell_ranges(values.T[:, 1:2], rectified=True)[0, 0] == 0


def test_a_cell_that_does_not_vary_is_named():
    result = Effect(1, 42, "h", 0.25, 0.25, 32, 500, (1,), (measure(1, 1, [0], "digits"),))
    said = "Cell 1.42 does not vary on the text: its high and its low end are both 0.25."
    assert answer(result).sentence == said


def test_a_short_text_in_which_few_cells_vary_is_the_reason_that_is_named():
    with pytest.raises(SettingError, match=r"0 other cells .*: read a longer text with"):
        controls(np.zeros(H, bool), 0, np.random.default_rng(0))


def test_bytes_beyond_ascii_are_no_letters_quotes_or_digits():
    vocabulary = Vocabulary("A1«À²")
    counted = [[int(kind.sum()) for kind in kinds_of(vocabulary, binary)] for binary in (0, 1)]
    chars = dict(zip(KINDS, zip(*counted)))
    assert (chars["capitals"], chars["quotes"], chars["digits"]) == ((2, 1), (1, 0), (2, 1))
