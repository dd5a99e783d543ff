import numpy as np
import pytest

from charrnn.errors import SettingError
from charrnn.inspection.reading import STEPS, Signal, divide, signals_of
from charrnn.inspection.recording import export, record
from charrnn.network.layers import LAYER_TYPES
from charrnn.sampling import Reader
from charrnn.text.streams import Window


@pytest.mark.parametrize("cell", sorted(LAYER_TYPES))
@pytest.mark.parametrize("layer", [1, 2])
def test_values_are_those_after_reading_each_character(cell, layer, tiny_model, rng):
    model = tiny_model(cell, 2)
    text = rng.integers(0, 7, 20)
    carried = signals_of(model, layer)
    values = record(model, text, carried).values
    reader = Reader(model)
    for position, index in enumerate(text):
        reader.read(np.array([index]))
        for number, signal in enumerate(carried):
            now = reader.state[layer - 1, number, :, 0]
            np.testing.assert_allclose(values[signal][position], now, atol=1e-12)


@pytest.mark.parametrize("length", [1, 2, STEPS - 1, STEPS, STEPS + 1, 2 * STEPS + 3])
def test_a_text_of_any_length_is_recorded_in_one_go(length, tiny_model, rng):
    model = tiny_model()
    text = rng.integers(0, 7, length)
    recording = record(model, text, [Signal(1, "h")], guesses=5)
    assert recording.values[Signal(1, "h")].shape == (length, 5)
    assert recording.guesses.shape == recording.probabilities.shape == (length, 5)
    if length == 1:
        assert len(recording.losses) == 0
        return
    expected = model.losses(Window(text[:-1, None], text[1:, None]), model.state())[:, 0]
    np.testing.assert_allclose(recording.losses, expected, atol=1e-10)


@pytest.mark.parametrize("most", [2, 3, 7])
def test_streams_side_by_side_record_nearly_what_one_does(most, tiny_model, rng):
    model = tiny_model()
    text = rng.integers(0, 7, 2_000)
    signals = signals_of(model)
    one = record(model, text, signals, guesses=2)
    many = record(model, text, signals, guesses=2, parts=divide(len(text), most))
    for signal in signals:
        np.testing.assert_allclose(many.values[signal], one.values[signal], atol=1e-3)
    np.testing.assert_allclose(many.losses, one.losses, atol=1e-3)
    np.testing.assert_allclose(many.probabilities, one.probabilities, atol=1e-3)
    assert (many.guesses == one.guesses).mean() > 0.99


def test_guesses_are_the_likeliest_successors_with_their_probabilities(tiny_model, rng):
    model = tiny_model()
    text = rng.integers(0, 7, 30)
    recording = record(model, text, guesses=7)
    logits = model.forward(text[:, None], model.state())[:, :, 0].T
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_array_equal(recording.guesses, np.argsort(-p, axis=1))
    np.testing.assert_allclose(recording.probabilities, -np.sort(-p, axis=1))
    np.testing.assert_allclose(recording.probabilities.sum(axis=1), 1)


def test_a_text_may_be_given_as_a_string(tiny_model):
    model = tiny_model()
    np.testing.assert_array_equal(
        record(model, "abcabc").losses, record(model, model.vocabulary.encode("abcabc")).losses
    )


@pytest.mark.parametrize("signal", ["i", "f", "o"])
def test_gates_run_from_zero_to_one(signal, tiny_model, rng):
    values = record(tiny_model(), rng.integers(0, 7, 50), [Signal(1, signal)]).values
    assert 0 < values[1, signal].min() < values[1, signal].max() < 1


def test_large_arrays_are_kept_in_a_temporary_file(tiny_model, rng, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("charrnn.text.storage.IN_MEMORY", 1_000)
    text = rng.integers(0, 7, 100)
    recording = record(tiny_model(), text, [Signal(1, "h")])
    assert isinstance(recording.values[1, "h"], np.memmap)
    assert len(list(tmp_path.iterdir())) == 1
    del recording
    assert list(tmp_path.iterdir()) == []


def test_logits_are_kept_on_request(tiny_model, rng):
    model = tiny_model()
    text = rng.integers(0, 7, 300)
    found = record(model, text, logits=True).logits
    expected = model.forward(text[:, None], model.state())[:, :, 0].T
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert record(model, text).logits is None


def test_a_recording_can_be_read_by_numpy_alone(tiny_model, tmp_path, rng):
    model, text = tiny_model("lstm", 2), rng.integers(0, 7, 30)
    recording = record(model, text, signals_of(model))
    export(tmp_path / "a.npz", recording, text, model.vocabulary)
    with np.load(tmp_path / "a.npz", allow_pickle=False) as read:
        assert sorted(read.files) == sorted(
            ["layer1.h", "layer1.c", "layer2.h", "layer2.c", "losses", "indices", "characters"]
        )
        np.testing.assert_array_equal(read["layer2.c"], recording.values[2, "c"])
        np.testing.assert_array_equal(read["losses"], recording.losses)
        assert "".join(map(chr, read["characters"])) == model.vocabulary.ix_to_char
        np.testing.assert_array_equal(read["indices"], text)


def test_logits_are_in_the_file_if_they_were_recorded(tiny_model, tmp_path, rng):
    model, text = tiny_model(), rng.integers(0, 7, 30)
    recording = record(model, text, logits=True)
    export(tmp_path / "a.npz", recording, text, model.vocabulary)
    with np.load(tmp_path / "a.npz") as read:
        np.testing.assert_array_equal(read["logits"], recording.logits)


def test_a_path_that_cannot_be_written_is_named(tiny_model, tmp_path):
    model, text = tiny_model(), np.array([0, 1])
    path = tmp_path / "missing" / "a.npz"
    with pytest.raises(SettingError, match=r"missing/a\.npz: cannot be written: No such file"):
        export(path, record(model, text, signals_of(model)), text, model.vocabulary)
