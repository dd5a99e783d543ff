from dataclasses import replace

import numpy as np
import pytest

from charrnn.errors import SettingError, TextError
from charrnn.inspection.copying import (
    LENGTHS,
    MAX_CONTROL,
    MIN_CONTROL,
    Control,
    Copying,
    Items,
    Span,
    answer,
    common,
    copied_items,
    copying,
    covered,
    longest_spans,
    occurrences,
)
from charrnn.network.model import CharRNN
from charrnn.sampling import Choice, beginning, sample
from charrnn.text import hashes as module
from charrnn.text.hashes import Hasher
from charrnn.text.vocabulary import Vocabulary

RNG = np.random.default_rng(3)
LETTERS = Vocabulary("abcdefghijklmnopqrst")
TRAIN = RNG.integers(20, size=3_000).astype(np.uint8)
MODEL = CharRNN(LETTERS, hidden_size=2)


def found_in(text, train, span):
    """The first position in the training text of each span of a text, −1 for none."""
    (found,) = occurrences([text], train, span, Hasher(LETTERS))
    return found


def test_spans_that_the_training_text_has_are_found_and_no_others():
    other = RNG.integers(20, size=500).astype(np.uint8)
    other[100:160] = TRAIN[2_000:2_060]
    found = found_in(other, TRAIN, 20)
    assert np.flatnonzero(found >= 0).tolist() == list(range(100, 141))
    assert found[100:141].tolist() == list(range(2_000, 2_041))
    assert covered(found >= 0, 20, 500) == 60 / 500
    assert (found_in(other, TRAIN, 61) < 0).all()


def test_spans_are_found_across_the_blocks_that_are_hashed(monkeypatch):
    monkeypatch.setattr(module, "BLOCK", 64)
    assert found_in(TRAIN[1_000:1_200], TRAIN, 50).tolist() == list(range(1_000, 1_151))


def test_a_span_is_found_at_its_first_position():
    text = np.tile(TRAIN[:100], 5)
    assert found_in(text, text, 40).tolist() == [*np.tile(range(100), 4), *range(61)]


def test_a_text_shorter_than_a_span_has_none():
    first, second = occurrences([TRAIN[:10], TRAIN[:30]], TRAIN, 20, Hasher(LETTERS))
    assert len(first) == 0
    assert second.tolist() == list(range(11))


def test_every_count_agrees_with_a_search_by_string():
    train, other = RNG.integers(3, size=2_000), RNG.integers(3, size=400)
    text, new = ("".join(map(str, each)) for each in (train, other))
    for span in (1, 5, 8, 12):
        expected = [text.find(new[i : i + span]) for i in range(len(new) - span + 1)]
        assert found_in(other, train, span).tolist() == expected


def test_the_longest_spans_have_their_length_and_their_positions():
    written = RNG.integers(20, size=500).astype(np.uint8)
    written[10:110] = TRAIN[700:800]
    written[200:230] = TRAIN[5:35]
    written[300:350] = TRAIN[690:740]  # of the same passage
    found = {span: found_in(written, TRAIN, span) for span in (20, 50)}
    first, second = longest_spans(written, TRAIN, found, MODEL)
    assert (first.length, first.start, first.source) == (100, 10, 700)
    assert (second.length, second.start, second.source) == (30, 200, 5)
    assert second.text == LETTERS.decode(TRAIN[5:35])


def test_the_longest_of_spans_that_overlap_is_found():
    first, second = TRAIN[100:160], TRAIN[1_000:1_200]
    train = np.concatenate([first, second[:30], TRAIN[500:600], second])
    written = np.concatenate([first, second])  # the first 90 characters begin the training text
    found = {20: found_in(written, train, 20)}
    span, *_ = longest_spans(written, train, found, MODEL)
    assert (span.length, span.start, span.source) == (200, 60, 190)


def test_a_long_span_is_cut_in_its_quotation():
    (span,) = longest_spans(TRAIN, TRAIN, {20: found_in(TRAIN, TRAIN, 20)}, MODEL)
    assert (span.length, len(span.text)) == (3_000, 200)
    table = answer(result(1.0, 0.0, longest=(span, Span(3, 1, 7, "a\nb")))).table
    assert table.rows[0][-1].endswith("'…")
    assert table.rows[1] == ("3", "1", "7", r"'a\nb'")


def test_the_common_beginning_of_two_texts():
    assert common(np.array([1, 2, 3]), np.array([1, 2, 4, 5])) == 2
    assert common(np.array([1, 2]), np.array([1, 2, 4])) == 2
    long = RNG.integers(20, size=5_000)
    assert common(long, np.where(np.arange(5_000) == 2_345, -1, long)) == 2_345


def counting_model(period):
    """A model that writes 0 1 2 … and begins again after `period` characters."""
    V = period
    model = CharRNN(Vocabulary(map(chr, range(97, 97 + V))), layer_type="vanilla", hidden_size=V)
    model.parameters["layer1.Wx"][...] = 5 * np.eye(V)
    model.parameters["Wy"][...] = 50 * np.roll(np.eye(V), 1, axis=0)
    return model


def test_a_model_that_repeats_its_training_text_recites():
    train = np.tile(np.arange(26), 40)
    held_out = RNG.integers(26, size=600)
    result = copying(counting_model(26), train, held_out, length=1_000)
    assert result.shares[LENGTHS.index(50)] == 1
    assert result.control == Control("the held-out text", 600, (0,) * len(LENGTHS))
    assert result.longest[0].length >= 1_000 - 26
    assert answer(result).sentence.startswith("It recites: 100 % of what it writes")


def test_a_text_that_repeats_itself_is_no_sign_of_reciting():
    text = np.tile(np.arange(26), 40)
    said = answer(copying(counting_model(26), text, text, length=1_000)).sentence
    assert said.startswith("It copies no more than the held-out text does: 100 % of what it writes")
    assert "100 % of the held-out text. The held-out text repeats the training text" in said


def test_a_fresh_model_copies_nothing():
    model = CharRNN(LETTERS, hidden_size=8)
    model.initialize(np.random.default_rng(0))
    result = copying(model, TRAIN, length=1_000)
    assert result.shares == (0,) * len(LENGTHS)
    assert result.longest == ()
    assert answer(result).table is None


def test_the_sample_is_the_one_of_charrnn_sample():
    model = CharRNN(LETTERS, hidden_size=8)
    model.initialize(np.random.default_rng(0))
    start = beginning(model, "abcabc")
    (drawn,) = sample(model, start, 300, Choice(0.5), seed=7)
    train = LETTERS.encode("".join(character.char for character in drawn))
    same, other = (
        copying(model, train, start=start, temperature=0.5, seed=seed, length=300)
        for seed in (7, 8)
    )
    assert same.shares[LENGTHS.index(200)] == 1
    assert other.shares[LENGTHS.index(200)] == 0


def test_progress_goes_from_0_to_1():
    shares = []
    copying(counting_model(26), np.arange(26), length=1_000, progress=shares.append)
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0, 1)


def result(recited, by_chance, longest=()):
    """A result with these shares of spans of each length."""
    control = None
    if by_chance is not None:
        control = Control("the held-out text", 900, (by_chance,) * len(LENGTHS))
    return Copying(1.0, 1_000, LENGTHS, (recited,) * len(LENGTHS), control, longest)


@pytest.mark.parametrize(
    ("recited", "by_chance", "verdict"),
    [
        (0.33, 0.0, "It recites: 33 %"),
        (0.33, 0.01, "It recites: 33 %"),
        (0.9, 0.5, "It recites: 90 %"),
        (0.33, None, "It recites: 33 %"),
        (0.015, 0.0, "It copies a little more than the held-out text does: 2 %"),
        (0.6, 0.5, "It copies a little more than the held-out text does: 60 %"),
        (0.0, 0.0, "It copies no more than the held-out text does: 0 %"),
        (0.5, 0.6, "It copies no more than the held-out text does: 50 %"),
        (0.01, None, "It copies little: 1 %"),
    ],
)
def test_the_verdict_compares_with_chance(recited, by_chance, verdict):
    assert answer(result(recited, by_chance)).sentence.startswith(verdict)


def test_without_a_text_to_compare_with_the_sentence_says_so():
    assert "There is no text of 500 characters or more" in answer(result(0.0, None)).sentence
    assert len(answer(result(0.0, None)).figures[0].series) == 1
    short = copying(counting_model(26), np.arange(26), np.arange(MIN_CONTROL - 1) % 26, length=100)
    assert short.control is None


def test_of_a_long_text_the_beginning_is_compared():
    text = np.zeros(MAX_CONTROL + 1_000, np.uint8)
    control = copying(
        counting_model(26), np.arange(26), text, control_name="the other text", length=100
    ).control
    assert (control.name, control.characters) == ("the beginning of the other text", MAX_CONTROL)


def test_a_short_training_text_is_refused():
    with pytest.raises(TextError, match="has 10 characters, and copies are spans of 20"):
        copying(counting_model(26), np.arange(10))


def test_a_temperature_below_0_is_refused():
    with pytest.raises(SettingError, match="temperature is 0 or more"):
        copying(counting_model(26), np.arange(26), temperature=-1)


def test_the_items_of_a_list_that_are_lines_of_the_training_text_are_counted():
    vocabulary = Vocabulary("abc\n")
    written = vocabulary.encode("ab\nb\nab\nabc\n\nb")  # the last item is not complete
    items = copied_items(written, vocabulary.encode("b\nab\nca\n"), vocabulary)
    assert items == Items(written=4, known=3)
    found = replace(Copying(1.0, 1_000, LENGTHS, (0.0,) * len(LENGTHS), None, ()), items=items)
    assert answer(found).sentence.endswith(
        " Of the 4 items that it wrote, 75 % are lines of the training text."
    )


def test_a_model_of_lines_counts_its_items():
    model = CharRNN(Vocabulary("ab\n"), hidden_size=2, lines=True)
    train = model.vocabulary.encode("ab\nb\na\n" * 20)
    found = copying(model, train, length=2_000)  # of zeros: each character is as likely as others
    assert found.items.written > 300
    assert 0.3 < found.items.known / found.items.written < 0.7
    assert copying(CharRNN(model.vocabulary, hidden_size=2), train, length=100).items is None
