"""Arrays in an `.npz` file, read so that no file can do harm.

`numpy.load` executes nothing when pickles are off, but it believes what a file says: it makes
room for the shape that is declared before it looks at what is there, unpacks what was packed a
thousand times over, and of two members of one name takes the last. So what `numpy.savez` writes
is read here by its own rule, which leaves nothing to be interpreted: members one behind the
other from the first byte to the directory, each as it is, each a plain array of just the bytes
that its shape asks for. All of that is known from the directory and the headers alone, before
any array is made, and memory is bounded by the size of the file.
"""

from __future__ import annotations

import os
import re
import struct
import zipfile
from collections.abc import Iterator, Mapping
from math import prod
from typing import IO, Any, NamedTuple

import numpy as np

from charrnn.errors import CheckpointError
from charrnn.parameters import Array, Shape

#: What a zip file begins with if it has members, and an array in numpy's format 1.0.
ZIP, NPY = b"PK\x03\x04", b"\x93NUMPY\x01\x00"
#: What stands before a member: the signature, …, the lengths of its name and of what follows it.
LOCAL = struct.Struct("<4s22x2H")
#: The end of the directory: signature, disks, members, its size and place, length of a comment.
END = struct.Struct("<4s4H2LH")
#: The same for large files, which stands before it, with a pointer to itself in between.
LARGE_END = struct.Struct("<4sQ2H2L4Q")
POINTER = struct.Struct("<4sLQL")
#: More members than any network has, longer headers of arrays, and more bytes of the directory for
#: each member, most of which are its name.
MOST, LONGEST, ENTRY = 10_000, 1_000, 128
#: The one way in which numpy writes what we write.
HEADER = re.compile(
    rb"\{'descr': '([<|]\w\d)', 'fortran_order': False, "
    rb"'shape': \(((?:\d{1,18}, )*(?:\d{1,18},?)?)\), \} *\n"
)
TYPES = (b"|u1", b"<u4", b"<f4", b"<f8")
#: Bytes that are read at a time.
BLOCK = 1 << 20


class Member(NamedTuple):
    """An array that a file has."""

    name: str
    shape: Shape
    dtype: np.dtype[Any]
    before: int  # bytes of its header
    info: zipfile.ZipInfo


def write(file: IO[bytes], arrays: Mapping[str, Array]) -> None:
    """Write arrays into a file, as `numpy.savez` does on machines with the usual order of bytes."""
    whole = {
        name: np.asarray(array, array.dtype.newbyteorder("<"), order="C")
        for name, array in arrays.items()
    }
    np.savez(file, **whole)  # type: ignore[arg-type]


def read(file: IO[bytes]) -> dict[str, Array]:
    """The arrays that `write` has put into a file.

    Raises:
        CheckpointError: for anything else, with what is wrong.
    """
    directory = end_of_members(file)
    try:
        with zipfile.ZipFile(file) as archive:
            members = list(listed(archive, file, directory))
            return {member.name: content(archive, member) for member in members}
    # What zipfile raises for a directory that is not one, and for a wrong checksum.
    except (zipfile.BadZipFile, NotImplementedError, ValueError, EOFError, struct.error) as error:
        raise CheckpointError(f"damaged: {error!s:.100}") from error


def end_of_members(file: IO[bytes]) -> int:
    """Where the members end and the directory begins, which reaches to the end of the file.

    Raises:
        CheckpointError: for what is no zip file, or more or less than one.
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    if file.read(len(ZIP)) != ZIP:
        raise CheckpointError("not a charrnn checkpoint")
    damaged = CheckpointError("damaged: cut short, or something stands before or behind it")
    if size < END.size:
        raise damaged
    end = size - END.size
    file.seek(end)
    signature, *disks, here, count, length, start, comment = END.unpack(file.read(END.size))
    large = end - POINTER.size - LARGE_END.size
    if large > 0:
        file.seek(large)
        before = file.read(LARGE_END.size + POINTER.size)
        if before[LARGE_END.size :].startswith(b"PK\x06\x07"):
            *disks, here, count, length, start = LARGE_END.unpack_from(before)[4:]
            end = large
    if signature != b"PK\x05\x06" or any(disks) or comment or start + length != end:
        raise damaged
    # The directory is read as a whole, whatever number of members is said.
    if here != count or count > MOST or length > count * ENTRY:
        raise CheckpointError(f"damaged: {count} members, in a directory of {length:,} bytes")
    return int(start)


def listed(archive: zipfile.ZipFile, file: IO[bytes], directory: int) -> Iterator[Member]:
    """What a file has, in the order of the directory, each looked at but not yet read.

    Raises:
        CheckpointError: for what `write` does not write.
    """
    place, seen = 0, set()
    for info in archive.infolist():
        name = info.filename
        if name in seen or not name.endswith(".npy"):
            raise CheckpointError(f"damaged: {name!r:.100} is there twice, or is no array")
        seen.add(name)
        if info.compress_type != zipfile.ZIP_STORED or info.file_size != info.compress_size:
            raise CheckpointError(f"damaged: {name!r:.100} is compressed")
        if info.flag_bits or info.header_offset != place:
            raise CheckpointError(f"damaged: {name!r:.100} is encrypted, or not where it should be")
        file.seek(place)
        _, name_length, extra_length = LOCAL.unpack(file.read(LOCAL.size))
        place += LOCAL.size + name_length + extra_length + info.file_size
        yield described(archive, info)
    if place != directory:
        raise CheckpointError("damaged: something stands between its arrays")


def described(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Member:
    """An array of which only the header has been read.

    Raises:
        CheckpointError: where it is of another kind, or its size is not that of its shape.
    """
    name = info.filename
    with archive.open(info) as stream:
        start = stream.read(len(NPY) + 2)
        length = int.from_bytes(start[len(NPY) :], "little")
        if not start.startswith(NPY) or length > LONGEST:
            raise CheckpointError(f"damaged: {name!r:.100} is no array, or of another kind")
        header = stream.read(length)
    match = HEADER.fullmatch(header)
    if not match or match[1] not in TYPES:
        raise CheckpointError(f"damaged: {name!r:.100} is an array of another kind: {header!r:.80}")
    dtype = np.dtype(match[1].decode())
    shape = tuple(int(number) for number in match[2].replace(b",", b" ").split())
    before = len(start) + length
    size, there = prod(shape) * dtype.itemsize, info.file_size - before
    if size != there:
        raise CheckpointError(f"damaged: {name!r:.100} has {there} bytes, its shape {shape} {size}")
    return Member(name.removesuffix(".npy"), shape, dtype, before, info)


def content(archive: zipfile.ZipFile, member: Member) -> Array:
    """An array, read to its end, where its checksum is looked at."""
    array = np.empty(member.shape, member.dtype)
    room = array.reshape(-1).view(np.uint8)
    with archive.open(member.info) as stream:
        stream.read(member.before)  # to seek would leave the checksum out
        place = 0
        while block := stream.read(BLOCK):
            room[place : place + len(block)] = np.frombuffer(block, np.uint8)
            place += len(block)
    return array.astype(array.dtype.newbyteorder("="), copy=False)
