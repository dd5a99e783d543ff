"""Runs that are killed at any moment, resumed, and end with the same bits."""

import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

import pytest
from helpers.commands import DEADLINE, LIGHTHOUSE, invoke

from charrnn import checkpoint
from charrnn.network.layers import LAYER_TYPES
from charrnn.training.optimizers import OPTIMIZERS

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="SIGKILL")

#: A run that needs every part of its checkpoint: the streams of its short text start again at step
#: 9 and later, and the best weights are not the last.
RUN = [
    "text.txt",
    *("--hidden-size", "6", "--batch-size", "4", "--seq-length", "8", "--dropout", "0.3"),
    *("--steps", "120", "--val-every", "7", "--val-frac", "0.3"),
    *("--learning-rate", "0.05", "--warmup", "20"),
]
#: The command, but every step is saved; with a name and a number n, it kills itself in call n of
#: the function of that name.
HARNESS = """
import os, signal, sys
from importlib import import_module
from charrnn.training import saving
saving.SAVE_SECONDS = saving.SAVE_RATIO = 0
os.fsync = lambda number: None  # only a power cut needs it
point, number = sys.argv.pop(1), int(sys.argv.pop(1))
if point:
    module, _, name = point.partition(":")
    owner = import_module(module)
    if "." in name:
        kind, _, name = name.partition(".")
        owner = getattr(owner, kind)
    right, calls = getattr(owner, name), []
    def counted(*arguments, **more):
        calls.append(name)
        if len(calls) == number:
            os.kill(os.getpid(), signal.SIGKILL)
        return right(*arguments, **more)
    setattr(owner, name, counted)
from charrnn.__main__ import main
main()
"""


def process(path, words, point="", number=0):
    """Start a process that begins a run, or resumes it if it has a checkpoint."""
    more = ["--resume"] if Path(path).exists() else words
    return subprocess.Popen(
        [sys.executable, "-c", HARNESS, point, str(number), "train", "-c", path, *more],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def everything(path):
    """The whole contents of a checkpoint, its arrays as bytes."""
    saved = asdict(checkpoint.read(path))
    vocabulary = saved.pop("vocabulary")
    for group in ("best", "last", "resume"):
        saved[group] = {name: array.tobytes() for name, array in saved[group].items()}
    return {**saved, "vocabulary": vocabulary.ix_to_char}


def kill_at_random(path, words, seed):
    """Kill a run twice, each time at a random moment after it has saved something."""
    chance = random.Random(seed)
    for _ in range(2):
        before = saved_at(path)
        with process(path, words) as running:
            limit = time.monotonic() + DEADLINE
            while saved_at(path) == before and running.poll() is None:
                assert time.monotonic() < limit, "nothing was saved"
                time.sleep(0.005)
            time.sleep(0.25 * chance.random())
            running.kill()
            running.stderr.read()


def saved_at(path):
    """A value that changes with every save; None before the first."""
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns


@pytest.fixture(scope="module")
def text():
    return LIGHTHOUSE.read_bytes()[:1500]


@pytest.fixture(scope="module")
def whole(text, tmp_path_factory):
    """The contents of the checkpoint of a run that is not killed."""
    folder = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        Path("text.txt").write_bytes(text)
        invoke("train", "-c", "whole.npz", *RUN)
        return everything("whole.npz")


def finish(path, run):
    """Resume a run that was killed, unless its last validation was saved; returns its contents."""
    history = checkpoint.read(path).run.history
    if not any(point["step"] == 120 and point["val_loss"] is not None for point in history):
        run("train", "-c", path, "--resume")
    return everything(path)


@pytest.mark.parametrize(
    ("layer_type", "optimizer", "workers"),
    list(zip([*sorted(LAYER_TYPES), "gru"], sorted(OPTIMIZERS), (1, 2, 2, 1, 1), strict=True)),
)
def test_a_run_killed_at_random_moments_ends_with_the_same_bits(
    layer_type, optimizer, workers, text, run
):
    Path("text.txt").write_bytes(text)
    words = [*RUN, "--model", layer_type, "--optimizer", optimizer, "--workers", str(workers)]
    run("train", "-c", "whole.npz", *words)
    kill_at_random("killed.npz", words, seed=len(layer_type))
    assert finish("killed.npz", run) == everything("whole.npz")


@pytest.mark.parametrize(
    ("point", "number"),
    [
        ("charrnn.training.trainer:Trainer.step", 9),  # a stream starts again
        ("charrnn.training.trainer:evaluate", 3),
        ("charrnn.training.trainer:Trainer.validate", 18),  # after the last step
        ("charrnn.checkpoint:save", 14),  # after a validation
        ("os:fsync", 25),
        ("os:replace", 30),
        ("charrnn.cli.train:conclude", 1),
    ],
)
def test_a_run_killed_at_a_certain_moment_ends_with_the_same_bits(point, number, text, whole, run):
    Path("text.txt").write_bytes(text)
    with process("killed.npz", RUN, point, number) as killed:
        said = killed.stderr.read()
    assert killed.returncode == -signal.SIGKILL, said
    corpus = {**whole["corpus"], "files": (str(Path("text.txt").resolve()),)}
    assert finish("killed.npz", run) == {**whole, "corpus": corpus}


def test_the_run_starts_streams_again_and_its_best_weights_are_not_the_last(whole):
    """The tests above would miss a part of the checkpoint otherwise."""
    assert 0 < whole["run"]["best_step"] < whole["run"]["step"] == 120
    assert whole["run"]["stale"] > 0
    assert whole["corpus"]["characters"] == 1500
