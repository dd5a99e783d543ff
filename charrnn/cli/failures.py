"""What goes wrong, as a user is told: one line that says what to do; a bug keeps its traceback."""

from __future__ import annotations

import errno
import os
import traceback

import click

from charrnn import files
from charrnn.errors import CharRNNError, SettingError, UnknownCharacter
from charrnn.render.escape import one_line, printable

#: What takes less memory, by command.
SMALLER = {
    "train": "a smaller --hidden-size, --num-layers, --batch-size or --seq-length",
    "sample": "a smaller --num-samples",
    "inspect": "a smaller --length, or a single --layer and --signal",
}
#: The error of a command without arguments, whose message is the help; older versions of click have
#: none.
HELP: tuple[type[Exception], ...] = tuple(
    kind for name, kind in vars(click.exceptions).items() if name == "NoArgsIsHelpError"
)
#: The beginnings of the parts of a traceback that are not messages of errors.
FRAMES = "  File ", "Traceback ", "\n"


class WronglyAsked(click.ClickException):
    """What was asked cannot be done with this model; shown in one line."""

    exit_code = 2


def in_one_line(error: Exception, command: str | None) -> click.ClickException | None:
    """What a user is told of an error, harmless to a terminal; None for a bug.

    Args:
        error: what was raised.
        command: in which.
    """
    if isinstance(error, click.ClickException):
        if not isinstance(error, HELP):
            vars(error)["message"] = one_line(error.message)
        return error
    if isinstance(error, (SettingError, UnknownCharacter)):
        return WronglyAsked(one_line(str(error)))
    if isinstance(error, MemoryError) or (
        isinstance(error, OSError) and error.errno == errno.ENOMEM  # of a map
    ):
        why = getattr(error, "strerror", None) or str(error)
        why = f" ({why})" if why else ""
        said = f"not enough memory{why}: try {SMALLER.get(command or '', 'less at once')}"
    elif isinstance(error, OSError):
        said = error.strerror or str(error)
        if error.filename is not None:
            said = f"{os.fsdecode(error.filename)}: {said}"
        if advice := files.remedy(error, "make room" if error.errno == errno.ENOSPC else ""):
            said += f": {advice}"
        elif error.filename is None:
            said += "; `charrnn --debug COMMAND ...` shows where"
    elif isinstance(error, UnicodeEncodeError):  # which only names of files are not spared
        said = f"{error.object}: not a name in {error.encoding}, as the locale has it: PYTHONUTF8=1"
    elif isinstance(error, CharRNNError):
        said = str(error)
    else:
        return None
    return click.ClickException(one_line(said))


def trace(error: BaseException) -> str:
    """The traceback of an error, harmless to a terminal; the message of each error is one line."""
    parts = traceback.format_exception(error)
    return "\n".join(
        printable(part.rstrip("\n")) if part.startswith(FRAMES) else one_line(part.rstrip("\n"))
        for part in parts
    )
