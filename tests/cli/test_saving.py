"""The place and the time of saves: no failure there costs a trained step."""

import errno
import json
import os
import shlex
import signal
from pathlib import Path

import numpy as np
import pytest
from helpers.commands import QUICK, command
from test_processes import ENDLESS, posix, wait_for

from charrnn import checkpoint, locks
from charrnn.errors import CheckpointError
from charrnn.training import run as runs
from charrnn.training.saving import Saver, reserving
from charrnn.training.trainer import Trainer

CHECKPOINT = Path("charrnn.npz")


def refused(*arguments, run):
    """The one line by which a command is refused."""
    (line,) = run(*arguments, code=1).stderr.splitlines()
    assert not list(Path().glob("**/*.tmp"))
    return line


class Clock:
    """A clock that a test sets."""

    now = 0.0

    def __call__(self):
        return self.now


def full_disk(path):
    """The error of `charrnn.checkpoint.save` on a full disk."""
    error = CheckpointError(f"{path}: cannot be written: No space left on device")
    error.__cause__ = OSError(errno.ENOSPC, "No space left on device")
    return error


class Saved:
    """A run whose saves take time, and may fail."""

    path, resumed = CHECKPOINT, None

    def __init__(self, clock, takes=0.0):
        self.clock, self.takes = clock, takes
        self.times, self.said, self.fails = [], [], False
        self.trainer = type("Trainer", (), {"counters": type("Counters", (), {"step": 0})})

    def save(self):
        self.times.append(self.clock.now)
        self.clock.now += self.takes
        if self.fails:
            raise full_disk(self.path)


def train_for(seconds, saved, saving):
    """Take steps of a second."""
    end = saved.clock.now + seconds
    while saved.clock.now < end:
        saved.clock.now += 1
        saving.save_if_due()


def test_a_run_is_saved_every_thirty_seconds():
    saved = Saved(Clock())
    train_for(100, saved, Saver(saved, saved.said.append, saved.clock))
    assert saved.times == [30, 60, 90]
    assert saved.said == []


@pytest.mark.parametrize("takes", [0.2, 0.7, 5])
def test_saving_takes_a_hundredth_of_the_time_at_most(takes):
    saved = Saved(Clock(), takes)
    train_for(10_000, saved, Saver(saved, saved.said.append, saved.clock))
    assert len(saved.times) > 10
    pauses = [late - early - takes for early, late in zip(saved.times, saved.times[1:])]
    assert min(pauses) >= max(30, 100 * takes) - 1e-6
    assert max(pauses) < max(30, 100 * takes) + 2


def test_a_save_that_fails_is_said_once_and_tried_again_until_it_succeeds():
    saved = Saved(Clock())
    saving = Saver(saved, saved.said.append, saved.clock)
    saved.fails = True
    train_for(100, saved, saving)
    assert saved.times == [30, 60, 90]
    assert saved.said == [
        "charrnn.npz: cannot be written: No space left on device: the training goes on, and "
        "saving is tried again"
    ]
    saved.fails = False
    train_for(100, saved, saving)
    assert saved.said[1:] == ["charrnn.npz: saved again"]
    saved.fails = True
    train_for(100, saved, saving)
    assert len(saved.said) == 3


@pytest.fixture
def full(monkeypatch):
    """Makes the disk of the working directory full; others have room, unless all are full."""

    def fill(everywhere=False):
        fsync = os.fsync

        def flush(handle):
            here = os.fstat(handle).st_ino in {entry.inode() for entry in os.scandir()}
            if here or everywhere:
                raise OSError(errno.ENOSPC, "No space left on device")
            fsync(handle)

        monkeypatch.setattr(os, "fsync", flush)

    return fill


@pytest.fixture
def temporary(tmp_path_factory, monkeypatch):
    """The temporary directory."""
    folder = tmp_path_factory.mktemp("temporary")
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


def test_a_full_disk_at_the_end_saves_elsewhere_and_says_how_to_go_on(
    run, trained, full, temporary
):
    before = CHECKPOINT.read_bytes()
    full()
    result = run("train", "--resume", "--steps", "15", code=1)
    last = result.stderr.splitlines()[-1]
    assert last.startswith("Error: charrnn.npz: cannot be written: No space left on device: ")
    assert CHECKPOINT.read_bytes() == before
    assert not list(Path().glob(".charrnn*"))
    place = shlex.split(last.rstrip("`"))[-2]
    assert last.endswith(f"saved elsewhere: go on with `charrnn train -c {place} --resume`")
    assert checkpoint.read(place).run.step == 15


def test_where_every_disk_is_full_the_last_save_is_named(run, trained, full, temporary):
    before = CHECKPOINT.read_bytes()
    full(everywhere=True)
    result = run("train", "--resume", "--steps", "15", code=1)
    last = result.stderr.splitlines()[-1]
    assert last.endswith("make room, and go on from step 12 with --resume")
    assert CHECKPOINT.read_bytes() == before
    assert list(temporary.iterdir()) == []


def test_the_error_says_if_nothing_could_be_saved(run, full, temporary):
    full(everywhere=True)
    result = run("train", "text.txt", *QUICK, code=1)
    last = result.stderr.splitlines()[-1]
    assert last.endswith("nothing is saved: make room, or name another place with -c PATH")
    assert not list(Path().glob(".charrnn*"))


def test_a_disk_that_is_full_for_a_while_does_not_end_the_training(run, monkeypatch):
    save, tries = checkpoint.save, []

    def now_and_then_full(path, what):
        tries.append(what.run.step)
        if len(tries) in (2, 3):
            raise full_disk(path)
        save(path, what)

    monkeypatch.setattr(runs.checkpoints, "save", now_and_then_full)
    monkeypatch.setattr("charrnn.training.saving.SAVE_SECONDS", 0)
    monkeypatch.setattr("charrnn.training.saving.SAVE_RATIO", 0)
    said = run("train", "text.txt", *QUICK).stderr
    assert said.count("the training goes on") == 1
    assert said.count("saved again") == 1
    assert tries == [*range(1, 13), 12]
    assert checkpoint.read(CHECKPOINT).run.step == 12


@pytest.mark.parametrize("after", [0, 30])
def test_weights_that_are_no_numbers_end_the_training_and_the_best_ones_are_saved(
    after, run, trained, monkeypatch
):
    step, before = Trainer.step, checkpoint.read(CHECKPOINT)

    def broken(self):
        taken = step(self)
        self.model.parameters.flat[0] = np.inf
        return taken

    monkeypatch.setattr(Trainer, "step", broken)
    monkeypatch.setattr("charrnn.training.saving.SAVE_SECONDS", after)
    last = run("train", "--resume", "--steps", "13", code=1).stderr.splitlines()[-1]
    assert "some weights are not finite: the training diverged: go on from its best weights" in last
    saved = checkpoint.read(CHECKPOINT)
    assert saved.run.diverged == 14
    for name, array in before.best.items():
        np.testing.assert_array_equal(saved.best[name], array)
        np.testing.assert_array_equal(saved.last[name], array)


def test_an_invalid_checkpoint_is_not_blamed_on_the_weights_or_the_disk(run, monkeypatch):
    monkeypatch.setattr("charrnn.checkpoint.schema.MAX_BYTES", 100)
    monkeypatch.setattr("charrnn.checkpoint.schema.has_room", lambda name, files: True)
    last = run("train", "text.txt", *QUICK, code=1).stderr.splitlines()[-1]
    assert last.startswith("Error: charrnn.npz: its header, of ")
    assert last.endswith("bytes, is too large to save: train on fewer files")


@pytest.mark.parametrize("words", [["text.txt"], ["text.txt", "--overwrite"], ["--resume"]])
def test_a_second_run_with_the_same_checkpoint_is_refused_at_once(words, run, trained):
    before = CHECKPOINT.read_bytes()
    Path("link.npz").symlink_to(CHECKPOINT)
    with reserving(CHECKPOINT, pytest.fail):
        for name in ("charrnn.npz", "link.npz"):
            line = refused("train", *words, "-c", name, run=run)
            assert line.startswith(f"Error: {name}: process {os.getpid()} on ")
            assert line.endswith("wait for its end, or name another checkpoint with -c PATH")
    assert CHECKPOINT.read_bytes() == before


def test_the_text_is_not_read_for_a_run_that_is_refused(run, trained):
    with reserving(CHECKPOINT, pytest.fail):
        assert "is already saving to this file" in refused(
            "train", "missing.txt", "--overwrite", run=run
        )


def test_another_checkpoint_is_free(run, trained):
    with reserving(CHECKPOINT, pytest.fail):
        run("train", "text.txt", *QUICK, "-c", "other.npz")


def test_a_checkpoint_can_be_read_during_its_training(run, trained):
    with reserving(CHECKPOINT, pytest.fail):
        assert run("sample", "--length", "5").stdout
        assert json.loads(run("inspect", "--json").stdout)


def test_a_run_leaves_nothing_beside_its_checkpoint(trained):
    assert sorted(os.listdir()) == ["charrnn.npz", "text.txt"]


@posix
def test_a_killed_run_is_resumed_and_its_files_are_removed(run):
    with command("train", "text.txt", *ENDLESS, "--workers", "2", "--sample-every", "1") as process:
        wait_for(process, b"step 1 of")
        line = refused("train", "text.txt", run=run)
        assert f": process {process.pid} on " in line
        process.send_signal(signal.SIGKILL)
    left = [Path(".charrnn.npz.lock"), Path(".charrnn.npz.0123abcd.tmp")]
    assert left.pop(0).exists()
    left[0].write_bytes(b"half of it")
    run("train", "text.txt", *QUICK)
    assert sorted(os.listdir()) == ["charrnn.npz", "text.txt"]


def test_a_notice_says_that_files_cannot_be_locked_and_the_training_goes_on(run, monkeypatch):
    def refuse(handle):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(locks, "try_lock", refuse)
    theirs = Path(".charrnn.npz.0123abcd.tmp")
    theirs.touch()
    said = run("train", "text.txt", *QUICK).stderr
    assert said.count("files cannot be locked there: let no other run save to it") == 1
    assert theirs.exists()  # it may be that of a run that is alive


def test_a_path_that_cannot_hold_a_checkpoint_is_refused_before_training(run, tmp_path):
    Path("file").touch()
    for name, why in {
        str(tmp_path): "is a folder: name a file with -c PATH",
        "missing/model.npz": "there is no folder missing: make it first",
        "file/model.npz": "there is no folder file: make it first",
        "x" * 250: "cannot be written: File name too long: name another place with -c PATH",
    }.items():
        # The text is missing, too: that would be found later.
        for words in (["text.missing"], ["--resume"]):
            line = refused("train", *words, "-c", name, run=run)
            assert line == f"Error: {name}: {why}"


@posix
def test_a_path_that_is_no_file_is_refused_before_training(run):
    os.mkfifo("pipe")
    Path("circle").symlink_to("circle")
    for name, why in {
        "pipe": "is not a regular file: name another with -c PATH",
        "/dev/null": "is not a regular file: name another with -c PATH",
        "circle": "cannot be written: ",
    }.items():
        line = refused("train", "text.txt", "-c", name, run=run)
        assert line.startswith(f"Error: {name}: {why}")


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="a directory that nobody can write to")
def test_a_directory_that_cannot_be_written_to_is_found_before_training(run):
    line = refused("train", "text.txt", "-c", "/proc/self/model.npz", run=run)
    assert line.startswith("Error: /proc/self/model.npz: cannot be written: ")
    assert line.endswith(": name another place with -c PATH")


def test_a_full_disk_is_found_before_training(run, monkeypatch):
    def probe(path):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("charrnn.files.probe", probe)
    line = refused("train", "text.txt", run=run)
    assert line.startswith("Error: charrnn.npz: cannot be written: No space left on device: ")


@pytest.mark.parametrize("more", [[], ["--overwrite"]])
def test_a_file_that_is_no_checkpoint_is_not_replaced(more, run):
    Path("names.txt").write_text("Anna\n")
    said = run("train", "text.txt", "-c", "names.txt", *more, code=1).stderr
    assert "names.txt: is no checkpoint, and would be lost" in said
    assert Path("names.txt").read_text() == "Anna\n"
