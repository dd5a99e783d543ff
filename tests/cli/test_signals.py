"""Ctrl-C, `kill` and a terminal that closes, at awkward moments."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from helpers.commands import DRAWING, command, terminal
from test_killed import everything
from test_processes import ENDLESS, wait_for

from charrnn import checkpoint
from charrnn.parallel.signals import Interrupts

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")

#: The command, but the first save after that of step 1 waits at a certain call.
HARNESS = """
import os, sys, time
from charrnn.training import saving
place = sys.argv.pop(1)
right = getattr(os, place)
def waiting(*arguments):
    if os.path.exists("charrnn.npz"):
        print("in the save", file=sys.stderr, flush=True)
        time.sleep(60)
    return right(*arguments)
setattr(os, place, waiting)
from charrnn.__main__ import main
main()
"""


@pytest.mark.parametrize(
    ("number", "call"), [(signal.SIGINT, "fsync"), (signal.SIGTERM, "replace")]
)
def test_a_second_signal_stops_at_once_and_leaves_the_checkpoint(number, call, trained):
    before = Path("charrnn.npz").read_bytes()
    words = ["train", "--resume", "--steps", "1000000"]
    with subprocess.Popen(
        [sys.executable, "-c", HARNESS, call, *words], stderr=subprocess.PIPE
    ) as process:
        wait_for(process, b"step 13 of")
        process.send_signal(number)
        wait_for(process, b"in the save")
        process.send_signal(number)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert b"Traceback" not in said
    assert b"the save of step 12 stands: go on with `charrnn train --resume`\n" in said
    assert Path("charrnn.npz").read_bytes() == before
    assert [file.name for file in Path().glob(".*.tmp")] == []
    checkpoint.read("charrnn.npz")


#: The command, but each call of one function takes longer, and says so the first time.
SLOW = """
import sys, time
from importlib import import_module
module, _, name = sys.argv.pop(1).rpartition(".")
kind = getattr(import_module(module.rpartition(".")[0]), module.rpartition(".")[2])
right, calls = getattr(kind, name), []
def slow(*arguments, **more):
    if not calls:
        print("it takes long", file=sys.stderr, flush=True)
    calls.append(1)
    time.sleep(0.3)
    return right(*arguments, **more)
setattr(kind, name, slow)
from charrnn.__main__ import main
main()
"""
#: A training of 14 steps; each validation has 80 windows.
VALIDATING = [
    "text.txt",
    *("--hidden-size", "8", "--batch-size", "2", "--seq-length", "8", "--val-frac", "0.1"),
    *("--steps", "14"),
]


def interrupted(number, function, *words):
    """Send a signal to a command once it calls a slow function; returns stderr."""
    words = [sys.executable, "-c", SLOW, function, *map(str, words)]
    with subprocess.Popen(words, stderr=subprocess.PIPE, start_new_session=True) as process:
        wait_for(process, b"it takes long")
        process.send_signal(number)
        try:
            _, said = process.communicate(timeout=20)  # a validation would take longer
        finally:
            process.kill()
    assert process.returncode == 128 + number, said
    assert b"Traceback" not in said
    return said


@pytest.mark.parametrize(
    ("number", "workers", "val_every"),
    [(signal.SIGINT, 1, 1), (signal.SIGTERM, 2, 1), (signal.SIGINT, 2, 7), (signal.SIGHUP, 1, 7)],
)
def test_a_signal_ends_a_validation_and_the_resumed_run_has_the_same_bits(
    number, workers, val_every, run
):
    words = [*VALIDATING, "--val-every", val_every, "--workers", workers]
    run("train", "-c", "whole.npz", *words)
    said = interrupted(number, "charrnn.network.model.CharRNN.losses", "train", *words)
    assert b"charrnn train --resume\n" in said
    assert checkpoint.read("charrnn.npz").run.step == val_every
    history = checkpoint.read("charrnn.npz").run.history
    assert [(point["step"], point["val_loss"]) for point in history] == [
        (n, None) for n in range(1, val_every)
    ]
    run("train", "--resume")
    assert everything("charrnn.npz") == everything("whole.npz")


def test_a_signal_ends_the_last_validation_which_a_resumed_run_makes_up_for(run):
    words = [*VALIDATING, "--val-every", 14]
    run("train", "-c", "whole.npz", *words)
    said = interrupted(signal.SIGTERM, "charrnn.network.model.CharRNN.losses", "train", *words)
    assert b"charrnn train --resume\n" in said
    run("train", "--resume")
    assert everything("charrnn.npz") == everything("whole.npz")
    assert "its run is complete" in run("train", "--resume", code=2).stderr


@pytest.mark.parametrize(
    ("function", "words", "number"),
    [
        ("charrnn.text.vocabulary.Characters.add", [], signal.SIGINT),
        ("charrnn.text.vocabulary.Vocabulary.encode", [], signal.SIGTERM),
        ("charrnn.network.model.CharRNN.initialize", [], signal.SIGHUP),
        # A validation is measured.
        ("charrnn.network.model.CharRNN.losses", ["--time", "1h"], signal.SIGINT),
        ("charrnn.training.trainer.Trainer.step", [], signal.SIGINT),
        ("charrnn.training.trainer.Trainer.step", [], signal.SIGTERM),
        ("charrnn.training.trainer.Trainer.step", ["--workers", "2"], signal.SIGINT),
        ("charrnn.training.trainer.Trainer.step", ["--workers", "2"], signal.SIGHUP),
    ],
)
def test_before_the_first_step_is_taken_a_signal_ends_a_run_at_once(function, words, number):
    said = interrupted(number, function, "train", "text.txt", *ENDLESS[:-2], *words)
    assert b"step 1 of" not in said
    assert os.listdir() == ["text.txt"]


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_terminal_that_closes_saves_however_often_it_says_so(workers):
    words = ["train", "text.txt", *ENDLESS, "--workers", workers]
    with command(*words, start_new_session=True) as process:
        wait_for(process, b"step 1 of")
        for _ in range(3):
            os.killpg(process.pid, signal.SIGHUP)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGHUP, said
    assert checkpoint.read("charrnn.npz").run.step >= 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_has_its_usual_effect_until_the_context_is_ready(number):
    def usual(number, frame):
        raise SystemExit(128 + number)

    before = signal.signal(number, usual)
    steps = 0
    try:
        with pytest.raises(SystemExit), Interrupts(lambda: steps > 0):
            os.kill(os.getpid(), number)
        steps = 1
        with Interrupts(lambda: steps > 0) as interrupts:
            os.kill(os.getpid(), number)
        assert interrupts.received == number
        assert signal.getsignal(number) is usual
    finally:
        signal.signal(number, before)


@pytest.mark.parametrize("ignored", [signal.SIGHUP, signal.SIGINT, signal.SIGTERM])
def test_a_signal_that_is_ignored_stays_ignored(ignored):
    before = signal.signal(ignored, signal.SIG_IGN)
    try:
        with Interrupts() as interrupts:
            os.kill(os.getpid(), ignored)
            assert interrupts.received == 0
            other = next(n for n in (signal.SIGINT, signal.SIGTERM) if n != ignored)
            os.kill(os.getpid(), other)
            assert interrupts.received == other
            os.kill(os.getpid(), ignored)
        assert signal.getsignal(ignored) is signal.SIG_IGN
    finally:
        signal.signal(ignored, before)


def test_a_handler_that_python_cannot_restore_is_left(monkeypatch):
    monkeypatch.setattr(signal, "getsignal", lambda number: None)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    with Interrupts(), pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
    assert signal.signal(signal.SIGINT, before) is signal.default_int_handler


@pytest.mark.parametrize("workers", ["1", "2"])
def test_in_the_background_of_a_script_ctrl_c_goes_by(workers):
    """A shell without job control ignores SIGINT in a command that ends in `&`; so does nohup."""
    script = 'trap "" INT HUP; exec "$@"'
    words = ["train", "text.txt", *ENDLESS, "--workers", workers]
    with subprocess.Popen(
        ["sh", "-c", script, "sh", sys.executable, "-m", "charrnn", *words],
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        wait_for(process, b"step 1 of")
        os.killpg(process.pid, signal.SIGINT)
        os.killpg(process.pid, signal.SIGHUP)
        time.sleep(0.3)  # a signal that is not ignored ends the run
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGTERM, said
    assert b"Traceback" not in said
    assert checkpoint.read("charrnn.npz").run.step >= 1


def test_ctrl_c_while_workers_start_is_not_lost():
    program = """
import os, signal, sys
from multiprocessing.process import BaseProcess
start = BaseProcess.start
def interrupted(self):
    os.killpg(0, signal.SIGINT)  # the workers that are there already get it, too
    start(self)
BaseProcess.start = interrupted
from charrnn.__main__ import main
main()
"""
    words = ["train", "text.txt", *ENDLESS, "--workers", "3"]
    with subprocess.Popen(
        [sys.executable, "-c", program, *words], stderr=subprocess.PIPE, start_new_session=True
    ) as process:
        _, said = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGINT
    assert b"Traceback" not in said
    assert b"step 1 of" not in said


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_sample_with_its_code(number, trained):
    with command("sample", "--seed", "1", "--length", "100000000") as process:
        process.stdout.readline()
        process.send_signal(number)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert said.strip() == b""


def test_a_run_whose_terminal_is_gone_is_saved():
    """The terminal closes: writing to it fails, and the process receives SIGHUP."""
    words = ["train", "text.txt", *ENDLESS]
    with (
        terminal() as (ours, theirs),
        command(*words, stderr=theirs, start_new_session=True, env=DRAWING) as process,
    ):
        theirs.close()
        seen = b""
        while b"loss" not in seen:
            seen += ours.read(10_000)
        ours.close()
        process.send_signal(signal.SIGHUP)
        process.wait(60)
    assert process.returncode == 128 + signal.SIGHUP
    assert checkpoint.read("charrnn.npz").run.step >= 1
