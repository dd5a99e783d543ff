import numpy as np
import pytest

from charrnn.errors import TextError, UnknownCharacterError
from charrnn.inspection.recording import record
from charrnn.inspection.surprisal import summarize, surprisal
from charrnn.network.layers import LAYER_TYPES


def test_means_and_shares_are_those_of_each_class():
    # Of a, b, the space, c, the full stop and d.
    bits = [4.0, 1.0, 1.0, 3.0, 2.0, 5.0]
    found = summarize("xab c.d", bits)
    rows = {one.name: (one.count, one.bits, one.share) for one in found.classes}
    assert rows == {
        "word starts": (2, 4.0, 8 / 16),
        "letters inside of words": (2, 2.5, 5 / 16),
        "spaces": (1, 1.0, 1 / 16),
        "punctuation marks": (1, 2.0, 2 / 16),
    }
    assert found.mean == 16 / 6
    assert found.bits.tolist() == bits


def test_positions_are_reported_where_enough_words_have_them():
    # The first character of all is not predicted: there are two first ones, and one fourth.
    found = summarize("abcd efg hij", [2, 1, 9, 0, 8, 4, 3, 0, 6, 6, 5], min_words=2)
    assert found.position_counts.tolist() == [2, 3, 3]
    assert found.by_position.tolist() == [7, 4, 3]


@pytest.mark.parametrize("text", ["ab", "...", "\n "])
def test_a_short_text_has_no_means_by_position(text):
    found = summarize(text, np.ones(len(text) - 1))
    assert len(found.by_position) == len(found.position_counts) == 0
    assert sum(one.share for one in found.classes) == pytest.approx(1)


def test_a_certain_text_has_no_shares():
    (only,) = summarize("abc", [0.0, 0.0]).classes
    assert only.share == only.bits == 0


@pytest.mark.parametrize("cell", sorted(LAYER_TYPES))
def test_bits_are_those_of_the_network(cell, tiny_model, rng):
    model, text = tiny_model(cell, 2), "".join(rng.choice(list("abcdefg"), 400))
    found = surprisal(model, text)
    np.testing.assert_allclose(2.0**-found.bits, np.exp(-record(model, text).losses))
    assert sum(one.count for one in found.classes) == 399
    assert found.mean == pytest.approx(found.bits.mean())


@pytest.mark.parametrize("text", ["", "a"])
def test_a_text_without_anything_to_predict_is_refused(text, tiny_model):
    with pytest.raises(TextError, match=f"at least 2 characters, not {len(text)}"):
        surprisal(tiny_model(), text)


def test_unknown_characters_are_refused(tiny_model):
    with pytest.raises(UnknownCharacterError):
        surprisal(tiny_model(), "abz")
