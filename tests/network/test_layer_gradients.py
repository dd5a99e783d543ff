"""The gradients of every layer type against finite differences."""

import numpy as np
import pytest

from charrnn.network.layers import LAYER_TYPES


def total_loss(model, window, state, weight, masks=None):
    """The mean loss of a window plus a loss that depends on the last state."""
    carried = state.copy()
    loss = model.loss_and_gradient(window, carried, masks, d_state=weight.copy())
    return loss + float((carried * weight).sum())


@pytest.mark.parametrize(
    ("dropout", "lines"), [(0.0, False), (0.4, False), (0.0, True), (0.4, True)]
)
@pytest.mark.parametrize("num_layers", [1, 2])
@pytest.mark.parametrize("layer_type", sorted(LAYER_TYPES))
def test_gradient_matches_finite_difference(
    layer_type, num_layers, dropout, lines, tiny_model, window, rng
):
    model = tiny_model(layer_type, num_layers, dropout=dropout, lines=lines)
    state = rng.standard_normal(model.state(3).shape)
    weight = rng.standard_normal(state.shape)

    masks = model.draw_masks(3, rng) if dropout else None

    def loss():
        return total_loss(model, window, state, weight, masks)

    direction = rng.standard_normal(model.parameters.flat.size)
    loss()
    analytic = float(model.gradient.flat @ direction)
    eps = 1e-6
    start = model.parameters.flat.copy()
    model.parameters.flat[...] = start + eps * direction
    above = loss()
    model.parameters.flat[...] = start - eps * direction
    below = loss()
    numeric = (above - below) / (2 * eps)
    assert numeric == pytest.approx(analytic, rel=1e-6)


@pytest.mark.parametrize("layer_type", sorted(LAYER_TYPES))
def test_every_parameter_has_its_own_gradient(layer_type, tiny_model, window, rng):
    model = tiny_model(layer_type, 2, hidden_size=3)
    state = rng.standard_normal(model.state(3).shape)
    weight = rng.standard_normal(state.shape)
    total_loss(model, window, state, weight)
    analytic = model.gradient.flat.copy()
    eps = 1e-5
    numeric = np.empty_like(analytic)
    for position, value in enumerate(model.parameters.flat.copy()):
        model.parameters.flat[position] = value + eps
        above = total_loss(model, window, state, weight)
        model.parameters.flat[position] = value - eps
        below = total_loss(model, window, state, weight)
        model.parameters.flat[position] = value
        numeric[position] = (above - below) / (2 * eps)
    np.testing.assert_allclose(analytic, numeric, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("layer_type", sorted(LAYER_TYPES))
def test_gradient_flows_back_to_the_first_state(layer_type, tiny_model, window, rng):
    model = tiny_model(layer_type, 2)
    state = rng.standard_normal(model.state(3).shape)
    weight = rng.standard_normal(state.shape)
    d_state = weight.copy()
    model.loss_and_gradient(window, state.copy(), d_state=d_state)
    direction = rng.standard_normal(state.shape)
    eps = 1e-6
    above = total_loss(model, window, state + eps * direction, weight)
    below = total_loss(model, window, state - eps * direction, weight)
    numeric = (above - below) / (2 * eps)
    assert numeric == pytest.approx(float((d_state * direction).sum()), rel=1e-6)
