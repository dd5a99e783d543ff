"""Runs that are killed at any moment, and go on as if nothing had happened: bit for bit."""

import os
import random
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from itertools import product
from pathlib import Path
from threading import Timer

import pytest
from helpers.commands import DEADLINE, LIGHTHOUSE

from charrnn import checkpoint
from charrnn.network.layers import LAYER_TYPES
from charrnn.training.optimizers import OPTIMIZERS

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="SIGKILL")

#: A run in which everything is at work that has to be resumed: readers come round to the beginning
#: of so short a text at step 9 and often thereafter, and the best weights are not the last.
RUN = [
    "text.txt",
    *("--hidden-size", "6", "--batch-size", "4", "--seq-length", "8", "--dropout", "0.3"),
    *("--steps", "120", "--val-every", "7", "--val-frac", "0.3"),
    *("--learning-rate", "0.05", "--warmup", "20"),
]
#: The command, but every step is saved; with a name and a number, it kills itself when the
#: function of that name is called for that time.
HARNESS = """
import os, signal, sys
from importlib import import_module
from charrnn.training import saving
saving.SAVE_SECONDS = saving.SAVE_RATIO = 0
os.fsync = lambda number: None  # for power cuts, which these are not
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
    """A process that begins a run, or goes on with it."""
    more = ["--resume"] if Path(path).exists() else words
    return subprocess.Popen(
        [sys.executable, "-c", HARNESS, point, str(number), "train", "-c", path, *more],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def finish(path, words):
    """Go on with a run to its end."""
    with process(path, words) as last:
        deadline = Timer(DEADLINE, last.kill)
        deadline.start()
        said = last.stderr.read()
        deadline.cancel()
    # A run may have been killed when all it had to do was say goodbye.
    assert last.returncode == 0 or b"its run is complete" in said, said


def everything(path):
    """All that a checkpoint holds, its arrays as bytes."""
    saved = asdict(checkpoint.read(path))
    vocabulary = saved.pop("vocabulary")
    for group in ("best", "last", "resume"):
        saved[group] = {name: array.tobytes() for name, array in saved[group].items()}
    return {**saved, "vocabulary": vocabulary.ix_to_char}


def killed_at_random(seed, words):
    """Kill a run twice, a random moment after it has saved something, then let it end."""
    path, chance = f"killed-{seed}.npz", random.Random(seed)
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
    finish(path, words)
    return path


def saved_at(path):
    """What changes with every save."""
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns


def test_twenty_runs_killed_at_random_moments_end_with_the_same_bits(run):
    Path("text.txt").write_bytes(LIGHTHOUSE.read_bytes()[:1500])
    kinds = [(*pair, 1) for pair in product(sorted(LAYER_TYPES), sorted(OPTIMIZERS))]
    kinds += [(layer_type, "adam", 2) for layer_type in sorted(LAYER_TYPES)]
    assert len(kinds) == 20
    runs = []
    for seed, (layer_type, optimizer, workers) in enumerate(kinds):
        words = [*RUN, "--model", layer_type, "--optimizer", optimizer, "--workers", str(workers),
                 "--seed", str(seed), "--patience", "9" if seed % 3 else "4"]  # fmt: skip
        run("train", "-c", f"whole-{seed}.npz", *words)
        runs.append(words)
    with ThreadPoolExecutor(2) as pool:
        killed = list(pool.map(killed_at_random, range(len(runs)), runs))
    for seed, path in enumerate(killed):
        assert everything(path) == everything(f"whole-{seed}.npz"), runs[seed]


@pytest.mark.parametrize(
    ("point", "number"),
    [
        (
            "charrnn.training.trainer:Trainer.step",
            9,
        ),  # in which a reader comes round to the beginning
        ("charrnn.training.trainer:Trainer.step", 10),
        ("charrnn.training.trainer:evaluate", 3),
        ("charrnn.training.trainer:Trainer.validate", 18),  # of the last step
        ("charrnn.checkpoint:save", 14),  # after a validation
        ("charrnn.checkpoint.archive:write", 8),
        ("os:fsync", 25),
        ("os:replace", 30),
        ("charrnn.cli.train:conclude", 1),
    ],
)
def test_a_run_killed_at_a_certain_moment_ends_with_the_same_bits(point, number, run):
    Path("text.txt").write_bytes(LIGHTHOUSE.read_bytes()[:1500])
    run("train", "-c", "whole.npz", *RUN)
    with process("killed.npz", RUN, point, number) as killed:
        said = killed.stderr.read()
    assert killed.returncode == -signal.SIGKILL, said
    finish("killed.npz", RUN)
    assert everything("killed.npz") == everything("whole.npz")


def test_readers_come_round_and_the_best_is_not_the_last(run):
    """What the tests above are to try is there to be tried."""
    Path("text.txt").write_bytes(LIGHTHOUSE.read_bytes()[:1500])
    run("train", "-c", "whole.npz", *RUN)
    saved = checkpoint.read("whole.npz")
    assert 0 < saved.run.best_step < saved.run.step == 120
    assert saved.run.stale > 0
    assert saved.corpus.characters == 1500
