import numpy as np
import pytest

from charrnn.errors import SettingError, TextError
from charrnn.inspection.memory import horizon, losses_from_empty, memory, read_carried
from charrnn.inspection.reading import Signal
from charrnn.inspection.recording import record
from charrnn.network.layers import LAYER_TYPES
from charrnn.network.model import CharRNN
from charrnn.text.vocabulary import Vocabulary


def test_time_constants_are_those_of_gates_that_never_move(rng):
    for cell, gates, gate in (("lstm", "ifog", "f"), ("gru", "rzn", "z")):
        model = CharRNN(Vocabulary("abcdefg"), layer_type=cell, hidden_size=3)
        start = gates.index(gate) * 3
        kept = np.array([0.5, 0.9, 0.99])
        model.parameters["layer1.b"][start : start + 3] = np.log(kept / (1 - kept))
        found = memory(model, rng.integers(0, 7, 50), rng=rng)
        assert found.gate == gate
        assert list(found.time_constants) == [Signal(1, gate)]
        np.testing.assert_allclose(found.time_constants[1, gate], -1 / np.log(kept), rtol=1e-4)


def test_a_gate_that_is_always_open_never_forgets(rng):
    model = CharRNN(Vocabulary("abcdefg"), layer_type="lstm", hidden_size=3)
    model.parameters["layer1.b"][3:6] = 100
    found = memory(model, rng.integers(0, 7, 50), rng=rng)
    assert found.time_constants[1, "f"].tolist() == [np.inf] * 3


@pytest.mark.parametrize("cell", sorted(LAYER_TYPES))
def test_means_of_gates_and_losses_are_those_of_the_whole_text(cell, tiny_model, rng):
    model, text = tiny_model(cell, 2), rng.integers(0, 7, 300)
    gate = model.layers[0].forget_gate
    signals = [Signal(layer, gate) for layer in (1, 2) if gate]
    means, losses = read_carried(model, text, gate)
    recording = record(model, text, signals)
    np.testing.assert_allclose(losses[:-1], recording.losses, atol=1e-12)
    assert list(means) == signals
    for signal in signals:
        np.testing.assert_allclose(means[signal], recording.values[signal].mean(axis=0))


def test_without_gates_there_are_no_time_constants(tiny_model, rng):
    found = memory(tiny_model("vanilla"), rng.integers(0, 7, 50), rng=rng)
    assert found.gate is None
    assert found.time_constants == {}


@pytest.mark.parametrize("cell", sorted(LAYER_TYPES))
def test_losses_from_an_empty_state_are_those_of_the_text_alone(cell, tiny_model, rng):
    model, text = tiny_model(cell, 2), rng.integers(0, 7, 40).astype(np.uint8)
    starts = np.array([0, 5, 20, 21, 29])
    found = losses_from_empty(model, text, starts, 10, positions_at_a_time=2, steps_at_a_time=4)
    for stream, start in enumerate(starts):
        alone = record(model, text[start : start + 11]).losses
        np.testing.assert_allclose(found[:, stream], alone, atol=1e-12)


def test_the_loss_is_that_with_carried_state_and_what_an_empty_one_costs_more(tiny_model, rng):
    model, text = tiny_model("gru", 2), rng.integers(0, 7, 90)
    # All positions, so that they are known.
    found = memory(model, text, contexts=20, positions=1000, rng=rng)
    starts, n = np.arange(20, 70), np.arange(20)[:, None]
    carried = record(model, text).losses[starts + n]
    excess = losses_from_empty(model, text, starts, 20) - carried
    assert found.positions == len(starts)
    assert found.contexts.tolist() == list(range(1, 21))
    assert found.carried == pytest.approx(carried.mean())
    np.testing.assert_allclose(found.loss, carried.mean() + excess.mean(axis=1))
    np.testing.assert_allclose(found.error, excess.std(axis=1, ddof=1) / np.sqrt(len(starts)))


def shift_register(length, characters="abcdefg"):
    """A network whose only memory is the character read `length` characters ago, its prediction."""
    V = len(characters)
    model = CharRNN(Vocabulary(characters), layer_type="vanilla-relu", hidden_size=length * V)
    model.parameters["layer1.Wx"][:V] = np.eye(V)
    model.parameters["layer1.Wh"][V:, :-V] = np.eye((length - 1) * V)
    model.parameters["Wy"][:, -V:] = 5 * np.eye(V)
    return model


@pytest.mark.parametrize("length", [1, 2, 5, 9])
def test_the_horizon_is_the_context_that_a_network_uses(length, rng):
    text = np.tile(rng.integers(0, 7, length), 600 // length)
    text[rng.random(len(text)) < 0.05] = 0  # one character in 20 breaks the rule
    found = memory(shift_register(length), text, contexts=60, rng=rng)
    # The mean over contexts blurs the end of a memory by an eighth.
    assert length <= found.horizon <= length * 9 / 8 + 1
    np.testing.assert_allclose(found.loss[length - 1 :], found.carried, atol=1e-6)
    assert (found.loss[: length - 1] > found.carried + 0.5).all()


def test_a_horizon_beyond_the_contexts_is_unknown(rng):
    text = np.tile(rng.integers(0, 7, 30), 20)
    found = memory(shift_register(30), text, contexts=20, rng=rng)
    assert found.horizon is None


@pytest.mark.parametrize(
    ("excess", "expected"),
    [
        ([0.0, 0.0, 0.0], 1),
        ([-0.5, 0.0, 0.0], 1),
        ([0.5, 0.02, 0.009, 0.001], 3),
        ([0.5, 0.001, 0.3, 0.001], 4),
        ([0.5, 0.4, 0.3], None),
    ],
)
def test_the_horizon_is_where_the_excess_comes_within_the_tolerance_for_good(excess, expected):
    assert horizon(np.array(excess), 0.01) == expected


def test_noise_far_out_does_not_move_the_horizon(rng):
    n = np.arange(1, 401)
    excess = 2 * np.exp(-n / 10)  # within 0.01 from 53 on
    noisy = excess + 0.012 * rng.standard_normal(len(n))
    assert 45 <= horizon(noisy, 0.01) <= 65
    assert horizon(excess, 0.01) in (53, 54)


@pytest.mark.parametrize(("length", "contexts"), [(4, 1), (7, 2), (30, 9), (2000, 256)])
def test_a_short_text_has_fewer_contexts(length, contexts, tiny_model, rng):
    found = memory(tiny_model(), rng.integers(0, 7, length), rng=rng)
    assert len(found.contexts) == len(found.loss) == len(found.error) == contexts


@pytest.mark.parametrize("length", [0, 1, 3])
def test_a_text_too_short_for_any_context_is_refused(length, tiny_model, rng):
    with pytest.raises(TextError, match=f"at least 4 characters, not {length}"):
        memory(tiny_model(), np.zeros(length, int), rng=rng)


def test_zero_contexts_are_refused(tiny_model, rng):
    with pytest.raises(SettingError, match="at least one character of context is needed, not 0"):
        memory(tiny_model(), np.zeros(9, int), contexts=0, rng=rng)


def test_of_a_long_text_the_beginning_is_read(tiny_model, rng):
    model, text = tiny_model(), rng.integers(0, 7, 150)
    long = memory(model, text, max_characters=100, rng=np.random.default_rng(0))
    short = memory(model, text[:100], rng=np.random.default_rng(0))
    assert long.characters == 100
    np.testing.assert_array_equal(long.loss, short.loss)
