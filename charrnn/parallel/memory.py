"""Arrays that several processes have in common.

The memory has no name in the file system and is gone with the last process that uses it.
"""

from __future__ import annotations

from ctypes import c_ubyte
from dataclasses import dataclass
from math import prod
from multiprocessing.context import BaseContext
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from charrnn.parameters import Array, Shape, Text


@dataclass
class Memory:
    """An array that processes have in common: room, or a file to read; and how to see it."""

    room: Any  # a ctypes array, or the path of a file
    shape: Shape
    dtype: np.dtype[Any]
    offset: int = 0

    def array(self) -> Array:
        """The array."""
        if isinstance(self.room, str):
            return np.memmap(self.room, self.dtype, "r", self.offset, self.shape)
        flat: Array = np.frombuffer(self.room, self.dtype, prod(self.shape))
        return flat.reshape(self.shape)


def reserve(context: BaseContext, shape: Shape, dtype: DTypeLike) -> Memory:
    """Room for an array, of zeros."""
    wanted = np.dtype(dtype)
    room = context.RawArray(c_ubyte, max(1, prod(shape) * wanted.itemsize))
    return Memory(room, shape, wanted)


def in_file(array: Text) -> Memory | None:
    """Where an array stands that is part of a file; None for one that is not, or only in bits."""
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
