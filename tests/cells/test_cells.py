import numpy as np
import pytest

from charrnn.cells import CELLS
from charrnn.cells.cell import orthogonal


def made(cell, rng, D=7, H=6):
    layer = CELLS[cell](D, H)
    weights = {name: np.empty(shape) for name, shape in layer.shapes().items()}
    layer.initialize(weights, rng)
    return layer, weights


def test_orthogonal_blocks_keep_lengths(rng):
    blocks = orthogonal(6, 3, rng).reshape(3, 6, 6)
    for block in blocks:
        np.testing.assert_allclose(block @ block.T, np.eye(6), atol=1e-12)


def test_the_forget_bias_of_the_lstm_starts_at_one(rng):
    _, weights = made("lstm", rng)
    assert weights["b"].reshape(4, 6).tolist() == [[0] * 6, [1] * 6, [0] * 6, [0] * 6]


def test_the_recurrent_weights_of_the_rectified_cell_start_with_a_margin(rng):
    _, weights = made("vanilla-relu", rng)
    np.testing.assert_allclose(weights["Wh"] @ weights["Wh"].T, np.eye(6) / 2, atol=1e-12)


@pytest.mark.parametrize("cell", ["vanilla", "vanilla-relu"])
@pytest.mark.parametrize(("one_hot", "variance"), [(True, 1 / 2), (False, 1 / 200)])
def test_the_input_weights_of_a_vanilla_layer_start_by_how_many_inputs_count(
    cell, one_hot, variance, rng
):
    layer = CELLS[cell](200, 200)
    weights = {name: np.empty(shape) for name, shape in layer.shapes().items()}
    layer.initialize(weights, rng, one_hot)
    assert weights["Wx"].var() == pytest.approx(variance, rel=0.05)


@pytest.mark.parametrize("cell", ["gru", "lstm", "vanilla"])
def test_recurrent_weights_start_orthogonal(cell, rng):
    _, weights = made(cell, rng)
    for block in weights["Wh"].reshape(-1, 6, 6):
        np.testing.assert_allclose(block @ block.T, np.eye(6), atol=1e-12)


@pytest.mark.parametrize("cell", sorted(CELLS))
def test_every_signal_has_a_value_for_each_step_unit_and_stream(cell, rng):
    layer, weights = made(cell, rng)
    tape = layer.tape(4, 2, np.float64)
    state = np.zeros((len(layer.state_names), 6, 2))
    outputs = layer.forward(weights, rng.integers(0, 7, (4, 2)), state, tape)
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
    layer, weights = made("lstm", rng)
    tape = layer.tape(4, 2, np.float64)
    layer.forward(weights, rng.integers(0, 7, (4, 2)), np.zeros((2, 6, 2)), tape)
    seen = layer.signal(tape, "o") * np.tanh(layer.signal(tape, "c"))
    np.testing.assert_allclose(seen, layer.signal(tape, "h"))


@pytest.mark.parametrize("cell", sorted(CELLS))
def test_a_gate_far_below_zero_is_shut_without_a_warning(cell, tiny_model, window):
    model = tiny_model(cell, dtype=np.float32)
    model.parameters.flat[...] *= 1000
    assert np.isfinite(model.loss_and_gradient(window, model.state(3)))
