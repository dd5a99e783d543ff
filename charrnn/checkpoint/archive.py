"""Arrays in an `.npz` file, read without trusting the file.

`numpy.load` without pickles executes nothing, but it trusts the file: it allocates the declared
shape before it finds the data, decompresses members, and takes the last of two members of one name.
`zipfile` searches for the directory and trusts its sizes. This module uses neither. It reads the
one form that `numpy.savez` writes: uncompressed members without gaps from the first byte, each a
plain array with exactly the bytes of its shape, then the directory and the end record. The
directory is computed from the members and compared. No array is allocated before the whole file has
been checked, so the size of the file bounds the memory.
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

from charrnn.arrays import Array, Shape
from charrnn.errors import CheckpointError, DamagedCheckpointError
from charrnn.machine import available_bytes, in_words

#: The records of a zip file, up to `Locator`, as in APPNOTE.TXT of PKWARE, version 6.3.
#: The signatures of a member, of an entry of the directory, and of the end record.
MEMBER, ENTRY, END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
#: The signatures of the end record of a file above `LARGE`, and of the pointer to that record.
LARGE_END, LOCATOR = b"PK\x06\x06", b"PK\x06\x07"
#: The header of a member: signature, version, flags, method, time, date, CRC-32, compressed
#: size, size, lengths of the name and of the extra field.
Local = struct.Struct("<4s5H3L2H")
#: The extra field that numpy adds to each member: number, length, the two sizes.
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
#: Sizes and offsets above `LARGE` have 64 bits in an extra field, and `ELSEWHERE` in the usual one.
LARGE, ELSEWHERE = (1 << 31) - 1, 0xFFFFFFFF
#: The zip version that a usual member needs, and a member with sizes of 64 bits.
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
TYPES = (b"|u1", b"<u4", b"<u8", b"<f4", b"<f8")
#: Bytes to read at a time.
BLOCK_BYTES = 1 << 20


class Member(NamedTuple):
    """An array in a file, without its numbers; offsets and sizes in bytes."""

    name: str
    shape: Shape
    dtype: np.dtype[Any]
    local: bytes  # the header of the member, without the name and the extra field
    crc: int
    offset: int  # of `local` in the file
    start: int  # of the header of the array
    data: int  # of the numbers
    end: int

    @property
    def entry(self) -> tuple[list[Any], bytes, bytes]:
        """The entry of the directory that `numpy.savez` writes: fields, name, extra field.

        The version of the writer and the attributes of the file are 0.
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
    """Write arrays into a file as `numpy.savez` does, little-endian and row by row."""
    import zipfile  # here, since it takes milliseconds and reading does without it

    ordered = {
        name: np.asarray(array, array.dtype.newbyteorder("<"), order="C")
        for name, array in arrays.items()
    }
    # Not `numpy.savez`, which copies numbers on their way, and which on a full disk, in NumPy 1,
    # leaves an open archive that prints a traceback when it is freed.
    with zipfile.ZipFile(file, "w") as archive:
        for name, array in ordered.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                header = np.lib.format.header_data_from_array_1_0(array)
                np.lib.format.write_array_header_1_0(member, header)
                member.write(array.reshape(-1).view(np.uint8).data)


def is_checkpoint(head: bytes) -> bool:
    """True for the first hundred bytes of a checkpoint, whose first array is the header."""
    return head.startswith(MEMBER) and b"header.npy" in head


def read(file: IO[bytes]) -> dict[str, Array]:
    """Return the arrays in a file, by name.

    Raises:
        CheckpointError: if the file is not an archive, or does not fit in memory.
        DamagedCheckpointError: if `write` would not write this file.
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    if file.read(len(MEMBER)) != MEMBER:
        raise not_a_checkpoint()
    members = list(scan(file, size))
    check_directory(file, members, size)
    check_memory(size, available_bytes())
    return {member.name: read_numbers(file, member) for member in members}


def not_a_checkpoint() -> CheckpointError:
    """Return the error for a file of another program."""
    return CheckpointError("not a charrnn checkpoint: name a file that `charrnn train` wrote")


def check_memory(size: int, there: int | None) -> None:
    """Check that the arrays of a file fit in memory.

    Args:
        size: the size of the file, in bytes.
        there: the bytes of memory that are available; None for an unknown number.

    Raises:
        CheckpointError: if they do not fit, with the sizes.
    """
    if there is not None and size > there:
        raise CheckpointError(
            f"has {in_words(size)}, and {in_words(there)} of memory are available: use a machine "
            "with more memory"
        )


def scan(file: IO[bytes], size: int) -> Iterator[Member]:
    """Yield the members of a file from its first byte on, without reading their numbers.

    Args:
        file: the file to read.
        size: the size of the file, in bytes.

    Raises:
        DamagedCheckpointError: if `write` would not write a member.
    """
    offset, seen = 0, set[str]()
    while True:
        file.seek(offset)
        local = file.read(Local.size)
        if not local.startswith(MEMBER):
            return
        if len(local) < Local.size:
            raise cut_short()
        member = read_member(file, local, offset, size)
        if member.name in seen:
            raise DamagedCheckpointError(f"{member.name + '.npy'!r:.100} is repeated")
        if len(seen) == MAX_MEMBERS:
            raise DamagedCheckpointError(f"more than {MAX_MEMBERS:,} arrays")
        seen.add(member.name)
        yield member
        offset = member.end


def read_member(file: IO[bytes], local: bytes, offset: int, size: int) -> Member:
    """Return the member at an offset.

    Args:
        file: the file to read, at the name of the member.
        local: the header of the member.
        offset: the offset of `local` in the file.
        size: the size of the file.

    Raises:
        DamagedCheckpointError: if `write` would not write a member.
    """
    _, version, flags, method, _, _, crc, packed, length, name_length, extra_length = Local.unpack(
        local
    )
    encoded = file.read(min(name_length, MAX_NAME_BYTES))
    name = encoded.decode("ascii", "backslashreplace")
    member = f"{name!r:.100}"
    if name_length > MAX_NAME_BYTES or not name.endswith(".npy") or not encoded.isascii():
        raise DamagedCheckpointError(f"{member} is not an array")
    if "\0" in name:  # zipfile would end the name here
        raise DamagedCheckpointError(f"{member} has a NUL in its name")
    if flags:
        raise DamagedCheckpointError(f"{member} has flags of a zip file, as encrypted members have")
    if method:
        raise DamagedCheckpointError(f"{member} is compressed")
    if extra_length:
        extra = file.read(Extra.size)
        if extra_length != Extra.size or len(extra) != Extra.size:
            raise DamagedCheckpointError(f"{member} has extra fields that numpy does not write")
        number, rest, large, large_packed = Extra.unpack(extra)
        # Since Python 3.11.4 the sizes are in the extra field alone, before in both fields.
        known = {(ELSEWHERE, ELSEWHERE), (large_packed, large)}
        if (number, rest) != (1, 16) or (packed, length) not in known:
            raise DamagedCheckpointError(f"{member} has extra fields that numpy does not write")
        packed, length = large_packed, large
    if packed != length or version not in (USUAL_VERSION, LARGE_VERSION):
        raise DamagedCheckpointError(f"{member} is compressed, or has another version of zip")
    start = offset + Local.size + name_length + extra_length
    if start + length > size:
        raise cut_short()
    shape, dtype, data = read_array_header(file, member, start, length)
    name = name.removesuffix(".npy")
    return Member(name, shape, dtype, local, crc, offset, start, data, start + length)


def read_array_header(
    file: IO[bytes], member: str, start: int, length: int
) -> tuple[Shape, np.dtype[Any], int]:
    """Return the shape and the type of an array, and the offset of its numbers.

    Args:
        file: the file to read, at the beginning of the array.
        member: the name of the array, for an error.
        start, length: the offset and the length of the array in the file.

    Raises:
        DamagedCheckpointError: if the type is none of `TYPES`, or the shape contradicts the size.
    """
    beginning = file.read(len(NPY) + 2)
    header_length = int.from_bytes(beginning[len(NPY) :], "little")
    before = len(beginning) + header_length
    if not beginning.startswith(NPY) or header_length > MAX_HEADER_BYTES or before > length:
        raise DamagedCheckpointError(f"{member} is not an array of numpy's format 1.0")
    header = file.read(header_length)
    match = HEADER.fullmatch(header)
    if not match or match[1] not in TYPES:
        raise DamagedCheckpointError(
            f"{member} has another type or order of numbers: {header.strip()!r:.80}"
        )
    dtype = np.dtype(match[1].decode())
    shape = tuple(int(number) for number in match[2].replace(b",", b" ").split())
    size = prod(shape) * dtype.itemsize
    if size != length - before:
        raise DamagedCheckpointError(
            f"{member} has {length - before} bytes, and its shape {shape!s:.80} needs {size}"
        )
    # numpy has at most 32 dimensions, and limits the bytes of an empty array without its zeros.
    if len(shape) > 32 or prod(max(number, 1) for number in shape) > 1 << 59:
        raise DamagedCheckpointError(f"{member} has a shape that numpy refuses: {shape!s:.80}")
    return shape, dtype, start + before


def check_directory(file: IO[bytes], members: Sequence[Member], size: int) -> None:
    """Compare the directory of a file with the directory that `numpy.savez` writes.

    Args:
        file: the file to read.
        members: all members of the file.
        size: the size of the file.

    Raises:
        DamagedCheckpointError: if they differ.
    """
    start = file.seek(members[-1].end)
    for member in members:
        fields, name, extra = member.entry
        found = file.read(Entry.size + len(name) + len(extra))
        if len(found) != Entry.size + len(name) + len(extra):
            raise cut_short()
        entry = list(Entry.unpack_from(found))
        entry[1] = entry[-2] = 0  # version of the writer, attributes of the file: without effect
        if entry != fields or found[Entry.size :] != name + extra:
            if found[:4] != ENTRY:
                raise cut_short()
            raise DamagedCheckpointError(f"its zip directory contradicts {name.decode()!r:.100}")
    end = file.tell()
    expected = end_records(len(members), start, end - start)
    if end + len(expected) != size or file.read(len(expected)) != expected:
        raise cut_short()


def end_records(count: int, start: int, length: int) -> bytes:
    """Return the bytes that `numpy.savez` writes after the directory.

    Args:
        count: the number of members.
        start, length: the offset and the length of the directory.
    """
    end = End.pack(END, 0, 0, count, count, length, min(start, ELSEWHERE), 0)
    if start <= LARGE:
        return end
    versions = LARGE_VERSION, LARGE_VERSION
    large = LARGE_END, LargeEnd.size - 12, *versions, 0, 0, count, count, length, start
    return LargeEnd.pack(*large) + Locator.pack(LOCATOR, 0, start + length, 1) + end


def cut_short() -> CheckpointError:
    """Return the error for a file that ends too early or too late."""
    return DamagedCheckpointError("cut short, or with other bytes between or after its arrays")


def read_numbers(file: IO[bytes], member: Member) -> Array:
    """Return the numbers of an array.

    Raises:
        DamagedCheckpointError: if the checksum differs.
    """
    array = np.empty(member.shape, member.dtype)
    buffer = array.reshape(-1).view(np.uint8).data
    file.seek(member.start)
    crc, done = zlib.crc32(file.read(member.data - member.start)), 0
    while done < len(buffer):
        block = file.read(min(BLOCK_BYTES, len(buffer) - done))
        if not block:  # another program shortened the file
            raise cut_short()
        buffer[done : done + len(block)] = block
        crc, done = zlib.crc32(block, crc), done + len(block)
    if crc != member.crc:
        raise DamagedCheckpointError(f"{member.name + '.npy'!r:.100} has another checksum")
    return array.astype(array.dtype.newbyteorder("="), copy=False)
