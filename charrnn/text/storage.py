"""Large arrays for a text: in memory, or in a temporary file if they are too large for it."""

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
from charrnn.arrays import Array, Shape
from charrnn.errors import TextError

#: Bytes of the largest array in memory; a larger one is in a file in the temporary directory.
IN_MEMORY = 64 << 20
#: The beginning and the end of the names of these files.
AFFIXES = "charrnn-", ".array"


def concatenate(parts: Iterable[Array], count: int, dtype: np.dtype[Any]) -> Array:
    """Join arrays to one, (count,), which is read-only if it is in a file.

    Args:
        parts: the arrays; a large result never has all of them in memory.
        count: the total number of elements.
        dtype: the type of the elements.

    Raises:
        TextError: if the temporary directory cannot hold the file.
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


def allocate(shape: Shape, dtype: DTypeLike) -> Array:
    """A writable array with undefined values.

    Raises:
        TextError: if the temporary directory cannot hold the file.
    """
    size = prod(shape) * np.dtype(dtype).itemsize
    if size <= IN_MEMORY:
        return np.empty(shape, dtype)
    return _mapped(lambda file: files.reserve(file, size), shape, dtype, "r+")


def _mapped(
    fill: Callable[[BinaryIO], None], shape: Shape, dtype: DTypeLike, mode: Literal["r", "r+"]
) -> Array:
    """A temporary file, filled by `fill`, as an array."""
    with temporary_file_errors():
        handle, path = _locked_file()
        try:
            # Written as a file and mapped when complete: a full disk is an error here, whereas
            # writing to a map would kill the process.
            with open(handle, "wb", closefd=False) as file:
                fill(file)
            whole = np.memmap(path, dtype, mode, shape=shape)
        except BaseException:
            locks.discard(handle, path)
            raise
    # The file keeps its name, by which other processes find it, until the map is freed (every
    # view of the array keeps the map alive), at the latest until Python exits. The finalizer
    # belongs to the map, not to the array: Windows cannot remove a mapped file. There the file
    # remains if a worker that is about to end still has it open.
    weakref.finalize(whole.base, locks.discard, handle, path)
    return whole


def _locked_file() -> tuple[int, str]:
    """Create a temporary file with a lock, and remove the files of processes that were killed.

    The lock shows that the owner is alive.
    """
    prefix, suffix = AFFIXES
    for old in Path(tempfile.gettempdir()).glob(f"{prefix}????????{suffix}"):
        locks.discard_orphan(old)
    while True:
        handle, path = tempfile.mkstemp(suffix, prefix)
        try:
            mine = locks.try_lock(handle) and locks.has_name(handle, path)
        except OSError:
            mine = True  # no locks in this folder, so no process removes the file
        if mine:
            return handle, path
        os.close(handle)  # another process removed it before it was locked


@contextmanager
def temporary_file_errors() -> Iterator[None]:
    """Turn the errors of temporary files into a `TextError` with the folder and a remedy."""
    try:
        yield
    except OSError as error:
        if error.errno == errno.ENOMEM:  # an error of the map, not of the folder
            raise
        # With a full disk Python may find no temporary directory at all.
        folder = tempfile.tempdir or "temporary directory"
        advice = files.remedy(
            error, "name a folder with more room in the environment variable TMPDIR"
        )
        raise TextError(f"{folder}: {error.strerror}: {advice}") from error
