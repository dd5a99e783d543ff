"""Bytes as characters: how they are encoded, and where they are no text."""

from __future__ import annotations

import codecs
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from charrnn.errors import TextError

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
#: Encodings to Python, but of the names of hosts and of string literals: nobody keeps a text in
#: one, and they cannot be read in pieces.
NOT_OF_TEXTS = {"idna", "punycode", "raw-unicode-escape", "unicode-escape"}
#: What may become of bytes that stand for nothing: an error, U+FFFD, or nothing.
ERRORS = ("strict", "replace", "ignore")


@dataclass(frozen=True)
class Decoding:
    """How the bytes of a file become characters.

    Args:
        encoding: any that Python knows; None for UTF-8, or what a byte-order mark declares.
        errors: what becomes of bytes that stand for nothing in it, one of `ERRORS`.
        binary: each byte is a character, the one with its number, whatever it stands for.

    Raises:
        TextError: where there is no such encoding, or no such way.
    """

    encoding: str | None = None
    errors: str = "strict"
    binary: bool = False

    def __post_init__(self) -> None:
        if self.errors not in ERRORS:
            raise TextError(f"bytes that stand for nothing: {', '.join(ERRORS)}, not {self.errors}")
        try:
            "".encode(self._name)  # refuses what Python knows, but not for text, such as hex
            known = self._codec not in NOT_OF_TEXTS
        except (LookupError, ValueError):
            known = False
        if not known:
            raise TextError(f"no encoding named {self.encoding!r}, try utf-8, utf-16 or latin-1")

    @property
    def _name(self) -> str:
        return "latin-1" if self.binary else self.encoding or "utf-8"

    @property
    def _codec(self) -> str:
        """Python's own name of the encoding."""
        return codecs.lookup(self._name).name

    def mark(self, head: bytes) -> bytes:
        """The byte-order mark that a file begins with, if it is one of the encoding."""
        if self.binary:
            return b""
        # "utf-16" alone is the family of both of its marks.
        family = self._codec.removesuffix("-sig") if self.encoding else ""
        marks = (mark for mark, declared in BYTE_ORDER_MARKS.items() if declared.startswith(family))
        return next((mark for mark in marks if head.startswith(mark)), b"")

    def after(self, mark: bytes) -> tuple[str, str]:
        """The encoding of what follows a mark, for Python and as an error says it."""
        if mark:
            return BYTE_ORDER_MARKS[mark], BYTE_ORDER_MARKS[mark]
        return UNMARKED.get(self._codec, self._codec), self._name


#: Where nothing else is asked for.
DEFAULT = Decoding()


class NoText(Exception):
    """Bytes that are no text.

    Attributes:
        place: the number of the first of them, from 0.
        nul: whether it is a NUL that stands there; else something that the encoding has not.
    """

    def __init__(self, place: int, nul: bool = False) -> None:
        super().__init__(place, nul)
        self.place = place
        self.nul = nul


def decoded(
    blocks: Iterable[bytes], codec: str, errors: str = "strict", binary: bool = False
) -> Iterator[str]:
    """The text of bytes that come in blocks, in pieces; the same however they are cut.

    Args:
        blocks: the bytes; after the last an empty block, and none before.
        codec: of the encoding.
        errors: what becomes of bytes that stand for nothing, one of `ERRORS`.
        binary: whether NUL is a character like others; a text has none.

    Raises:
        NoText: with the first place that is none.
    """
    decoder = codecs.getincrementaldecoder(codec)(errors)
    place = 0
    for block in blocks:
        before = decoder.getstate()
        try:
            piece = decoder.decode(block, final=not block)
            sound = binary or "\0" not in piece
        except UnicodeError:
            sound = False
        if not sound:
            decoder.setstate(before)
            raise first_fault(decoder, block, place, binary)
        place += len(block)
        if piece:
            yield piece


def first_fault(
    decoder: codecs.IncrementalDecoder, block: bytes, place: int, binary: bool
) -> NoText:
    """The first place of a block that is no text, found byte by byte.

    Args:
        decoder: as it was before the block.
        block: the bytes; none at the end of the file.
        place: of the first of them.
        binary: whether NUL is a character like others.
    """
    for byte in [block[i : i + 1] for i in range(len(block))] or [b""]:
        begun = place - len(decoder.getstate()[0])  # of what is not a whole character yet
        place += len(byte)
        try:
            if "\0" in decoder.decode(byte, final=not byte) and not binary:
                return NoText(begun, nul=True)
        except UnicodeDecodeError as error:
            return NoText(place - len(error.object) + error.start)
        except UnicodeError:  # a code of iso2022 that begins, and goes on for longer than any
            return NoText(begun)
    raise AssertionError("a block is at fault, and none of its bytes")
