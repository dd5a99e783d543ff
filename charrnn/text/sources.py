"""A file as text: in pieces, so that it may be of any size, and as often as it is wanted."""

from __future__ import annotations

import codecs
import os
import stat
import sys
import tempfile
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from charrnn.errors import TextError
from charrnn.text.storage import IN_MEMORY, naming_the_directory

#: Bytes that are read at a time. A piece goes through several steps, and this small it stays in
#: the processor's cache from one to the next: with a megabyte it takes twice the time.
BLOCK = 1 << 17

#: What a file may begin with to say how it is encoded, longer marks first: that of UTF-32
#: begins with that of UTF-16.
BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32-le",
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
#: What the encodings that have such a mark are where it is missing.
UNMARKED = {
    "utf-8-sig": "utf-8",
    "utf-16": f"utf-16-{sys.byteorder[0]}e",
    "utf-32": f"utf-32-{sys.byteorder[0]}e",
}

#: Is told how many bytes were read, block by block.
Progress = Callable[[int], object]


class File:
    """The text of a file; iterating gives its pieces, from the beginning each time.

    Line ends are kept as they are. A byte-order mark is believed, and left out. What can be
    read only once, stdin or a pipe, is copied first, into memory or a temporary file.

    Args:
        path: of the file; `-` is stdin.
        encoding: any that Python knows; UTF-8 unless given.
        progress: what to tell how many bytes were read.

    Attributes:
        declared: the encoding that a byte-order mark declares; None without one.
        passing: whether the file could be read only once.

    Raises:
        TextError: also when iterated, for what cannot be read or decoded, or changes while it
            is read, with the file and the place.
    """

    def __init__(
        self, path: str, encoding: str | None = None, progress: Progress = lambda size: None
    ) -> None:
        self.path = path
        self._progress = progress
        name = _codec(encoding or "utf-8")
        self._spool = self._spooled()
        self.passing = self._spool is not None
        with self._opened() as file:
            self._state = self._state_of(file)
            head = file.read(max(map(len, BYTE_ORDER_MARKS)))
        # "utf-16" alone is the family of both of its marks.
        marks = (
            mark
            for mark, declared in BYTE_ORDER_MARKS.items()
            if head.startswith(mark)
            and (not encoding or declared.startswith(name.removesuffix("-sig")))
        )
        self._mark = next(marks, b"")
        self.declared = BYTE_ORDER_MARKS.get(self._mark)
        self._codec = self.declared or UNMARKED.get(name, name)
        self._encoding = self.declared or encoding or name  # as an error says it

    def __iter__(self) -> Iterator[str]:
        decoder = codecs.getincrementaldecoder(self._codec)()
        with self._opened() as file:
            file.seek(len(self._mark))
            more = True
            while more:
                block = file.read(BLOCK)
                more = bool(block)
                if self._state_of(file) != self._state:
                    raise TextError(f"{self.path}: changed while it was read: try again")
                self._progress(len(block))
                try:
                    piece = decoder.decode(block, final=not more)
                except UnicodeError as error:
                    raise self._undecodable(error, file) from error
                if piece:
                    yield piece

    def _undecodable(self, error: UnicodeError, file: IO[bytes]) -> TextError:
        """What to say of bytes that are not what the encoding asks for."""
        if not isinstance(error, UnicodeDecodeError):
            return TextError(f"{self.path}: cannot be read as {self._encoding}: {error}")
        # What the decoder was at ends where the file is now, and may begin before the block.
        start = file.tell() - len(error.object) + error.start
        bad = (error.object[error.start :] + file.read(4))[:4].hex(" ")
        return TextError(
            f"{self.path}: not {self._encoding} at byte {start:,} ({bad}): name the encoding, as "
            "in --encoding latin-1"
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
                return self._copy(sys.stdin.buffer)
            if Path(self.path).is_dir():
                hint = f"{self.path.rstrip('/')}/*"
                raise TextError(f"{self.path} is a directory: name the files in it, as in {hint}")
            if stat.S_ISREG(os.stat(self.path).st_mode):
                return None
            with open(self.path, "rb") as file:
                return self._copy(file)

    def _copy(self, file: IO[bytes]) -> IO[bytes]:
        spool = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115, it lasts as long as this
        weakref.finalize(self, spool.close)
        while block := file.read(BLOCK):
            self._progress(len(block))
            with naming_the_directory():
                spool.write(block)
        return spool


def _codec(encoding: str) -> str:
    """Python's own name of an encoding.

    Raises:
        TextError: where there is none.
    """
    try:
        "".encode(encoding)  # refuses what Python knows, but not for text, such as hex
        return codecs.lookup(encoding).name
    except (LookupError, ValueError) as error:
        raise TextError(f"no encoding named {encoding!r}, try utf-8, utf-16 or latin-1") from error
