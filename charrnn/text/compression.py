"""Compressed files as streams of their bytes; nothing is ever decompressed as a whole."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zlib
from typing import IO

from charrnn.errors import TextError

#: The formats that are read as text, by their first bytes.
COMPRESSIONS = {b"\x1f\x8b\x08": "gzip", b"BZh": "bzip2", b"\xfd7zXZ\x00": "xz"}
#: Bytes of memory for an .xz file. `xz -9` asks for 65 MB; a hostile file could ask for 4 GB.
MAX_XZ_BYTES = 256 << 20
#: Compressed bytes read at a time.
BLOCK_BYTES = 1 << 16


def compression_of(head: bytes) -> str | None:
    """The compression of a file, by its first bytes; None for none that charrnn reads."""
    for beginning, name in COMPRESSIONS.items():
        if head.startswith(beginning):
            # A text may begin with "BZh".
            return name if name != "bzip2" or head[4:10] == b"1AY&SY" else None
    return None


class Decompressed:
    """The bytes in a compressed file.

    Args:
        path: of the file, for errors.
        file: open at its beginning.
        compression: one of `COMPRESSIONS`.
    """

    def __init__(self, path: str, file: IO[bytes], compression: str) -> None:
        self._path = path
        self._file = file
        self._compression = compression
        self._stream: IO[bytes] | Xz
        if compression == "gzip":
            self._stream = gzip.GzipFile(fileobj=file, mode="rb")  # type: ignore[assignment]
        elif compression == "bzip2":
            self._stream = bz2.BZ2File(file)
        else:
            self._stream = Xz(file)

    def read(self, size: int) -> bytes:
        """The next bytes, `size` of them unless the end is nearer.

        Raises:
            TextError: if the file is damaged or cut short, with the position in the file.
        """
        try:
            data = self._stream.read(size)
        except EOFError as error:
            raise TextError(
                f"{self._path}: cut short: its {self._compression} data ends at byte "
                f"{self._file.tell():,} without an end mark: get a complete copy"
            ) from error
        except (lzma.LZMAError, zlib.error, OSError) as error:
            if isinstance(error, OSError) and error.errno is not None:  # of the file itself
                raise
            raise TextError(
                f"{self._path}: damaged {self._compression} data before byte "
                f"{self._file.tell():,} ({error}): get an intact copy"
            ) from error
        return data

    def skip(self, size: int) -> None:
        """Read on by this number of bytes."""
        while size > 0 and (block := self.read(min(size, BLOCK_BYTES))):
            size -= len(block)


class Xz:
    """The bytes in an .xz file; unlike `lzma.LZMAFile`, with a limit of memory.

    Args:
        file: open at its beginning.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._decompressor = self._begun()
        self._data = b""  # compressed, and not yet given to the decompressor

    @staticmethod
    def _begun() -> lzma.LZMADecompressor:
        return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=MAX_XZ_BYTES)

    def read(self, size: int) -> bytes:
        """The next bytes, `size` of them unless the end is nearer."""
        parts = []
        while size:
            part = self._part(size)
            if not part:
                break
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def _part(self, size: int) -> bytes:
        """The next bytes, at most `size`; none at the end."""
        while True:
            if self._decompressor.eof:
                # Streams may follow one another, with zeros between them.
                rest = self._decompressor.unused_data
                while not (rest := rest.lstrip(b"\0")):
                    if not (rest := self._file.read(BLOCK_BYTES)):
                        return b""
                self._decompressor, self._data = self._begun(), rest
            elif self._decompressor.needs_input and not self._data:
                self._data = self._file.read(BLOCK_BYTES)
                if not self._data:
                    raise EOFError
            data, self._data = self._data, b""
            part = self._decompressor.decompress(data, size)
            if part:
                return part
