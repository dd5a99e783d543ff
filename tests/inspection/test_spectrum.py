import numpy as np
import pytest

from charrnn.errors import TextError
from charrnn.inspection.spectrum import JACOBIAN, RECURRENT, matrices, spectrum
from charrnn.network.layers import LAYER_TYPES
from charrnn.network.model import CharRNN
from charrnn.sampling import Reader
from charrnn.text.vocabulary import Vocabulary


def numeric_jacobian(model, text, position, layer):
    """∂s_t/∂s_{t−1} of a layer at the step that reads a position, by central differences."""
    reader = Reader(model)
    for index in text[:position]:
        reader.read(np.array([index]))
    before = reader.state.copy()
    reader.read(text[[position]])  # with what the layers below put out at this very step
    weights = model.layers[layer].weights
    x = (
        weights["Wx"][:, [text[position]]]
        if layer == 0
        else weights["Wx"] @ reader.state[layer - 1, 0]
    )
    x = x + weights["b"][:, None]

    def step(change):
        state = before[layer] + change.reshape(before[layer].shape)
        model.layers[layer].step(x.copy(), state, model.layers[layer].tape(1, 1, np.float64))
        return state.ravel()

    eps = 1e-6
    directions = eps * np.eye(before[layer].size)
    return np.stack([(step(d) - step(-d)) / (2 * eps) for d in directions], axis=1)


@pytest.mark.parametrize("cell", sorted(LAYER_TYPES))
@pytest.mark.parametrize("layer", [1, 2, 3])
def test_jacobians_match_finite_differences(cell, layer, tiny_model, rng):
    model, text = tiny_model(cell, 3), rng.integers(0, 7, 9)
    for position in (0, 5, 8):
        found = matrices(model, text, np.array([position]))[layer, JACOBIAN]
        expected = numeric_jacobian(model, text, position, layer - 1)
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("cell", sorted(LAYER_TYPES))
def test_jacobians_of_positions_are_averaged(cell, tiny_model, rng):
    model, text = tiny_model(cell, 2), rng.integers(0, 7, 30)
    positions = np.array([2, 17, 29])
    single = [matrices(model, text, positions[[number]])[2, JACOBIAN] for number in range(3)]
    together = matrices(model, text, positions)[2, JACOBIAN]
    np.testing.assert_allclose(together, np.mean(single, axis=0), atol=1e-12)


@pytest.mark.parametrize("cell", ["vanilla", "vanilla-relu"])
def test_a_layer_without_gates_has_the_eigenvalues_of_its_weights_too(cell, tiny_model, rng):
    model, text = tiny_model(cell, 2), rng.integers(0, 7, 30)
    found = spectrum(model, None, text).eigenvalues
    assert [(one.layer, one.matrix) for one in found] == [
        (1, RECURRENT), (1, JACOBIAN), (2, RECURRENT), (2, JACOBIAN)
    ]  # fmt: skip
    weights = np.linalg.eigvals(model.parameters["layer2.Wh"])
    np.testing.assert_allclose(np.sort_complex(found[2].trained), np.sort_complex(weights))
    assert found[2].radius == pytest.approx(np.abs(weights).max())
    assert found[2].untrained is None
    assert found[2].untrained_radius is None


def silent(cell, **biases):
    """A network without inputs, and with these biases of its gates."""
    model = CharRNN(Vocabulary("abcdefg"), layer_type=cell, hidden_size=4)
    gates = {"lstm": "ifog", "gru": "rzn"}[cell]
    for name, bias in biases.items():
        start = gates.index(name) * 4
        model.parameters["layer1.b"][start : start + 4] = bias
    return model


def test_gates_alone_are_the_eigenvalues_of_a_layer_without_weights(rng):
    text = rng.integers(0, 7, 30)
    (gru,) = spectrum(silent("gru", z=3.0), silent("gru"), text).eigenvalues
    assert gru.radius == pytest.approx(1 / (1 + np.exp(-3)), rel=1e-6)
    assert gru.untrained_radius == pytest.approx(1 / 2)
    (lstm,) = spectrum(silent("lstm", f=2.0), None, text).eigenvalues
    kept = 1 / (1 + np.exp(-2))
    np.testing.assert_allclose(lstm.trained, [kept] * 4 + [0] * 4, atol=1e-6)


def test_starting_weights_neither_grow_nor_shrink_what_they_carry(rng):
    model = CharRNN(Vocabulary("abcdefg"), layer_type="vanilla", hidden_size=12)
    model.initialize(rng)
    found = spectrum(model, model, rng.integers(0, 7, 30)).eigenvalues[0]
    np.testing.assert_allclose(np.abs(found.trained), 1, rtol=1e-5)
    np.testing.assert_array_equal(found.untrained, found.trained)


def test_eigenvalues_are_complex_and_the_largest_is_first(tiny_model, rng):
    for found in spectrum(tiny_model("lstm", 2), None, rng.integers(0, 7, 30)).eigenvalues:
        assert found.trained.dtype == np.complex128
        assert len(found.trained) == 2 * 5
        assert (np.diff(np.abs(found.trained)) <= 1e-12).all()
        assert found.radius == abs(found.trained[0])


@pytest.mark.parametrize(("length", "positions"), [(1, 1), (2, 2), (40, 40), (5000, 64)])
def test_a_short_text_has_fewer_positions(length, positions, tiny_model, rng):
    assert spectrum(tiny_model(), None, rng.integers(0, 7, length)).positions == positions


def test_large_layers_are_averaged_over_fewer_positions(tiny_model, rng):
    model = CharRNN(Vocabulary("ab"), layer_type="lstm", hidden_size=400)
    assert spectrum(model, None, rng.integers(0, 2, 100)).positions < 40


def test_an_empty_text_is_refused(tiny_model):
    with pytest.raises(TextError, match="at least 1 character, not 0"):
        spectrum(tiny_model(), None, np.zeros(0, int))


def test_the_model_is_left_as_it_was(tiny_model, rng):
    model = tiny_model("gru", 2)
    weights, gradient = model.parameters.flat.copy(), model.gradient.flat.copy()
    spectrum(model, None, rng.integers(0, 7, 30))
    np.testing.assert_array_equal(model.parameters.flat, weights)
    np.testing.assert_array_equal(model.gradient.flat, gradient)
