"""A model of lines: the state is empty before each newline."""

import numpy as np
import pytest

from charrnn.errors import SettingError
from charrnn.network.layers import LAYER_TYPES
from charrnn.network.model import CharRNN
from charrnn.sampling import Reader
from charrnn.text.streams import Window
from charrnn.text.vocabulary import Vocabulary

NEWLINE = 0  # the first of OF_LINES


@pytest.mark.parametrize("num_layers", [1, 2])
@pytest.mark.parametrize("layer_type", sorted(LAYER_TYPES))
def test_the_logits_after_a_newline_are_those_of_a_text_that_begins_there(
    layer_type, num_layers, tiny_model, rng
):
    model = tiny_model(layer_type, num_layers, lines=True)
    first, second = rng.integers(1, 7, (5, 1)), rng.integers(1, 7, (4, 1))
    text = np.concatenate([first, [[NEWLINE]], second])
    state = model.state()
    together = model.forward(text, state).copy()
    apart = model.state()
    alone = model.forward(text[5:], apart)
    np.testing.assert_allclose(together[:, 5:], alone)
    np.testing.assert_allclose(state, apart)
    carried = tiny_model(layer_type, num_layers).forward(text, model.state())
    assert not np.allclose(carried[:, 5:], alone)


@pytest.mark.parametrize("layer_type", sorted(LAYER_TYPES))
def test_a_reader_reads_as_a_window_does(layer_type, tiny_model, rng):
    model = tiny_model(layer_type, 2, lines=True)
    text = rng.integers(0, 3, (20, 3))
    logits = model.forward(text, model.state(3)).copy()
    reader = Reader(model, 3)
    for t, indices in enumerate(text):
        np.testing.assert_allclose(reader.read(indices), logits[:, t], rtol=1e-9, atol=1e-9)


def test_the_signal_c_of_a_step_is_that_of_its_own_line(tiny_model):
    model = tiny_model("lstm", lines=True)
    line = np.array([[3], [4], [5]])
    model.forward(line, model.state())
    alone = model.layers[0].signal(model.workspace(3, 1).tapes[0], "c").copy()
    model.forward(np.concatenate([line, [[NEWLINE]]]), model.state())
    both = model.layers[0].signal(model.workspace(4, 1).tapes[0], "c")
    np.testing.assert_allclose(both[:3], alone)


@pytest.mark.parametrize("layer_type", sorted(LAYER_TYPES))
def test_no_gradient_flows_across_a_newline(layer_type, tiny_model):
    model = tiny_model(layer_type, lines=True)
    window = Window(np.array([[1], [NEWLINE], [2]]), np.array([[NEWLINE], [2], [3]]))
    d_state = np.zeros_like(model.state())
    model.forward(window.inputs, model.state())
    d_logits = np.zeros((7, 3, 1))
    d_logits[:, 2] = 1  # a loss after the newline
    model.backward(window.inputs, d_logits, d_state)
    assert not d_state.any()


def test_a_vocabulary_without_newline_has_no_lines():
    with pytest.raises(SettingError, match="no newline"):
        CharRNN(Vocabulary("ab"), lines=True)
