"""Files as one text, of any size."""

from __future__ import annotations

import os
import platform
import sysconfig
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from itertools import chain
from pathlib import Path

from charrnn.arrays import Array
from charrnn.errors import TextError, UnknownCharacterError
from charrnn.text.corpus_info import CorpusInfo
from charrnn.text.decoding import DEFAULT, Decoding
from charrnn.text.normal_forms import normalized_pieces
from charrnn.text.sources import File, Progress
from charrnn.text.storage import joined
from charrnn.text.vocabulary import Characters, Vocabulary

#: Files of a text that its name names.
MAX_LISTED = 5


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
        decoding: how the bytes of its files become characters.

    Attributes:
        length: how many characters it has.
        characters: which ones, each once, sorted.

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
        decoding: Decoding = DEFAULT,
    ) -> None:
        self.name = name
        self.sources = sources
        self.normalize = normalize
        self.files = files
        self.notices = notices
        self.decoding = decoding
        self._sha256: str | None = None
        self._survey()

    def _survey(self) -> None:
        length, characters = 0, Characters()
        for piece in self.pieces():
            length += len(piece)
            characters.add(piece)
        self.length, self.characters = length, str(characters)

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

    @property
    def sha256(self) -> str:
        """The SHA-256 of the text in UTF-8, in hexadecimal: of what was encoded, if it was."""
        if self._sha256 is None:
            for _ in self._hashed():
                pass
        assert self._sha256
        return self._sha256

    def encode(self, vocabulary: Vocabulary) -> Array:
        """The indices of its characters, (length,), in memory or, if they are many, in a file.

        Raises:
            UnknownCharacterError: where the vocabulary has not all `characters`.
            TextError: where there is no room for the file, or the text has changed.
        """
        indices = (vocabulary.encode(piece) for piece in self._hashed())
        try:
            return joined(indices, self.length, vocabulary.dtype)
        except UnknownCharacterError as error:
            if vocabulary.unknown(self.characters):
                raise
            raise self._changed() from error

    def _hashed(self) -> Iterator[str]:
        """The text in pieces, hashed as they go.

        It is this reading that is hashed, and not the first, so that what is trained on is what
        the checkpoint has the hash of, whatever happens to a file meanwhile.

        Raises:
            TextError: at the end at the latest, where it is not the text that it was.
        """
        digest, left = sha256(), self.length
        for piece in self.pieces():
            digest.update(piece.encode("utf-8", "surrogatepass"))
            left -= len(piece)
            if left < 0:
                break
            yield piece
        found = digest.hexdigest()
        if left or self._sha256 not in (None, found):
            raise self._changed()
        self._sha256 = found

    def _changed(self) -> TextError:
        return TextError(f"{self.name}: changed while it was read: try again")


def read(
    paths: Sequence[str],
    decoding: Decoding = DEFAULT,
    normalize: str | None = None,
    progress: Progress = lambda size: None,
) -> Corpus:
    """Read files, one after the other, as one text.

    Args:
        paths: of files; `-` is stdin.
        decoding: how their bytes become characters.
        normalize: a Unicode normal form of `NORMAL_FORMS`; as it is unless given.
        progress: what to tell how many bytes were read, now and whenever the text is read.

    Raises:
        TextError: for what cannot be read or decoded, with the file and the place.
    """
    files = [File(path, decoding, progress) for path in paths]
    names = ["stdin" if path == "-" else Path(path).name for path in paths]
    places = ["-" if file.passing else str(Path(file.path).resolve()) for file in files]
    notices = [
        f"{file.path}: left out the byte-order mark, read as {file.declared}"
        for file in files
        if file.declared
    ]
    if "-" in places:
        notices.append("from a pipe: to go on later, --resume needs a file with the same text")
    return Corpus(listed(names), files, normalize, tuple(places), tuple(notices), decoding)


def listed(names: Sequence[str]) -> str:
    """Names as one: the first ones, and how many more there are."""
    more = len(names) - MAX_LISTED
    return ", ".join(names[:MAX_LISTED]) + (f" and {more:,} more" if more > 0 else "")


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


def named_files(info: CorpusInfo) -> tuple[str, ...]:
    """Return the files of the text that a checkpoint describes, which may name any path.

    Raises:
        TextError: for a pipe, a device or a directory, which is not opened.
    """
    for path in info.files:
        if path != "-" and os.path.exists(path) and not os.path.isfile(path):
            raise TextError(
                f"{path}: the text of the checkpoint, and no regular file: put the text there"
            )
    return info.files


def read_again(info: CorpusInfo) -> Corpus:
    """Read the text that a checkpoint describes again.

    Raises:
        TextError: where it is not there any more, or is another text by now.
    """
    files = named_files(info)
    if "-" in files:
        raise TextError(f"{info.name}: was read from a pipe, and cannot be read again")
    if files:
        corpus = read(files, info.decoding, info.normalize)
    else:
        corpus = standard_library(info.normalize)
    if corpus.sha256 != info.sha256:
        raise TextError(f"{corpus.name}: has changed since the model was trained on it")
    return corpus
