"""The text to train on: one or several files of any size."""

from __future__ import annotations

import errno
import os
import platform
import stat
import sysconfig
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from itertools import chain
from pathlib import Path

from charrnn.arrays import Array
from charrnn.errors import TextError, UnknownCharacterError
from charrnn.text.corpus_info import BUILT_IN, CorpusInfo
from charrnn.text.decoding import DEFAULT, Decoding
from charrnn.text.items import Items
from charrnn.text.line_ends import LineEnds, with_line_ends
from charrnn.text.normal_forms import fitting_form, may_fit, normalized_pieces
from charrnn.text.notices import SUSPICIOUS, line_ends_notice, notices_of
from charrnn.text.paths import TextFiles, listed
from charrnn.text.sources import File, JoinedFiles, Progress, unreadable
from charrnn.text.storage import concatenate
from charrnn.text.vocabulary import Characters, Vocabulary

#: The notice about the text of a training that came from stdin or a pipe.
FROM_A_PIPE = "from a pipe: to go on later, --resume needs a file with the same text"


class Corpus:
    """A text to train on, with its origin.

    The text may be larger than memory. It is read in pieces: once by the constructor, to count
    its characters, and again for every later use.

    Args:
        name: the text's name in messages: the names of the files, or a description.
        sources: the parts of the text; each iteration over a part yields its pieces.
        normalize: a Unicode normal form of `NORMAL_FORMS` for the text; None to leave it unchanged.
        files: the absolute paths of the files; `-` for stdin or a pipe; empty for the built-in
            text.
        notices: messages for the user about changes to the text.
        decoding: settings for reading the bytes of the files as characters.
        lines: each line is an item of its own: empty lines are left out, and a newline that is
            missing at the end is added.

    Attributes:
        length: the number of characters.
        characters: the distinct characters, sorted.
        suspicious: the number of each of the characters in `SUSPICIOUS`.

    Raises:
        TextError: by every method that reads the text, for a file that cannot be read or decoded;
            the message has the file and the position.
    """

    def __init__(
        self,
        name: str,
        sources: Sequence[Iterable[str]],
        normalize: str | None = None,
        files: tuple[str, ...] = (),
        notices: tuple[str, ...] = (),
        decoding: Decoding = DEFAULT,
        lines: bool = False,
    ) -> None:
        self.name = name
        self.sources = sources
        self.normalize = normalize
        self.files = files
        self.decoding = decoding
        self.lines, self._items = lines, Items()
        self._sha256: str | None = None
        self._survey()
        self.notices = (*notices, *self._items.notices(name))

    def _survey(self) -> None:
        length, characters, suspicious = 0, Characters(), False
        self.suspicious: Counter[str] = Counter()
        for piece in self.pieces():
            length += len(piece)
            if characters.add(piece):
                suspicious = characters.have_any(SUSPICIOUS)
            if suspicious:
                self.suspicious += Counter({each: piece.count(each) for each in SUSPICIOUS})
        self.length, self.characters = length, str(characters)

    @classmethod
    def of(
        cls,
        text: str,
        name: str = "text",
        normalize: str | None = None,
        decoding: Decoding = DEFAULT,
        lines: bool = False,
    ) -> Corpus:
        """The corpus of a text in memory, of which `decoding` sets the line ends."""
        found = LineEnds()
        pieces = list(with_line_ends([text], decoding.newlines, found))
        said = tuple(line_ends_notice([name], found, decoding.newlines))
        return cls(name, [pieces], normalize, notices=said, decoding=decoding, lines=lines)

    def pieces(self) -> Iterator[str]:
        """The text in pieces; those of a file have some thousand characters."""
        pieces = normalized_pieces(chain.from_iterable(self.sources), self.normalize)
        return self._items.of(pieces) if self.lines else pieces

    def fit(self, *vocabularies: Vocabulary) -> None:
        """Bring the text of a model without a normal form into the one that fits its vocabulary.

        The text stays as it is where several vocabularies differ in the form that fits.

        Args:
            vocabularies: of the models that are to read the text.
        """
        if self.normalize or self.decoding.binary:
            return
        if not any(may_fit(self.characters, vocabulary) for vocabulary in vocabularies):
            return
        form, *others = {fitting_form(self.pieces, vocabulary) for vocabulary in vocabularies}
        if form and not others:
            self.normalize, self._sha256 = form, None
            self._survey()
            said = f"{self.name}: read in the normal form {form.upper()} of the model"
            self.notices = (*self.notices, said)

    @property
    def text(self) -> str:
        """The whole text; for small texts."""
        return "".join(self.pieces())

    @property
    def sha256(self) -> str:
        """The SHA-256 of the text in UTF-8, hexadecimal; after `encode`, of the encoded text."""
        if self._sha256 is None:
            for _ in self._hashed():
                pass
        assert self._sha256
        return self._sha256

    def encode(self, vocabulary: Vocabulary) -> Array:
        """The indices of the characters, (length,), in memory or in a temporary file.

        Raises:
            UnknownCharacterError: for unknown characters.
            TextError: if the temporary file does not fit on the disk or the text has changed.
        """
        indices = (vocabulary.encode(piece) for piece in self._hashed())
        try:
            return concatenate(indices, self.length, vocabulary.dtype)
        except UnknownCharacterError as error:
            if vocabulary.unknown(self.characters):
                raise
            raise self._changed() from error

    def encode_known(self, vocabulary: Vocabulary) -> tuple[Array, int]:
        """The indices of a text that may have unknown characters.

        Unknown characters are read as U+FFFD, if the vocabulary `replaces`; else they are left out.

        Returns:
            The indices, (N,), in memory or in a temporary file, and the number of unknown
            characters.

        Raises:
            TextError: as for `encode`.
        """
        unknown = 0
        if vocabulary.unknown(self.characters):
            unknown = sum(vocabulary.count_unknown(piece) for piece in self._hashed())
        treatment, length = "replace", self.length
        if not vocabulary.replaces:
            treatment, length = "skip", self.length - unknown
        indices = (vocabulary.encode(piece, unknown=treatment) for piece in self._hashed())
        return concatenate(indices, length, vocabulary.dtype), unknown

    def _hashed(self) -> Iterator[str]:
        """Yield the text in pieces and compute its hash.

        The hash is of the text yielded here, so the checkpoint has the hash of the text that the
        model is trained on, even if a file has changed since the first reading.

        Raises:
            TextError: at the latest after the last piece, if the text has changed.
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
    texts: Sequence[str] | TextFiles,
    decoding: Decoding = DEFAULT,
    normalize: str | None = None,
    progress: Progress = lambda size: None,
    lines: bool = False,
) -> Corpus:
    """Read files, one after the other, as one text, with a newline between two where it is missing.

    Args:
        texts: the paths of files, `-` for stdin; or what `charrnn.text.paths.find` found.
        decoding: settings for reading bytes as characters.
        normalize: a Unicode normal form of `NORMAL_FORMS`; None to leave the text unchanged.
        progress: called with the number of bytes of each block, at every reading of the text.
        lines: as for `Corpus`.

    Raises:
        TextError: for a file that cannot be read or decoded; the message has the file and the
            position.
    """
    found = texts if isinstance(texts, TextFiles) else TextFiles.of(texts)
    alone = len(found.paths) == 1
    files = JoinedFiles(
        [File(path, decoding, progress, alone) for path in found.paths], decoding, lines
    )
    locations = ["-" if file.read_once else str(Path(file.path).resolve()) for file in files.files]
    corpus = Corpus(
        listed(found.names), [files], normalize, tuple(locations), decoding=decoding, lines=lines
    )
    said = notices_of(files, decoding, corpus.suspicious, corpus.characters)
    corpus.notices = (*found.notices, *said, *corpus.notices)
    return corpus


def standard_library(normalize: str | None = None, lines: bool = False) -> Corpus:
    """The source code of Python's top-level modules: a text on every machine.

    Some five million characters of code and English, with quotes, brackets, comments and
    indentation; the exact text depends on the version of Python.

    Args:
        normalize, lines: as for `read`.

    Raises:
        TextError: if Python was installed without its source code.
    """
    folder = Path(sysconfig.get_path("stdlib"))
    files = sorted(folder.glob("*.py"))
    if not files:
        raise TextError(f"{folder} has no source files: name a text to train on")
    text = "".join(file.read_text(encoding="utf-8") for file in files)
    return Corpus.of(text, f"{BUILT_IN} {platform.python_version()}", normalize, lines=lines)


def check_files(paths: Iterable[str]) -> None:
    """Check that files exist, without reading them.

    Args:
        paths: the paths of the files; `-` is stdin.

    Raises:
        TextError: for the first one that does not exist.
    """
    for path in paths:
        if path != "-" and mode_of(path) is None:
            missing = FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
            raise TextError(unreadable(path, missing))


def mode_of(path: str) -> int | None:
    """The `st_mode` of a file; None if there is none.

    Raises:
        TextError: for a file that the system does not show.
    """
    try:
        return os.stat(path).st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise TextError(unreadable(path, error)) from error


def named_files(info: CorpusInfo, remedy: str) -> tuple[str, ...]:
    """The files of the text that a checkpoint describes, which may name any path.

    Args:
        info: the description.
        remedy: the way to name a file with the same text.

    Raises:
        TextError: for a text that was in no file, and for a file that is missing, a pipe, a device
            or a folder; none is opened.
    """
    if not info.is_known:
        raise TextError(f"{info.name}: the text of the checkpoint was in no file: {remedy}")
    for path in info.files:
        mode = mode_of(path)
        if mode is None:
            raise TextError(f"{path}: the text of the checkpoint is not there: {remedy}")
        if not stat.S_ISREG(mode):
            raise TextError(
                f"{path}: is named by the checkpoint but is not a regular file: {remedy}"
            )
    return info.files


def read_again(info: CorpusInfo, paths: Sequence[str] = ()) -> Corpus:
    """Read the text that a checkpoint describes again.

    Args:
        info: the description.
        paths: files with the same text, where it has moved.

    Raises:
        TextError: if the text is no longer there, has changed, or is another one.
    """
    remedy = "name a file with the same text by --train-text FILE"
    files = paths or named_files(info, remedy)
    if files:
        corpus = read(files, info.decoding, info.normalize, lines=info.lines)
    else:
        corpus = standard_library(info.normalize, info.lines)
    if corpus.sha256 == info.sha256:
        return corpus
    if paths:
        raise TextError(
            f"{corpus.name}: is not the text that the model was trained on, {info.name}"
        )
    raise TextError(f"{corpus.name}: has changed since the model was trained on it: {remedy}")
