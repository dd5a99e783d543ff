"""An ensemble is networks that learn on their own, in one network whose logits are their mean."""

import numpy as np
import pytest

from charrnn.errors import SettingError
from charrnn.network import products
from charrnn.network.layers import LAYER_TYPES
from charrnn.network.loss import cross_entropy
from charrnn.network.model import CharRNN
from charrnn.network.products import (
    dense,
    product,
    recurrent_gradient,
    transposed_product,
)
from charrnn.sampling import Reader
from charrnn.text.vocabulary import Vocabulary
from charrnn.training import planning
from charrnn.training.evaluation import evaluate, evaluate_dynamically

VOCABULARY = Vocabulary("abcdefg")


@pytest.fixture(params=sorted(LAYER_TYPES))
def ensemble(request, rng):
    """An ensemble of three networks of four cells, with random weights and biases."""
    model = CharRNN(
        VOCABULARY,
        layer_type=request.param,
        hidden_size=12,
        ensemble=3,
        dropout=0.3,
        dtype=np.float64,
    )
    model.initialize(rng)
    for name in ("layer1.b", "by"):
        model.parameters[name][...] = rng.standard_normal(model.parameters[name].shape)
    return model


def cells(number):
    return slice(4 * number, 4 * number + 4)


def part_of(name, array, number):
    """The rows and columns of a parameter that belong to a network of the ensemble."""
    if name == "by":
        return array
    if name == "Wy":
        return array[:, cells(number)]
    gates = array.reshape(-1, 12, *array.shape[1:])[:, cells(number)]
    return gates.reshape(-1, *array.shape[1:])


@pytest.fixture
def networks(ensemble):
    """The networks of the ensemble, each alone."""
    found = []
    for number in range(3):
        model = CharRNN(VOCABULARY, layer_type=ensemble.layer_type, hidden_size=4, dtype=np.float64)
        for name, array in ensemble.parameters.items():
            factor = 3 if name == "Wy" else 1
            model.parameters[name][...] = factor * part_of(name, array, number)
        found.append(model)
    return found


@pytest.fixture
def state(ensemble, rng):
    return rng.standard_normal(ensemble.state(3).shape)


def test_its_logits_are_the_mean_of_those_of_its_networks(ensemble, networks, window, state):
    alone = [
        model.forward(window.inputs, state[:, :, cells(number)].copy())
        for number, model in enumerate(networks)
    ]
    found = ensemble.forward(window.inputs, state)
    np.testing.assert_allclose(found, np.mean(alone, axis=0), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("dropped", [False, True])
def test_each_network_learns_as_it_would_alone(dropped, ensemble, networks, window, state, rng):
    masks = ensemble.draw_masks(3, rng) if dropped else None
    losses, gradients = [], []
    for number, model in enumerate(networks):
        own = None if masks is None else masks[:, cells(number)]
        losses.append(model.loss_and_gradient(window, state[:, :, cells(number)].copy(), own))
        gradients.append(model.gradient)
    loss = ensemble.loss_and_gradient(window, state, masks)
    assert loss == pytest.approx(np.mean(losses), rel=1e-12)
    for name, array in ensemble.gradient.items():
        if name == "by":
            expected = np.mean([gradient[name] for gradient in gradients], axis=0)
            np.testing.assert_allclose(array, expected, rtol=1e-9, atol=1e-12)
            continue
        for number, gradient in enumerate(gradients):
            # The loss is the mean of three; the ensemble has a third of a network's own Wy.
            expected = gradient[name] * (1 if name == "Wy" else 1 / 3)
            found = part_of(name, array, number)
            np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


def test_it_starts_like_its_networks(ensemble):
    for block in ensemble.parameters["layer1.Wh"].reshape(-1, 4, 4):
        expected = (0.5 if ensemble.layer_type == "vanilla-relu" else 1) * np.eye(4)
        np.testing.assert_allclose(block @ block.T, expected, atol=1e-12)


@pytest.mark.parametrize("layer_type", ["gru", "lstm"])
def test_its_weights_start_with_the_spread_of_those_of_a_network_alone(layer_type, rng):
    model = CharRNN(VOCABULARY, layer_type=layer_type, hidden_size=1_200, ensemble=3)
    model.initialize(rng)
    assert model.parameters["layer1.Wx"].std() == pytest.approx(1 / 20, rel=0.03)
    assert 3 * model.parameters["Wy"].std() == pytest.approx(1 / 20, rel=0.03)
    assert planning.capacity(model) == model.parameters.flat.size // 3


def test_it_is_read_one_character_at_a_time_like_any_network(ensemble, window):
    reader = Reader(ensemble, 3)
    read = [reader.read(indices).copy() for indices in window.inputs]
    expected = ensemble.forward(window.inputs, ensemble.state(3))
    np.testing.assert_allclose(np.stack(read, axis=1), expected, rtol=1e-10, atol=1e-12)


def test_its_score_is_that_of_all_networks_together_also_where_it_learns(ensemble, rng):
    text = rng.integers(0, 7, 100)
    together = evaluate(ensemble, text)
    found = evaluate_dynamically(ensemble, text, learning_rate=0)
    assert found == pytest.approx(together, rel=1e-9)
    before = ensemble.parameters.flat.copy()
    evaluate_dynamically(ensemble, text, learning_rate=0.1)
    np.testing.assert_array_equal(ensemble.parameters.flat, before)


def test_the_gradient_of_the_logits_of_all_networks_is_that_of_finite_differences(
    ensemble, window, state, rng
):
    def loss():
        logits = ensemble.forward(window.inputs, state.copy())
        return cross_entropy(logits, window.targets).sum()

    d_logits = ensemble.forward(window.inputs, state.copy())
    cross_entropy(d_logits, window.targets, gradient=d_logits)
    ensemble.backward(window.inputs, d_logits, np.zeros_like(state))
    direction = rng.standard_normal(ensemble.parameters.flat.size)
    analytic, start = float(ensemble.gradient.flat @ direction), ensemble.parameters.flat.copy()
    ensemble.parameters.flat[...] = start + 1e-6 * direction
    above = loss()
    ensemble.parameters.flat[...] = start - 1e-6 * direction
    assert (above - loss()) / 2e-6 == pytest.approx(analytic, rel=1e-6)


@pytest.mark.parametrize("small_kernels", [False, True])
@pytest.mark.parametrize("size", [(3, 512, 32), (1, 512, 64), (4, 24, 2)])
def test_a_row_has_weights_for_the_cells_of_its_own_network(size, small_kernels, monkeypatch, rng):
    monkeypatch.setattr(products, "SMALL_KERNELS", small_kernels)
    G, H, B = size
    W = rng.standard_normal((G * H, H // 2))
    whole = np.zeros((G * H, H))
    for row, weights in enumerate(W):
        first = row % H // (H // 2) * (H // 2)
        whole[row, first : first + H // 2] = weights
    np.testing.assert_array_equal(dense(W, 2), whole)
    h, d = rng.standard_normal((H, B)), rng.standard_normal((G * H, B))
    a, out = np.empty((G * H, B)), np.empty((H, B))
    product(W, a, 2)(h)
    np.testing.assert_allclose(a, whole @ h, rtol=1e-9, atol=1e-9)
    transposed_product(W, d, np.empty((G * H, B)), 2)(out)
    np.testing.assert_allclose(out, whole.T @ d, rtol=1e-9, atol=1e-9)
    gradient = np.empty_like(W)
    recurrent_gradient(d, h, gradient, 2)
    expected = np.where(whole, d @ h.T, 0)
    np.testing.assert_allclose(dense(gradient, 2), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ({"hidden_size": 10, "ensemble": 3}, "does not divide hidden_size 10.* such as 12"),
        ({"hidden_size": 2, "ensemble": 3}, "such as 3"),
        ({"hidden_size": 2, "ensemble": 0}, "at least 1"),
        ({"hidden_size": 2, "ensemble": -1}, "at least 1"),
        ({"hidden_size": 6, "ensemble": 2, "num_layers": 2}, "one layer, not 2"),
    ],
)
def test_impossible_ensembles_are_refused(shape, message):
    with pytest.raises(SettingError, match=message):
        CharRNN(VOCABULARY, **shape)
