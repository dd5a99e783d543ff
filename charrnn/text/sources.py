"""A file as text: in pieces, so that it may be of any size, and as often as it is wanted."""

from __future__ import annotations

import os
import stat
import sys
import tempfile
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import UnsupportedOperation
from pathlib import Path
from typing import IO

from charrnn.errors import TextError
from charrnn.text.decoding import BYTE_ORDER_MARKS, DEFAULT, Decoding, NoText, decoded
from charrnn.text.storage import IN_MEMORY, naming_the_directory

#: Bytes that are read at a time. A piece goes through several steps, and this small it stays in
#: the processor's cache from one to the next: with a megabyte it takes twice the time.
BLOCK = 1 << 17

#: Bytes that a pipe may bring: more are likely to have no end.
LONGEST_PIPE = 8 << 30

#: Is told how many bytes were read, block by block.
Progress = Callable[[int], object]


class File:
    """The text of a file; iterating gives its pieces, from the beginning each time.

    Line ends are kept as they are. A byte-order mark is believed, and left out. What can be
    read only once, stdin or a pipe, is copied first, into memory or a temporary file.

    Args:
        path: of the file; `-` is stdin.
        decoding: how its bytes become characters.
        progress: what to tell how many bytes were read.

    Attributes:
        declared: the encoding that a byte-order mark declares; None without one.
        passing: whether the file could be read only once.

    Raises:
        TextError: also when iterated, for what cannot be read or decoded, or changes while it
            is read, with the file and the place.
    """

    def __init__(
        self, path: str, decoding: Decoding = DEFAULT, progress: Progress = lambda size: None
    ) -> None:
        self.path = path
        self._decoding = decoding
        self._progress = progress
        self._spool = self._spooled()
        self.passing = self._spool is not None
        with self._opened() as file:
            self._state = self._state_of(file)
            self._mark = decoding.mark(file.read(max(map(len, BYTE_ORDER_MARKS))))
        self.declared = BYTE_ORDER_MARKS.get(self._mark)

    def __iter__(self) -> Iterator[str]:
        codec, name = self._decoding.after(self._mark)
        with self._opened() as file:
            try:
                yield from decoded(
                    self._blocks(file), codec, self._decoding.errors, self._decoding.binary
                )
            except NoText as fault:
                raise self._unreadable(fault, name, file) from fault

    def _blocks(self, file: IO[bytes]) -> Iterator[bytes]:
        """What stands after the mark, and an empty block."""
        file.seek(len(self._mark))
        block = b"more"
        while block:
            block = file.read(BLOCK)
            if self._state_of(file) != self._state:
                raise TextError(f"{self.path}: changed while it was read: try again")
            self._progress(len(block))
            yield block

    def _unreadable(self, fault: NoText, name: str, file: IO[bytes]) -> TextError:
        """What to say of bytes that are no text."""
        place = len(self._mark) + fault.place
        file.seek(place)
        found = f"at byte {place:,} ({file.read(4).hex(' ')})"
        if fault.nul:
            return TextError(
                f"{self.path}: no text: a NUL {found}: name its encoding, as in --encoding utf-16, "
                "or train with --binary, where each byte is a character"
            )
        return TextError(
            f"{self.path}: not {name} {found}: name the encoding, as in --encoding latin-1, or "
            "read over such places with --encoding-errors replace"
        )

    @contextmanager
    def _opened(self) -> Iterator[IO[bytes]]:
        """The bytes, from the beginning."""
        if self._spool:
            self._spool.seek(0)
            yield self._spool
            return
        with self._named(), open(self.path, "rb") as file:
            yield file

    @contextmanager
    def _named(self) -> Iterator[None]:
        """Turn what goes wrong with the file within into a `TextError` with its name."""
        try:
            yield
        except OSError as error:
            raise TextError(f"{self.path}: {error.strerror}") from error

    def _state_of(self, file: IO[bytes]) -> tuple[int, ...]:
        """What is different when a file has changed, or is another one by the same name."""
        if self._spool:
            return ()
        found = os.fstat(file.fileno())
        return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns

    def _spooled(self) -> IO[bytes] | None:
        """A copy of what can be read only once; None for a file that is no such thing."""
        with self._named():
            if self.path == "-":
                self._refuse_device(_mode_of(sys.stdin.buffer))
                return self._copy(sys.stdin.buffer)
            if Path(self.path).is_dir():
                hint = f"{self.path.rstrip('/')}/*"
                raise TextError(f"{self.path} is a directory: name the files in it, as in {hint}")
            mode = os.stat(self.path).st_mode
            if stat.S_ISREG(mode):
                return None
            self._refuse_device(mode)
            with open(self.path, "rb") as file:
                return self._copy(file)

    def _refuse_device(self, mode: int) -> None:
        """Say that a device is no text rather than wait for the end of it."""
        if stat.S_ISCHR(mode) or stat.S_ISBLK(mode):
            raise TextError(f"{self.path}: is a device and no text: name a file")

    def _copy(self, file: IO[bytes]) -> IO[bytes]:
        spool = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115, it lasts as long as this
        weakref.finalize(self, _discard, spool)
        while block := file.read(BLOCK):
            self._progress(len(block))
            with naming_the_directory():
                spool.write(block)
            if spool.tell() > LONGEST_PIPE:
                raise TextError(
                    f"{self.path}: {LONGEST_PIPE:,} bytes from a pipe, and no end: name a file"
                )
        with naming_the_directory():
            spool.flush()
        return spool


def _discard(spool: IO[bytes]) -> None:
    """Close a temporary file whose last bytes may have no room on the disk."""
    with suppress(OSError):
        spool.close()


def _mode_of(file: IO[bytes]) -> int:
    """What kind of file it is, as `stat` says it; 0 for what is none to the system."""
    try:
        return os.fstat(file.fileno()).st_mode
    except UnsupportedOperation:
        return 0
