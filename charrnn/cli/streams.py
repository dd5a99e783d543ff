"""The streams of a command: they may be closed, go away, or not show every character."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Mapping
from typing import TextIO

#: What CI is set to where it is not meant.
NOT = ("", "0", "false")


def prepare() -> None:
    """Make stdin, stdout and stderr safe to use, whatever the program was started with.

    The place of one that is closed is taken: else the next file that is opened would get it, and
    with it whatever a library writes to, say, stderr. A console that cannot show a character gets
    its code, rather than an error.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            _point_nowhere(number)
            if name != "stdin":  # that there is none to read from is for the commands to say
                setattr(sys, name, open(number, "w", encoding="utf-8"))  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def hush(stream: TextIO) -> None:
    """Write nothing more to a stream that nobody reads, nor what waits to be written."""
    _point_nowhere(stream.fileno())


def give_up(stream: TextIO) -> None:
    """Let go of what a stream cannot write, as on a full disk: Python would try again at exit."""
    try:
        stream.flush()
    except OSError:
        hush(stream)


def _point_nowhere(number: int) -> None:
    nowhere = os.open(os.devnull, os.O_RDWR)
    if nowhere == number:  # it was free
        os.set_inheritable(number, True)
    else:
        os.dup2(nowhere, number)
        os.close(nowhere)


def can_draw(stream: TextIO, environment: Mapping[str, str] = os.environ) -> bool:
    """Whether a bar can be drawn: on a terminal that goes back in a line, with someone watching."""
    watched = environment.get("CI", "").lower() in NOT
    return watched and environment.get("TERM") != "dumb" and stream.isatty() and _has_room(stream)


def _has_room(stream: TextIO) -> bool:
    """Whether a terminal has columns: those that programs make for each other may have none."""
    try:
        return os.get_terminal_size(stream.fileno()).columns > 0
    except OSError:
        return True
