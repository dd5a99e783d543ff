from itertools import product
from math import log

import numpy as np
import pytest

from charrnn.errors import DivergedError
from charrnn.inspection import scoring as module
from charrnn.inspection import side_by_side
from charrnn.inspection.scoring import Scorer, blocks, score, score_items, score_on
from charrnn.network.layers import LAYER_TYPES
from charrnn.network.model import CharRNN
from charrnn.sampling import UNCHANGED, beginning, sample
from charrnn.text.vocabulary import REPLACEMENT, Vocabulary


def model_of(characters="abc\n", layer_type="gru", replaces=False, **shape):
    vocabulary = Vocabulary(characters, replaces=replaces)
    model = CharRNN(vocabulary, layer_type=layer_type, hidden_size=6, dtype=np.float64, **shape)
    model.initialize(np.random.default_rng(1))
    model.parameters.flat[...] += np.random.default_rng(2).normal(
        0, 0.5, model.parameters.flat.size
    )
    return model


def bits(model, *texts, excerpt=""):
    indices = [model.vocabulary.encode(text) for text in texts]
    return [each.sum() for each in score(model, indices, beginning(model, excerpt))]


def items(model, text, unit, carried=True, size=None):
    """The items of a text that comes in pieces of a size."""
    size = size or len(text) or 1
    pieces = [text[start : start + size] for start in range(0, len(text), size)]
    return list(score_items(pieces, [Scorer(model, carried=carried)], unit))


@pytest.mark.parametrize("lines", [False, True])
@pytest.mark.parametrize("layer_type", sorted(LAYER_TYPES))
def test_the_probabilities_of_all_texts_of_a_length_sum_to_one(layer_type, lines):
    model = model_of(layer_type=layer_type, num_layers=2, lines=lines)
    texts = ["".join(text) for text in product("abc\n", repeat=4)]
    found = bits(model, *texts, excerpt="ab\nc\n\nabc\n")
    assert sum(2.0 ** -np.array(found)) == pytest.approx(1)


def test_a_uniform_model_needs_log2_v_bits_a_character():
    model = model_of("abc")
    model.parameters.flat[...] = 0
    (found,) = score(model, [model.vocabulary.encode("abcabc")], beginning(model))
    np.testing.assert_allclose(found, log(3) / log(2))


@pytest.mark.parametrize("excerpt", ["", "ab\nca\n\nabc\n" * 9])
@pytest.mark.parametrize("characters", ["abc\n", "abc"])
def test_the_score_of_a_sample_is_the_sum_of_its_log_probabilities(characters, excerpt):
    model = model_of(characters)
    start = beginning(model, excerpt)
    for text in sample(model, start, 150, UNCHANGED, num_samples=3, seed=5, log_probs=True):
        characters = list(text)
        written = "".join(character.char for character in characters)
        expected = -sum(character.log_prob for character in characters) / log(2)
        assert bits(model, written, excerpt=excerpt) == pytest.approx([expected])


def test_scores_do_not_depend_on_what_is_read_side_by_side(monkeypatch):
    model = model_of()
    texts = [
        "",
        "a",
        "ab\n",
        "cab" * 30,
        "bb",
        "abc" * 70 + "\n",
        "c",
        *("ab" * n for n in range(99)),
    ]
    expected = [bits(model, text)[0] for text in texts]
    np.testing.assert_allclose(bits(model, *texts), expected)
    monkeypatch.setattr(side_by_side, "LONG", 50)
    np.testing.assert_allclose(bits(model, *texts), expected, rtol=1e-4)
    assert expected[0] == 0


@pytest.mark.parametrize("lines", [False, True])
@pytest.mark.parametrize("layer_type", ["gru", "lstm"])
def test_a_running_text_can_be_scored_in_parts(layer_type, lines, rng):
    model = model_of(layer_type=layer_type, num_layers=2, lines=lines)
    text = rng.integers(0, 4, 20_000)
    whole, last = score_on(model, text, beginning(model))
    parts, start = [], beginning(model)
    for part in np.split(text, [1, 300, 300, 12_000]):
        scored, start = score_on(model, part, start)
        parts.append(scored)
    np.testing.assert_allclose(np.concatenate(parts), whole, atol=1e-3)
    for one, other in zip(start, last, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-3)


def test_nothing_is_scored_by_weights_that_are_not_finite():
    model = model_of()
    model.parameters["by"][0] = np.inf
    with pytest.raises(DivergedError):
        bits(model, "ab")
    with pytest.raises(DivergedError):
        items(model, "ab", "file")


TEXT = "\n\n  ab\tbc  c\n" + "abc ab\n" * 40 + "\n ca"


@pytest.mark.parametrize("size", [1, 7, None])
@pytest.mark.parametrize("lines", [False, True])
def test_lines_words_and_characters_add_up_to_the_file(lines, size, monkeypatch):
    model = model_of("abc \t\n", lines=lines)
    (whole,) = items(model, TEXT, "file")
    monkeypatch.setattr(module, "BLOCK", 16)
    for unit in ("line", "word", "char", "file"):
        found = items(model, TEXT, unit, size=size)
        assert [item.number for item in found] == list(range(1, len(found) + 1))
        assert "".join(item.text for item in found) == TEXT
        assert sum(item.characters for item in found) == len(TEXT) == whole.characters
        assert sum(item.bits[0] for item in found) == pytest.approx(whole.bits[0], rel=1e-4)


def test_a_line_has_its_newline_and_a_word_the_whitespace_after_it():
    model = model_of("abc \t\n")
    assert [item.text for item in items(model, " a\n\nb c", "line")] == [" a\n", "\n", "b c"]
    assert [item.text for item in items(model, " a\n\nb c", "word")] == [" ", "a\n\n", "b ", "c"]


@pytest.mark.parametrize("block", [16, 1 << 18])
def test_each_line_begins_as_a_sample_does(block, monkeypatch):
    model = model_of("abc \t\n")
    text = "ab\n" + "abc" * 50 + "\n\nca\n" + "ab" * 30
    lines = text.splitlines(keepends=True)
    monkeypatch.setattr(module, "BLOCK", block)  # two lines are longer
    found = items(model, text, "line", carried=False)
    assert [item.text for item in found] == lines
    expected = [bits(model, line)[0] for line in lines]
    np.testing.assert_allclose([item.bits[0] for item in found], expected, rtol=1e-4)
    carried = [item.bits[0] for item in items(model, text, "line")]
    assert not np.allclose(carried[1:], expected[1:])


def test_the_lines_of_a_model_of_lines_are_never_carried():
    model = model_of(lines=True)
    text = "ab\nabc\n\nca\n"
    apart, carried = (items(model, text, "line", carried) for carried in (False, True))
    np.testing.assert_allclose([i.bits for i in apart], [i.bits for i in carried])


@pytest.mark.parametrize("carried", [False, True])
def test_unknown_characters_cost_nothing_and_are_counted(carried):
    model = model_of()
    known, other = (
        items(model, "ab\nbc\n", "line", carried),
        items(model, "xab\nxbyc\n", "line", carried),
    )
    assert [item.unknown for item in other] == [(1,), (2,)]
    assert [item.characters for item in other] == [4, 5]
    np.testing.assert_allclose([i.bits for i in other], [i.bits for i in known])
    np.testing.assert_allclose([i.bpc for i in other], [i.bpc for i in known])
    (only,) = items(model, "xy", "line", carried)
    assert (only.bits, only.bpc, only.unknown) == ((0.0,), (None,), (2,))


def test_unknown_characters_that_are_read_as_another_cost_nothing_either():
    model = model_of("abc\n" + REPLACEMENT, replaces=True)
    read, other = items(model, f"a{REPLACEMENT}b", "char"), items(model, "axb", "char")
    assert [item.unknown[0] for item in other] == [0, 1, 0]
    assert other[1].bits == (0.0,)
    np.testing.assert_allclose([other[n].bits for n in (0, 2)], [read[n].bits for n in (0, 2)])


def test_two_models_score_the_same_items():
    models = [model_of(), model_of("ab\n", "lstm")]
    both = list(score_items(["abc\nb\n"], [Scorer(model) for model in models], "line"))
    for number, model in enumerate(models):
        alone = items(model, "abc\nb\n", "line")
        np.testing.assert_allclose([i.bits[number] for i in both], [i.bits[0] for i in alone])
    assert [item.unknown for item in both] == [(0, 1), (0, 0)]


def test_bytes_have_the_whitespace_of_ascii():
    text = "à b\xa0c".encode().decode("latin-1")
    assert [block.ends.tolist() for block in blocks([text], "word", binary=True)] == [[3]]
    assert [block.ends.tolist() for block in blocks([text], "word")] == [[3, 6]]


def test_an_empty_text_has_no_items_but_is_a_file():
    model = model_of()
    assert [items(model, "", unit) for unit in ("line", "word", "char")] == [[], [], []]
    (item,) = items(model, "", "file")
    assert (item.characters, item.bits, item.bpc) == (0, (0.0,), (None,))


def test_the_text_of_a_long_item_is_cut(monkeypatch):
    monkeypatch.setattr(module, "BLOCK", 16)
    monkeypatch.setattr(module, "MAX_SHOWN", 20)
    first, second = items(model_of(), "abc" * 40 + "\nab\n", "line")
    assert (first.text, first.characters, second.text) == (("abc" * 7)[:20], 121, "ab\n")
