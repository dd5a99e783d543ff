import numpy as np
import pytest

from charrnn.network.layers import LAYER_TYPES
from charrnn.network.layers.layer import fill_orthogonal


def made(layer_type, rng, D=7, H=6, one_hot=True):
    """A layer with starting values, in float64."""
    layer = LAYER_TYPES[layer_type](D, H)
    weights, gradient = (
        {name: np.empty(shape) for name, shape in layer.shapes().items()} for _ in range(2)
    )
    layer.attach(weights, gradient)
    layer.initialize(rng, one_hot)
    return layer


def test_orthogonal_blocks_keep_lengths(rng):
    matrix = np.empty((18, 6))
    fill_orthogonal(matrix, rng)
    for block in matrix.reshape(3, 6, 6):
        np.testing.assert_allclose(block @ block.T, np.eye(6), atol=1e-12)


def test_orthogonal_blocks_have_the_bits_of_blocks_drawn_together():
    matrix = np.empty((3 * 20, 20), np.float32)
    fill_orthogonal(matrix, np.random.default_rng(1))
    q, r = np.linalg.qr(np.random.default_rng(1).standard_normal((3, 20, 20)))
    together = q * np.sign(np.diagonal(r, axis1=1, axis2=2))[:, None, :]
    assert (matrix == together.reshape(60, 20).astype(np.float32)).all()


def test_the_forget_bias_of_the_lstm_starts_at_one(rng):
    assert made("lstm", rng).weights["b"].reshape(4, 6).tolist() == [
        [0] * 6,
        [1] * 6,
        [0] * 6,
        [0] * 6,
    ]


def test_the_recurrent_weights_of_the_rectified_layer_start_with_a_margin(rng):
    Wh = made("vanilla-relu", rng).weights["Wh"]
    np.testing.assert_allclose(Wh @ Wh.T, np.eye(6) / 2, atol=1e-12)


@pytest.mark.parametrize("layer_type", ["vanilla", "vanilla-relu"])
@pytest.mark.parametrize(("one_hot", "variance"), [(True, 1 / 2), (False, 1 / 200)])
def test_the_input_weights_of_a_vanilla_layer_start_by_how_many_inputs_count(
    layer_type, one_hot, variance, rng
):
    layer = made(layer_type, rng, 200, 200, one_hot)
    assert layer.weights["Wx"].var() == pytest.approx(variance, rel=0.05)


@pytest.mark.parametrize("layer_type", ["gru", "lstm", "vanilla"])
def test_recurrent_weights_start_orthogonal(layer_type, rng):
    for block in made(layer_type, rng).weights["Wh"].reshape(-1, 6, 6):
        np.testing.assert_allclose(block @ block.T, np.eye(6), atol=1e-12)


@pytest.mark.parametrize("layer_type", sorted(LAYER_TYPES))
def test_every_signal_has_a_value_for_each_step_cell_and_stream(layer_type, rng):
    layer = made(layer_type, rng)
    tape = layer.tape(4, 2, np.float64)
    state = np.zeros((len(layer.state_names), 6, 2))
    outputs = layer.forward(rng.integers(0, 7, (4, 2)), state, tape)
    for signal in layer.signals:
        values = layer.signal(tape, signal)
        assert values.shape == (4, 6, 2)
        if signal in layer.gates:
            assert (values > 0).all()
            assert (values < 1).all()
    np.testing.assert_array_equal(layer.signal(tape, "h"), outputs.swapaxes(0, 1))
    with pytest.raises(KeyError):
        layer.signal(tape, "nothing")


def test_the_output_of_the_lstm_is_its_memory_squashed_and_gated(rng):
    layer = made("lstm", rng)
    tape = layer.tape(4, 2, np.float64)
    layer.forward(rng.integers(0, 7, (4, 2)), np.zeros((2, 6, 2)), tape)
    seen = layer.signal(tape, "o") * np.tanh(layer.signal(tape, "c"))
    np.testing.assert_allclose(seen, layer.signal(tape, "h"))


@pytest.mark.parametrize("layer_type", sorted(LAYER_TYPES))
def test_large_weights_cause_no_warning(layer_type, tiny_model, window):
    model = tiny_model(layer_type, dtype=np.float32)
    model.parameters.flat[...] *= 1000
    assert np.isfinite(model.loss_and_gradient(window, model.state(3)))
