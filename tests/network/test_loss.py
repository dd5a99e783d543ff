import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.network import loss
from charrnn.network.loss import LARGE_VOCABULARY, cross_entropy, logits_like


def test_the_loss_is_the_logarithm_of_the_probability_of_the_target(rng):
    logits, targets = rng.standard_normal((7, 6, 3)), rng.integers(0, 7, (6, 3))
    p = np.exp(logits) / np.exp(logits).sum(axis=0)
    chosen = np.take_along_axis(p, targets[None], axis=0)[0]
    np.testing.assert_allclose(cross_entropy(logits, targets), -np.log(chosen), rtol=1e-12)


@given(st.lists(st.floats(-(2.0**100), 2.0**100, width=32), min_size=2, max_size=9), st.data())
def test_softmax_sums_to_one_at_extreme_logits(values, data):
    logits = np.array(values, np.float32).reshape(-1, 1, 1)
    target = data.draw(st.integers(0, len(values) - 1))
    gradient = logits.copy()
    losses = cross_entropy(gradient, np.array([[target]]), gradient=gradient)
    probabilities = gradient[:, 0, 0].copy()
    probabilities[target] += 1
    assert probabilities.sum() == pytest.approx(1, abs=1e-5)
    assert (probabilities >= -1e-6).all()
    assert losses[0, 0] >= -1e-6


@pytest.mark.parametrize("V", [LARGE_VOCABULARY - 1, LARGE_VOCABULARY, 1000])
@pytest.mark.parametrize("in_place", [False, True])
def test_a_large_vocabulary_has_the_same_loss_and_gradient_in_blocks(V, in_place, rng, monkeypatch):
    monkeypatch.setattr(loss, "BLOCK", 3 * V)
    T, B, count = 5, 4, 20
    logits, targets = rng.standard_normal((V, T, B)), rng.integers(0, V, (T, B))
    p = np.exp(logits) / np.exp(logits).sum(axis=0)
    expected = p.copy()
    np.put_along_axis(expected, targets[None], np.take_along_axis(p, targets[None], 0) - 1, axis=0)
    for kept in (logits.copy(), logits_like(V, T, B, np.dtype(np.float64))):
        kept[...] = logits
        gradient = kept if in_place else np.empty_like(kept)
        losses = cross_entropy(kept, targets, gradient, count)
        chosen = np.take_along_axis(p, targets[None], axis=0)[0]
        np.testing.assert_allclose(losses, -np.log(chosen), rtol=1e-10)
        np.testing.assert_allclose(gradient, expected / count, rtol=1e-9, atol=1e-15)
