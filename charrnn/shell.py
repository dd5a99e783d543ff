"""Words of a command that is printed, quoted for the shell of this system."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable

#: The checkpoint that needs no option, unless this environment variable names another one.
CHECKPOINT, CHECKPOINT_VARIABLE = "charrnn.npz", "CHARRNN_CHECKPOINT"
#: Words that neither cmd.exe nor PowerShell changes.
PLAIN = re.compile(r"[\w.:/\\+][\w.:/\\+-]*")


def quoted(word: str | os.PathLike[str], system: str = os.name) -> str:
    """A path or another word as it is typed in a command.

    Windows has several shells. Double quotes hold in all of them; only the names of variables
    within (`%NAME%` in cmd.exe, `$NAME` in PowerShell) are replaced, and nothing prevents that in
    both.

    Args:
        word: the word; it may have any characters.
        system: as in `os.name`: "nt" is Windows.
    """
    text = os.fspath(word)
    if system != "nt":
        return shlex.quote(text)
    if PLAIN.fullmatch(text):
        return text
    # As `subprocess.list2cmdline` does: a backslash counts only before a quote.
    text = re.sub(r'(\\*)"', r'\1\1\\"', text)
    text = re.sub(r"(\\+)\Z", r"\1\1", text)
    return f'"{text}"'


def quoted_path(path: str) -> str:
    """The path of a file as an argument of a command, which no command takes for an option."""
    return quoted(f"./{path}" if path.startswith("-") else path)


def command_line(words: Iterable[str]) -> str:
    """A command as it is typed."""
    return " ".join(map(quoted, words))


def words_for(command: str, checkpoint: str | os.PathLike[str]) -> list[str]:
    """The first words of a command of charrnn that uses a checkpoint."""
    path = os.fspath(checkpoint)
    default = path == CHECKPOINT and not os.environ.get(CHECKPOINT_VARIABLE)
    return ["charrnn", command, *([] if default else ["-c", path])]
