"""Description of the text that a model was trained on."""

from __future__ import annotations

from dataclasses import dataclass

from charrnn.text.decoding import Decoding


@dataclass(frozen=True)
class CorpusInfo:
    """A text as a checkpoint describes it: enough to read it again and to recognise it.

    Args:
        name: for people.
        characters: length of the text.
        sha256: of the text in UTF-8, in hexadecimal.
        files: absolute paths; `-` for stdin or a pipe; none for the built-in text.
        encoding, errors, binary: see `Decoding`.
        normalize: the Unicode normal form of the text; None for none.
        val_frac: the share held out, as requested; None for the default.
        held_out: characters held out, at the end of the text.
    """

    name: str
    characters: int
    sha256: str
    files: tuple[str, ...]
    encoding: str | None
    errors: str
    binary: bool
    normalize: str | None
    val_frac: float | None
    held_out: int

    @property
    def decoding(self) -> Decoding:
        """The decoding of the files."""
        return Decoding(self.encoding, self.errors, self.binary)
