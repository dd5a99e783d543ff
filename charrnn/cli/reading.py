"""The text of a run, with a bar while a large one is read."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from charrnn.cli.console import notice
from charrnn.cli.progress import Bar
from charrnn.text import corpus as corpora
from charrnn.text.corpus import Corpus
from charrnn.text.decoding import DEFAULT, Decoding

#: Bytes of a text that takes long enough to read to want a bar.
LARGE = 64 << 20


@contextmanager
def reading(
    paths: Sequence[str], decoding: Decoding = DEFAULT, normalize: str | None = None
) -> Iterator[Corpus]:
    """The text of the files, or the one that every Python has.

    On a terminal a bar shows how much of a large text was read, before and within.
    """
    if not paths:
        corpus = corpora.standard_library(normalize)
        notice(f"no TEXT given: training on {corpus.name}")
        yield corpus
        return
    with bar_for(paths) as bar:
        corpus = corpora.read(paths, decoding, normalize, bar.update)
        for line in corpus.notices:
            bar.say(line)
        yield corpus


def bar_for(paths: Sequence[str]) -> Bar:
    """A bar for the bytes of files, each of which is read twice; without an end for a pipe."""
    known = all(map(os.path.isfile, paths))
    size = sum(map(os.path.getsize, paths)) if known else 0
    return Bar(
        quiet=known and size <= LARGE,
        total=2 * size if known else None,
        desc="reading",
        unit="B",
        unit_scale=True,
        leave=False,
        delay=0 if known else 1,  # of a pipe only time tells whether it is large
    )
