"""Arrays that several processes share.

The memory has no name in the file system and is freed with the last process that uses it.
"""

from __future__ import annotations

import errno
import os
import shutil
import sys
import tempfile
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from multiprocessing.heap import Arena
from typing import IO

import numpy as np
from numpy.typing import DTypeLike

from charrnn import files
from charrnn.arrays import Array, Shape, Text
from charrnn.errors import TrainingError
from charrnn.machine import in_words

#: A folder of Linux with files in memory; the temporary directory is the second choice.
IN_MEMORY = "/dev/shm"
#: The advice where all folders are full.
LARGER = "name a folder with more space in TMPDIR"


@dataclass
class Memory:
    """A shared array, in memory or in a file to read; picklable for a new process.

    Attributes:
        store: the memory, or the path of the file.
        shape, dtype: those of the array.
        offset: bytes of the file before the array.
    """

    store: Arena | str
    shape: Shape
    dtype: np.dtype[np.generic]
    offset: int = 0

    def array(self) -> Array:
        """The array."""
        if isinstance(self.store, str):
            return np.memmap(self.store, self.dtype, "r", self.offset, self.shape)
        flat: Array = np.frombuffer(self.store.buffer, self.dtype, prod(self.shape))
        return flat.reshape(self.shape)


def reserve(shape: Shape, dtype: DTypeLike) -> Memory:
    """Memory for an array of zeros.

    Raises:
        TrainingError: if there is not enough memory, with the sizes.
    """
    item = np.dtype(dtype)
    size = max(1, prod(shape) * item.itemsize)
    if sys.platform == "win32":  # shared memory there is never sparse, nor in a file
        return Memory(Arena(size), shape, item)
    file = unnamed_file(size)
    arena = Arena(size, file.fileno())
    weakref.finalize(arena, file.close)
    return Memory(arena, shape, item)


def unnamed_file(size: int) -> IO[bytes]:
    """A file of zeros without a name, in the first folder with enough space.

    Raises:
        TrainingError: if no folder has enough space, with the reasons.
    """
    reasons, advice = [], LARGER
    for folder in folders():
        file = create_in(folder, size)
        if not isinstance(file, OSError):
            return file
        reason = f"{folder}: {file.strerror}"
        if file.errno == errno.ENOSPC:
            reason += f", {in_words(shutil.disk_usage(folder).free)} free"
        reasons.append(reason)
        advice = files.remedy(file, advice)
    raise no_room(size, reasons, advice)


def check_space(size: int) -> TrainingError | None:
    """Return the error for more shared memory than all folders together have free, or None.

    Args:
        size: the bytes of all arrays together.
    """
    if sys.platform == "win32":  # shared memory is in no file
        return None
    free: dict[int, tuple[str, int]] = {}
    for folder in folders():
        try:
            usage = shutil.disk_usage(folder)
            free.setdefault(os.stat(folder).st_dev, (folder, usage.free))
        except OSError:
            return None  # unknown: `reserve` finds out
        if not usage.total:  # some file systems do not say
            return None
    if size <= sum(left for _, left in free.values()):
        return None
    reasons = [f"{folder}: {in_words(left)} free" for folder, left in free.values()]
    return no_room(size, reasons, LARGER)


def no_room(size: int, reasons: Sequence[str], advice: str) -> TrainingError:
    """Return the error for shared memory that fits in no folder."""
    return TrainingError(
        f"no room for {in_words(size)} of memory that the workers share "
        f"({'; '.join(reasons)}): train with --workers 1, or {advice}"
    )


def create_in(folder: str, size: int) -> IO[bytes] | OSError:
    """A file of zeros without a name, or the error that prevents one."""
    try:
        file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115, the memory lasts longer
        try:
            files.reserve(file, size)
        except BaseException:
            file.close()
            raise
    except OSError as error:
        return error
    return file


def folders() -> list[str]:
    """The folders for shared memory, the fastest first."""
    found = [IN_MEMORY] if os.path.isdir(IN_MEMORY) else []
    try:
        found.append(tempfile.gettempdir())
    except OSError:  # no temporary directory has room for a single byte
        found = found or [os.curdir]
    return list(dict.fromkeys(found))


def in_file(array: Text) -> Memory | None:
    """The part of a file that holds an array contiguously; None for any other array."""
    if not isinstance(array, np.memmap) or array.filename is None or array.mode == "c":
        return None
    if not (array.size and array.flags.c_contiguous):
        return None
    whole = array
    while isinstance(whole.base, np.memmap):
        whole = whole.base
    # A view of a memmap reports the offset of the whole.
    offset = whole.offset + array.ctypes.data - whole.ctypes.data
    return Memory(str(array.filename), array.shape, array.dtype, offset)
