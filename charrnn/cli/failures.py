"""Errors as a user sees them: one line with a remedy, and an exit code. A bug keeps its traceback.

The errors themselves are in `charrnn.errors`.
"""

from __future__ import annotations

import errno
import os
import traceback

import click

from charrnn import files
from charrnn.errors import CharRNNError
from charrnn.render.escape import one_line, printable

#: Advice for a command that lacks memory.
LESS_MEMORY = {
    "train": "a smaller --hidden-size, --num-layers, --batch-size or --seq-length",
    "sample": "a smaller --num-samples",
    "inspect": "a smaller --length, or a single --layer and --signal",
}
#: Beginnings of the parts of a traceback that are not messages of errors.
FRAME_BEGINNINGS = "  File ", "Traceback ", "\n"


class Failure(click.ClickException):
    """An error that click shows in one line.

    Args:
        message: the line.
        exit_code: of the command.
    """

    def __init__(self, message: str, exit_code: int = 1) -> None:
        super().__init__(one_line(message))
        self.exit_code = exit_code  # type: ignore[misc]  # click has a constant for each class


def failure_of(error: Exception, command: str | None) -> click.ClickException | None:
    """Return an error as click shows it, without control characters; None for a bug.

    Args:
        error: the exception.
        command: the name of the command that raised it.
    """
    if isinstance(error, click.ClickException):
        if not isinstance(error, click.exceptions.NoArgsIsHelpError):  # its message is the help
            vars(error)["message"] = one_line(error.message)
        return error
    if isinstance(error, CharRNNError):
        return Failure(str(error), error.exit_code)
    if isinstance(error, MemoryError) or (
        isinstance(error, OSError) and error.errno == errno.ENOMEM  # of a memory map
    ):
        reason = getattr(error, "strerror", None) or str(error)
        reason = f" ({reason})" if reason else ""
        remedy = LESS_MEMORY.get(command or "", "less at once")
        return Failure(f"not enough memory{reason}: try {remedy}")
    if isinstance(error, OSError):
        return Failure(_describe(error))
    if isinstance(error, UnicodeEncodeError):  # only names of files are encoded strictly
        return Failure(
            f"{error.object}: the locale cannot write this name in {error.encoding}: set "
            "PYTHONUTF8=1"
        )
    return None


def _describe(error: OSError) -> str:
    """Return the file, the error of the system, and the remedy."""
    message = error.strerror or str(error)
    if error.filename is not None:
        message = f"{os.fsdecode(error.filename)}: {message}"
    if advice := files.remedy(error, "make room" if error.errno == errno.ENOSPC else ""):
        return f"{message}: {advice}"
    return (
        message if error.filename is not None else f"{message}: see `charrnn --debug COMMAND ...`"
    )


def safe_traceback(error: BaseException) -> str:
    """Return a traceback without control characters; the message of each error is one line."""
    parts = traceback.format_exception(error)
    return "\n".join(
        printable(part.rstrip("\n"))
        if part.startswith(FRAME_BEGINNINGS)
        else one_line(part.rstrip("\n"))
        for part in parts
    )
