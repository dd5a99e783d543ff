"""The layers of charrnn against the plain ones of docs/plain_layers.py."""

import runpy
from pathlib import Path

import numpy as np
import pytest

from charrnn.network.layers import LAYER_TYPES

PLAIN = runpy.run_path(str(Path(__file__).parents[2] / "docs" / "plain_layers.py"))


def test_every_layer_type_is_written_plainly():
    assert PLAIN["LAYER_TYPES"].keys() == LAYER_TYPES.keys()


@pytest.mark.parametrize("num_layers", [1, 2, 3])
@pytest.mark.parametrize("layer_type", sorted(LAYER_TYPES))
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-12), (np.float32, 2e-5)])
def test_losses_gradient_and_state_are_those_of_the_plain_layers(
    layer_type, num_layers, dtype, tolerance, tiny_model, window, rng
):
    model = tiny_model(layer_type, num_layers, dtype=dtype)
    state = rng.standard_normal(model.state(3).shape).astype(dtype)
    parameters = {name: array.astype(np.float64) for name, array in model.parameters.items()}
    plain = PLAIN["LAYER_TYPES"][layer_type]
    losses, gradients, states = [], [], []
    for stream in range(3):
        carried = [list(arrays[:, :, stream].astype(np.float64)) for arrays in state]
        loss, gradient = PLAIN["losses_and_gradient"](
            parameters, plain, window.inputs[:, stream], window.targets[:, stream], carried
        )
        losses.append(loss)
        gradients.append(gradient)
        states.append(carried)
    found = model.losses(window, state.copy())
    np.testing.assert_allclose(found, np.transpose(losses), atol=tolerance)
    model.loss_and_gradient(window, state)
    np.testing.assert_allclose(state, np.moveaxis(states, 0, -1), atol=tolerance)
    for name, array in model.gradient.items():
        expected = np.mean([gradient[name] for gradient in gradients], axis=0)
        np.testing.assert_allclose(array, expected, atol=tolerance)
