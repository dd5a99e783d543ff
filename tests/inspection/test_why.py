import numpy as np
import pytest
from helpers.planted import bracket_kinds

from charrnn.errors import DivergedError, SettingError, TextError
from charrnn.inspection import why
from charrnn.inspection.why import contributions, last_characters
from charrnn.network.layers import LAYER_TYPES
from charrnn.sampling import Reader, log_softmax


def bits_one_by_one(model, text, position, context):
    """−log2 p of a character after the last 0 … N characters, each read by a reader of its own."""
    bits = []
    for n in range(min(context, position) + 1):
        reader = Reader(model)
        reader.logits[:, 0] = model.parameters["by"]
        for index in model.vocabulary.encode(text[position - n : position]):
            reader.read(np.array([index]))
        target = model.vocabulary.encode(text[position]).astype(np.intp)
        bits.append(-log_softmax(reader.logits, target)[0] / np.log(2))
    return bits


@pytest.mark.parametrize("lines", [False, True])
@pytest.mark.parametrize("num_layers", [1, 2])
@pytest.mark.parametrize("layer_type", LAYER_TYPES)
def test_it_reads_each_context_from_an_empty_state(layer_type, num_layers, lines, tiny_model, rng):
    model = tiny_model(layer_type, num_layers, lines=lines)
    text = "".join(rng.choice(list(model.vocabulary.ix_to_char), 60))
    found = contributions(model, text, [3, 40, 59], context=12)
    for position, bits in zip(found.positions, found.bits):
        expected = bits_one_by_one(model, text, position, 12)
        np.testing.assert_allclose(bits[: len(expected)], expected, rtol=1e-10)
        assert set(bits[len(expected) :]) <= {bits[len(expected) - 1]}  # beyond the beginning


def test_nothing_before_the_newline_contributes_in_a_model_of_lines(tiny_model):
    found = contributions(tiny_model(lines=True), "abc\nde\nfab", [9])
    added = found.contributions
    assert np.all(added[3:] == 0)
    assert np.all(np.abs(added[:3]) > 1e-6)


def test_the_contributions_add_up(tiny_model, rng):
    model = tiny_model("gru", 2)
    found = contributions(model, rng.integers(0, 7, 300), [5, 120, 299])
    assert len(found.contributions) == 100
    assert found.contributions.sum() == pytest.approx(
        found.without_context - found.with_context, abs=1e-6
    )
    by = model.parameters["by"]
    empty = np.log2(np.exp(by).sum()) - by / np.log(2)
    chars = model.vocabulary.encode(found.characters)
    np.testing.assert_allclose(found.bits[:, 0], empty[chars], rtol=1e-10)


def test_the_opening_bracket_decides_the_kind_of_the_closing_one():
    text = "[a](ab)[b](aba)"
    found = contributions(bracket_kinds(), text, [14])
    logit = np.tanh(1)
    gain = np.log2(np.exp(logit) * 6 / (4 + np.exp(logit) + np.exp(-logit)))
    expected = np.zeros(14)
    expected[3] = gain  # of ( 4 characters before )
    np.testing.assert_allclose(found.contributions, expected, atol=1e-9)
    assert found.without_context == pytest.approx(np.log2(6))
    assert (found.characters, found.before) == (")", ("[a](ab)[b](aba",))
    assert why.answer(found).sentence == (
        f"Of the {gain:.1f} bits by which the context makes ')' likelier, {gain:.1f} come from '(' "
        f"4 characters before. Without context ')' takes 2.6 bits, after 14 characters "
        f"{np.log2(6) - gain:.1f}."
    )


@pytest.mark.parametrize("layer_type", LAYER_TYPES)
def test_independent_characters_contribute_nothing(layer_type, tiny_model, rng):
    model = tiny_model(layer_type)
    model.initialize(rng)
    model.layers[0].weights["Wx"][...] = 0
    model.layers[0].weights["Wh"][...] = 0
    model.parameters["by"][...] = rng.standard_normal(7)
    found = contributions(model, rng.integers(0, 7, 200), [150])
    assert np.all(found.contributions == 0)
    answer = why.answer(found)
    assert answer.sentence.startswith("The context does not change how likely '")
    assert answer.table is None


@pytest.mark.parametrize(
    ("regex", "positions"),
    [
        ("ab", [1, 4, 7]),
        ("a", [3, 6]),  # not the first character
        ("(a)b", [3, 6]),  # the first group
        ("^.", [3, 6, 9]),  # the ends of lines
        ("(c)|a", [9]),  # a group without a match, too
        ("x*b", [1, 4, 7]),
    ],
)
def test_matches_are_known_by_their_last_characters(regex, positions):
    assert last_characters("ab\nab\nab\nc", regex).tolist() == positions


@pytest.mark.parametrize(
    ("regex", "said"),
    [
        ("x", "--why 'x': has no match in the text: give another expression, or another text"),
        ("x*", "--why 'x.': matches no characters, only empty strings: give an expression"),
        ("(", "--why '.': missing ., unterminated subpattern at position 0"),
    ],
)
def test_a_pattern_without_a_match_is_an_error_that_says_so(regex, said):
    with pytest.raises(SettingError, match=said.replace("(", ".").replace(")", ".")):
        last_characters("abc", regex)


@pytest.mark.parametrize("position", [-1, 0, 5])
def test_a_position_without_a_character_before_it_is_an_error_with_the_range(position, tiny_model):
    with pytest.raises(SettingError, match="choose a position from 1 to 4"):
        contributions(tiny_model(), "abcde", [2, position])


def test_too_short_a_text_is_an_error(tiny_model):
    with pytest.raises(TextError, match="at least 2 characters, not 1"):
        contributions(tiny_model(), "a", [0])


@pytest.mark.parametrize("weight", [1e38, np.nan])
def test_a_state_that_is_not_finite_is_an_error(weight, tiny_model):
    model = tiny_model("vanilla-relu", dtype=np.float32)
    model.layers[0].weights["Wh"][...] = weight
    with pytest.raises(DivergedError, match="train again with a lower --learning-rate"):
        contributions(model, "abcdefg" * 30, [200])


def test_a_position_is_explained_the_same_alone_and_among_others(tiny_model):
    model = tiny_model(dtype=np.float32)
    alone = contributions(model, "abcdefg" * 30, [200])
    among = contributions(model, "abcdefg" * 30, [20, 200, 130])
    np.testing.assert_array_equal(alone.bits[0], among.bits[1])
