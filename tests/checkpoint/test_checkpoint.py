import json
import os
import stat
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from helpers.checkpoints import (
    CORPUS,
    COUNTED,
    RUN,
    SETTINGS,
    made,
    npz,
    rewritten,
    trained,
    with_header,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import charrnn
from charrnn.checkpoint import MAX_EXCERPT, read, save
from charrnn.checkpoint.checkpoint import check_format
from charrnn.checkpoint.state import MAX_POINTS, table_of
from charrnn.config import MAX_FLOAT32
from charrnn.errors import CheckpointError, SettingError
from charrnn.sampling import sample_text
from charrnn.text.corpus import Corpus
from charrnn.text.vocabulary import CODE_POINTS, Vocabulary
from charrnn.training.run import resume
from charrnn.training.trainer import train


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.npz"


def test_a_saved_checkpoint_is_read(path):
    saved = made(
        corpus=CORPUS,
        settings=SETTINGS,
        run=RUN,
        resume={"state": np.arange(4.0)},
        excerpt="abc",
    )
    save(path, saved)
    found = read(path)
    assert found.vocabulary == saved.vocabulary
    assert found.normalize == "nfd"
    for name in ("model", "corpus", "settings", "run", "excerpt", "versions"):
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
    np.testing.assert_array_equal(charrnn.load(path, "last").parameters["Wy"], saved.last["Wy"])
    with pytest.raises(SettingError, match="weights is 'best' or 'last', not 'first'"):
        charrnn.load(path, "first")


def test_the_card_of_the_readme_works(path):
    save(path, made())
    text = "".join(charrnn.load(path).sample(20, temperature=0.8, prime="ab"))
    assert len(text) == 20
    assert set(text) <= set("abc\n")


def test_a_missing_checkpoint_says_how_to_make_one(path):
    with pytest.raises(CheckpointError, match="charrnn train"):
        read(path)


def test_an_older_format_is_refused_by_its_number():
    with pytest.raises(CheckpointError, match="has format 1, and this charrnn reads format 2: use"):
        check_format(1, known=2)


def test_a_newer_format_asks_for_an_upgrade(path):
    with_header(path, lambda said: said.update(format=99))
    with pytest.raises(
        CheckpointError, match="install a newer charrnn from where you got this one"
    ):
        read(path)


@pytest.mark.parametrize(
    ("name", "array", "said"),
    [
        ("vocabulary", np.array([0x110000], np.uint32), "is not a list of code points"),
        ("vocabulary", np.array([97.0]), "is not a list of code points"),
        ("vocabulary", np.array([98, 97], np.uint32), "not in ascending order"),
        ("excerpt", np.array([[97]], np.uint32), "is not a list of code points"),
        ("excerpt", np.array([122], np.uint32), "characters that are not in the vocabulary: 'z'"),
        ("history", np.zeros((2, 4)), r"history is float\d\d \(.*\), not float64 \(N, 3\)"),
        ("history", np.zeros(3, np.float32), r"history is float\d\d \(.*\), not float64 \(N, 3\)"),
        ("history", np.full((1, 3), np.nan), "history has a step or a loss out of its range"),
        ("history", np.array([[1, np.inf, 1]]), "history has a step or a loss out of its range"),
        ("history", np.array([[1, 1, 1e300]]), "history has a step or a loss out of its range"),
        ("history", np.array([[1, -1, 1.0]]), "history has a step or a loss out of its range"),
        ("history", np.array([[1.5, 1, 1]]), "history has a step or a loss out of its range"),
        ("history", np.array([[-1.0, 1, 1]]), "history has a step or a loss out of its range"),
        ("history", np.array([[1e300, 1, 1]]), "history has a step or a loss out of its range"),
        ("resume.m", np.array([np.inf]), "resume.m is not finite"),
        ("resume.m", np.array([1e300]), "resume.m is not finite"),
        ("best.by", np.zeros(4, np.uint8), "best.by is not finite"),
        ("best.by", np.full(4, 1e300), "best.by is not finite"),
        ("last.by", np.full(4, -1e39), "last.by is not finite"),
        ("vocabulary", np.zeros(0, np.uint32), "vocabulary has no characters"),
        ("vocabulary", np.zeros((), np.uint32), "is not a list of code points"),
        ("vocabulary", np.arange(CODE_POINTS, dtype=np.uint32), "the model needs"),
    ],
)
def test_a_wrong_array_is_refused(name, array, said, path):
    rewritten(path, lambda arrays: arrays.update({name: array}))
    with pytest.raises(CheckpointError, match=rf"model\.npz: .*{said}"):
        read(path)


@pytest.mark.parametrize(("last", "fine"), [(0xFF, True), (0x100, False)])
def test_a_model_of_bytes_knows_bytes_alone(last, fine, path):
    def of_bytes(arrays):
        said = json.loads(arrays["header"].tobytes())
        said["corpus"]["binary"] = True
        arrays["header"] = np.frombuffer(json.dumps(said).encode(), np.uint8)
        arrays["vocabulary"] = np.array([97, 98, 99, last], np.uint32)

    rewritten(path, of_bytes)
    if fine:
        assert read(path).binary
        return
    with pytest.raises(CheckpointError, match="more than bytes"):
        read(path)


def test_an_array_of_another_group_is_refused(path):
    def more(arrays):
        said = json.loads(arrays["header"].tobytes())
        said["arrays"] = sorted([*said["arrays"], "worst.Wy"])
        arrays["worst.Wy"] = arrays["best.Wy"]
        arrays["header"] = np.frombuffer(json.dumps(said).encode(), np.uint8)

    rewritten(path, more)
    with pytest.raises(CheckpointError, match=r"unexpected array 'worst\.Wy': use an intact copy"):
        read(path)


def test_a_shape_that_contradicts_the_configuration_is_shown(path):
    rewritten(path, lambda arrays: arrays.update({"best.Wy": np.zeros((3, 4), np.float32)}))
    with pytest.raises(CheckpointError, match=r"best.Wy has the shape \(3, 4\), .* \(4, 4\)"):
        read(path)


def test_a_missing_array_is_named(path):
    def without(said):
        said["arrays"].remove("last.by")

    with_header(path, without)
    with np.load(path) as file:
        path.write_bytes(npz(**{name: file[name] for name in file.files if name != "last.by"}))
    with pytest.raises(CheckpointError, match=r"missing array 'last\.by': use an intact copy"):
        read(path)


def test_weights_that_are_not_finite_are_refused(path):
    def poison(arrays):
        arrays["best.by"][0] = np.nan

    rewritten(path, poison)
    with pytest.raises(CheckpointError, match=r"best.by is not finite"):
        read(path)


def test_a_save_that_fails_leaves_the_old_one_and_nothing_else(path, monkeypatch):
    save(path, made(excerpt="a"))

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CheckpointError, match=r"model.npz: cannot be written: No space left"):
        save(path, made(excerpt="b"))
    monkeypatch.undo()
    assert read(path).excerpt == "a"
    assert [file.name for file in path.parent.iterdir()] == ["model.npz"]


@pytest.mark.parametrize("group", ["best", "last", "resume"])
def test_non_finite_weights_do_not_replace_finite_ones(group, path):
    save(path, made(excerpt="a", resume={"m": np.zeros(4)}))
    spoiled = made(excerpt="b", resume={"m": np.zeros(4)})
    next(iter(getattr(spoiled, group).values())).flat[0] = np.inf
    with pytest.raises(CheckpointError, match=rf"model\.npz: {group}\..* is not finite"):
        save(path, spoiled)
    assert read(path).excerpt == "a"


def test_an_excerpt_too_long_to_be_read_is_not_written(path):
    save(path, made(excerpt="a" * MAX_EXCERPT))
    with pytest.raises(CheckpointError, match="excerpt has more than 500,000 characters"):
        save(path, made(excerpt="a" * (MAX_EXCERPT + 1)))
    assert len(read(path).excerpt) == MAX_EXCERPT


def test_a_history_is_read_as_it_was(path):
    save(path, made(run=RUN))
    assert read(path).run == RUN


def points(count):
    return [{"step": n + 1, "loss": 1.0, "val_loss": None} for n in range(count)]


def test_a_history_longer_than_a_training_makes_is_neither_written_nor_read(path):
    save(path, made(run=replace(RUN, history=points(MAX_POINTS))))
    assert read(path).run.history == points(MAX_POINTS)
    with pytest.raises(CheckpointError, match=r"not saved, .* history has more than 5,000 points"):
        save(path, made(run=replace(RUN, history=points(MAX_POINTS + 1))))
    rewritten(path, lambda arrays: arrays.update(history=table_of(points(MAX_POINTS + 1))))
    with pytest.raises(CheckpointError, match="damaged: history has more than 5,000 points"):
        read(path)


@pytest.mark.parametrize("number", [1e300, np.finfo(np.float16).max])
def test_numbers_that_would_not_be_read_again_are_not_written(number, path):
    odd = made()
    odd.best["by"] = np.full(4, number)
    with pytest.raises(CheckpointError, match=r"model\.npz: best\.by is not finite"):
        save(path, odd)
    assert not path.exists()


@pytest.mark.parametrize(
    "changes", [{"best_loss": MAX_FLOAT32}, {"loss_sum": 7 * MAX_FLOAT32, "loss_count": 7}]
)
def test_any_loss_that_float32_has_can_be_saved(changes, path):
    run = replace(RUN, **changes)
    save(path, made(run=run))
    assert read(path).run == run


def test_a_checkpoint_that_could_not_be_read_again_is_not_written(path):
    with pytest.raises(
        CheckpointError,
        match=r"model\.npz: not saved, .* run.step of its header",
    ):
        save(path, made(run=replace(RUN, step=2**60)))
    assert not path.exists()


def test_a_save_keeps_the_mode_and_follows_a_link(path, tmp_path):
    save(path, made(excerpt="a"))
    path.chmod(0o640)
    link = tmp_path / "link.npz"
    link.symlink_to(path)
    save(link, made(excerpt="b"))
    assert link.is_symlink()
    assert read(path).excerpt == "b"
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


def test_a_checkpoint_of_a_training_has_its_numbers(path):
    path.write_bytes(trained())
    found = read(path)
    assert found.vocabulary == Vocabulary.of(COUNTED)
    assert found.excerpt == COUNTED[-239:]
    assert [point["step"] for point in found.run.history] == list(range(1, 21))
    scored = [point["step"] for point in found.run.history if point["val_loss"] is not None]
    assert scored == [5, 10, 15, 20]
    assert found.run.best_loss == pytest.approx(2.955, abs=0.1)
    assert len("".join(sample_text(found.build(), 20, seed=0))) == 20


def test_a_training_goes_on_from_its_checkpoint(path):
    path.write_bytes(trained())
    with resume(read(path), path, Corpus.of(COUNTED), steps=25) as run:
        assert [progress.step for progress in train(run.trainer)] == [21, 22, 23, 24, 25]
        run.save()
    history = read(path).run.history
    assert [point["step"] for point in history] == list(range(1, 26))
    assert history[-1]["val_loss"] is not None


@pytest.mark.parametrize("name", ["vocabulary", "excerpt", "history", "header"])
def test_no_array_can_be_left_out(name, path):
    def without(arrays):
        said = json.loads(arrays["header"].tobytes())
        said["arrays"] = [listed for listed in said["arrays"] if listed != name]
        arrays["header"] = np.frombuffer(json.dumps(said).encode(), np.uint8)
        del arrays[name]

    rewritten(path, without)
    with pytest.raises(CheckpointError, match=f"missing array '{name}'|not a charrnn checkpoint"):
        read(path)


@pytest.mark.parametrize(
    ("items", "said"),
    [
        (np.array([2, 1], np.uint64), "items is not"),
        (np.array([1, 1], np.uint64), "items is not"),
        (np.array([1.0, 2.0]), "items is not"),
        (np.array([[1], [2]], np.uint64), "items is not"),
        (np.array([1, 2], np.uint64), "unexpected array 'items'"),
    ],
)
def test_hashes_of_items_are_checked(items, said, path):
    def more(arrays):
        header = json.loads(arrays["header"].tobytes())
        header["arrays"] = sorted([*header["arrays"], "items"])
        header["model"]["lines"] = header["corpus"]["lines"] = said == "items is not"
        arrays["header"] = np.frombuffer(json.dumps(header).encode(), np.uint8)
        arrays["items"] = items

    rewritten(path, more)
    with pytest.raises(CheckpointError, match=said):
        read(path)


@pytest.mark.parametrize("part", ["model", "corpus"])
def test_model_and_text_agree_on_lines(part, path):
    def change(header):
        header[part]["lines"] = True

    with_header(path, change)
    with pytest.raises(CheckpointError, match="lines of its header differs"):
        read(path)


def test_a_model_of_lines_needs_a_newline(path):
    def change(arrays):
        header = json.loads(arrays["header"].tobytes())
        header["model"]["lines"] = header["corpus"]["lines"] = True
        arrays["header"] = np.frombuffer(json.dumps(header).encode(), np.uint8)
        arrays["vocabulary"] = np.array([97, 98, 99, 100], np.uint32)

    rewritten(path, change)
    with pytest.raises(CheckpointError, match="no newline"):
        read(path)
