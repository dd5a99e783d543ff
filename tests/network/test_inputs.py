import numpy as np
import pytest

from charrnn.network.layers import LAYER_TYPES
from charrnn.network.layers.inputs import LARGE_VOCABULARY, project, project_backward
from charrnn.text.vocabulary import one_hot


@pytest.mark.parametrize("layer_type", sorted(LAYER_TYPES))
def test_a_layer_computes_the_same_from_indices_and_from_one_hot_vectors(layer_type, rng):
    V, H, T, B = 7, 5, 9, 3
    layer = LAYER_TYPES[layer_type](V, H)
    weights = {name: rng.standard_normal(shape) for name, shape in layer.shapes().items()}
    indices = rng.integers(0, V, (T, B))
    vectors = one_hot(indices.ravel(), V, np.float64).reshape(T, B, V).transpose(2, 0, 1).copy()
    S = len(layer.state_names)
    d_outputs = rng.standard_normal((H, T, B))
    outputs, gradients = [], []
    for inputs in (indices, vectors):
        gradient = {name: np.empty_like(array) for name, array in weights.items()}
        layer.attach(weights, gradient)
        tape, state = layer.tape(T, B, np.float64), np.full((S, H, B), 0.5)
        outputs.append(layer.forward(inputs, state, tape).copy())
        layer.backward(inputs, d_outputs, np.zeros((S, H, B)), tape)
        gradients.append(gradient)
    np.testing.assert_allclose(outputs[0], outputs[1], rtol=1e-12)
    for name in weights:
        np.testing.assert_allclose(gradients[0][name], gradients[1][name], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("steps", [1, 4])  # fewer characters than the vocabulary has, and more
def test_a_one_hot_product_is_a_column_of_the_matrix(steps, rng):
    V, G, B = 6, 8, 3
    weights = {"Wx": rng.standard_normal((G, V)), "b": rng.standard_normal(G)}
    indices = rng.integers(0, V, (steps, B))
    for t, projected in enumerate(project(indices, weights, np.empty((G, steps, B)))):
        dense = weights["Wx"] @ one_hot(indices[t], V, np.float64).T + weights["b"][:, None]
        np.testing.assert_allclose(projected, dense, rtol=1e-14)


@pytest.mark.parametrize("V", [4, LARGE_VOCABULARY, LARGE_VOCABULARY + 50])
def test_the_gradient_of_a_one_hot_product_sums_the_columns_of_each_character(V, rng):
    G, T, B = 3, 25, 2
    indices, d_a = rng.integers(0, V, (T, B)), rng.standard_normal((G, T, B))
    weights = {"Wx": np.zeros((G, V)), "b": np.zeros(G)}
    gradient = {"Wx": np.full((G, V), np.nan), "b": np.full(G, np.nan)}
    assert project_backward(indices, d_a, weights, gradient, {}) is None
    for v in range(V):
        expected = d_a[:, indices == v].sum(axis=1)
        np.testing.assert_allclose(gradient["Wx"][:, v], expected, atol=1e-14)
    np.testing.assert_allclose(gradient["b"], d_a.sum(axis=(1, 2)))
