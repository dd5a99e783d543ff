"""Arrays that several processes share.

The memory has no name in the file system and is gone with the last process that uses it.
"""

from __future__ import annotations

import errno
import os
import shutil
import sys
import tempfile
import weakref
from dataclasses import dataclass
from math import prod
from multiprocessing.heap import Arena
from typing import IO

import numpy as np
from numpy.typing import DTypeLike

from charrnn import files
from charrnn.errors import TrainingError
from charrnn.parameters import Array, Shape, Text

#: A directory on Linux whose files are in memory; the temporary directory is the second choice.
IN_MEMORY = "/dev/shm"


@dataclass
class Memory:
    """An array that processes share, in memory or in a file to read; picklable for a new process.

    Attributes:
        store: the memory, or the path of the file.
        shape, dtype: of the array.
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
        TrainingError: if there is no room for the array, with the sizes.
    """
    wanted = np.dtype(dtype)
    size = max(1, prod(shape) * wanted.itemsize)
    if sys.platform == "win32":  # whose shared memory is never sparse, nor in a file
        return Memory(Arena(size), shape, wanted)
    file = unnamed_file(size)
    arena = Arena(size, file.fileno())
    weakref.finalize(arena, file.close)
    return Memory(arena, shape, wanted)


def unnamed_file(size: int) -> IO[bytes]:
    """A file of zeros without a name, in the first directory that has room.

    Raises:
        TrainingError: if no directory has room, with the reasons.
    """
    reasons, advice = [], "name a larger directory in TMPDIR"
    for directory in directories():
        made = made_in(directory, size)
        if not isinstance(made, OSError):
            return made
        reason = f"{directory}: {made.strerror}"
        if made.errno == errno.ENOSPC:
            reason += f", {megabytes(shutil.disk_usage(directory).free)} free"
        reasons.append(reason)
        advice = files.remedy(made, advice)
    raise TrainingError(
        f"no room for {megabytes(size)} of memory that the workers share "
        f"({'; '.join(reasons)}): train with --workers 1, or {advice}"
    )


def made_in(directory: str, size: int) -> IO[bytes] | OSError:
    """A file of zeros without a name, or the reason against one."""
    try:
        file = tempfile.TemporaryFile(dir=directory)  # noqa: SIM115, the memory lasts longer
        try:
            files.reserve(file, size)
        except BaseException:
            file.close()
            raise
    except OSError as error:
        return error
    return file


def directories() -> list[str]:
    """The directories for shared memory, the fastest first."""
    found = [IN_MEMORY] if os.path.isdir(IN_MEMORY) else []
    try:
        found.append(tempfile.gettempdir())
    except OSError:  # no temporary directory has room for a single byte
        found = found or [os.curdir]
    return list(dict.fromkeys(found))


def megabytes(size: int) -> str:
    """A size for a message."""
    return f"{size / 1e6:,.1f} MB"


def in_file(array: Text) -> Memory | None:
    """The place in a file of an array that is contiguous there; None for any other array."""
    if not isinstance(array, np.memmap) or array.filename is None or array.mode == "c":
        return None
    if not (array.size and array.flags.c_contiguous):
        return None
    whole = array
    while isinstance(whole.base, np.memmap):
        whole = whole.base
    # The offset that a view has is that of the whole.
    offset = whole.offset + array.ctypes.data - whole.ctypes.data
    return Memory(str(array.filename), array.shape, array.dtype, offset)
