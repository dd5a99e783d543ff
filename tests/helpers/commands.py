"""The command within this process, in a process of its own, and on a terminal."""

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
#: Options of a training that takes less than a second.
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

#: Seconds after which a command is killed, however busy the machine is.
DEADLINE = 90
#: The environment in which bars are drawn on a terminal.
DRAWING = {"CI": "", "TERM": "xterm"}


def invoke(*arguments, code=0, **more):
    """Run a command within this process; a bug keeps its traceback."""
    result = CliRunner().invoke(group, [str(a) for a in arguments], **more)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result


@contextmanager
def terminal(columns=100):
    """A terminal: the end that reads what it shows, and the end for a command."""
    pty = pytest.importorskip("pty")
    fcntl, termios = pytest.importorskip("fcntl"), pytest.importorskip("termios")
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("4H", 40, columns, 0, 0))
    with open(ours, "rb", 0) as ours, open(theirs, "wb", 0) as theirs:
        yield ours, theirs


@contextmanager
def command(*arguments, **more):
    """Run the command in a process of its own; kill it at the deadline, as its code shows."""
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
