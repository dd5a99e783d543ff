"""Reading of the text of a training, with a progress bar for a large text."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from charrnn.cli.console import notice
from charrnn.cli.progress import Bar
from charrnn.text import corpus as corpora
from charrnn.text.corpus import FROM_A_PIPE, Corpus
from charrnn.text.decoding import DEFAULT, Decoding
from charrnn.text.paths import TextFiles

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


def bar_for(paths: Sequence[str]) -> Bar:
    """Return a bar for the bytes of files, each read twice; for a pipe, a bar without a total."""
    known = all(map(os.path.isfile, paths))
    size = sum(map(os.path.getsize, paths)) if known else 0
    return Bar(
        quiet=known and size <= LARGE_BYTES,
        total=2 * size if known else None,
        desc="reading",
        unit="B",
        unit_scale=True,
        leave=False,
        delay=0 if known else 1,  # the size of a pipe is unknown
    )
