from itertools import product
from math import log

import numpy as np
import pytest

from charrnn import scoring as module
from charrnn.errors import DivergedError
from charrnn.network.layers import LAYER_TYPES
from charrnn.network.model import CharRNN
from charrnn.sampling import UNCHANGED, sample
from charrnn.scoring import score
from charrnn.text.vocabulary import Vocabulary


def model_of(characters="abc\n", layer_type="gru", **shape):
    model = CharRNN(
        Vocabulary(characters), layer_type=layer_type, hidden_size=6, dtype=np.float64, **shape
    )
    model.initialize(np.random.default_rng(1))
    model.parameters.flat[...] += np.random.default_rng(2).normal(
        0, 0.5, model.parameters.flat.size
    )
    return model


def bits(model, *texts):
    return [each.sum() for each in score(model, [model.vocabulary.encode(t) for t in texts])]


@pytest.mark.parametrize("lines", [False, True])
@pytest.mark.parametrize("layer_type", sorted(LAYER_TYPES))
def test_the_probabilities_of_all_texts_of_a_length_sum_to_one(layer_type, lines):
    model = model_of(layer_type=layer_type, num_layers=2, lines=lines)
    texts = ["".join(text) for text in product("abc\n", repeat=4)]
    assert sum(2.0 ** -np.array(bits(model, *texts))) == pytest.approx(1)


def test_a_uniform_model_needs_log2_v_bits_a_character():
    model = model_of("abc")
    model.parameters.flat[...] = 0
    (found,) = score(model, [model.vocabulary.encode("abcabc")])
    np.testing.assert_allclose(found, log(3) / log(2))


def test_the_score_of_a_sample_is_the_sum_of_its_log_probabilities():
    model = model_of()
    for text in sample(
        model, np.empty(0, np.intp), 150, UNCHANGED, num_samples=3, seed=5, log_probs=True
    ):
        characters = list(text)
        written = "".join(character.char for character in characters)
        expected = -sum(character.log_prob for character in characters) / log(2)
        assert bits(model, written) == pytest.approx([expected], rel=1e-5)


@pytest.mark.parametrize(("streams", "steps"), [(1, 1), (2, 3), (64, 64)])
def test_scores_do_not_depend_on_what_is_read_side_by_side(streams, steps, monkeypatch):
    model = model_of()
    texts = ["", "a", "ab\n", "cab" * 30, "bb", "abc" * 70 + "\n", "c"]
    expected = [bits(model, text)[0] for text in texts]
    monkeypatch.setattr(module, "STREAMS", streams)
    monkeypatch.setattr(module, "STEPS", steps)
    np.testing.assert_allclose(bits(model, *texts), expected)
    assert expected[0] == 0


def test_nothing_is_scored_by_weights_that_are_not_finite():
    model = model_of()
    model.parameters["by"][0] = np.inf
    with pytest.raises(DivergedError):
        bits(model, "ab")
