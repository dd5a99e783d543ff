"""From bytes to characters."""

from __future__ import annotations

import codecs
import os
import sys
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from charrnn.errors import TextError
from charrnn.text.line_ends import NEWLINES

#: The encodings by their byte-order marks. UTF-32 is before UTF-16, whose mark is the beginning of
#: the longer one.
BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32-le",
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
#: The encoding to use if the byte-order mark is missing, by the encoding that was named.
UNMARKED = {
    "utf-8-sig": "utf-8",
    "utf-16": f"utf-16-{sys.byteorder[0]}e",
    "utf-32": f"utf-32-{sys.byteorder[0]}e",
}
#: Encodings in Python that are for host names and string literals: they cannot be read in pieces.
NOT_OF_TEXTS = {"idna", "punycode", "raw-unicode-escape", "unicode-escape"}
#: The treatments of invalid bytes and NULs: an error, U+FFFD in their place, or nothing in their
#: place.
ERRORS = ("strict", "replace", "ignore")
#: The string in the place of an invalid byte or a NUL, by treatment.
IN_PLACE = {"replace": "\ufffd", "ignore": ""}


@dataclass(frozen=True)
class Decoding:
    r"""Settings for reading the bytes of a file as characters.

    Args:
        encoding: any text encoding of Python; None for the one that a byte-order mark declares,
            or UTF-8.
        errors: the treatment of NULs, and of bytes that are invalid in the encoding, one of
            `ERRORS`.
        binary: each byte is the character with its number; line ends are kept.
        newlines: the treatment of the line ends \r\n and \r, one of `NEWLINES`.

    Raises:
        TextError: for an unknown encoding or treatment.
    """

    encoding: str | None = None
    errors: str = "strict"
    binary: bool = False
    newlines: str = "lf"

    def __post_init__(self) -> None:
        if self.errors not in ERRORS:
            raise TextError(f"invalid bytes: {', '.join(ERRORS)}, not {self.errors}")
        if self.newlines not in NEWLINES:
            raise TextError(f"line ends: {', '.join(NEWLINES)}, not {self.newlines}")
        if self.binary:
            object.__setattr__(self, "newlines", "keep")
        try:
            "".encode(self._name)  # fails for encodings of bytes as bytes, such as hex
            known = self._codec not in NOT_OF_TEXTS
        except (LookupError, ValueError):
            known = False
        if not known:
            raise TextError(f"no encoding named {self.encoding!r}, try utf-8, utf-16 or cp1252")

    @property
    def _name(self) -> str:
        return "latin-1" if self.binary else self.encoding or "utf-8"

    @property
    def _codec(self) -> str:
        """Python's name of the encoding."""
        return codecs.lookup(self._name).name

    def mark(self, head: bytes) -> bytes:
        """The byte-order mark of the encoding at the beginning of a file; b"" if there is none."""
        if self.binary:
            return b""
        # "utf-16" has two marks.
        family = self._codec.removesuffix("-sig") if self.encoding else ""
        marks = (mark for mark, declared in BYTE_ORDER_MARKS.items() if declared.startswith(family))
        return next((mark for mark in marks if head.startswith(mark)), b"")

    def encoding_after(self, mark: bytes) -> tuple[str, str]:
        """The encoding of the bytes after a mark: the name for Python, and the name for errors."""
        if mark:
            return BYTE_ORDER_MARKS[mark], BYTE_ORDER_MARKS[mark]
        return UNMARKED.get(self._codec, self._codec), self._name


#: The default settings: UTF-8, or the encoding of a byte-order mark.
DEFAULT = Decoding()


def bytewise(text: str) -> str:
    """The bytes of an argument of a command, each as a character."""
    return os.fsencode(text).decode("latin-1")


class InvalidBytes(Exception):
    """Bytes that are not text in the encoding.

    Attributes:
        position: the position of the first invalid byte, from 0.
        nul: the byte is a NUL; otherwise the encoding has no such bytes.
    """

    def __init__(self, position: int, nul: bool = False) -> None:
        super().__init__(position, nul)
        self.position = position
        self.nul = nul


@dataclass
class Losses:
    """The bytes that `replace` or `ignore` took out of a text.

    Attributes:
        invalid: the number of bytes that are invalid in the encoding.
        nuls: the number of NULs.
    """

    invalid: int = 0
    nuls: int = 0


class _Counter(threading.local):
    """The invalid bytes of the call of a decoder that this thread is in."""

    invalid = 0


_counter = _Counter()


def _counting(errors: str) -> str:
    """Return the name of a treatment of invalid bytes that also counts the bytes."""

    def handler(error: UnicodeError) -> tuple[str, int]:
        if not isinstance(error, UnicodeDecodeError):
            raise error
        _counter.invalid += error.end - error.start
        return IN_PLACE[errors], error.end

    name = f"charrnn.{errors}"
    codecs.register_error(name, handler)
    return name


#: Python's names of the treatments of invalid bytes; those that lose bytes count them.
HANDLERS = {"strict": "strict", **{errors: _counting(errors) for errors in IN_PLACE}}


def decode(
    blocks: Iterable[bytes],
    codec: str,
    errors: str = "strict",
    binary: bool = False,
    losses: Losses | None = None,
) -> Iterator[str]:
    """Yield the text of blocks of bytes in pieces; it does not depend on the size of the blocks.

    Args:
        blocks: the bytes; the last block, and no other, is empty.
        codec: Python's name of the encoding.
        errors: the treatment of invalid bytes and NULs, one of `ERRORS`.
        binary: accept NUL, which text does not contain.
        losses: receives the numbers of invalid bytes and of NULs, unless `errors` is strict.

    Raises:
        InvalidBytes: with the position of the first invalid byte.
    """
    losses = losses or Losses()
    decoder = codecs.getincrementaldecoder(codec)(HANDLERS[errors])
    position = 0
    for block in blocks:
        before = decoder.getstate()
        _counter.invalid = 0
        try:
            piece = decoder.decode(block, final=not block)
            # In UTF-8, a NUL is the byte, which is found faster.
            nul = b"\0" in block if codec == "utf-8" else "\0" in piece
            valid = binary or not nul
        except UnicodeError:
            valid, piece = False, ""
        if not valid and errors != "strict" and piece:
            losses.nuls += piece.count("\0")
            piece, valid = piece.replace("\0", IN_PLACE[errors]), True
        if not valid:
            decoder.setstate(before)
            raise first_invalid(decoder, block, position, binary or errors != "strict")
        losses.invalid += _counter.invalid
        position += len(block)
        if piece:
            yield piece


def first_invalid(
    decoder: codecs.IncrementalDecoder, block: bytes, position: int, binary: bool
) -> InvalidBytes:
    """Find the first invalid byte of a block that cannot be decoded, byte by byte.

    Args:
        decoder: the decoder, in its state before the block.
        block: the bytes; empty at the end of the file.
        position: the position of the first byte of the block.
        binary: accept NUL.
    """
    for byte in [block[i : i + 1] for i in range(len(block))] or [b""]:
        start = position - len(decoder.getstate()[0])  # of the incomplete character, if any
        position += len(byte)
        try:
            if "\0" in decoder.decode(byte, final=not byte) and not binary:
                return InvalidBytes(start, nul=True)
        except UnicodeDecodeError as error:
            return InvalidBytes(position - len(error.object) + error.start)
        except UnicodeError:  # an escape sequence of iso2022 that is too long
            return InvalidBytes(start)
    raise AssertionError("the block is invalid, but none of its bytes")
