"""Description of the text that a model was trained on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from charrnn.config import BELOW_ONE, MAX_INTEGER
from charrnn.text.decoding import DEFAULT, ERRORS, Decoding
from charrnn.text.held_out import WAYS, Division
from charrnn.text.line_ends import NEWLINES
from charrnn.text.normal_forms import NORMAL_FORMS

#: Characters of a name, and of the name of an encoding.
MAX_NAME, MAX_ENCODING = 2 << 20, 100
#: Characters of the path of a file: more than Linux and Windows open.
MAX_PATH = 32_767
#: Files of a text.
MAX_FILES = 40_000
#: The beginning of the name of the built-in text.
BUILT_IN = "the standard library of Python"


def within(low: float, high: float) -> Any:
    """A field with a range of its number, or of the length of its string or tuple."""
    return field(metadata={"low": low, "high": high})


def one_of(*choices: str) -> Any:
    """A field with one of several values."""
    return field(metadata={"choices": choices})


@dataclass(frozen=True)
class ReadingSettings:
    """The settings with which a model reads a text, where its training text is unknown.

    Args:
        normalize, newlines, binary, min_count: as for `CorpusInfo`, with its defaults.
    """

    normalize: str | None = field(default=None, metadata={"choices": tuple(NORMAL_FORMS)})
    newlines: str = field(default=DEFAULT.newlines, metadata={"choices": NEWLINES})
    binary: bool = DEFAULT.binary
    min_count: int = field(default=1, metadata={"low": 1, "high": MAX_INTEGER})


@dataclass(frozen=True)
class CorpusInfo:
    """A text as a checkpoint describes it: enough to read it again and to recognize it.

    Args:
        name: the name for people.
        characters: length of the text.
        sha256: the SHA-256 of the text in UTF-8, in hexadecimal.
        files: absolute paths; `-` for stdin or a pipe; none for the built-in text.
        encoding, errors, binary, newlines: see `Decoding`.
        normalize: the Unicode normal form of the text; None for none.
        val_frac: the share held out, as requested; None for the default.
        held_out: characters held out.
        min_count: characters that occur less often in the part trained on are read as U+FFFD; 1 for
            none.
        lines: each line is an item of its own; empty lines are left out of the text.
        held_out_way, held_out_seed: see `charrnn.text.held_out.Division`.
        val_file: the absolute path of the text to validate on; None for a part of the text.
        val_sha256: of that text, as for `sha256`.
    """

    name: str = within(0, MAX_NAME)
    characters: int = within(2, MAX_INTEGER)
    sha256: str = within(64, 64)
    files: tuple[str, ...] = within(0, MAX_FILES)
    encoding: str | None = within(1, MAX_ENCODING)
    errors: str = one_of(*ERRORS)
    binary: bool = within(False, True)
    newlines: str = one_of(*NEWLINES)
    normalize: str | None = one_of(*NORMAL_FORMS)
    val_frac: float | None = within(0, BELOW_ONE)
    held_out: int = within(0, MAX_INTEGER)
    min_count: int = field(default=1, metadata={"low": 1, "high": MAX_INTEGER})
    lines: bool = False
    held_out_way: str = field(default="end", metadata={"choices": WAYS})
    held_out_seed: int = field(default=0, metadata={"low": 0, "high": MAX_INTEGER})
    val_file: str | None = field(default=None, metadata={"low": 1, "high": MAX_PATH})
    val_sha256: str | None = field(default=None, metadata={"low": 64, "high": 64})

    @property
    def is_known(self) -> bool:
        """The text can be read again without a name: files, or the built-in text."""
        if not self.files:
            return self.name.startswith(BUILT_IN)
        return "-" not in self.files

    @property
    def holds_out_end(self) -> bool:
        """The end of the text is held out, which may be unlike the rest."""
        return self.held_out > 0 and not self.division.random

    @property
    def division(self) -> Division:
        """The choice of the part that is held out."""
        return Division(self.held_out, self.held_out_way, self.lines, self.held_out_seed)

    @property
    def decoding(self) -> Decoding:
        """The decoding of the files."""
        return Decoding(self.encoding, self.errors, self.binary, self.newlines)
