"""The text of a file of any size, in pieces, as often as needed."""

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
from charrnn.text.decoding import BYTE_ORDER_MARKS, DEFAULT, Decoding, InvalidBytes, decode
from charrnn.text.storage import IN_MEMORY, temporary_file_errors

#: Bytes read at a time. Each block goes through several steps and stays in the processor's cache
#: between them; with blocks of a megabyte, reading takes twice as long.
BLOCK_BYTES = 1 << 17

#: Limit for a pipe; a longer one probably has no end.
MAX_PIPE_BYTES = 8 << 30

#: Called with the number of bytes of each block that is read.
Progress = Callable[[int], object]


class File:
    """The text of a file; each iteration yields its pieces from the beginning.

    Line ends stay unchanged. A byte-order mark sets the encoding and is not part of the text.
    Stdin and pipes, which can be read only once, are first copied to memory or a temporary file.

    Args:
        path: of the file; `-` is stdin.
        decoding: settings for reading bytes as characters.
        progress: called with the number of bytes of each block that is read.

    Attributes:
        declared: the encoding that a byte-order mark declares; None without one.
        passing: the file could be read only once.

    Raises:
        TextError: also during iteration, for a file that cannot be read or decoded, or that
            changes while it is read; the message has the file and the position.
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
        codec, name = self._decoding.encoding_after(self._mark)
        with self._opened() as file:
            try:
                yield from decode(
                    self._blocks(file), codec, self._decoding.errors, self._decoding.binary
                )
            except InvalidBytes as fault:
                raise self._unreadable(fault, name, file) from fault

    def _blocks(self, file: IO[bytes]) -> Iterator[bytes]:
        """The bytes after the mark in blocks, the last one empty."""
        file.seek(len(self._mark))
        block = b"more"
        while block:
            block = file.read(BLOCK_BYTES)
            if self._state_of(file) != self._state:
                raise TextError(f"{self.path}: changed while it was read: try again")
            self._progress(len(block))
            yield block

    def _unreadable(self, fault: InvalidBytes, name: str, file: IO[bytes]) -> TextError:
        """The error for invalid bytes, with their position and a remedy."""
        position = len(self._mark) + fault.position
        file.seek(position)
        found = f"at byte {position:,} ({file.read(4).hex(' ')})"
        if fault.nul:
            return TextError(
                f"{self.path}: no text: a NUL {found}: name its encoding, as in --encoding utf-16, "
                "or train with --binary, where each byte is a character"
            )
        return TextError(
            f"{self.path}: not {name} {found}: name the encoding, as in --encoding latin-1, or "
            "read past such bytes with --encoding-errors replace"
        )

    @contextmanager
    def _opened(self) -> Iterator[IO[bytes]]:
        """The file, open for reading at its first byte."""
        if self._spool:
            self._spool.seek(0)
            yield self._spool
            return
        with self._named(), open(self.path, "rb") as file:
            yield file

    @contextmanager
    def _named(self) -> Iterator[None]:
        """Turn errors of the file into a `TextError` with its name."""
        try:
            yield
        except OSError as error:
            raise TextError(f"{self.path}: {error.strerror}") from error

    def _state_of(self, file: IO[bytes]) -> tuple[int, ...]:
        """Numbers that differ if the file has changed or another file has its name."""
        if self._spool:
            return ()
        found = os.fstat(file.fileno())
        return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns

    def _spooled(self) -> IO[bytes] | None:
        """A copy of a file that can be read only once; None for a regular file."""
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
        """Raise a `TextError` for a device, which may have no end."""
        if stat.S_ISCHR(mode) or stat.S_ISBLK(mode):
            raise TextError(f"{self.path}: is a device and no text: name a file")

    def _copy(self, file: IO[bytes]) -> IO[bytes]:
        spool = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115, lives as long as self
        weakref.finalize(self, _discard, spool)
        while block := file.read(BLOCK_BYTES):
            self._progress(len(block))
            with temporary_file_errors():
                spool.write(block)
            if spool.tell() > MAX_PIPE_BYTES:
                raise TextError(
                    f"{self.path}: {MAX_PIPE_BYTES:,} bytes from a pipe, and no end: name a file"
                )
        with temporary_file_errors():
            spool.flush()
        return spool


def _discard(spool: IO[bytes]) -> None:
    """Close a temporary file, even if its last bytes do not fit on the disk."""
    with suppress(OSError):
        spool.close()


def _mode_of(file: IO[bytes]) -> int:
    """The `st_mode` of an open file; 0 for an object without a file descriptor."""
    try:
        return os.fstat(file.fileno()).st_mode
    except UnsupportedOperation:
        return 0
