import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.errors import SettingError, UnknownCharacterError
from charrnn.network.layers import CELLS
from charrnn.network.model import CharRNN, cross_entropy
from charrnn.text.streams import Streams, Window
from charrnn.text.vocabulary import Vocabulary
from charrnn.training.optimizers import Adam, clip_by_norm

each_cell = pytest.mark.parametrize("cell", sorted(CELLS))


@each_cell
def test_steps_at_once_are_single_steps_with_carried_state(cell, tiny_model, window):
    model = tiny_model(cell, 2)
    at_once, reader = model.state(3), model.reader(3)
    logits = model.forward(window.inputs, at_once)
    for t, indices in enumerate(window.inputs):
        np.testing.assert_allclose(reader.read(indices), logits[:, t], atol=1e-12)
    np.testing.assert_allclose(reader.state, at_once, atol=1e-12)


@each_cell
def test_readers_that_take_turns_do_not_disturb_one_another(cell, tiny_model):
    model, text, other = tiny_model(cell, 2), [1, 4, 2, 0], [5, 5, 3, 6]
    alone = model.reader()
    expected = [alone.read(np.array([index])).copy() for index in text]
    first, second = model.reader(), model.reader()
    for here, there, logits in zip(text, other, expected):
        seen = first.read(np.array([here]))
        second.read(np.array([there]))
        np.testing.assert_array_equal(seen, logits)


@each_cell
def test_streams_do_not_touch_each_other(cell, tiny_model, window):
    model = tiny_model(cell, 2)
    together = model.forward(window.inputs, model.state(3))
    for stream in range(3):
        alone = model.forward(window.inputs[:, [stream]], model.state(1))
        np.testing.assert_allclose(alone[:, :, 0], together[:, :, stream], atol=1e-12)


@each_cell
@pytest.mark.parametrize("num_layers", [1, 2, 3])
@pytest.mark.parametrize("hidden_size", [128, 256])
def test_an_untrained_network_guesses(cell, num_layers, hidden_size, rng):
    vocabulary = Vocabulary("".join(map(chr, range(32, 97))))
    model = CharRNN(vocabulary, cell=cell, hidden_size=hidden_size, num_layers=num_layers)
    model.initialize(rng)
    state = model.state(4)
    for _ in range(10):  # the state is carried from window to window
        text = rng.integers(0, 65, (33, 4))
        loss = model.losses(Window(text[:-1], text[1:]), state).mean()
        assert np.log(65) - 0.1 < loss < np.log(65) + 0.4


@each_cell
def test_hello_is_written_by_a_model_that_learned_it(cell):
    vocabulary = Vocabulary("hello")
    text = vocabulary.encode("hello")
    model = CharRNN(vocabulary, cell=cell, hidden_size=16)
    model.initialize(np.random.default_rng(0))
    optimizer, streams = Adam(model.parameters), Streams(text, 1, 5)
    for number in range(150):
        model.loss_and_gradient(streams.window(number), model.state())
        gradient = model.gradient.flat
        clip_by_norm(gradient, np.linalg.norm(gradient), 1.0)
        optimizer.step(model.gradient.flat, 0.02)
    assert "h" + "".join(model.sample(4, prime="h", temperature=0)) == "hello"


def test_two_passes_backward_give_the_same_gradient(tiny_model, window, rng):
    for cell in CELLS:
        model = tiny_model(cell)
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


@each_cell
@pytest.mark.parametrize("num_layers", [1, 2])
def test_dropout_zeroes_outputs_for_a_whole_window(cell, num_layers, tiny_model):
    model = tiny_model(cell, num_layers, hidden_size=40, dropout=0.5)
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


@given(st.lists(st.floats(-(2.0**100), 2.0**100, width=32), min_size=2, max_size=9), st.data())
def test_softmax_sums_to_one_at_extreme_logits(values, data):
    logits = np.array(values, np.float32).reshape(-1, 1, 1)
    target = data.draw(st.integers(0, len(values) - 1))
    gradient = logits.copy()
    losses = cross_entropy(gradient, np.array([[target]]), gradient=gradient)
    probabilities = gradient[:, 0, 0].copy()
    probabilities[target] += 1
    assert probabilities.sum() == pytest.approx(1, abs=1e-5)
    assert (probabilities >= -1e-6).all()
    assert losses[0, 0] >= -1e-6


def test_a_state_starts_at_zero_and_has_what_the_cell_carries(tiny_model):
    assert tiny_model("lstm", 2).state(4).shape == (2, 2, 5, 4)
    assert tiny_model("gru", 2).state(4).shape == (2, 1, 5, 4)
    assert not tiny_model("gru").state().any()


@pytest.mark.parametrize(
    "wrong", [{"cell": "rnn"}, {"hidden_size": 0}, {"num_layers": 0}, {"dropout": 1.0}]
)
def test_a_size_out_of_range_is_refused(wrong):
    with pytest.raises(SettingError, match=str(next(iter(wrong.values())))):
        CharRNN(Vocabulary("ab"), **wrong)


def test_a_sample_has_the_length_asked_for_and_repeats_with_its_seed(tiny_model):
    model = tiny_model()
    first = "".join(model.sample(50, seed=3, prime="abc"))
    assert len(first) == 50
    assert first == "".join(model.sample(50, seed=3, prime="abc"))
    assert first != "".join(model.sample(50, seed=4, prime="abc"))


def test_a_prime_with_an_unknown_character_is_refused_at_once(tiny_model):
    with pytest.raises(UnknownCharacterError, match="'z'"):
        tiny_model().sample(5, prime="abz")


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


@pytest.mark.parametrize("cell", sorted(CELLS))
def test_a_unit_that_is_held_stays_where_it_is_and_others_go_on(cell, tiny_model, rng):
    model = tiny_model(cell, 2)
    held, free = model.reader(3), model.reader(3)
    S = held.state.shape[1]
    values = np.full((S, 2), 0.25)
    held.hold(1, np.array([0, 4]), np.array([1, 2]), values)
    for _ in range(5):
        indices = rng.integers(0, 7, 3)
        logits, expected = held.read(indices).copy(), free.read(indices).copy()
    assert (held.state[0][:, [0, 4], [1, 2]] == 0.25).all()
    np.testing.assert_array_equal(held.state[..., 0], free.state[..., 0])
    np.testing.assert_array_equal(logits[:, 0], expected[:, 0])
    for stream in (1, 2):
        assert not np.allclose(held.state[1, ..., stream], free.state[1, ..., stream])


def test_what_is_held_is_what_the_output_sees(tiny_model):
    model = tiny_model("vanilla")
    reader = model.reader()
    reader.hold(1, np.arange(5), np.zeros(5, int), np.full((1, 5), 0.5))
    expected = model.parameters["Wy"] @ np.full(5, 0.5) + model.parameters["by"]
    np.testing.assert_allclose(reader.read(np.array([3]))[:, 0], expected)


def test_a_model_that_shares_weights_has_its_own_room(tiny_model, window):
    model = tiny_model()
    other = model.shared()
    model.parameters.flat[...] *= 2
    np.testing.assert_array_equal(other.parameters.flat, model.parameters.flat)
    first = model.forward(window.inputs, model.state(3))
    kept = first.copy()
    other.forward(window.targets, other.state(3))
    np.testing.assert_array_equal(first, kept)
