"""Files as one text."""

from __future__ import annotations

import codecs
import hashlib
import platform
import sys
import sysconfig
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from charrnn.errors import TextError

#: Unicode normal forms by their names on the command line.
NORMAL_FORMS: dict[str, Literal["NFC", "NFD", "NFKC"]] = {
    "nfc": "NFC",
    "nfd": "NFD",
    "nfkc": "NFKC",
}

#: What a file may begin with to say how it is encoded, longer marks first: that of UTF-32
#: begins with that of UTF-16.
BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32-le",
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}


@dataclass(frozen=True)
class Corpus:
    """A text to train on, and where it is from.

    Attributes:
        name: for people: the files' names, or what the text is.
        text: the whole text.
        files: the absolute paths it was read from; `-` for stdin; none for the built-in text.
        notices: what was done to it that its owner may not expect.
    """

    name: str
    text: str
    files: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()

    @property
    def sha256(self) -> str:
        """The SHA-256 of the text in UTF-8, in hexadecimal."""
        return hashlib.sha256(self.text.encode("utf-8", "surrogatepass")).hexdigest()


def read(paths: Sequence[str], encoding: str | None = None, normalize: str | None = None) -> Corpus:
    """Read files, one after the other, as one text.

    Line ends are kept as they are. A byte-order mark is believed, and left out.

    Args:
        paths: of files; `-` is stdin.
        encoding: any that Python knows; UTF-8 unless given.
        normalize: a Unicode normal form of `NORMAL_FORMS`; as it is unless given.

    Raises:
        TextError: for what cannot be read or decoded, with the file and the place.
    """
    texts = []
    notices: list[str] = []
    for path in paths:
        text, mark = _decode(path, _bytes_of(path), encoding)
        texts.append(text)
        if mark:
            notices.append(f"{path}: left out the byte-order mark, read as {mark}")
    text = "".join(texts)
    text = normalized(text, normalize)
    names = ["stdin" if path == "-" else Path(path).name for path in paths]
    files = tuple("-" if path == "-" else str(Path(path).resolve()) for path in paths)
    return Corpus(", ".join(names), text, files, tuple(notices))


def normalized(text: str, form: str | None) -> str:
    """The text in a Unicode normal form of `NORMAL_FORMS`; as it is for None."""
    return unicodedata.normalize(NORMAL_FORMS[form], text) if form else text


def _bytes_of(path: str) -> bytes:
    if path == "-":
        return sys.stdin.buffer.read()
    try:
        if Path(path).is_dir():
            hint = f"{path.rstrip('/')}/*"
            raise TextError(f"{path} is a directory: name the files in it, as in {hint}")
        return Path(path).read_bytes()
    except OSError as error:
        raise TextError(f"{path}: {error.strerror}") from error


def _decode(path: str, data: bytes, encoding: str | None) -> tuple[str, str | None]:
    """The text in `data`, and the encoding that a byte-order mark declared, if there is one."""
    try:
        name = codecs.lookup(encoding or "utf-8").name
        marked = next((mark for mark in BYTE_ORDER_MARKS if data.startswith(mark)), b"")
        declared = BYTE_ORDER_MARKS.get(marked)
        # "utf-16" alone is the family of both of its marks.
        if declared is None or (encoding and not declared.startswith(name)):
            marked, declared = b"", None
        return data[len(marked) :].decode(declared or name), declared
    except LookupError as error:
        raise TextError(f"no encoding named {encoding!r}, try utf-8, utf-16 or latin-1") from error
    except UnicodeDecodeError as error:
        start = error.start + len(marked)
        bad = " ".join(f"{byte:02x}" for byte in data[start : start + 4])
        raise TextError(
            f"{path}: not {declared or encoding or name} at byte {start:,} ({bad}): name the "
            "encoding, as in --encoding latin-1"
        ) from error
    except UnicodeError as error:
        raise TextError(f"{path}: cannot be read as {encoding}: {error}") from error


def standard_library(normalize: str | None = None) -> Corpus:
    """The source of Python's own top-level modules: a text that every machine has.

    Code and English, quotes, brackets, comments and indentation, some five million
    characters; which exactly depends on the version of Python.

    Args:
        normalize: as for `read`.

    Raises:
        TextError: where Python was installed without its source.
    """
    folder = Path(sysconfig.get_path("stdlib"))
    files = sorted(folder.glob("*.py"))
    if not files:
        raise TextError(f"{folder} has no source files: name a text to train on")
    text = "".join(file.read_text(encoding="utf-8") for file in files)
    name = f"the standard library of Python {platform.python_version()}"
    return Corpus(name, normalized(text, normalize))


def compose(characters: Iterable[str]) -> Iterator[str]:
    """Put letters and their marks together again (NFC), as soon as each is complete."""
    held = ""
    for character in characters:
        if held and not (unicodedata.combining(character) or _joins(held, character)):
            yield unicodedata.normalize("NFC", held)
            held = ""
        held += character
    yield unicodedata.normalize("NFC", held)


def _joins(held: str, character: str) -> bool:
    """Whether a character melts into what stands before it, as the letters of Hangul do."""
    whole = unicodedata.normalize("NFC", held + character)
    return len(whole) <= len(unicodedata.normalize("NFC", held))
