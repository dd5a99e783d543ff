import os
import struct
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from threading import Timer

import pytest
from click.testing import CliRunner

from charrnn.cli import group

LIGHTHOUSE = Path(__file__).parents[2] / "data" / "lighthouse.txt"
#: A run that is over at once.
QUICK = [
    "--model",
    "lstm",
    "--hidden-size",
    "8",
    "--batch-size",
    "4",
    "--seq-length",
    "8",
    "--steps",
    "12",
]

#: Seconds after which a command hangs, however busy the machine is.
DEADLINE = 90


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    """Every test works in a directory of its own, with a text in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CHARRNN_CHECKPOINT", raising=False)
    (tmp_path / "text.txt").write_bytes(LIGHTHOUSE.read_bytes())
    return tmp_path


@pytest.fixture
def run():
    """Runs a command within this process; a bug keeps its traceback."""

    def invoke(*arguments, code=0, **more):
        result = CliRunner().invoke(group, [str(a) for a in arguments], **more)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == code, result.output
        return result

    return invoke


@pytest.fixture
def trained(run):
    """A checkpoint in the working directory."""
    run("train", "text.txt", *QUICK)


@contextmanager
def terminal(columns=100):
    """A terminal on which bars are drawn: what reads all it shows, and its end for a command."""
    pty = pytest.importorskip("pty")
    fcntl, termios = pytest.importorskip("fcntl"), pytest.importorskip("termios")
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("4H", 40, columns, 0, 0))
    with open(ours, "rb", 0) as ours, open(theirs, "wb", 0) as theirs:
        yield ours, theirs


#: So that they are.
DRAWING = {"CI": "", "TERM": "xterm"}


@contextmanager
def command(*arguments, **more):
    """Run the command in a process of its own; one that hangs is killed, which its code shows."""
    environment = {**os.environ, **more.pop("env", {})}
    environment.pop("COVERAGE_PROCESS_START", None)
    process = subprocess.Popen(
        [sys.executable, "-m", "charrnn", *arguments],
        env=environment,
        **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **more},
    )
    deadline = Timer(DEADLINE, process.kill)
    deadline.start()
    try:
        with process:
            yield process
    finally:
        deadline.cancel()
