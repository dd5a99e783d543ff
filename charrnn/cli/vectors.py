"""`charrnn inspect --export FILE --by line`: the last state of each line of a text."""

from __future__ import annotations

import json
from typing import Any

import click

from charrnn.checkpoint import Checkpoint
from charrnn.cli.console import notice
from charrnn.cli.options import refuse_beside
from charrnn.cli.progress import Bar
from charrnn.cli.reading import read_later
from charrnn.errors import TextError
from charrnn.inspection.analyses import ANALYSES, ON_REQUEST
from charrnn.inspection.vectors import export_vectors, line_vectors
from charrnn.inspection.wording import unseen
from charrnn.network.model import CharRNN
from charrnn.sampling import beginning
from charrnn.text.notices import count

#: Options of `charrnn inspect` that do other work, choose from the state, or have no effect.
OTHERS = (
    *(*ANALYSES, *ON_REQUEST, "feature", "cell", "dynamic", "html", "plot", "layer", "signal"),
    *("seed", "color"),
)


def export_lines(checkpoint: Checkpoint, model: CharRNN, options: dict[str, Any]) -> None:
    """Write the vectors of the lines of a text.

    Raises:
        click.UsageError: for an option that `--by line` excludes.
        TextError: for a text without lines of known characters.
    """
    refuse_beside("by line", OTHERS, options)
    corpus = read_later(options["text"], checkpoint, options, model.vocabulary)
    start = beginning(model, checkpoint.excerpt).state
    with Bar(total=corpus.length, desc="reading", leave=False, delay=1) as bar:
        vectors = line_vectors(model, corpus.pieces, start, bar.update)
    n = len(vectors.lines)
    if not n:
        raise TextError(f"{corpus.name}: no line to export: name another text by --text FILE")
    if vectors.unknown:
        read = "read U+FFFD for" if model.vocabulary.replaces else "left out"
        notice(f"{read} {unseen(vectors.unknown)}")
    if vectors.left_out:
        empty = count(vectors.left_out, "line")
        notice(f"{corpus.name}: left out {empty} without characters that the model knows")
    export_vectors(options["export"], vectors)
    notice(f"{options['export']}: {count(n, 'line')}")
    if options["as_json"]:
        result = {"text": corpus.name, "lines": n, "left_out": vectors.left_out}
        click.echo(json.dumps(result | {"unknown": vectors.unknown}, allow_nan=False))
