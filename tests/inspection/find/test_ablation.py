import numpy as np
import pytest

from charrnn.inspection.find.ablation import (
    EXCERPTS_OF_FEATURE,
    MAX_EXCERPTS,
    SCORED,
    WARM_UP,
    ablate,
    ends,
    excerpts,
)
from charrnn.network.model import CharRNN
from charrnn.text.vocabulary import Vocabulary


def test_a_feature_ends_with_one_character_and_the_next_is_another():
    assert ends(np.array([[0, 1, 1, 1, 0, 0]])).astype(int).tolist() == [[0, 0, 0, 1, 1, 0]]
    assert ends(np.array([[0, 1, 2, 0, 1, 1]])).astype(int).tolist() == [[0, 0, 1, 1, 0, 0]]


def test_stretches_are_where_features_end_often():
    falls = np.zeros((2, 20_000), bool)
    falls[0, 5_000:5_100:10] = True
    falls[1, 15_000:15_300:5] = True
    starts = excerpts(falls)
    assert 1 <= len(starts) <= min(MAX_EXCERPTS, 2 * EXCERPTS_OF_FEATURE)
    within = [set(range(start + WARM_UP, start + WARM_UP + SCORED)) for start in starts]
    for row in falls:
        assert any(within_one & set(np.flatnonzero(row)) for within_one in within)


def test_every_feature_has_stretches_however_many_there_are_and_wherever_it_ends():
    N, F = 20_000, MAX_EXCERPTS + 10
    falls = np.zeros((F, N), bool)
    for number, row in enumerate(falls):
        row[(number + 1) * 500 : (number + 1) * 500 + 2] = True
    falls[0] = np.arange(N) == 20  # before the first excerpt with a whole warm-up
    falls[1] = np.arange(N) == N - 3  # after the last whole excerpt
    seen = np.zeros(N, bool)
    for start in excerpts(falls):
        seen[start + (WARM_UP if start else 0) : start + WARM_UP + SCORED] = True
    assert (falls & seen).any(axis=1).all()


@pytest.fixture
def switch():
    """A network whose cell 0 alone knows the next character: after a comes b, after b comes a."""
    model = CharRNN(Vocabulary("ab"), layer_type="vanilla", hidden_size=6)
    model.parameters["layer1.Wx"][0] = [3, -3]
    model.parameters["Wy"][1, 0] = 4
    model.parameters["Wy"][0, 0] = -4
    return model


def test_holding_the_cell_that_matters_costs_and_holding_others_does_not(switch, rng):
    indices = np.tile([0, 1], 400)
    falls = np.zeros((2, 800), bool)
    falls[:, ::4] = True
    one, other = ablate(switch, indices, falls, [(1, 0), (1, 3)], rng)
    assert one.ends == pytest.approx(1, abs=0.05)  # one bit: the network now guesses one of two
    assert one.elsewhere == pytest.approx(1, abs=0.05)
    assert len(one.random) == 5
    np.testing.assert_allclose(one.random, 0, atol=1e-6)
    assert other.ends == pytest.approx(0, abs=1e-6)
    assert other.random.max() == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("position", [5, 790])
def test_a_feature_that_ends_only_at_an_end_of_the_text_is_measured(position, switch, rng):
    falls = (np.arange(800) == position)[None]
    (result,) = ablate(switch, np.tile([0, 1], 400), falls, [(1, 0)], rng)
    assert result.count == 1
    assert result.ends > 0


def test_a_feature_that_never_ends_costs_nothing_at_its_ends(switch, rng):
    (result,) = ablate(switch, np.tile([0, 1], 400), np.zeros((1, 800), bool), [(1, 0)], rng)
    assert result.count == 0
    assert np.isnan(result.ends)
    assert result.elsewhere == pytest.approx(1, abs=0.05)


def test_a_text_of_a_few_characters_can_be_read(switch, rng):
    (result,) = ablate(switch, np.array([0, 1, 0, 1]), np.ones((1, 4), bool), [(1, 0)], rng)
    assert result.count > 0
    assert np.isfinite(result.ends)
