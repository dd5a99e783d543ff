import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.errors import TextError, UnknownCharacterError
from charrnn.inspection.errors import (
    KINDS,
    count_by_kind,
    errors_by_kind,
    fitting_kinds,
    in_rare_words,
    last_seen,
)
from charrnn.inspection.kneser_ney import NGram
from charrnn.inspection.recording import record
from charrnn.network.layers import LAYER_TYPES


def fits(*kinds):
    """The kinds of some characters, by their indices in `KINDS`; the last one fits all."""
    rows = np.zeros((len(KINDS), len(kinds)), bool)
    for character, fitted in enumerate(kinds):
        rows[fitted, character] = True
    rows[-1] = True
    return rows


def test_each_error_is_of_the_first_kind_that_it_fits():
    bits = np.array([2.0, 4.0, 3.0, 5.0, 6.0, 0.5])
    found = count_by_kind(bits, fits([0, 3], [3, 5], [3], [6], [], [0]))
    assert (found.characters, found.errors) == (6, 5)
    assert found.cost == pytest.approx(20 / 20.5)
    rows = {kind.name: (kind.count, kind.share, kind.bits) for kind in found.kinds if kind.count}
    assert rows == {
        "an n-gram knows": (1, 0.2, 2.0),
        "seen in the last 1,000": (2, 0.4, 3.5),
        "word starts": (1, 0.2, 5.0),
        "the rest": (1, 0.2, 6.0),
    }
    assert [kind.name for kind in found.kinds] == list(KINDS)


def test_half_is_not_an_error():
    assert count_by_kind(np.array([1.0, 1.0001]), fits([], [])).errors == 1


def test_a_perfect_network_makes_no_errors():
    found = count_by_kind(np.zeros(3), fits([], [], []))
    assert (found.errors, found.cost) == (0, 0.0)
    assert all(kind.count == kind.share == 0 and np.isnan(kind.bits) for kind in found.kinds)


def test_kinds_are_those_of_the_text_and_of_what_is_known():
    text = "a (b) 1c\n"
    known = np.array([True] + [False] * 8)
    seen = np.array([np.inf, 100, 101, 1000, 5000, 5001, np.inf, np.inf, np.inf])
    rare = np.array([False] * 6 + [True, True, False])
    fitted = fitting_kinds(text, known, seen, rare)
    names = [[name for name, fit in zip(KINDS, column) if fit] for column in fitted.T]
    hundred, five, thousand, five_thousand = KINDS[1:5]
    assert names == [
        ["an n-gram knows", "word starts", "the rest"],
        [hundred, five, thousand, five_thousand, "the rest"],
        [five, thousand, five_thousand, "punctuation", "the rest"],
        [thousand, five_thousand, "word starts", "the rest"],
        [five_thousand, "punctuation", "the rest"],
        ["the rest"],
        ["rare words", "the rest"],
        ["rare words", "the rest"],
        ["the rest"],
    ]


@given(st.lists(st.integers(0, 2), max_size=40), st.integers(1, 6))
def test_strings_are_seen_again_where_they_have_ended_before(characters, length):
    expected = np.full(len(characters), np.inf)
    for end in range(length, len(characters) + 1):
        for before in range(end - 1, length - 1, -1):
            if characters[before - length : before] == characters[end - length : end]:
                expected[end - 1] = end - before
                break
    found = last_seen(np.array(characters, np.uint8), length)
    assert found.tolist() == expected.tolist()


def test_strings_of_many_characters_do_not_overflow(rng):
    once = rng.integers(0, 1_100_000, 50)
    found = last_seen(np.concatenate([once, once]), 40)
    assert found[:89].tolist() == [np.inf] * 89
    assert found[89:].tolist() == [50] * 11


def test_words_are_rare_that_training_has_five_times_or_less():
    train = "Often " * 6 + "seldom " * 5 + "oft"
    text = "often Seldom, never 7 OFTEN"
    rare = in_rare_words(text, train)
    assert "".join(letter for letter, is_rare in zip(text, rare) if is_rare) == "Seldomnever7"


@pytest.mark.parametrize("text", ["", "...", "a"])
def test_there_may_be_no_words(text):
    assert in_rare_words(text, "").tolist() == [character == "a" for character in text]


@pytest.mark.parametrize("cell", sorted(LAYER_TYPES))
def test_errors_are_those_of_the_network(cell, tiny_model, rng):
    model, text = tiny_model(cell), "".join(rng.choice(list("abcdefg"), 500))
    found = errors_by_kind(model, text, model.vocabulary.encode("abcdefg" * 9))
    losses = record(model, text).losses
    assert found.characters == 499
    assert found.errors == (losses > np.log(2)).sum() == sum(kind.count for kind in found.kinds)
    assert found.cost == pytest.approx(losses[losses > np.log(2)].sum() / losses.sum())


def test_a_character_that_any_order_predicts_is_known(tiny_model):
    model, train = tiny_model(), np.tile(np.arange(7), 30)
    text = "abcdefgabcdefgagfedcb"
    found = errors_by_kind(model, text, train)
    likeliest = NGram(train, 7).log_probs(model.vocabulary.encode(text))[1:].max(axis=0)
    known = (likeliest[1:] >= np.log(0.5)) & (record(model, text).losses > np.log(2))
    assert 10 <= known.sum() < found.errors
    assert found.kinds[0].count == known.sum()


def test_a_given_ngram_is_used(tiny_model):
    model, train = tiny_model(), np.tile(np.arange(7), 30)
    expected = errors_by_kind(model, "abcdefgabcdefg", train).kinds[0]
    found = errors_by_kind(model, "abcdefgabcdefg", train[:0], ngram=NGram(train, 7)).kinds[0]
    assert found.count == expected.count > 0


def test_a_repeated_string_is_seen_again(tiny_model, rng):
    model, once = tiny_model(), "".join(rng.choice(list("abcdefg"), 120))
    # No n-gram knows what its training text does not have.
    train = np.tile(np.arange(7), 1_000)
    rng.shuffle(train)
    found = {kind.name: kind.count for kind in errors_by_kind(model, once + once, train).kinds}
    assert 80 <= found["seen in the last 500"] <= 120
    assert found["seen in the last 100"] == found["seen in the last 5,000"] == 0


@pytest.mark.parametrize("text", ["", "a"])
def test_a_text_without_anything_to_predict_is_refused(text, tiny_model):
    with pytest.raises(TextError, match=f"at least 2 characters, not {len(text)}"):
        errors_by_kind(tiny_model(), text, np.zeros(9, int))


@pytest.mark.parametrize("length", [2, 3, 7])
def test_two_characters_are_enough(length, tiny_model):
    assert (
        errors_by_kind(tiny_model(), "abcdefg"[:length], np.zeros(9, int)).characters == length - 1
    )


def test_unknown_characters_are_refused(tiny_model):
    with pytest.raises(UnknownCharacterError):
        errors_by_kind(tiny_model(), "abz", np.zeros(9, int))
