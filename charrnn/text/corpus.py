"""Files as one text, of any size."""

from __future__ import annotations

import platform
import sysconfig
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from itertools import chain
from pathlib import Path
from typing import Any

from charrnn.errors import TextError
from charrnn.parameters import Array
from charrnn.text.normal_forms import normalized_pieces
from charrnn.text.sources import File, Progress
from charrnn.text.storage import joined
from charrnn.text.vocabulary import Characters, Vocabulary


class Corpus:
    """A text to train on, and where it is from.

    The text may be larger than memory: it is read in pieces, a first time here, to find out
    what it consists of, and again whenever it is wanted.

    Args:
        name: for people: the files' names, or what the text is.
        sources: the parts of the text; iterating over one gives its pieces, each time.
        normalize: a Unicode normal form of `NORMAL_FORMS` to bring the text into.
        files: the absolute paths it is read from; `-` for what could be read only once; none
            for the built-in text.
        notices: what was done to it that its owner may not expect.

    Attributes:
        length: how many characters it has.
        characters: which ones, each once, sorted.
        sha256: the SHA-256 of the text in UTF-8, in hexadecimal.

    Raises:
        TextError: whenever it is read, for what cannot be read or decoded, with the file and
            the place.
    """

    def __init__(
        self,
        name: str,
        sources: Sequence[Iterable[str]],
        normalize: str | None = None,
        files: tuple[str, ...] = (),
        notices: tuple[str, ...] = (),
    ) -> None:
        self.name = name
        self.sources = sources
        self.normalize = normalize
        self.files = files
        self.notices = notices
        self._survey()

    def _survey(self) -> None:
        length, digest, characters = 0, sha256(), Characters()
        for piece in self.pieces():
            length += len(piece)
            digest.update(piece.encode("utf-8", "surrogatepass"))
            characters.add(piece)
        self.length, self.characters, self.sha256 = length, str(characters), digest.hexdigest()

    @classmethod
    def of(cls, text: str, name: str = "text", normalize: str | None = None) -> Corpus:
        """A text that is in memory."""
        return cls(name, [[text]], normalize)

    def pieces(self) -> Iterator[str]:
        """The text in pieces, of some thousand characters where it is from files."""
        return normalized_pieces(chain.from_iterable(self.sources), self.normalize)

    @property
    def text(self) -> str:
        """The whole text, for those that are small."""
        return "".join(self.pieces())

    def encode(self, vocabulary: Vocabulary) -> Array:
        """The indices of its characters, (length,), in memory or, if they are many, in a file.

        Raises:
            UnknownCharacter: where the vocabulary has not all `characters`.
            TextError: where there is no room for the file.
        """
        indices = (vocabulary.encode(piece) for piece in self.pieces())
        return joined(indices, self.length, vocabulary.dtype)


def read(
    paths: Sequence[str],
    encoding: str | None = None,
    normalize: str | None = None,
    progress: Progress = lambda size: None,
) -> Corpus:
    """Read files, one after the other, as one text.

    Args:
        paths: of files; `-` is stdin.
        encoding: any that Python knows; UTF-8 unless given.
        normalize: a Unicode normal form of `NORMAL_FORMS`; as it is unless given.
        progress: what to tell how many bytes were read, now and whenever the text is read.

    Raises:
        TextError: for what cannot be read or decoded, with the file and the place.
    """
    files = [File(path, encoding, progress) for path in paths]
    names = ["stdin" if path == "-" else Path(path).name for path in paths]
    places = ["-" if file.passing else str(Path(file.path).resolve()) for file in files]
    notices = [
        f"{file.path}: left out the byte-order mark, read as {file.declared}"
        for file in files
        if file.declared
    ]
    return Corpus(", ".join(names), files, normalize, tuple(places), tuple(notices))


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
    return Corpus.of(text, f"the standard library of Python {platform.python_version()}", normalize)


def read_again(described: Mapping[str, Any]) -> Corpus:
    """The text that a checkpoint describes, from where it was.

    Raises:
        TextError: where it is not there any more, or is another text by now.
    """
    files = described["files"]
    if "-" in files:
        raise TextError(f"{described['name']}: was read from a pipe, and cannot be read again")
    if files:
        corpus = read(files, described["encoding"], described["normalize"])
    else:
        corpus = standard_library(described["normalize"])
    if corpus.sha256 != described["sha256"]:
        raise TextError(f"{corpus.name}: has changed since the model was trained on it")
    return corpus
