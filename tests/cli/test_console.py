"""Streams that are closed, or whose reader ends."""

import io
import os
import sys
from pathlib import Path

import pytest
from helpers.commands import QUICK, command

from charrnn import checkpoint
from charrnn.cli.console import can_draw, notice

pytestmark = pytest.mark.skipif(os.name != "posix", reason="file descriptors of POSIX")


def ended(*words, closed=(), **more):
    """The exit code and the output of a command that begins with closed streams."""

    def close():
        for number in closed:
            os.close(number)

    with command(*words, preexec_fn=close, **more) as process:
        out, said = process.communicate(timeout=60)
    return process.returncode, out, said


@pytest.mark.parametrize("closed", [(1,), (0, 1, 2)])
@pytest.mark.parametrize(
    "words", [["sample", "--seed", "1"], ["inspect", "--cell", "1"], ["--help"]]
)
def test_without_stdout_a_command_ends_quietly(words, closed, trained):
    assert ended(*words, closed=closed) == (0, b"", b"")


@pytest.mark.parametrize(("closed", "workers"), [((2,), "1"), ((0, 1, 2), "2")])
def test_without_stderr_a_run_is_trained_and_saved(closed, workers):
    assert ended("train", "text.txt", *QUICK, "--workers", workers, closed=closed) == (0, b"", b"")
    assert checkpoint.read("charrnn.npz").run.step == 12


def test_no_opened_file_gets_the_number_of_a_closed_stream():
    program = """
import os, sys
from charrnn.cli.console import prepare_streams
prepare_streams()
print(os.open("text.txt", os.O_RDONLY) > 2, sys.stdin, file=open("seen", "w"))
print("said"); print("said", file=sys.stderr)
"""
    read, write = os.pipe()
    environment = {**os.environ, "PYTHONWARNINGS": "error"}
    if (child := os.fork()) == 0:
        os.closerange(0, 3)
        os.execve(sys.executable, [sys.executable, "-c", program], environment)
    os.close(read)
    os.close(write)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert Path("seen").read_text() == "True None\n"


def test_a_run_goes_on_when_the_reader_of_its_progress_goes_away():
    with command("train", "text.txt", *QUICK, "--log", "log") as process:
        assert process.stderr.readline()
        process.stderr.close()
    assert process.returncode == 0
    assert checkpoint.read("charrnn.npz").run.step == 12


def test_a_notice_that_cannot_be_written_is_no_error(monkeypatch):
    read, write = os.pipe()
    os.close(read)
    with open(write, "w") as stream:
        monkeypatch.setattr(sys, "stderr", stream)
        notice("to nobody")
        notice("again")
        with open(os.devnull) as nowhere:
            assert os.path.sameopenfile(stream.fileno(), nowhere.fileno())


@pytest.mark.parametrize(
    "words",
    [
        ["sample", "--seed", "1", "--length", "300000"],
        ["sample", "--seed", "1", "--num-samples", "3000", "--length", "3", "--json"],
        ["inspect", "--json"],
        ["inspect", "--cell", "1", "--length", "90000"],
    ],
)
def test_a_reader_that_stops_reading_is_no_error(words, trained):
    with command(*words) as process:
        assert process.stdout.read(1)
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a disk that is always full")
@pytest.mark.parametrize("words", [["sample", "--seed", "1"], ["inspect"], ["--help"]])
def test_a_full_disk_is_an_error_in_one_line(words, trained):
    with open("/dev/full", "w") as full:
        code, _, said = ended(*words, stdout=full)
    assert code == 1
    assert said.splitlines() == [b"Error: No space left on device: make room"]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a disk that is always full")
def test_a_run_goes_on_without_a_log_that_has_no_room(run):
    result = run("train", "text.txt", *QUICK, "--log", "/dev/full")
    assert "/dev/full: No space left on device: going on without a log" in result.stderr
    assert checkpoint.read("charrnn.npz").run.step == 12


@pytest.mark.parametrize(
    "words", [["train", "-"], ["sample", "--prime-file", "-"], ["inspect", "--text", "-"]]
)
def test_stdin_that_is_closed_is_a_usage_error(words, trained):
    words = [*words, "-c", "new.npz"] if words[0] == "train" else words
    code, _, said = ended(*words, closed=(0,))
    assert code == 2
    assert b"nothing is piped" in said


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("environment", "drawn"),
    [
        ({}, True),
        ({"TERM": "xterm"}, True),
        ({"TERM": "dumb"}, False),
        ({"CI": "true"}, False),
        ({"CI": "1"}, False),
        ({"CI": ""}, True),
        ({"CI": "false"}, True),
    ],
)
def test_a_bar_is_drawn_where_it_can_be(environment, drawn):
    assert can_draw(Terminal(), environment) == drawn
    assert not can_draw(io.StringIO(), environment)
