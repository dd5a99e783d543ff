"""A text of its own that a run validates on, in place of a part of the text."""

from __future__ import annotations

import stat
from pathlib import Path

from charrnn.arrays import Array
from charrnn.checkpoint import Checkpoint
from charrnn.errors import SettingError, TextError
from charrnn.text.corpus import Corpus, mode_of, read
from charrnn.text.decoding import Decoding
from charrnn.text.notices import count
from charrnn.text.vocabulary import Vocabulary
from charrnn.training.resuming import run_of


def read_validation(
    path: str,
    decoding: Decoding,
    normalize: str | None,
    lines: bool,
    vocabulary: Vocabulary | None = None,
    sha256: str | None = None,
) -> Corpus:
    """Read a text to validate on.

    Args:
        path: of the file.
        decoding, normalize, lines: as for `read`.
        vocabulary, sha256: of the model and of the text, if a run goes on.

    Raises:
        TextError: for a file that is missing, cannot be read, or is not a regular file, which could
            not be read again; and for another text.
    """
    mode = mode_of(path)
    if mode is None or not stat.S_ISREG(mode):
        missing = "is not there" if mode is None else "is no regular file"
        raise TextError(f"{path}: the text to validate on {missing}: name a file with --val FILE")
    corpus = read([path], decoding, normalize, lines=lines)
    if vocabulary:
        corpus.fit(vocabulary)
    if sha256 and corpus.sha256 != sha256:
        raise TextError(
            f"{path}: is not the text that the run validates on, or has changed: name a file with "
            "that text with --val FILE"
        )
    return corpus


def encode_validation(corpus: Corpus, vocabulary: Vocabulary, notices: list[str]) -> Array:
    """The indices of a text to validate on, (N,), in the normal form that fits the vocabulary.

    Args:
        corpus: the text.
        vocabulary: of the model.
        notices: extended by lines on the normal form and on unknown characters.

    Raises:
        TextError: for a text of fewer than 2 characters that the model knows.
    """
    before = len(corpus.notices)
    corpus.fit(vocabulary)
    notices += corpus.notices[before:]
    indices, unknown = corpus.encode_known(vocabulary)
    if len(indices) < 2:
        raise TextError(
            f"{corpus.name}: at least 2 characters that the text to train on has are needed to "
            f"validate on, it has {len(indices)}"
        )
    if unknown:
        done = "read U+FFFD for" if vocabulary.replaces else "left out"
        left = f"{done} {count(unknown, 'character')}"
        notices.append(f"{corpus.name}: {left} that the text to train on does not have")
    return indices


def validation_of_run(saved: Checkpoint, path: Path, named: str | None) -> Corpus | None:
    """The text that a run validates on, read again; None for a run that holds out a part.

    Args:
        saved, path: the checkpoint.
        named: the file with that text, where it has moved.

    Raises:
        SettingError: for a file that is named for a run without such a text.
        TextError: where the text is missing, or another one.
    """
    corpus, _ = run_of(saved, path)
    if corpus.val_file is None or corpus.val_sha256 is None:
        if named is not None:
            raise SettingError(f"{path}: its run has no --val: leave out --val")
        return None
    file = corpus.val_file if named is None else named
    return read_validation(
        file,
        corpus.decoding,
        corpus.normalize,
        corpus.lines,
        saved.vocabulary,
        corpus.val_sha256,
    )
