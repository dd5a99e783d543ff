import numpy as np
import pytest

from charrnn.errors import SettingError
from charrnn.network.layers import LAYER_TYPES
from charrnn.network.model import CharRNN
from charrnn.text.streams import Window
from charrnn.text.vocabulary import Vocabulary

each_layer_type = pytest.mark.parametrize("layer_type", sorted(LAYER_TYPES))


@each_layer_type
def test_streams_do_not_touch_each_other(layer_type, tiny_model, window):
    model = tiny_model(layer_type, 2)
    together = model.forward(window.inputs, model.state(3))
    for stream in range(3):
        alone = model.forward(window.inputs[:, [stream]], model.state(1))
        np.testing.assert_allclose(alone[:, :, 0], together[:, :, stream], atol=1e-12)


@each_layer_type
@pytest.mark.parametrize("num_layers", [1, 2, 3])
@pytest.mark.parametrize("hidden_size", [128, 256])
def test_an_untrained_network_guesses(layer_type, num_layers, hidden_size, rng):
    vocabulary = Vocabulary("".join(map(chr, range(32, 97))))
    model = CharRNN(
        vocabulary, layer_type=layer_type, hidden_size=hidden_size, num_layers=num_layers
    )
    model.initialize(rng)
    state = model.state(4)
    for _ in range(10):  # the state is carried from window to window
        text = rng.integers(0, 65, (33, 4))
        loss = model.losses(Window(text[:-1], text[1:]), state).mean()
        assert np.log(65) - 0.1 < loss < np.log(65) + 0.4


def test_two_passes_backward_give_the_same_gradient(tiny_model, window, rng):
    for layer_type in LAYER_TYPES:
        model = tiny_model(layer_type)
        model.loss_and_gradient(window, model.state(3))
        first = model.gradient.flat.copy()
        model.loss_and_gradient(window, model.state(3))
        np.testing.assert_array_equal(model.gradient.flat, first)


def test_the_loss_is_the_mean_of_the_losses(tiny_model, window):
    model = tiny_model()
    losses = model.losses(window, model.state(3))
    assert losses.shape == window.inputs.shape
    assert model.loss_and_gradient(window, model.state(3)) == pytest.approx(losses.mean())


def test_an_untrained_model_without_output_weights_guesses(tiny_model, window):
    model = tiny_model()
    model.parameters["Wy"][...] = model.parameters["by"][...] = 0
    assert model.loss_and_gradient(window, model.state(3)) == pytest.approx(np.log(7))


def test_parameters_are_named_views_of_one_vector(tiny_model):
    model = tiny_model("gru", 2)
    assert list(model.parameters)[:4] == ["layer1.Wx", "layer1.Wh", "layer1.b", "layer1.bh"]
    assert list(model.parameters)[-2:] == ["Wy", "by"]
    model.parameters.flat[...] = 3
    assert (model.layers[1].weights["Wh"] == 3).all()


@each_layer_type
@pytest.mark.parametrize("num_layers", [1, 2])
def test_dropout_zeroes_outputs_for_a_whole_window(layer_type, num_layers, tiny_model):
    model = tiny_model(layer_type, num_layers, hidden_size=40, dropout=0.5)
    masks = model.draw_masks(8, np.random.default_rng(0))
    assert masks.shape == (num_layers, 40, 1, 8)
    assert set(np.unique(masks)) == {0.0, 2.0}
    assert 0.4 < (masks == 0).mean() < 0.6


def test_dropout_is_off_without_masks(tiny_model, window):
    model = tiny_model(dropout=0.5)
    masks = model.draw_masks(3, np.random.default_rng(0))
    with_dropout = model.loss_and_gradient(window, model.state(3), masks)
    without = model.loss_and_gradient(window, model.state(3))
    assert without == pytest.approx(model.losses(window, model.state(3)).mean())
    assert without != with_dropout


def test_a_state_starts_at_zero_with_the_arrays_of_its_layer_type(tiny_model):
    assert tiny_model("lstm", 2).state(4).shape == (2, 2, 5, 4)
    assert tiny_model("gru", 2).state(4).shape == (2, 1, 5, 4)
    assert not tiny_model("gru").state().any()


@pytest.mark.parametrize(
    "wrong", [{"layer_type": "rnn"}, {"hidden_size": 0}, {"num_layers": 0}, {"dropout": 1.0}]
)
def test_a_size_out_of_range_is_refused(wrong):
    with pytest.raises(SettingError, match=str(next(iter(wrong.values())))):
        CharRNN(Vocabulary("ab"), **wrong)


def test_the_configuration_makes_a_model_of_the_same_shape(tiny_model):
    model = tiny_model("gru", 2, dropout=0.25)
    again = CharRNN(model.vocabulary, **model.configuration)
    assert again.parameters.shapes == model.parameters.shapes
    assert again.dropout == 0.25


def test_windows_of_different_sizes_do_not_disturb_each_other(tiny_model, window):
    model = tiny_model()
    before = model.loss_and_gradient(window, model.state(3))
    short = Window(window.inputs[:2, :1], window.targets[:2, :1])
    model.loss_and_gradient(short, model.state(1))
    assert model.loss_and_gradient(window, model.state(3)) == before


def test_a_model_that_shares_weights_has_its_own_buffers(tiny_model, window):
    model = tiny_model()
    other = CharRNN.sharing(model)
    model.parameters.flat[...] *= 2
    np.testing.assert_array_equal(other.parameters.flat, model.parameters.flat)
    first = model.forward(window.inputs, model.state(3))
    kept = first.copy()
    other.forward(window.targets, other.state(3))
    np.testing.assert_array_equal(first, kept)


def test_the_gradient_of_a_large_vocabulary_is_that_of_finite_differences(rng):
    V, T, B = 300, 4, 3
    vocabulary = Vocabulary(map(chr, range(1000, 1000 + V)))
    model = CharRNN(vocabulary, hidden_size=3, dtype=np.float64)
    model.initialize(rng)
    model.parameters.flat[...] += 0.1 * rng.standard_normal(model.parameters.flat.size)
    text = rng.integers(0, V, (T + 1, B))
    window = Window(text[:-1], text[1:])
    model.loss_and_gradient(window, model.state(B))
    gradient, flat = model.gradient.flat.copy(), model.parameters.flat
    for place in rng.choice(flat.size, 60, replace=False):
        before = flat[place]
        losses = []
        for step in (1e-5, -1e-5):
            flat[place] = before + step
            losses.append(model.losses(window, model.state(B)).mean())
        flat[place] = before
        assert gradient[place] == pytest.approx((losses[0] - losses[1]) / 2e-5, abs=1e-8)


def test_a_large_vocabulary_has_the_logits_of_a_small_one(tiny_model, window):
    """Characters that are never read or predicted change nothing but the sum of all."""
    small = tiny_model("gru")
    letters = small.vocabulary.ix_to_char
    others = "".join(map(chr, range(1000, 1300)))
    large = small.extended(Vocabulary(letters + others), np.random.default_rng(0))
    expected = small.forward(window.inputs, small.state(3))
    found = large.forward(window.inputs, large.state(3))
    assert found.shape == (len(letters) + 300, *expected.shape[1:])
    np.testing.assert_allclose(found[: len(letters)], expected, atol=1e-12)


@each_layer_type
def test_an_extended_model_keeps_its_weights(layer_type, tiny_model):
    model = tiny_model(layer_type, 2)
    larger = model.extended(
        Vocabulary("!agz" + model.vocabulary.ix_to_char), np.random.default_rng(3)
    )
    assert larger.vocabulary.ix_to_char == "!abcdefgz"
    assert larger.configuration == model.configuration
    started = CharRNN(larger.vocabulary, **larger.configuration, dtype=np.float64)
    started.initialize(np.random.default_rng(3))
    for name, array in larger.parameters.items():
        old, new = model.parameters[name], started.parameters[name]
        if name == "layer1.Wx":
            array, new = array.T, new.T
            old = old.T
        if name in ("layer1.Wx", "Wy", "by"):
            np.testing.assert_array_equal(array[1:-1], old)
            np.testing.assert_array_equal(array[[0, -1]], new[[0, -1]])
        else:
            np.testing.assert_array_equal(array, old)
