import io
import json
import os
import pickle
import stat
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import charrnn
from charrnn.checkpoint import Checkpoint, load, read, save
from charrnn.errors import CheckpointError
from charrnn.model import CharRNN
from charrnn.text.vocabulary import Vocabulary


def made(vocabulary="abc\n", **more):
    model = CharRNN(Vocabulary(vocabulary), cell="gru", hidden_size=4)
    model.initialize(np.random.default_rng(0))
    last = {name: array.copy() for name, array in model.parameters.items()}
    best = {name: array + 1 for name, array in last.items()}
    return Checkpoint(model.configuration, model.vocabulary, best, last, **more)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.npz"


def test_what_is_saved_is_read(path):
    saved = made(
        normalize="nfd",
        corpus={"name": "x", "characters": 9},
        settings={"steps": 3},
        run={"step": 2, "history": []},
        resume={"state": np.arange(4.0)},
        excerpt="abc",
    )
    save(path, saved)
    found = read(path)
    assert found.vocabulary == saved.vocabulary
    for name in ("model", "normalize", "corpus", "settings", "run", "excerpt", "versions"):
        assert getattr(found, name) == getattr(saved, name)
    for group in ("best", "last", "resume"):
        arrays = getattr(found, group)
        assert arrays.keys() == getattr(saved, group).keys()
        for name, array in getattr(saved, group).items():
            np.testing.assert_array_equal(arrays[name], array)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(st.text(st.characters(codec=None), min_size=1, max_size=30))
def test_any_vocabulary_survives(path, text):
    save(path, made(vocabulary=text, excerpt=text))
    assert read(path).vocabulary == Vocabulary(text)
    assert read(path).excerpt == text


def test_numpy_reads_it_without_pickles(path):
    save(path, made())
    with np.load(path, allow_pickle=False) as file:
        assert {"header", "best.Wy", "last.layer1.Wh"} <= set(file.files)
        assert json.loads(file["header"].tobytes())["format"] == 1


def test_load_gives_the_best_weights_or_the_last(path):
    saved = made()
    save(path, saved)
    np.testing.assert_array_equal(charrnn.load(path).parameters["Wy"], saved.best["Wy"])
    np.testing.assert_array_equal(load(path, "last").parameters["Wy"], saved.last["Wy"])


def test_the_card_of_the_readme_works(path):
    save(path, made())
    text = "".join(charrnn.load(path).sample(20, temperature=0.8, prime="ab"))
    assert len(text) == 20
    assert set(text) <= set("abc\n")


def npz(**arrays):
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def npy(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"To whom it may concern",
        npy(np.zeros(3)),
        pickle.dumps({"a": 1}),
        npz(a=np.zeros(3)),
        npz(header=np.frombuffer(b"not json", np.uint8)),
        npz(header=np.frombuffer(b"{}", np.uint8)),
        npz(header=np.frombuffer(b"[1]", np.uint8)),
        npz(header=np.array([object()])),
    ],
)
def test_what_is_no_checkpoint_is_refused_by_name(path, content):
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"model.npz: .*not a charrnn checkpoint"):
        read(path)


def test_a_missing_checkpoint_says_how_to_make_one(path):
    with pytest.raises(CheckpointError, match="charrnn train"):
        read(path)


def test_a_truncated_checkpoint_is_refused(path):
    save(path, made())
    whole = path.read_bytes()
    for size in range(0, len(whole), 97):
        path.write_bytes(whole[:size])
        with pytest.raises(CheckpointError):
            read(path)


def rewritten(path, change):
    """Save a checkpoint whose arrays went through `change`."""
    save(path, made())
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files}
    change(arrays)
    path.write_bytes(npz(**arrays))


def test_a_newer_format_asks_for_an_upgrade(path):
    def newer(arrays):
        header = json.loads(arrays["header"].tobytes())
        arrays["header"] = np.frombuffer(json.dumps({**header, "format": 99}).encode(), np.uint8)

    rewritten(path, newer)
    with pytest.raises(CheckpointError, match="newer charrnn: upgrade"):
        read(path)


def test_a_shape_that_contradicts_the_configuration_is_shown(path):
    rewritten(path, lambda arrays: arrays.update({"best.Wy": np.zeros((3, 4), np.float32)}))
    with pytest.raises(CheckpointError, match=r"best.Wy is \(3, 4\).*asks for \(4, 4\)"):
        read(path)


def test_a_missing_array_is_named(path):
    rewritten(path, lambda arrays: arrays.pop("last.by"))
    with pytest.raises(CheckpointError, match=r"last.by is missing"):
        read(path)


def test_weights_that_are_not_finite_are_refused(path):
    def poison(arrays):
        arrays["best.by"][0] = np.nan

    rewritten(path, poison)
    with pytest.raises(CheckpointError, match=r"best.by is not finite"):
        read(path)


def test_a_save_that_fails_leaves_the_old_one_and_nothing_else(path, monkeypatch):
    save(path, made(excerpt="old"))

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CheckpointError, match=r"model.npz: cannot be written: No space left"):
        save(path, made(excerpt="new"))
    monkeypatch.undo()
    assert read(path).excerpt == "old"
    assert [file.name for file in path.parent.iterdir()] == ["model.npz"]


def test_a_save_keeps_the_mode_and_follows_a_link(path, tmp_path):
    save(path, made(excerpt="old"))
    path.chmod(0o640)
    link = tmp_path / "link.npz"
    link.symlink_to(path)
    save(link, made(excerpt="new"))
    assert link.is_symlink()
    assert read(path).excerpt == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_new_checkpoint_has_the_mode_of_any_new_file(path, tmp_path):
    save(path, made())
    other = tmp_path / "other"
    other.touch()
    assert path.stat().st_mode == other.stat().st_mode


def test_arrays_are_stored_uncompressed(path):
    save(path, made())
    with zipfile.ZipFile(path) as file:
        assert {member.compress_type for member in file.infolist()} == {zipfile.ZIP_STORED}
