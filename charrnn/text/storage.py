"""Where a text is kept while it is worked on: in memory, or in a temporary file if it is large."""

from __future__ import annotations

import errno
import os
import tempfile
import weakref
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import Any, BinaryIO, Literal

import numpy as np
from numpy.typing import DTypeLike

from charrnn import files, locks
from charrnn.errors import TextError
from charrnn.parameters import Array, Shape

#: Bytes that are kept in memory; more are kept in a file in the temporary directory.
IN_MEMORY = 64 << 20
#: What the names of these files begin and end with.
AFFIXES = "charrnn-", ".array"


def joined(parts: Iterable[Array], count: int, dtype: np.dtype[Any]) -> Array:
    """Arrays one after the other as one, (count,), read-only where it is in a file.

    Args:
        parts: the arrays; those that make up a file are never all in memory.
        count: how many elements they have together.
        dtype: of the elements.

    Raises:
        TextError: where the temporary directory cannot hold the file.
    """
    if count * dtype.itemsize > IN_MEMORY:
        return _in_file(parts, count, dtype)
    whole = np.empty(count, dtype)
    end = 0
    for part in parts:
        start, end = end, end + len(part)
        whole[start:end] = part
    return whole


def _in_file(parts: Iterable[Array], count: int, dtype: np.dtype[Any]) -> Array:
    def fill(file: BinaryIO) -> None:
        for part in parts:
            file.write(part.data)

    return _mapped(fill, (count,), dtype, "r")


def room(shape: Shape, dtype: DTypeLike) -> Array:
    """Memory to write to, in a temporary file if it is large.

    Raises:
        TextError: where the temporary directory cannot hold the file.
    """
    size = prod(shape) * np.dtype(dtype).itemsize
    if size <= IN_MEMORY:
        return np.empty(shape, dtype)
    return _mapped(lambda file: files.reserve(file, size), shape, dtype, "r+")


def _mapped(
    fill: Callable[[BinaryIO], None], shape: Shape, dtype: DTypeLike, mode: Literal["r", "r+"]
) -> Array:
    """A temporary file with what `fill` writes to it, as an array."""
    with naming_the_directory():
        handle, path = _locked_file()
        try:
            # Written like any file and mapped when it is complete: a disk that is full is an
            # error here, where writing to a map would kill the process.
            with open(handle, "wb", closefd=False) as file:
                fill(file)
            whole = np.memmap(path, dtype, mode, shape=shape)
        except BaseException:
            locks.discard(handle, path)
            raise
    # The file keeps its name, by which other processes find it, and goes with the map, which
    # every view of the array keeps alive; at the latest when Python exits, be it by an
    # exception. The map and not the array is what to wait for: Windows removes no file that is
    # mapped, and the map tells of its end only when it has let go. There, too, the file is left
    # if a worker that is about to end has it open still.
    weakref.finalize(whole.base, locks.discard, handle, path)
    return whole


def _locked_file() -> tuple[int, str]:
    """A new temporary file. Its lock says that its owner is alive: files without one are what
    processes left that were killed, and go now.
    """
    prefix, suffix = AFFIXES
    for old in Path(tempfile.gettempdir()).glob(f"{prefix}????????{suffix}"):
        locks.discard_orphan(old)
    while True:
        handle, path = tempfile.mkstemp(suffix, prefix)
        try:
            mine = locks.try_lock(handle) and locks.has_name(handle, path)
        except OSError:
            mine = True  # files cannot be locked there, and so nobody removes them
        if mine:
            return handle, path
        os.close(handle)  # another process took it for an orphan


@contextmanager
def naming_the_directory() -> Iterator[None]:
    """Turn what goes wrong with a temporary file within into a `TextError` with the remedy."""
    try:
        yield
    except OSError as error:
        if error.errno == errno.ENOMEM:  # of the map, and not of the directory
            raise
        # A disk may be too full even to find the directory.
        directory = tempfile.tempdir or "temporary directory"
        advice = files.remedy(
            error, "name a directory with more room in the environment variable TMPDIR"
        )
        raise TextError(f"{directory}: {error.strerror}: {advice}") from error
