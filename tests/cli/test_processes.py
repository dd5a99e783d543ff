"""Behaviour that needs a process of its own: signals, pipes, locales."""

import os
import re
import shutil
import signal
import subprocess

import pytest
from helpers.commands import QUICK, command, terminal

from charrnn import checkpoint

ENDLESS = ["--hidden-size", "8", "--batch-size", "4", "--seq-length", "8", "--steps", "1000000"]
posix = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")


def wait_for(process, text):
    """Read stderr of a process until a text appears."""
    said = b""
    while text not in said:
        line = process.stderr.readline()
        assert line, said
        said += line
    return said


@posix
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_and_ends_with_its_code(number):
    with command("train", "text.txt", *ENDLESS) as process:
        wait_for(process, b"step 1 of")
        process.send_signal(number)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert b"charrnn train --resume\n" in said
    assert b"Traceback" not in said
    assert checkpoint.read("charrnn.npz").run.step >= 1


def workers_of(process):
    """The ids of the processes of a training."""
    words = ["ps", "-A", "-ww", "-o", "pid=,ppid=,args="]
    listed = subprocess.run(words, capture_output=True, text=True, timeout=60, check=True).stdout
    for number, parent, line in (line.split(None, 2) for line in listed.splitlines()):
        if int(parent) == process.pid and "spawn_main" in line:
            yield int(number)


@posix
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_all_workers_saves_and_ends_with_its_code(number):
    words = ["train", "text.txt", *ENDLESS, "--workers", "3"]
    with command(*words, start_new_session=True) as process:
        assert b"3 workers" in wait_for(process, b"step 1 of")
        os.killpg(process.pid, number)  # as a terminal does
        # Every worker has this end of the pipe, so this waits for all of them.
        _, said = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert b"charrnn train --resume\n" in said
    assert b"Traceback" not in said
    assert checkpoint.read("charrnn.npz").run.step >= 1


@posix
@pytest.mark.skipif(shutil.which("ps") is None, reason="ps lists processes")
def test_a_worker_that_is_killed_ends_the_run_which_is_saved(trained, run):
    words = ["train", "--resume", "--steps", "1000000", "--workers", "3"]
    with command(*words) as process:
        wait_for(process, b"step 13 of")
        first, _ = workers_of(process)
        os.kill(first, signal.SIGKILL)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    *_, line = said.decode().splitlines()
    found = re.fullmatch(
        r"Error: worker 2 of 3 is gone \(killed by signal 9, .*\): saved at step ([\d,]+)"
        "(, of which some weights lack the last update)?: go on with `charrnn train --resume`",
        line,
    )
    assert found, line
    step = int(found[1].replace(",", ""))
    assert checkpoint.read("charrnn.npz").run.step == step >= 13
    run("train", "--resume", "--steps", step + 1)


@posix
def test_a_reader_that_stops_reading_is_no_error(trained):
    with command("sample", "--seed", "1", "--length", "100000") as process:
        assert process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


def test_a_pipe_gets_utf_8_whatever_the_encoding_of_the_console(tmp_path, run):
    (tmp_path / "stars.txt").write_text("☆★" * 200, encoding="utf-8")
    run("train", "stars.txt", *QUICK)
    sample, cell = ["sample", "--length", "20", "--seed", "1"], ["inspect", "--cell", "1"]
    for environment in ({"PYTHONIOENCODING": "cp1252"}, {"LC_ALL": "C", "PYTHONUTF8": "0"}):
        for words in (sample, cell):
            with command(*words, env=environment) as process:
                out, said = process.communicate(timeout=60)
            assert process.returncode == 0, said
            assert said == b""
            assert set(out.decode("utf-8")) & set("☆★")
            assert b"\\u" not in out


@posix
def test_a_terminal_gets_the_code_of_a_character_that_it_lacks_and_a_rule(tmp_path, run):
    (tmp_path / "stars.txt").write_text("☆★" * 200, encoding="utf-8")
    run("train", "stars.txt", *QUICK)
    words = ["sample", "--length", "20", "--seed", "1", "--num-samples", "2"]
    with (
        terminal() as (ours, theirs),
        command(*words, stdout=theirs, env={"PYTHONIOENCODING": "cp1252"}) as process,
    ):
        assert process.wait(60) == 0
        shown = ours.read(10_000)
        assert shown.count(b"\\u260") == 40
        assert 40 * b"-" in shown


def test_stdin_that_is_a_terminal_is_a_usage_error(tmp_path):
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()
    with command("train", "-", stdin=theirs) as process:
        _, said = process.communicate(timeout=60)
    os.close(ours)
    os.close(theirs)
    assert process.returncode == 2
    assert b"nothing is piped" in said


def test_the_help_answers_without_a_home_or_a_terminal():
    with command("--help", env={"TERM": "dumb", "HOME": "/nonexistent"}) as process:
        out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert b"charrnn sample --temp 0.8" in out
