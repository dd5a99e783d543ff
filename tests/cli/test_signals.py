"""Ctrl-C, `kill` and a terminal that closes, at awkward moments."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import DRAWING, command, terminal
from test_processes import ENDLESS, wait_for

from charrnn import checkpoint
from charrnn.cli.interrupts import Interrupts

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")

#: The command, but the first save after that of step 1 waits at a certain call.
HARNESS = """
import os, sys, time
from charrnn.cli import saving
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


@pytest.mark.parametrize("call", ["fsync", "replace"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
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
    assert Path("charrnn.npz").read_bytes() == before
    assert [file.name for file in Path().glob(".*.tmp")] == []
    checkpoint.read("charrnn.npz")


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_terminal_that_closes_saves_however_often_it_says_so(workers):
    words = ["train", "text.txt", *ENDLESS, "--workers", workers]
    with command(*words, start_new_session=True) as process:
        wait_for(process, b"step 1 of")
        for _ in range(3):
            os.killpg(process.pid, signal.SIGHUP)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGHUP, said
    assert checkpoint.read("charrnn.npz").run["step"] >= 1


def test_with_nohup_a_terminal_may_close(run):
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Interrupts() as interrupts:
            os.kill(os.getpid(), signal.SIGHUP)
        assert interrupts.received == 0
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


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


def test_ctrl_c_ends_a_sample_with_its_code(trained):
    with command("sample", "--length", "100000000") as process:
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGINT
    assert said.strip() == b""


def test_a_run_whose_terminal_is_gone_is_saved():
    """The terminal closes: what is written to it fails, and a signal says so."""
    words = ["train", "text.txt", *ENDLESS]
    with (
        terminal() as (ours, theirs),
        command(*words, stderr=theirs, start_new_session=True, env=DRAWING) as process,
    ):
        theirs.close()
        seen = b""
        while b" left, loss" not in seen:
            seen += ours.read(10_000)
        ours.close()
        process.send_signal(signal.SIGHUP)
        process.wait(60)
    assert process.returncode == 128 + signal.SIGHUP
    assert checkpoint.read("charrnn.npz").run["step"] >= 1
