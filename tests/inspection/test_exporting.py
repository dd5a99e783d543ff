import numpy as np
import pytest

from charrnn.errors import SettingError
from charrnn.inspection.exporting import export
from charrnn.inspection.reading import signals_of
from charrnn.inspection.recording import record


def test_what_was_recorded_can_be_read_by_numpy_alone(tiny_model, tmp_path, rng):
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


def test_a_place_that_cannot_be_written_is_named(tiny_model, tmp_path):
    model, text = tiny_model(), np.array([0, 1])
    path = tmp_path / "missing" / "a.npz"
    with pytest.raises(SettingError, match=r"missing/a\.npz: cannot be written: No such file"):
        export(path, record(model, text, signals_of(model)), text, model.vocabulary)
