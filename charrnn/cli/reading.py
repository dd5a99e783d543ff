"""Reading of texts: that of a training, with a bar if it is large, and those of later commands."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from charrnn.checkpoint import Checkpoint
from charrnn.cli.console import notice, refuse_terminal
from charrnn.cli.options import decoding as decoding_of
from charrnn.cli.progress import Bar
from charrnn.text import corpus as corpora
from charrnn.text.corpus import FROM_A_PIPE, Corpus
from charrnn.text.decoding import DEFAULT, Decoding
from charrnn.text.paths import TextFiles
from charrnn.text.vocabulary import Vocabulary

#: Bytes of a text from which on a bar is shown.
LARGE_BYTES = 64 << 20


@contextmanager
def reading(
    texts: TextFiles,
    decoding: Decoding = DEFAULT,
    normalize: str | None = None,
    lines: bool = False,
) -> Iterator[Corpus]:
    """Open files as one text, or the source of Python's standard library if there are none.

    A large text is read a second time within the context. On a terminal a bar shows both.

    Args:
        texts: the files.
        decoding: the decoding of the files.
        normalize: the Unicode normal form to bring the text into; None for none.
        lines: each line is an item of its own.

    Raises:
        TextError: if a file cannot be read or decoded.
    """
    if not texts.paths:
        corpus = corpora.standard_library(normalize, lines)
        notice(f"no TEXT given: training on {corpus.name}")
        for line in corpus.notices:
            notice(line)
        yield corpus
        return
    with bar_for(texts.paths) as bar:
        corpus = corpora.read(texts, decoding, normalize, bar.update, lines)
        for line in corpus.notices:
            bar.say(line)
        if "-" in corpus.files:
            bar.say(FROM_A_PIPE)
        yield corpus


def read_later(
    path: str | None, checkpoint: Checkpoint, options: dict[str, Any], *vocabularies: Vocabulary
) -> Corpus:
    """Read a text as that of the training was read, with its notices.

    Args:
        path: the file; None for the excerpt in the checkpoint.
        checkpoint: of the model.
        options: of the command, with the encoding.
        vocabularies: of the models that are to read the text.

    Raises:
        click.UsageError: for stdin on a terminal, and an encoding for a model of bytes.
        TextError: for a file that cannot be read or decoded.
    """
    how = decoding_of(options, checkpoint.binary, checkpoint.newlines)
    if path is None:
        return Corpus.of(checkpoint.excerpt, checkpoint.excerpt_name, decoding=how)
    refuse_terminal((path,))
    with bar_for([path], readings=1) as bar:
        drawn = True
        corpus = corpora.read(
            [path], how, checkpoint.normalize, lambda size: bar.update(size) if drawn else None
        )
        corpus.fit(*vocabularies)
    drawn = False  # later readings have bars of their own
    for line in corpus.notices:
        notice(line)
    return corpus


def bar_for(paths: Sequence[str], readings: int = 2) -> Bar:
    """Return a bar for the bytes of files; for a pipe, a bar without a total.

    Args:
        paths: the files.
        readings: the number of times that each is read.
    """
    known = all(map(os.path.isfile, paths))
    size = sum(map(os.path.getsize, paths)) if known else 0
    return Bar(
        quiet=known and size <= LARGE_BYTES,
        total=readings * size if known else None,
        desc="reading",
        unit="B",
        unit_scale=True,
        leave=False,
        delay=0 if known else 1,  # the size of a pipe is unknown
    )
