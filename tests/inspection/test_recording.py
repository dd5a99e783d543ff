import numpy as np
import pytest

from charrnn.cells import CELLS
from charrnn.errors import SettingError
from charrnn.inspection.recording import CHUNK, record
from charrnn.text.streams import Window


@pytest.mark.parametrize("cell", sorted(CELLS))
@pytest.mark.parametrize("layer", [1, 2])
def test_values_are_those_after_reading_each_character(cell, layer, tiny_model, rng):
    model = tiny_model(cell, 2)
    text = rng.integers(0, 7, 20)
    recording = record(model, text, layer=layer)
    reader = model.reader()
    for place, index in enumerate(text):
        reader.read(np.array([index]))
        h = reader.state[layer - 1, 0, :, 0]
        np.testing.assert_allclose(recording.values[place], h, atol=1e-12)


@pytest.mark.parametrize("length", [1, 2, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK + 3])
def test_a_text_of_any_length_is_recorded_in_one_go(length, tiny_model, rng):
    model = tiny_model()
    text = rng.integers(0, 7, length)
    recording = record(model, text)
    assert recording.values.shape == (length, 5)
    assert recording.guesses.shape == recording.probabilities.shape == (length, 5)
    if length == 1:
        assert len(recording.losses) == 0
        return
    expected = model.losses(Window(text[:-1, None], text[1:, None]), model.state())[:, 0]
    np.testing.assert_allclose(recording.losses, expected, atol=1e-10)


def test_guesses_are_the_likeliest_successors_with_their_probabilities(tiny_model, rng):
    model = tiny_model()
    text = rng.integers(0, 7, 30)
    recording = record(model, text, guesses=7)
    logits = model.forward(text[:, None], model.state())[:, :, 0].T
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_array_equal(recording.guesses, np.argsort(-p, axis=1))
    np.testing.assert_allclose(recording.probabilities, -np.sort(-p, axis=1))
    np.testing.assert_allclose(recording.probabilities.sum(axis=1), 1)


@pytest.mark.parametrize("signal", ["i", "f", "o"])
def test_gates_run_from_zero_to_one(signal, tiny_model, rng):
    values = record(tiny_model(), rng.integers(0, 7, 50), signal=signal).values
    assert 0 < values.min() < values.max() < 1


@pytest.mark.parametrize("wrong", [{"layer": 0}, {"layer": 3}, {"signal": "r"}])
def test_what_the_model_does_not_have_is_refused(wrong, tiny_model):
    with pytest.raises(SettingError, match=r"the (model|lstm) has"):
        record(tiny_model("lstm", 2), np.array([0, 1]), **wrong)
