"""The files of a text: files that are named, files in folders, and files that a pattern matches."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from charrnn.errors import NotTextError, TextError
from charrnn.shell import quoted, quoted_path
from charrnn.text.corpus_info import MAX_FILES
from charrnn.text.decoding import Decoding
from charrnn.text.sources import File

#: Names to list in full; of more than these, the first two are listed.
MAX_NAMES, FIRST_NAMES = 5, 2


@dataclass(frozen=True)
class TextFiles:
    """The files of a text, in order.

    Attributes:
        paths: the paths of the files; `-` for stdin.
        names: the names for messages.
        notices: messages for the user about files that were left out.
    """

    paths: tuple[str, ...]
    names: tuple[str, ...]
    notices: tuple[str, ...] = ()

    @classmethod
    def of(cls, paths: Sequence[str]) -> TextFiles:
        """Files that are named one by one."""
        return cls(tuple(paths), tuple(map(short_name, paths)))


class _Found(NamedTuple):
    """A file; `folder` is the folder that was named, None for a file that was named itself."""

    path: str
    folder: str | None

    @property
    def name(self) -> str:
        """The name for messages; of a file in a folder, with the path in the folder."""
        if self.folder is None:
            return short_name(self.path)
        inside = os.path.relpath(self.path, self.folder)
        folder = os.path.basename(os.path.normpath(self.folder))
        return inside if folder in ("", os.curdir, os.pardir) else os.path.join(folder, inside)


@dataclass
class _LeftOut:
    """The files and folders that are not read.

    Attributes:
        hidden: the number of hidden files and folders.
        special: the number of broken links, pipes and devices.
        not_text: the names of files that are not text.
    """

    hidden: int = 0
    special: int = 0
    not_text: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        parts = []
        if self.hidden:
            parts.append(f"{self.hidden:,} hidden")
        if self.special:
            s = "" if self.special == 1 else "s"
            parts.append(f"{self.special:,} broken link{s}, pipe{s} or device{s}")
        if self.not_text:
            more = ", …" if len(self.not_text) > MAX_NAMES else ""
            names = ", ".join(self.not_text[:MAX_NAMES])
            parts.append(f"{len(self.not_text):,} not text ({names}{more})")
        return ", ".join(parts)


def find(texts: Sequence[str], decoding: Decoding) -> TextFiles:
    """Find the files of a text.

    A folder stands for the files in it and in its folders, sorted by path, without hidden ones. A
    folder is read once, also where links lead to it again. `~` and the patterns `*`, `?`, `[…]` and
    `**` are expanded where no file has that name, as for a shell that leaves them to the program.
    Files that are not text are left out, unless a single file is named.

    Args:
        texts: files, folders and patterns; `-` for stdin.
        decoding: settings for reading the files; with `binary`, all files are read.

    Raises:
        TextError: for a folder or a pattern without text, or too many files.
    """
    left_out = _LeftOut()
    files = _files(texts, left_out)
    found = []
    for file in files:
        if (file.folder or len(files) > 1) and _is_not_text(file, decoding):
            left_out.not_text.append(file.name)
        else:
            found.append(file)
    said = f"left out: {left_out}" if str(left_out) else ""
    if texts and not found:
        more = f", {said}" if said else ""
        raise TextError(f"{listed(texts)}: no text there{more}: name a file or a folder with text")
    return TextFiles(
        tuple(file.path for file in found),
        tuple(file.name for file in found),
        (said,) if said else (),
    )


def _files(texts: Sequence[str], left_out: _LeftOut) -> list[_Found]:
    """The files that are named, match a pattern or are in a folder, in order.

    Raises:
        TextError: for a folder that cannot be read, a pattern that matches nothing, or too many
            files.
    """
    visited: set[tuple[int, int]] = set()
    found: list[_Found] = []
    for text in texts:
        for path in _expanded(text):
            if path == "-" or not os.path.isdir(path):
                found.append(_Found(path, None))
                continue
            inside = _files_in(path, visited, left_out)
            found += [_Found(file, path) for file in islice(inside, MAX_FILES + 1)]
            if len(found) > MAX_FILES:
                raise TextError(f"{path}: more than {MAX_FILES:,} files: name a smaller folder")
    # A shell that expands `**` names a folder and also the files in it.
    named = {os.path.abspath(file.path) for file in found if file.folder is None}
    return [file for file in found if not file.folder or os.path.abspath(file.path) not in named]


def _expanded(text: str) -> list[str]:
    """The files and folders that an argument stands for, with `~` and patterns expanded.

    Raises:
        TextError: for an empty name, the address of a page, or a pattern that matches nothing.
    """
    if not text:
        raise TextError("a TEXT without a name: name a file or a folder")
    if text == "-" or os.path.lexists(text):
        return [text]
    if re.match("(?:https?|ftp)://", text):
        name = text.rstrip("/").rsplit("/", 1)[-1].partition("?")[0] or "text.txt"
        raise TextError(
            f"{text}: is no file: download it with `curl -L -o {quoted_path(name)} "
            f"{quoted(text)}`, and name {name}"
        )
    home = os.path.expanduser(text)
    if os.path.lexists(home) or not glob.has_magic(home):
        return [home]
    matches = sorted(glob.glob(home, recursive=True))
    if "**" in home:  # The pattern also matches the files in the folders.
        matches = [path for path in matches if not os.path.isdir(path)]
    if not matches and not set("*?") & set(home):
        return [home]  # a name in brackets
    if not matches:
        raise TextError(f"{text}: no file matches this pattern: name a file")
    return matches


def _files_in(folder: str, visited: set[tuple[int, int]], left_out: _LeftOut) -> Iterator[str]:
    """The files in a folder and in its folders, sorted by path.

    Args:
        folder: the path of the folder.
        visited: the folders that were read, by device and number; extended.
        left_out: extended by what is hidden or not a regular file.

    Raises:
        TextError: for a folder that cannot be read.
    """
    waiting = [folder]
    while waiting:
        path = waiting.pop()
        if not os.path.isdir(path):
            yield path
            continue
        try:
            status = os.stat(path)
            if (status.st_dev, status.st_ino) in visited:
                continue
            visited.add((status.st_dev, status.st_ino))
            with os.scandir(path) as entries:
                inside = sorted(entries, key=lambda entry: entry.name, reverse=True)
        except OSError as error:
            raise TextError(f"{path}: {error.strerror}: name the files to read") from error
        for entry in inside:
            if entry.name.startswith("."):  # a lock of charrnn is not worth a word
                left_out.hidden += not entry.name.endswith(".npz.lock")
            elif os.path.isdir(entry.path) or os.path.isfile(entry.path):
                waiting.append(entry.path)
            else:
                left_out.special += 1


def _is_not_text(file: _Found, decoding: Decoding) -> bool:
    """Return whether a file is of a format that is not text, or looks like data."""
    if file.path == "-" or not os.path.isfile(file.path):  # pipes can be read only once
        return False
    try:
        is_data = File(file.path, decoding).is_data
    except NotTextError:
        return True
    except TextError:
        return False  # The error is reported where the file is read.
    return is_data and (file.folder is not None or decoding.errors == "strict")


def short_name(path: str) -> str:
    """The name of a file for messages."""
    return "stdin" if path == "-" else Path(path).name


def listed(names: Sequence[str]) -> str:
    """Several names as one: all of them, or their number and the first ones."""
    if len(names) <= MAX_NAMES:
        return ", ".join(names)
    return f"{len(names):,} files: {', '.join(names[:FIRST_NAMES])}, …"
