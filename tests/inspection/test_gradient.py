import numpy as np
import pytest

from charrnn.errors import SettingError, TextError
from charrnn.inspection.gradient import (
    column_norms,
    first_fallen,
    geometric_mean,
    gradient_by_lag,
    gradients_back,
    norms_by_lag,
)
from charrnn.inspection.positions import states_before
from charrnn.inspection.reading import Signal
from charrnn.network.layers import LAYER_TYPES
from charrnn.network.model import CharRNN
from charrnn.text.streams import Streams
from charrnn.text.vocabulary import Vocabulary
from charrnn.training.optimizers import Adam, clip_by_norm


def loss_with_change(model, inputs, target, state, change):
    """The loss after the last step, where `change` alters the state of a layer at a step.

    change: (step, layer, array, what is added). Step by step and layer by layer, so that the
    layer above reads the altered output, too.
    """
    state = state.copy()
    at, changed, array, added = change
    for t, index in enumerate(inputs):
        for number, layer in enumerate(model.layers):
            Wx, b = layer.weights["Wx"], layer.weights["b"][:, None]
            x = (Wx[:, [index]] if number == 0 else Wx @ state[number - 1, 0]) + b
            layer.step(x, state[number], layer.tape(1, 1, np.float64))
            if (t, number) == (at, changed):
                state[number, array, :, 0] += added
    logits = (model.parameters["Wy"] @ state[-1, 0, :, 0]) + model.parameters["by"]
    return np.log(np.exp(logits).sum()) - logits[target]


@pytest.mark.parametrize("cell", sorted(LAYER_TYPES))
@pytest.mark.parametrize("num_layers", [1, 2, 3])
def test_gradients_match_finite_differences_at_every_lag(cell, num_layers, tiny_model, rng):
    model = tiny_model(cell, num_layers)
    text = rng.integers(0, 7, (7, 2))
    state = 0.1 * rng.standard_normal(model.state(2).shape)
    inputs, targets, start = text[:-1], text[-1], state.copy()
    eps = 1e-6
    for lag, found in enumerate(gradients_back(model, inputs, targets, state)):
        for layer, array in np.ndindex(*found.shape[:2]):
            direction = rng.standard_normal(model.hidden_size)
            up, down = (
                loss_with_change(
                    model,
                    inputs[:, 1],
                    targets[1],
                    start[..., 1:],
                    (len(inputs) - 1 - lag, layer, array, sign * eps * direction),
                )
                for sign in (1, -1)
            )
            analytic = found[layer, array, :, 1] @ direction
            assert (up - down) / (2 * eps) == pytest.approx(analytic, rel=1e-5, abs=1e-9)


@pytest.mark.parametrize("cell", sorted(LAYER_TYPES))
def test_passages_taken_in_groups_give_the_same(cell, tiny_model, rng):
    model = tiny_model(cell, 2)
    text = rng.integers(0, 7, 60)
    starts = np.array([0, 7, 20, 31, 44])
    states = states_before(model, text, starts)
    together = norms_by_lag(model, text, starts, 10, states)
    numbers = 2 * 11 * model.state().size
    apart = norms_by_lag(model, text, starts, 10, states, max_numbers=numbers)
    assert together.keys() == apart.keys()
    for signal, norms in together.items():
        np.testing.assert_allclose(apart[signal], norms, rtol=1e-10)


def test_an_lstm_has_curves_of_h_of_c_and_of_both(tiny_model, rng):
    found = gradient_by_lag(tiny_model("lstm", 2), rng.integers(0, 7, 40), passages=1, rng=rng)
    assert [tuple(signal) for signal in found.norms] == [
        (layer, name) for layer in (1, 2) for name in ("h", "c", "state")
    ]
    for layer in (1, 2):
        h, c, whole = (found.norms[Signal(layer, name)] for name in ("h", "c", "state"))
        np.testing.assert_allclose(whole, np.hypot(h, c))
        assert c[0] == 0
        assert (c[1:] > 0).all()


def linear(cell, gain, bias=0.0):
    """A network whose step is a product with `gain` times a rotation, whatever it reads; of a
    rectified one with `gain` times the identity, which leaves states above 0."""
    model = CharRNN(Vocabulary("abcdefg"), layer_type=cell, hidden_size=6)
    model.initialize(np.random.default_rng(0))
    weights = model.layers[0].weights
    weights["Wx"][...] = 0
    weights["b"][...] = bias
    if cell == "vanilla-relu":
        weights["Wh"][...] = np.eye(6)
    weights["Wh"] *= gain
    return model


@pytest.mark.parametrize(("cell", "bias"), [("vanilla", 0.0), ("vanilla-relu", 0.01)])
@pytest.mark.parametrize("gain", [1.5, 0.49])
def test_gradients_grow_or_shrink_as_the_gain_says(cell, bias, gain, rng):
    text = rng.integers(0, 7, 300)
    found = gradient_by_lag(linear(cell, gain, bias), text, lags=100, passages=5, rng=rng)
    h = Signal(1, "h")
    np.testing.assert_allclose(found.norms[h] / found.norms[h][0], gain**found.lags, rtol=1e-4)
    assert found.explodes[h] == (gain > 1)
    assert (found.half[h], found.tenth[h]) == ((None, None) if gain > 1 else (1, 4))


def test_a_gradient_that_overflows_explodes_without_warnings(rng):
    model = linear("vanilla-relu", 1e30, 1.0)
    found = gradient_by_lag(model, rng.integers(0, 7, 60), passages=3, rng=rng)
    assert found.explodes[Signal(1, "h")]


def test_a_network_that_is_off_passes_nothing_back(rng):
    found = gradient_by_lag(linear("vanilla-relu", 1, -1), rng.integers(0, 7, 30), rng=rng)
    h = Signal(1, "h")
    assert found.norms[h][0] > 0
    assert (found.norms[h][1:] == 0).all()
    assert (found.half[h], found.tenth[h], found.explodes[h]) == (1, 1, False)


def test_norms_are_right_where_squares_overflow():
    columns = np.array([[3e-200, 3e200, 0.0, 3.0, np.nan], [4e-200, 4e200, 0.0, 4.0, 1.0]])
    assert column_norms(columns).tolist() == pytest.approx([5e-200, 5e200, 0, 5, np.inf])


def test_the_mean_is_geometric_and_leaves_out_zeros_unless_most_are():
    norms = np.array([[1.0, 1e-4, 1e-2], [1e-8, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    assert geometric_mean(norms).tolist() == pytest.approx([1e-2, 1e-4, 0, 0])


@pytest.mark.parametrize(
    ("curve", "share", "lag"),
    [([4, 2, 1, 0.3], 1 / 2, 1), ([4, 2, 1, 0.4], 1 / 10, 3), ([4, 2, 1], 1 / 10, None)],
)
def test_a_curve_has_fallen_where_it_first_is_low(curve, share, lag):
    assert first_fallen(np.array(curve), share) == lag


def test_a_curve_that_begins_at_lag_one_is_measured_from_there():
    assert first_fallen(np.array([0, 8, 4, 0.5]), 1 / 2) == 2


@pytest.mark.parametrize(("length", "last"), [(4, 1), (5, 1), (30, 14), (500, 200)])
def test_a_short_text_has_fewer_lags(length, last, tiny_model, rng):
    found = gradient_by_lag(tiny_model(), rng.integers(0, 7, length), passages=2, rng=rng)
    assert found.lags.tolist() == list(range(last + 1))
    assert {len(curve) for curve in found.norms.values()} == {last + 1}
    assert found.passages == 2


@pytest.mark.parametrize("length", [0, 1, 2, 3])
def test_a_text_without_a_single_lag_is_refused(length, tiny_model, rng):
    with pytest.raises(TextError, match=f"at least 4 characters, not {length}"):
        gradient_by_lag(tiny_model(), np.zeros(length, int), rng=rng)


def test_zero_lags_are_refused(tiny_model, rng):
    with pytest.raises(SettingError, match="at least one lag, not 0"):
        gradient_by_lag(tiny_model(), np.zeros(9, int), lags=0, rng=rng)


def test_the_untrained_model_reads_the_same_passages(tiny_model, rng):
    model, text = tiny_model("gru"), rng.integers(0, 7, 200)
    found = gradient_by_lag(model, text, lags=20, passages=3, rng=rng, untrained=model)
    np.testing.assert_array_equal(found.untrained.norms[1, "h"], found.norms[1, "h"])
    assert found.untrained.untrained is None


def test_the_model_is_left_as_it_was(tiny_model, rng):
    model = tiny_model("lstm", 2)
    weights, gradient = model.parameters.flat.copy(), model.gradient.flat.copy()
    gradient_by_lag(model, rng.integers(0, 7, 30), passages=3, rng=rng)
    np.testing.assert_array_equal(model.parameters.flat, weights)
    np.testing.assert_array_equal(model.gradient.flat, gradient)


def letters_and_echoes(length):
    """A text with long dependencies: a letter, some hyphens, and its capital: `b---------B`."""
    rng = np.random.default_rng(0)
    text = ""
    while len(text) < length:
        letter = rng.choice(list("abcd"))
        text += letter + "-" * rng.integers(8, 16) + letter.upper()
    return text


def trained(cell, text, steps):
    """A small model after some steps of Adam."""
    vocabulary = Vocabulary(text)
    model = CharRNN(vocabulary, layer_type=cell, hidden_size=24)
    model.initialize(np.random.default_rng(0))
    streams, state = Streams(vocabulary.encode(text), 16, 40), model.state(16)
    optimizer = Adam(model.parameters)
    for number in range(steps):
        model.loss_and_gradient(streams.window(number), state)
        gradient = model.gradient.flat
        clip_by_norm(gradient, float(np.linalg.norm(gradient)), 1.0)
        optimizer.step(gradient, 0.01)
    return model


def test_gradients_of_a_trained_vanilla_network_vanish_where_those_of_gated_ones_do_not(rng):
    text = letters_and_echoes(12_000)
    left, tenth = {}, {}
    for cell in ("vanilla", "gru", "lstm"):
        model = trained(cell, text, 500)
        found = gradient_by_lag(model, model.vocabulary.encode(text), lags=40, rng=rng)
        memory = Signal(1, model.layers[0].state_names[-1])
        curve = found.norms[memory]
        left[cell] = curve[30] / curve[curve > 0][0]
        tenth[cell] = found.tenth[memory] or len(found.lags)
    assert left["vanilla"] < 0.5 * min(left["gru"], left["lstm"])
    assert tenth["vanilla"] < min(tenth["gru"], tenth["lstm"])
