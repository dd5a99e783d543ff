"""Options that have no effect beside others, for the command line and for Python alike."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

#: Options of reading the bytes of files.
OF_FILES = ("encoding", "encoding_errors", "newlines")
#: The need of an option: the optimizer sgd, files of a text, or these or a file to validate on.
Need = Literal["sgd", "files", "files or val"]


def without_effect(
    given: Collection[str],
    optimizer: str | None,
    *,
    files: bool,
    val: bool = False,
) -> tuple[str, Need] | None:
    """The first option that has no effect, and its need; None for none.

    Args:
        given: the names of the options that are given.
        optimizer: the optimizer; None for the default.
        files: there are files of a text.
        val: there is a file to validate on.
    """
    if "momentum" in given and optimizer != "sgd":
        return "momentum", "sgd"
    if files:
        return None
    if "binary" in given:
        return "binary", "files"
    unused = [name for name in OF_FILES if name in given and not val]
    return (unused[0], "files or val") if unused else None
