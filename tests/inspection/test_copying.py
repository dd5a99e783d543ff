import numpy as np
import pytest

from charrnn.errors import TextError
from charrnn.inspection.copying import (
    LENGTHS,
    Copying,
    answer,
    common,
    copying,
    covered,
    longest_spans,
    occurrences,
)
from charrnn.network.model import CharRNN
from charrnn.text import hashes as module
from charrnn.text.hashes import Hasher
from charrnn.text.vocabulary import Vocabulary

RNG = np.random.default_rng(3)
LETTERS = Vocabulary("abcdefghijklmnopqrst")
TRAIN = RNG.integers(20, size=3_000).astype(np.uint8)


def test_spans_that_the_training_text_has_are_found_and_no_others():
    other = RNG.integers(20, size=500).astype(np.uint8)
    other[100:160] = TRAIN[2_000:2_060]
    (found,) = occurrences([other], TRAIN, 20, Hasher(LETTERS))
    assert np.flatnonzero(found).tolist() == list(range(100, 141))
    assert covered(found, 20, 500).sum() == 60
    (found,) = occurrences([other], TRAIN, 61, Hasher(LETTERS))
    assert not found.any()


def test_spans_are_found_across_the_pieces_that_are_hashed(monkeypatch):
    monkeypatch.setattr(module, "BLOCK", 64)
    text = TRAIN[1_000:1_200]
    (found,) = occurrences([text], TRAIN, 50, Hasher(LETTERS))
    assert found.all()
    assert len(found) == 151


def test_a_text_shorter_than_a_span_has_none():
    first, second = occurrences([TRAIN[:10], TRAIN[:30]], TRAIN, 20, Hasher(LETTERS))
    assert len(first) == 0
    assert second.tolist() == [True] * 11


def test_every_count_agrees_with_a_search_by_string():
    train, other = RNG.integers(3, size=2_000), RNG.integers(3, size=400)
    text, new = ("".join(map(str, each)) for each in (train, other))
    for span in (1, 5, 8, 12):
        (found,) = occurrences([other], train, span, Hasher(Vocabulary("abc")))
        assert found.tolist() == [new[i : i + span] in text for i in range(len(new) - span + 1)]


def test_the_longest_spans_have_their_length_and_their_places():
    model = CharRNN(Vocabulary("abcdefghijklmnopqrst"), hidden_size=2)
    written = RNG.integers(20, size=500).astype(np.uint8)
    written[10:110] = TRAIN[700:800]
    written[200:230] = TRAIN[5:35]
    hasher = Hasher(LETTERS)
    (begins,) = occurrences([written], TRAIN, 20, hasher)
    first, second = longest_spans(written, TRAIN, begins, 20, hasher, model)
    assert (first.length, first.start, first.source) == (100, 10, 700)
    assert (second.length, second.start, second.source) == (30, 200, 5)
    assert second.text == model.vocabulary.decode(TRAIN[5:35])


def test_the_common_beginning_of_two_texts():
    assert common(np.array([1, 2, 3]), np.array([1, 2, 4, 5])) == 2
    assert common(np.array([1, 2]), np.array([1, 2, 4])) == 2


def counting_model(period):
    """A model that writes 0 1 2 … and begins again after `period` characters."""
    V = period
    model = CharRNN(Vocabulary(map(chr, range(97, 97 + V))), layer_type="vanilla", hidden_size=V)
    model.parameters["layer1.Wx"][...] = 5 * np.eye(V)
    model.parameters["Wy"][...] = 50 * np.roll(np.eye(V), 1, axis=0)
    return model


def test_a_model_that_repeats_its_training_text_recites():
    train = np.tile(np.arange(26), 40)
    held_out = RNG.integers(26, size=400)
    result = copying(counting_model(26), train, held_out, length=1_000)
    assert result.shares[LENGTHS.index(50)] == 1
    assert result.held_out_shares == (0,) * len(LENGTHS)
    assert result.longest[0].length >= 1_000 - 26
    assert answer(result).sentence.startswith("The model recites: 100 % of what it writes")


def test_a_text_that_repeats_itself_is_no_sign_of_reciting():
    text = np.tile(np.arange(26), 40)
    result = copying(counting_model(26), text, text, length=1_000)
    assert answer(result).sentence.startswith("The model copies no more than chance")


def test_a_fresh_model_copies_nothing():
    model = CharRNN(Vocabulary("abcdefghijklmnopqrst"), hidden_size=8)
    model.initialize(np.random.default_rng(0))
    result = copying(model, TRAIN, length=1_000)
    assert result.shares == (0,) * len(LENGTHS)
    assert result.longest == ()


def test_without_a_held_out_text_there_is_nothing_to_compare_with():
    result = Copying(1.0, 100, 0, LENGTHS, (0.0,) * 6, None, ())
    assert "No text is held out" in answer(result).sentence
    assert len(answer(result).figures[0].series) == 1


def test_a_short_training_text_is_refused():
    with pytest.raises(TextError, match="at least 20 characters"):
        copying(counting_model(26), np.arange(10))
