"""Arrays in an `.npz` file, read without trust in what the file says.

`numpy.load` without pickles executes nothing, but it believes the file: it allocates the declared
shape before it looks for the data, unpacks compressed members, and takes the last of two members
of one name. `zipfile` searches for the directory, and believes its sizes. So files are read here
without either, and only in the one form that `numpy.savez` writes: uncompressed members one behind
the other from the first byte, each a plain array of exactly the bytes of its shape, and then the
directory and the end record that follow from the members. The directory is computed and compared,
not interpreted. No array is allocated before the whole file is known to have this form, so the
memory is bounded by the size of the file.
"""

from __future__ import annotations

import os
import re
import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from math import prod
from typing import IO, Any, NamedTuple

import numpy as np

from charrnn.errors import CheckpointError
from charrnn.parameters import Array, Shape

#: The format of a zip file, from here to `Locator`: APPNOTE.TXT of PKWARE, version 6.3.
#: The signatures of a member, of an entry of the directory, and of the end record.
MEMBER, ENTRY, END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
#: The signatures of the end record of a file above `LARGE`, and of the pointer to that record.
LARGE_END, LOCATOR = b"PK\x06\x06", b"PK\x06\x07"
#: Stands before each member: signature, version, flags, method, time, date, CRC-32, compressed
#: size, size, lengths of the name and of the extra field.
Local = struct.Struct("<4s5H3L2H")
#: The extra field that numpy adds to each member: its number, its length, the two sizes.
Extra = struct.Struct("<2H2Q")
#: An entry of the directory: as `Local`, with the version of the writer as second field; after the
#: lengths the length of a comment, the disk, internal and external attributes, the offset.
Entry = struct.Struct("<4s6H3L5H2L")
#: Signature, two disks, twice the number of members, size and offset of the directory, comment.
End = struct.Struct("<4s4H2LH")
#: The same for a file above `LARGE`: signature, size of the rest, two versions, two disks, …
LargeEnd = struct.Struct("<4sQ2H2L4Q")
#: Signature, disk and offset of that record, number of disks.
Locator = struct.Struct("<4sLQL")
#: Sizes and offsets above this are written as 64 bits, and as `ELSEWHERE` in their usual place.
LARGE, ELSEWHERE = (1 << 31) - 1, 0xFFFFFFFF
#: The version that a reader needs, of a usual member and of one with sizes of 64 bits.
USUAL_VERSION, LARGE_VERSION = 20, 45

#: The beginning of an array in numpy's format 1.0.
NPY = b"\x93NUMPY\x01\x00"
#: Limits: arrays in a file, bytes of a name, bytes of the header of an array.
MAX_MEMBERS, MAX_NAME_BYTES, MAX_HEADER_BYTES = 10_000, 100, 1_000
#: The header that numpy writes for the arrays of a checkpoint.
HEADER = re.compile(
    rb"\{'descr': '([<|]\w\d)', 'fortran_order': False, "
    rb"'shape': \(((?:\d{1,18}, )*(?:\d{1,18},?)?)\), \} *\n"
)
TYPES = (b"|u1", b"<u4", b"<f4", b"<f8")
#: Bytes that are read at a time.
BLOCK = 1 << 20


class Member(NamedTuple):
    """An array in a file, before its numbers are read."""

    name: str
    shape: Shape
    dtype: np.dtype[Any]
    local: bytes  # what stands before the member, without the name and the extra field
    crc: int
    offset: int  # of `local` in the file
    start: int  # of the header of the array
    data: int  # of the numbers
    end: int

    @property
    def entry(self) -> tuple[list[Any], bytes, bytes]:
        """The entry of the directory that `numpy.savez` writes: fields, name, extra field. The
        version of the writer and the attributes of the file are 0 here.
        """
        _, version, flags, method, time, date, *_ = Local.unpack(self.local)
        name, size, extra = f"{self.name}.npy".encode(), self.end - self.start, b""
        sizes, offset = (size, size), self.offset
        if size > LARGE:
            extra, sizes = struct.pack("<2Q", size, size), (ELSEWHERE, ELSEWHERE)
        if offset > LARGE:
            extra, offset = extra + struct.pack("<Q", offset), ELSEWHERE
        if extra:
            extra, version = struct.pack("<2H", 1, len(extra)) + extra, LARGE_VERSION
        fields = [ENTRY, 0, version, flags, method, time, date, self.crc, *sizes]
        return [*fields, len(name), len(extra), 0, 0, 0, 0, offset], name, extra


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
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    if file.read(len(MEMBER)) != MEMBER:
        raise CheckpointError("not a charrnn checkpoint")
    members = list(scan(file, size))
    check_directory(file, members, size)
    return {member.name: content(file, member) for member in members}


def scan(file: IO[bytes], size: int) -> Iterator[Member]:
    """The members of a file, from the first byte on; none of their numbers is read.

    Args:
        file: to read.
        size: of the file, in bytes.

    Raises:
        CheckpointError: for a member that `write` does not write.
    """
    offset, seen = 0, set[str]()
    while True:
        file.seek(offset)
        local = file.read(Local.size)
        if not local.startswith(MEMBER):
            return
        if len(local) < Local.size:
            raise cut_short()
        member = member_at(file, local, offset, size)
        if member.name in seen:
            raise CheckpointError(f"damaged: {member.name + '.npy'!r:.100} is there twice")
        if len(seen) == MAX_MEMBERS:
            raise CheckpointError(f"damaged: more than {MAX_MEMBERS:,} arrays")
        seen.add(member.name)
        yield member
        offset = member.end


def member_at(file: IO[bytes], local: bytes, offset: int, size: int) -> Member:
    """The member that begins at an offset.

    Args:
        file: to read, at the name of the member.
        local: what stands before the name.
        offset: of `local`.
        size: of the file.

    Raises:
        CheckpointError: for a member that `write` does not write.
    """
    _, version, flags, method, _, _, crc, packed, length, name_length, extra_length = Local.unpack(
        local
    )
    encoded = file.read(min(name_length, MAX_NAME_BYTES))
    # Shown in quotes and escaped, whatever it is.
    name = encoded.decode("ascii", "backslashreplace")
    damaged = f"damaged: {name!r:.100}"
    if name_length > MAX_NAME_BYTES or not name.endswith(".npy") or not encoded.isascii():
        raise CheckpointError(f"{damaged} is no array")
    if "\0" in name:  # where zipfile ends a name
        raise CheckpointError(f"{damaged} has a NUL in its name")
    if flags:
        raise CheckpointError(f"{damaged} is encrypted, or has other flags of a zip file")
    if method:
        raise CheckpointError(f"{damaged} is compressed")
    if extra_length:
        extra = file.read(Extra.size)
        if extra_length != Extra.size or len(extra) != Extra.size:
            raise CheckpointError(f"{damaged} has extra fields that numpy does not write")
        number, rest, large, large_packed = Extra.unpack(extra)
        # From Python 3.11.4 on the sizes stand here alone, before that here and there.
        known = {(ELSEWHERE, ELSEWHERE), (large_packed, large)}
        if (number, rest) != (1, 16) or (packed, length) not in known:
            raise CheckpointError(f"{damaged} has extra fields that numpy does not write")
        packed, length = large_packed, large
    if packed != length or version not in (USUAL_VERSION, LARGE_VERSION):
        raise CheckpointError(f"{damaged} is compressed, or of another version of zip")
    start = offset + Local.size + name_length + extra_length
    if start + length > size:
        raise cut_short()
    shape, dtype, data = described(file, damaged, start, length)
    name = name.removesuffix(".npy")
    return Member(name, shape, dtype, local, crc, offset, start, data, start + length)


def described(
    file: IO[bytes], damaged: str, start: int, length: int
) -> tuple[Shape, np.dtype[Any], int]:
    """The shape and type of an array, and where its numbers begin.

    Args:
        file: to read, at the beginning of the array.
        damaged: the beginning of an error.
        start, length: of the array in the file.

    Raises:
        CheckpointError: for an array of another kind, or whose size is not that of its shape.
    """
    beginning = file.read(len(NPY) + 2)
    header_length = int.from_bytes(beginning[len(NPY) :], "little")
    before = len(beginning) + header_length
    if not beginning.startswith(NPY) or header_length > MAX_HEADER_BYTES or before > length:
        raise CheckpointError(f"{damaged} is no array, or of another kind")
    header = file.read(header_length)
    match = HEADER.fullmatch(header)
    if not match or match[1] not in TYPES:
        raise CheckpointError(f"{damaged} is an array of another kind: {header!r:.80}")
    dtype = np.dtype(match[1].decode())
    shape = tuple(int(number) for number in match[2].replace(b",", b" ").split())
    size = prod(shape) * dtype.itemsize
    if size != length - before:
        raise CheckpointError(f"{damaged} has {length - before} bytes, its shape {shape} {size}")
    # numpy has no more dimensions, and counts the bytes of an empty array without its zeros.
    if len(shape) > 32 or prod(max(number, 1) for number in shape) > 1 << 59:
        raise CheckpointError(f"{damaged} has a shape that no array has: {shape!s:.80}")
    return shape, dtype, start + before


def check_directory(file: IO[bytes], members: Sequence[Member], size: int) -> None:
    """Compare what follows the members with what `numpy.savez` writes there.

    Args:
        file: to read.
        members: all that are in the file.
        size: of the file.

    Raises:
        CheckpointError: for anything else.
    """
    place = file.seek(members[-1].end)
    for member in members:
        fields, name, extra = member.entry
        found = file.read(Entry.size + len(name) + len(extra))
        if len(found) != Entry.size + len(name) + len(extra):
            raise cut_short()
        there = list(Entry.unpack_from(found))
        there[1] = there[-2] = 0  # the writer's version and the file's attributes mean nothing
        if there != fields or found[Entry.size :] != name + extra:
            if found[:4] != ENTRY:
                raise cut_short()
            raise CheckpointError(f"damaged: its directory contradicts {name.decode()!r:.100}")
    end = file.tell()
    expected = ending(len(members), place, end - place)
    if end + len(expected) != size or file.read(len(expected)) != expected:
        raise cut_short()


def ending(count: int, start: int, length: int) -> bytes:
    """The bytes that `numpy.savez` writes behind the directory.

    Args:
        count: of members.
        start, length: of the directory.
    """
    end = End.pack(END, 0, 0, count, count, length, min(start, ELSEWHERE), 0)
    if start <= LARGE:
        return end
    versions = LARGE_VERSION, LARGE_VERSION
    large = LARGE_END, LargeEnd.size - 12, *versions, 0, 0, count, count, length, start
    return LargeEnd.pack(*large) + Locator.pack(LOCATOR, 0, start + length, 1) + end


def cut_short() -> CheckpointError:
    """The error for a file that has not the form of an archive."""
    return CheckpointError("damaged: cut short, or something stands before or behind it")


def content(file: IO[bytes], member: Member) -> Array:
    """The numbers of an array.

    Raises:
        CheckpointError: where the checksum is another.
    """
    array = np.empty(member.shape, member.dtype)
    room = array.reshape(-1).view(np.uint8).data
    file.seek(member.start)
    crc, place = zlib.crc32(file.read(member.data - member.start)), 0
    while place < len(room):
        block = file.read(min(BLOCK, len(room) - place))
        if not block:  # the file has become shorter
            raise cut_short()
        room[place : place + len(block)] = block
        crc, place = zlib.crc32(block, crc), place + len(block)
    if crc != member.crc:
        raise CheckpointError(f"damaged: {member.name + '.npy'!r:.100} has another checksum")
    return array.astype(array.dtype.newbyteorder("="), copy=False)
