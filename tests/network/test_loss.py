import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.network.loss import cross_entropy


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
