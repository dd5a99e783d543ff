"""Every cell against its equations, written out for one character and one unit at a time."""

from math import exp, tanh

import numpy as np
import pytest

from charrnn.network.layers import CELLS
from charrnn.network.layers.inputs import LARGE, project, project_backward
from charrnn.text.vocabulary import one_hot


def sigma(a):
    return 1 / (1 + exp(-a))


def affine(weights, row, x, h):
    """Row `row` of Wx·x + Wh·h + b."""
    total = weights["b"][row]
    for column, value in enumerate(x):
        total += weights["Wx"][row, column] * value
    for column, value in enumerate(h):
        total += weights["Wh"][row, column] * value
    return total


def vanilla(weights, x, state):
    (h,) = state
    return [[tanh(affine(weights, j, x, h)) for j in range(len(h))]]


def vanilla_relu(weights, x, state):
    (h,) = state
    return [[max(0.0, affine(weights, j, x, h)) for j in range(len(h))]]


def lstm(weights, x, state):
    h, c = state
    H = len(h)
    new_h, new_c = [], []
    for j in range(H):
        i = sigma(affine(weights, j, x, h))
        f = sigma(affine(weights, H + j, x, h))
        o = sigma(affine(weights, 2 * H + j, x, h))
        g = tanh(affine(weights, 3 * H + j, x, h))
        new_c.append(f * c[j] + i * g)
        new_h.append(o * tanh(new_c[-1]))
    return [new_h, new_c]


def gru(weights, x, state):
    (h,) = state
    H = len(h)
    new_h = []
    for j in range(H):
        r = sigma(affine(weights, j, x, h))
        z = sigma(affine(weights, H + j, x, h))
        from_x = affine(weights, 2 * H + j, x, [])
        from_h = weights["bh"][j] + sum(weights["Wh"][2 * H + j, k] * h[k] for k in range(H))
        n = tanh(from_x + r * from_h)
        new_h.append((1 - z) * n + z * h[j])
    return [new_h]


REFERENCE = {"gru": gru, "lstm": lstm, "vanilla": vanilla, "vanilla-relu": vanilla_relu}


def run_reference(model, inputs, state):
    """Logits (V, T, B) of a model, and its last state, by the plain equations."""
    T, B = inputs.shape
    state = state.copy()
    logits = np.empty((len(model.vocabulary), T, B))
    for stream in range(B):
        for t in range(T):
            x = [float(k == inputs[t, stream]) for k in range(len(model.vocabulary))]
            for layer in range(model.num_layers):
                carried = [list(part[:, stream]) for part in state[layer]]
                new = REFERENCE[model.cell](model.layers[layer].weights, x, carried)
                state[layer, :, :, stream] = new
                x = new[0]
            for v in range(len(logits)):
                weights = model.parameters["Wy"][v]
                logits[v, t, stream] = model.parameters["by"][v] + sum(
                    weight * value for weight, value in zip(weights, x)
                )
    return logits, state


@pytest.mark.parametrize("num_layers", [1, 2])
@pytest.mark.parametrize("cell", sorted(CELLS))
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-10), (np.float32, 2e-5)])
def test_forward_is_what_the_equations_say(
    cell, num_layers, dtype, tolerance, tiny_model, window, rng
):
    model = tiny_model(cell, num_layers, dtype=dtype)
    state = rng.standard_normal(model.state(3).shape).astype(dtype)
    expected_logits, expected_state = run_reference(model, window.inputs, state)
    logits = model.forward(window.inputs, state)
    np.testing.assert_allclose(logits, expected_logits, atol=tolerance)
    np.testing.assert_allclose(state, expected_state, atol=tolerance)


@pytest.mark.parametrize("cell", sorted(CELLS))
def test_a_cell_computes_the_same_from_indices_and_from_one_hot_vectors(cell, rng):
    V, H, T, B = 7, 5, 9, 3
    layer = CELLS[cell](V, H)
    weights = {name: rng.standard_normal(shape) for name, shape in layer.shapes().items()}
    indices = rng.integers(0, V, (T, B))
    vectors = one_hot(indices.ravel(), V, np.float64).reshape(T, B, V).transpose(2, 0, 1).copy()
    S = len(layer.state_names)
    d_outputs = rng.standard_normal((H, T, B))
    outputs, gradients = [], []
    for inputs in (indices, vectors):
        tape, state = layer.tape(T, B, np.float64), np.full((S, H, B), 0.5)
        outputs.append(layer.forward(weights, inputs, state, tape).copy())
        gradient = {name: np.empty_like(array) for name, array in weights.items()}
        layer.backward(weights, inputs, d_outputs, np.zeros((S, H, B)), tape, gradient)
        gradients.append(gradient)
    np.testing.assert_allclose(outputs[0], outputs[1], rtol=1e-12)
    for name in weights:
        np.testing.assert_allclose(gradients[0][name], gradients[1][name], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("steps", [1, 4])  # fewer characters than the vocabulary has, and more
def test_a_one_hot_product_is_a_column_of_the_matrix(steps, rng):
    V, G, B = 6, 8, 3
    Wx, b = rng.standard_normal((G, V)), rng.standard_normal(G)
    indices = rng.integers(0, V, (steps, B))
    room = np.empty((G, steps, B))
    for t, projected in enumerate(project(indices, Wx, b, room)):
        dense = Wx @ one_hot(indices[t], V, np.float64).T + b[:, None]
        np.testing.assert_allclose(projected, dense, rtol=1e-14)


@pytest.mark.parametrize("V", [4, LARGE, LARGE + 50])
def test_the_gradient_of_a_one_hot_product_sums_the_columns_of_each_character(V, rng):
    G, T, B = 3, 25, 2
    indices, d_a = rng.integers(0, V, (T, B)), rng.standard_normal((G, T, B))
    d_Wx, d_b = np.full((G, V), np.nan), np.full(G, np.nan)
    assert project_backward(indices, d_a, np.zeros((G, V)), d_Wx, d_b, {}) is None
    for v in range(V):
        np.testing.assert_allclose(d_Wx[:, v], d_a[:, indices == v].sum(axis=1), atol=1e-14)
    np.testing.assert_allclose(d_b, d_a.sum(axis=(1, 2)))
