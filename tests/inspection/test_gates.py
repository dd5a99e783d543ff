import numpy as np
import pytest

from charrnn.errors import TextError
from charrnn.inspection.gates import gate_saturation
from charrnn.inspection.reading import MIN_PART_CHARACTERS, STEPS, Signal, signals_of
from charrnn.inspection.recording import record
from charrnn.network.layers import LAYER_TYPES
from charrnn.network.model import CharRNN
from charrnn.text.vocabulary import Vocabulary


@pytest.mark.parametrize("cell", sorted(LAYER_TYPES))
@pytest.mark.parametrize("length", [1, 50, STEPS + 7])
def test_shares_are_those_of_all_values_of_every_layer(cell, length, tiny_model, rng):
    model = tiny_model(cell, 2)
    model.parameters.flat[...] *= 3  # or hardly anything would be saturated
    text = rng.integers(0, 7, length)
    found = gate_saturation(model, text)
    names = {"lstm": ["i", "f", "o"], "gru": ["r", "z"]}.get(cell, ["h"])
    signals = signals_of(model, names=names)
    assert list(found.left) == list(found.right) == signals
    values = record(model, text, signals).values
    for signal in signals:
        low = values[signal] <= 0 if cell == "vanilla-relu" else values[signal] < found.low
        np.testing.assert_allclose(found.left[signal], low.mean(axis=0))
        np.testing.assert_allclose(found.right[signal], (values[signal] > found.high).mean(axis=0))
    assert found.characters == length


def test_thresholds_are_those_of_gates_of_tanh_and_of_rectifiers(tiny_model):
    text = np.arange(7)
    limits = {}
    for cell in LAYER_TYPES:
        found = gate_saturation(tiny_model(cell), text)
        limits[cell] = found.low, found.high
    assert limits == {
        "gru": (0.1, 0.9),
        "lstm": (0.1, 0.9),
        "vanilla": (-0.9, 0.9),
        "vanilla-relu": (0.0, 0.0),
    }


def test_gates_that_never_move_are_saturated_all_the_time():
    model = CharRNN(Vocabulary("abcdefg"), layer_type="lstm", hidden_size=4)
    model.parameters["layer1.b"][:12] = np.repeat([-4, 4, 0], 4)
    found = gate_saturation(model, np.arange(7))
    shares = {s.name: (found.left[s].tolist(), found.right[s].tolist()) for s in found.left}
    assert shares == {"i": ([1] * 4, [0] * 4), "f": ([0] * 4, [1] * 4), "o": ([0] * 4, [0] * 4)}


def test_a_rectified_cell_is_either_on_or_off(tiny_model, rng):
    found = gate_saturation(tiny_model("vanilla-relu"), rng.integers(0, 7, 100))
    h = Signal(1, "h")
    np.testing.assert_allclose(found.left[h] + found.right[h], 1)


def test_a_text_for_many_readers_counts_each_character_once(tiny_model, rng):
    text = rng.integers(0, 7, 2 * MIN_PART_CHARACTERS + 3)
    model = tiny_model("vanilla-relu", hidden_size=3)
    model.parameters["layer1.Wh"][...] /= 4  # so that it does not grow over so many characters
    found = gate_saturation(model, text)
    np.testing.assert_allclose(found.left[1, "h"] + found.right[1, "h"], 1)


def test_an_empty_text_is_refused(tiny_model):
    with pytest.raises(TextError, match="at least 1 character, not 0"):
        gate_saturation(tiny_model(), np.zeros(0, int))
