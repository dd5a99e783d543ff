"""The console of a command: notices on stderr, and streams that may be closed or full."""

from __future__ import annotations

import io
import os
import shutil
import sys
from collections.abc import Mapping
from typing import TextIO

import click

from charrnn.render.escape import one_line, printable

#: Values of the environment variable CI that mean "no continuous integration".
NOT_CI = ("", "0", "false")
#: Columns for which all output is laid out even on a narrower terminal.
MIN_WIDTH = 30


def prepare_streams() -> None:
    """Make stdin, stdout and stderr usable, also where the program was started without them.

    A closed stream gets the null device: otherwise the next opened file would get its number, and
    whatever a library writes to stderr. A console that cannot show a character shows its code.
    Results in a file or a pipe are UTF-8 on every system, also where PYTHONIOENCODING names another
    encoding: a text of characters that it lacks would be damaged without an error.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            _redirect_to_null(number)
            if name != "stdin":  # the commands themselves report a missing stdin
                setattr(sys, name, open(number, "w", encoding="utf-8"))  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    if isinstance(sys.stdout, io.TextIOWrapper) and not sys.stdout.isatty():
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")


def notice(message: str, *, text: bool = False) -> None:
    """Write a message to stderr. The command goes on if stderr is closed or full.

    Args:
        message: shown as one line, with control characters escaped.
        text: show the message as a text of several lines.
    """
    try:
        click.echo(printable(message) if text else one_line(message), err=True)
    except OSError:
        silence(sys.stderr)


def silence(stream: TextIO) -> None:
    """Discard the buffer of a stream and all further output to it."""
    _redirect_to_null(stream.fileno())


def flush_or_silence(stream: TextIO) -> None:
    """Flush a stream. If that fails, as on a full disk, silence it, or Python retries at exit."""
    try:
        stream.flush()
    except OSError:
        silence(stream)


def refuse_terminal(paths: tuple[str, ...]) -> None:
    """Refuse `-` where stdin is a terminal, instead of waiting for input without a word.

    Raises:
        click.UsageError: if `-` is among the paths, and stdin is a terminal or closed.
    """
    if "-" in paths and (sys.stdin is None or sys.stdin.closed or sys.stdin.isatty()):
        raise click.UsageError("`-` reads stdin, and nothing is piped into it: name a file")


def can_draw(stream: TextIO, environment: Mapping[str, str] = os.environ) -> bool:
    """Return whether a progress bar can be drawn: on a watched terminal that can rewrite a line."""
    watched = environment.get("CI", "").lower() in NOT_CI
    return watched and environment.get("TERM") != "dumb" and stream.isatty() and _has_width(stream)


def terminal_width() -> int:
    """Return the width of stdout in columns, at least `MIN_WIDTH`; 80 for a file or a pipe.

    The environment variable COLUMNS comes first.
    """
    return max(MIN_WIDTH, shutil.get_terminal_size().columns)


def _has_width(stream: TextIO) -> bool:
    """Return whether a terminal has columns; a pseudo-terminal between programs may have none."""
    try:
        return os.get_terminal_size(stream.fileno()).columns > 0
    except OSError:
        return True


def _redirect_to_null(number: int) -> None:
    null = os.open(os.devnull, os.O_RDWR)
    if null == number:  # the number was free
        os.set_inheritable(number, True)
    else:
        os.dup2(null, number)
        os.close(null)
