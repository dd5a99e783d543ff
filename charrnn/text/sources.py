"""The text of a file of any size, in pieces, as often as needed."""

from __future__ import annotations

import os
import stat
import sys
import tempfile
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from io import UnsupportedOperation
from pathlib import Path
from typing import IO

from charrnn.errors import NotTextError, TextError
from charrnn.names import similar, unused
from charrnn.shell import quoted_path
from charrnn.text import encodings, formats
from charrnn.text.compression import Decompressed, compression_of
from charrnn.text.decoding import BYTE_ORDER_MARKS, DEFAULT, Decoding, InvalidBytes, Losses, decode
from charrnn.text.line_ends import LineEnds, with_line_ends
from charrnn.text.storage import IN_MEMORY, temporary_file_errors

#: Bytes read at a time. Each block goes through several steps and stays in the processor's cache
#: between them; with blocks of a megabyte, reading takes twice as long.
BLOCK_BYTES = 1 << 17

#: Limit for a pipe; a longer one probably has no end.
MAX_PIPE_BYTES = 8 << 30

#: Bytes from which encodings are guessed, and bytes in which a guess is verified. A sample begins
#: at a multiple of the page.
SAMPLE_BYTES, VERIFIED_BYTES, PAGE_BYTES = 1 << 16, 64 << 20, 4096

#: Called with the number of bytes of each block that is read.
Progress = Callable[[int], object]


class File:
    r"""The text of a file; each iteration yields its pieces from the beginning.

    A byte-order mark sets the encoding and is not part of the text. Files of gzip, bzip2 and xz are
    read as the text in them. The line ends \r\n and \r become \n, unless `decoding` keeps them.
    Stdin and pipes, which can be read only once, are first copied to memory or a temporary file.

    Args:
        path: the path of the file; `-` is stdin.
        decoding: settings for reading bytes as characters.
        progress: called with the number of bytes of each block that is read.
        alone: there are no other files that `decoding` has to fit.

    Attributes:
        declared: the encoding that a byte-order mark declares; None without one.
        encoding: the name of the encoding for messages.
        read_once: the file could be read only once.
        plain: a regular file that is not compressed.
        is_data: the beginning of the file is neither text nor of a known format.
        losses: the numbers of invalid bytes and NULs in the text that the last iteration yielded.
        line_ends: the line ends that the last iteration found.

    Raises:
        NotTextError: for a file of a known format that is not text.
        TextError: also during iteration, for a file that cannot be read or decoded, or that
            changes while it is read; the message has the file and the position.
    """

    def __init__(
        self,
        path: str,
        decoding: Decoding = DEFAULT,
        progress: Progress = lambda size: None,
        alone: bool = True,
    ) -> None:
        self.path = path
        self._decoding = decoding
        self._progress = progress
        self._alone = alone
        self._spool = self._spooled()
        self.read_once = self._spool is not None
        self.losses, self.line_ends = Losses(), LineEnds()
        with self._opened() as file:
            self._state = self._state_of(file)
            self._compression = (
                None if decoding.binary else compression_of(file.read(formats.HEAD_BYTES))
            )
            head = self._content(file).read(formats.HEAD_BYTES)
        self._mark = decoding.mark(head)
        self.declared = BYTE_ORDER_MARKS.get(self._mark)
        self._codec, self.encoding = decoding.encoding_after(self._mark)
        self.plain = not self.read_once and self._compression is None
        if not decoding.binary and not self.declared:
            self._refuse_format(head)
        self.is_data = self._looks_like_data(head)

    def __iter__(self) -> Iterator[str]:
        self.losses, self.line_ends = Losses(), LineEnds()
        how = self._decoding
        with self._opened() as file:
            blocks = self._blocks(file)
            text = decode(blocks, self._codec, how.errors, how.binary, self.losses)
            if not how.binary:
                text = with_line_ends(text, how.newlines, self.line_ends)
            try:
                yield from text
            except InvalidBytes as fault:
                raise self._unreadable(fault, file) from fault

    def _blocks(self, file: IO[bytes]) -> Iterator[bytes]:
        """The bytes after the mark in blocks, the last one empty."""
        content = self._content(file, len(self._mark))
        block, position = b"more", file.tell()
        while block:
            block = content.read(BLOCK_BYTES)
            if self._state_of(file) != self._state:
                raise TextError(f"{self.path}: changed while it was read: try again")
            position, before = file.tell(), position
            self._progress(position - before)
            yield block

    def _content(self, file: IO[bytes], start: int = 0) -> IO[bytes] | Decompressed:
        """The bytes of the text, from a position on: those of the file, or of what is in it."""
        file.seek(0 if self._compression else start)
        if self._compression is None:
            return file
        content = Decompressed(self.path, file, self._compression)
        content.skip(start)
        return content

    def _refuse_format(self, head: bytes) -> None:
        """Raise a `NotTextError` for the beginning of a file that is not text."""
        known = formats.format_of(head)
        if self._compression and compression_of(head):
            known = formats.compressed_twice(self._compression)
        if known:
            remedy = formats.remedy_for(known, self.path)
            raise NotTextError(f"{self.path}: is {known.name} and no text: {remedy}")

    def _looks_like_data(self, head: bytes) -> bool:
        """Return whether the beginning of a file is neither text nor of a known format."""
        if self._decoding.binary or not formats.is_data(head):
            return False
        try:
            for _ in decode([head[len(self._mark) :]], self._codec):
                pass
        except InvalidBytes:
            return not encodings.is_wide(head)
        return False

    def _unreadable(self, fault: InvalidBytes, file: IO[bytes]) -> TextError:
        """The error for invalid bytes, with their position and a remedy."""
        position = len(self._mark) + fault.position
        start = position - position % PAGE_BYTES
        sample = self._content(file, start).read(SAMPLE_BYTES)
        found = f"at byte {position:,} ({sample[position - start :][:4].hex(' ')})"
        what = f"a NUL {found}" if fault.nul else f"not {self.encoding} {found}"
        # A character may begin before the sample.
        text = sample[sample.find(b"\n", 0, position - start) + 1 :] if start else sample
        if self._mark:
            pass  # The mark names the encoding: no remedy.
        elif self._codec == "utf-8" and encodings.is_utf_8_with_mistakes(text):
            what += ", but most letters there are"
        elif remedy := self._encodings(sample, text, start, file):
            return TextError(f"{self.path}: {what}: {remedy}")
        if not self._codec.startswith(("utf-16", "utf-32")) and formats.is_data(sample):
            return TextError(
                f"{self.path}: no text: {what}: name a text, or train with --binary, where each "
                "byte is a character"
            )
        if fault.nul:
            return TextError(f"{self.path}: {what}: leave out NULs with --encoding-errors ignore")
        return TextError(
            f"{self.path}: {what}: read past such bytes with --encoding-errors replace"
        )

    def _encodings(self, sample: bytes, text: bytes, start: int, file: IO[bytes]) -> str:
        """The remedy that names the encodings in which a file is text, the likeliest first.

        Args:
            sample: bytes of the file, from `start` on.
            text: the sample from the beginning of a character on.
            start: the position of the sample.
            file: the file, open.
        """
        end = start + len(sample)
        found = encodings.readings(sample)
        if not found or found[0].encoding not in encodings.WIDE:
            sample, found = text, encodings.readings(text)

        def blocks() -> Iterator[bytes]:
            yield sample
            content, left = self._content(file, end), VERIFIED_BYTES
            while left > 0:
                block = content.read(BLOCK_BYTES)
                yield block
                left = left - len(block) if block else 0

        fit = encodings.fitting([reading.encoding for reading in found], blocks())
        found = [reading for reading in found if reading.encoding in fit]
        if not found:
            return ""
        options = [f"--encoding {reading.encoding} ({reading.words()})" for reading in found]
        remedy = f"name its encoding: {', or '.join(options)}"
        if self._alone or self.read_once or self._codec != "utf-8":
            return remedy
        path = Path(self.path)
        hidden = unused(path.with_name(f".{path.name.lstrip('.')}"))
        old, new = quoted_path(str(hidden)), quoted_path(self.path)
        convert = f"iconv -f {found[0].encoding} -t utf-8"
        if packer := self._compression:  # The name is also that of the command.
            command = f"{packer} -dc {old} | {convert} | {packer} > {new}"
        else:
            command = f"{convert} {old} > {new}"
        return (
            f"{remedy}; if other files are in {self.encoding}, convert this one: "
            f"`mv {new} {old} && {command}`"
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
            raise TextError(unreadable(self.path, error)) from error

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
                raise TextError(f"{self.path}: is a folder: name a file")
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


class JoinedFiles:
    """Several files as one text; each iteration yields its pieces from the beginning.

    A file that does not end in a newline gets one before the next file: otherwise its last line
    and the first line of the next file would be one. Bytes are joined as they are.

    Args:
        files: the files, in order.
        decoding: the settings of the files.
        lines: each line is an item of its own, also among bytes.

    Attributes:
        added: the number of newlines that the last iteration added.
    """

    def __init__(self, files: Sequence[File], decoding: Decoding, lines: bool = False) -> None:
        self.files = files
        self.added = 0
        self._decoding, self._lines = decoding, lines

    def __iter__(self) -> Iterator[str]:
        self.added = 0
        missing = ""  # the newline to add before the next character
        for file in self.files:
            end = ""
            for piece in file:
                if missing:
                    self.added += 1
                    yield missing
                    missing = ""
                end = piece[-1]
                yield piece
            if self._lines:
                missing = "\n" if end and end != "\n" else missing
            elif end and end not in "\r\n" and not self._decoding.binary:
                missing = file.line_ends.usual if self._decoding.newlines == "keep" else "\n"


def unreadable(path: str, error: OSError) -> str:
    """The message for a file that cannot be read; a mistyped name gets the nearest one."""
    near = similar(path) if isinstance(error, FileNotFoundError) else ""
    remedy = f"did you mean {quoted_path(near)}?" if near else "name a file that can be read"
    return f"{path}: {error.strerror}: {remedy}"


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
