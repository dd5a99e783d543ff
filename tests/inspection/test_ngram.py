import numpy as np
import pytest
from helpers.grammars import tunes
from hypothesis import given
from hypothesis import strategies as st

import charrnn
from charrnn.errors import SettingError, TextError
from charrnn.inspection import training_text
from charrnn.inspection.kneser_ney import NGram
from charrnn.inspection.ngram import MIN_CLOSINGS, by_group, closings, compare, summarize
from charrnn.inspection.recording import record
from charrnn.network.layers import LAYER_TYPES


def test_the_best_order_is_the_one_of_fewest_bits():
    ngrams = np.array([[4.0, 4.0], [1.0, 2.0], [2.0, 2.0]])
    found = summarize("ab.", np.array([3.0, 1.0]), ngrams, 10)
    assert found.orders.tolist() == [1, 2, 3]
    assert found.bits.tolist() == [4.0, 1.5, 2.0]
    assert found.best == 2
    assert found.network == 2.0
    assert (found.characters, found.trained) == (2, 10)


def test_classes_compare_the_network_with_the_best_order():
    ngrams = np.array([[9.0, 9.0, 9.0, 9.0], [1.0, 2.0, 5.0, 3.0]])
    found = summarize("abc.d", np.array([3.0, 1.0, 4.0, 0.5]), ngrams, 10)
    rows = [(row.name, row.count, row.network, row.ngram) for row in found.classes]
    assert rows == [
        ("word starts", 1, 0.5, 3.0),
        ("letters inside of words", 2, 2.0, 1.5),
        ("punctuation marks", 1, 4.0, 5.0),
    ]


def test_small_groups_are_left_out():
    ones = np.ones(3)
    (row,) = by_group(["a", "b"], np.array([0, 1, 1]), ones, ones, least=2)
    assert (row.name, row.count) == ("b", 2)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("(a) [b[c]]", {2: 2, 8: 2, 9: 5}),
        ("{(})", {2: 2, 3: 2}),
        (") :) (", {}),
        ('"one" and "two"', {4: 4, 14: 4}),
        ('"one\ntwo"', {8: 8}),
        ('"one\n\n"two"', {10: 4}),
        ("“a “b” c”", {5: 5}),
        ("「a『b』c」", {4: 2, 6: 6}),
        ("“a” «b»", {2: 2, 6: 2}),
        ("it's 'so'", {}),
        ("", {}),
    ],
)
def test_closings_know_what_opened_them(text, expected):
    positions, distances = closings(text)
    assert dict(zip(positions.tolist(), distances.tolist())) == expected


@given(st.text(st.sampled_from('()[]"\nab'), max_size=60))
def test_a_closing_and_its_opening_belong_together(text):
    positions, distances = closings(text)
    openings = positions - distances
    assert len({*openings.tolist(), *positions.tolist()}) == 2 * len(positions)
    pairs = {text[i] + text[j] for i, j in zip(openings.tolist(), positions.tolist())}
    assert pairs <= {"()", "[]", '""'}
    assert (np.diff(positions) > 0).all()


def test_closings_are_grouped_by_distance():
    text = "(123456789)" + "(1234567890)" * 2 + "()" * 2 + "[" + 400 * "x" + "]" + "(" + 400 * "y"
    positions, distances = closings(text)
    network = np.zeros(len(text) - 1)
    network[positions - 1] = distances
    found = summarize(text, network, np.ones((1, len(network))), 10, min_closings=2)
    rows = [(row.name, row.count, row.network, row.ngram) for row in found.closing]
    assert rows == [("closing, to 10", 3, 4.0, 1.0), ("closing, to 30", 2, 11.0, 1.0)]
    found = summarize(text, network, np.ones((1, len(network))), 10, min_closings=1)
    assert found.closing[-1].name == "closing, farther"
    assert found.closing[-1].network == 401


def test_a_text_with_few_brackets_has_no_row_for_them():
    text = "(a) " * (MIN_CLOSINGS - 1)
    bits = np.ones(len(text) - 1)
    assert summarize(text, bits, bits[None], 10).closing == ()


@pytest.mark.parametrize("cell", sorted(LAYER_TYPES))
def test_both_are_measured_on_the_same_characters(cell, tiny_model, rng):
    model, text, train = tiny_model(cell), rng.integers(0, 7, 300), rng.integers(0, 7, 900)
    found = compare(model, text, train, order=3)
    log_probs = NGram(train, 7, 3).log_probs(text)[1:, 1:]
    np.testing.assert_allclose(found.bits, -log_probs.mean(axis=1) / np.log(2))
    assert found.network == pytest.approx(record(model, text).losses.mean() / np.log(2))
    assert (found.characters, found.trained) == (299, 900)
    weights = [row.count / 299 for row in found.classes]
    assert np.dot(weights, [row.network for row in found.classes]) == pytest.approx(found.network)
    assert np.dot(weights, [row.ngram for row in found.classes]) == pytest.approx(found.bits.min())


def test_a_given_ngram_is_used(tiny_model, rng):
    model, text, train = tiny_model(), rng.integers(0, 7, 100), rng.integers(0, 3, 300)
    expected = compare(model, text, train, order=4).bits
    found = compare(model, text, train[:0], ngram=NGram(train, 7, 4))
    assert found.bits.tolist() == expected.tolist()
    assert found.trained == 300


def test_both_are_mixed_on_the_second_half_of_the_text(tiny_model, rng):
    model, text, train = tiny_model(), rng.integers(0, 7, 1_201), rng.integers(0, 7, 900)
    found = compare(model, text, train, order=3).mixture
    network = record(model, text).losses[600:] / np.log(2)
    ngram = NGram(train, 7, 3).log_probs(text)[found.order, 601:] / -np.log(2)
    assert found.characters == 600
    assert found.network == pytest.approx(network.mean())
    assert found.ngram == pytest.approx(ngram.mean())
    p = found.weight * 2**-network + (1 - found.weight) * 2**-ngram
    assert found.mixed == pytest.approx(-np.log2(p).mean())


def test_a_mixture_is_better_than_a_network_of_few_steps_and_than_counting(write):
    text = "\n".join(tunes(600))
    path = write("tunes.txt", text.encode())
    size = {"hidden_size": 48, "batch_size": 16, "seq_length": 32}
    model = charrnn.train(path, steps=125, workers=1, optimizer="adam", learning_rate=0.015, **size)
    train = training_text(model.checkpoint)
    held_out = model.vocabulary.encode(text[len(train) :])
    found = compare(model, held_out, train).mixture
    assert found.mixed < found.ngram < found.network
    assert found.over_network.clear
    assert found.over_ngram.clear


def test_a_text_that_the_ngram_has_counted_is_not_mixed(tiny_model, rng):
    text = rng.integers(0, 7, 1_500)
    assert compare(tiny_model(), text, text, held_out=False).mixture is None


@pytest.mark.parametrize("length", [0, 1])
def test_a_text_without_anything_to_predict_is_refused(length, tiny_model):
    with pytest.raises(TextError, match=f"at least 2 characters, not {length}"):
        compare(tiny_model(), np.zeros(length, int), np.zeros(9, int))


def test_order_zero_is_refused(tiny_model):
    with pytest.raises(SettingError, match="at least 1, not 0 and 7"):
        compare(tiny_model(), np.zeros(5, int), np.zeros(9, int), order=0)
