"""Tensors in a `.safetensors` file, read without trusting the file.

The format (https://github.com/huggingface/safetensors) is the length of a header in 8 bytes, the
header, and the numbers of the tensors. The header is JSON in UTF-8, which may end in spaces: an
entry for each tensor, and `__metadata__`, an object of strings:

    {"__metadata__": {"layer_type": "gru", …},
     "output.bias": {"dtype": "F32", "shape": [65], "data_offsets": [0, 260]}, …}

The offsets count from the end of the header. All numbers are little-endian, row by row, and the
tensors follow one another without gaps. The whole header is checked before a number is read, so
the size of the file bounds the memory.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from math import prod
from typing import IO, Any, NamedTuple

import numpy as np

import charrnn
from charrnn.arrays import Array, Shape
from charrnn.checkpoint import schema
from charrnn.checkpoint.archive import cut_short
from charrnn.errors import CheckpointError, DamagedCheckpointError, NonFiniteError

#: Bytes of the length of the header; the longest header that the library of the format reads.
LENGTH_BYTES, MAX_LENGTH = 8, 100_000_000
#: The types of numbers, and NumPy's names for their bytes; BF16 is the upper half of an F32.
DTYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2"}
#: The entry of the header that is no tensor, and its entry that marks a file of charrnn.
METADATA, MARK = "__metadata__", "charrnn"
#: Dimensions of a tensor.
MAX_DIMENSIONS = 32


class Tensor(NamedTuple):
    """A tensor in a file, without its numbers.

    Attributes:
        name: the name.
        dtype: one of `DTYPES`.
        shape: the shape.
        start, end: the offsets of the numbers in the file, in bytes.
    """

    name: str
    dtype: str
    shape: Shape
    start: int
    end: int


def is_safetensors(head: bytes) -> bool:
    """True for the first hundred bytes of a `.safetensors` file."""
    length = int.from_bytes(head[:LENGTH_BYTES], "little")
    return head[LENGTH_BYTES : LENGTH_BYTES + 1] == b"{" and length <= MAX_LENGTH


def is_own(head: bytes) -> bool:
    """True for the first hundred bytes of a `.safetensors` file that charrnn wrote."""
    beginning = f'{{"{METADATA}":{{"{MARK}":'.encode()
    return is_safetensors(head) and head.startswith(beginning, LENGTH_BYTES)


def encode(arrays: Mapping[str, Array], metadata: Mapping[str, str]) -> bytes:
    """Return the beginning of a file, up to the numbers of its arrays.

    Args:
        arrays: the arrays by name.
        metadata: strings by name.

    Raises:
        CheckpointError: if the header is too large to be read again.
    """
    header: dict[str, Any] = {METADATA: {MARK: charrnn.__version__, **metadata}}
    offset = 0
    for name, array in arrays.items():
        end = offset + 4 * array.size
        header[name] = {"dtype": "F32", "shape": array.shape, "data_offsets": [offset, end]}
        offset = end
    data = json.dumps(header, allow_nan=False, separators=(",", ":")).encode("ascii")
    if schema.too_large(data):
        raise CheckpointError(
            f"its header, of {len(data):,} bytes, is too large to save: train with --min-count, "
            "for fewer different characters"
        )
    data += b" " * (-len(data) % LENGTH_BYTES)  # the numbers begin at a multiple of 8 bytes
    return len(data).to_bytes(LENGTH_BYTES, "little") + data


def write(file: IO[bytes], header: bytes, arrays: Iterable[Array]) -> None:
    """Write arrays into a file, as F32.

    Args:
        file: the file.
        header: from `encode`.
        arrays: those of the header, in the same order.
    """
    file.write(header)
    for array in arrays:
        file.write(np.ascontiguousarray(array, "<f4").reshape(-1).view(np.uint8).data)


def read_header(file: IO[bytes]) -> tuple[dict[str, str], dict[str, Tensor]]:
    """Return the metadata of a file, and its tensors by name, without their numbers.

    Raises:
        DamagedCheckpointError: if the file is not of the format, or has tensors of other types.
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    length = int.from_bytes(file.read(LENGTH_BYTES), "little")
    if LENGTH_BYTES + length > size:
        raise cut_short()
    if length > schema.MAX_BYTES:
        raise DamagedCheckpointError(f"its header, of {length:,} bytes, is too large")
    header = schema.decode(file.read(length), "utf-8")
    metadata = header.pop(METADATA, {})
    if not isinstance(metadata, dict) or not all(
        isinstance(text, str) for text in metadata.values()
    ):
        raise DamagedCheckpointError("the metadata of its header is not an object of strings")
    start = LENGTH_BYTES + length
    tensors = [tensor_of(name, entry, start, size) for name, entry in header.items()]
    tensors.sort(key=lambda tensor: (tensor.start, tensor.end))
    for tensor in tensors:
        if tensor.start != start:
            raise DamagedCheckpointError(
                f"tensor {tensor.name!r:.100} overlaps another one, or has a gap before it"
            )
        start = tensor.end
    if start != size:
        raise cut_short()
    return metadata, {tensor.name: tensor for tensor in tensors}


def tensor_of(name: str, entry: Any, start: int, size: int) -> Tensor:
    """Return the tensor of an entry of a header.

    Args:
        name, entry: the entry.
        start: the offset of the numbers of all tensors in the file.
        size: the size of the file.

    Raises:
        DamagedCheckpointError: if the entry is not that of a tensor within the file.
    """
    about = f"tensor {name!r:.100}"
    schema.check_names(about, entry, ("dtype", "shape", "data_offsets"))
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(dtype, str) or dtype not in DTYPES:
        raise DamagedCheckpointError(
            f"{about} has the type {schema.SHORT.repr(dtype)}, not one of {', '.join(DTYPES)}"
        )
    if not are_sizes(shape) or len(shape) > MAX_DIMENSIONS:
        raise DamagedCheckpointError(f"{about} has no shape, but {schema.SHORT.repr(shape)}")
    if not are_sizes(offsets) or len(offsets) != 2:
        raise DamagedCheckpointError(f"{about} has no offsets, but {schema.SHORT.repr(offsets)}")
    first, last = (start + offset for offset in offsets)
    needed = prod(shape) * np.dtype(DTYPES[dtype]).itemsize
    if last - first != needed:
        raise DamagedCheckpointError(
            f"{about} has {last - first:,} bytes, not as many as its shape {tuple(shape)!s:.80}"
        )
    if last > size:
        raise cut_short()
    return Tensor(name, dtype, tuple(shape), first, last)


def are_sizes(values: Any) -> bool:
    """True for a list of whole numbers that are not negative."""
    return isinstance(values, list) and all(map(schema.Field(int).fits, values))


def read_numbers(file: IO[bytes], tensor: Tensor) -> Array:
    """Return the numbers of a tensor, in float32.

    Raises:
        DamagedCheckpointError: if another program has shortened the file.
        NonFiniteError: if a number is not finite in float32.
    """
    file.seek(tensor.start)
    data = file.read(tensor.end - tensor.start)
    if len(data) < tensor.end - tensor.start:
        raise cut_short()
    raw = np.frombuffer(data, DTYPES[tensor.dtype]).reshape(tensor.shape)
    if tensor.dtype == "BF16":
        numbers = (raw.astype(np.uint32) << 16).view(np.float32)
    else:
        with np.errstate(over="ignore"):
            numbers = raw.astype(np.float32, copy=False)
    if not (np.isfinite(numbers.min(initial=0)) and np.isfinite(numbers.max(initial=0))):
        raise NonFiniteError(
            f"tensor {tensor.name!r:.100} is not finite everywhere: use an intact copy of the "
            "file, or train again"
        )
    return numbers
