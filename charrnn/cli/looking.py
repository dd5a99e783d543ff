"""What `charrnn inspect` does with a text: ask, and show the answers.

A module of its own, imported when a text is looked at: the summary of a model does without.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from math import log
from pathlib import Path
from typing import Any

import click

from charrnn.arrays import Array
from charrnn.checkpoint import Checkpoint
from charrnn.cli.analyses import ANALYSES
from charrnn.cli.cell import inspect_cell, surprising
from charrnn.cli.console import notice
from charrnn.cli.progress import Bar
from charrnn.cli.report import write_report
from charrnn.cli.subject import Subject, subject
from charrnn.inspection.exporting import export
from charrnn.inspection.recording import record
from charrnn.network.model import CharRNN
from charrnn.render import plot
from charrnn.render.escape import MAX_NAME, one_line
from charrnn.render.figures import Answer, Figure
from charrnn.render.plain import plain
from charrnn.render.terminal import lines
from charrnn.training.evaluation import evaluate, evaluate_dynamically, finite


def look(checkpoint: Checkpoint, model: CharRNN, asked: list[str], options: dict[str, Any]) -> None:
    """Do all that was asked of a text, and show it."""
    read = subject(checkpoint, model, options)
    result: dict[str, Any] = {"text": read.name, "characters": len(read.text)}
    shown: list[Iterable[str]] = []
    if options["cell"] is not None:
        numbers, of_cell = inspect_cell(read, options["cell"], options)
        result |= numbers
        result |= scores_as_it_learns(read.model, read.indices[: result["characters"]], options)
        shown += [of_cell.above, [scored(result)], of_cell.below]
    elif options["dynamic"] or not (asked or options["html"] or options["export"]):
        result |= scores(read.model, read.indices)
        result |= scores_as_it_learns(read.model, read.indices, options)
        shown.append([scored(result)])
    figures: list[Figure] = []
    answered: dict[str, tuple[Any, Answer]] = {}
    for name in asked:
        analysed, answer = answered[name] = ask(read, name)
        result[name] = {"answer": answer.sentence, **plain(analysed)}
        shown.append(lines(answer, width()))
        figures += answer.figures
        if name == "surprisal":
            shown.append(surprising(read, analysed.bits, options))
    if options["as_json"]:
        click.echo(json.dumps(plain(result), allow_nan=False))
    else:
        show(shown)
    save_plot(figures, options["plot"])
    if options["export"]:
        recording = record(read.model, read.indices, read.signals)
        export(options["export"], recording, read.indices, read.model.vocabulary)
        notice(f"{options['export']}: {len(read.text):,} characters")
    if options["html"]:
        write_report(read, options, answered, ask)


def ask(subject: Subject, name: str) -> tuple[Any, Answer]:
    """The result of an analysis and its answer; on a terminal with a bar if it takes long."""
    with share_done(name) as subject.progress:
        analysed = ANALYSES[name].analyse(subject)
    return analysed, ANALYSES[name].answer(analysed)


@contextmanager
def share_done(name: str) -> Iterator[Callable[[float], None]]:
    """A bar from 0 to 1, and whom to tell how much is done."""
    form = "{desc} {percentage:3.0f}%|{bar}| {remaining} left"
    with Bar(total=1.0, desc=name, bar_format=form, leave=False, delay=0.5) as bar:

        def tell(done: float) -> None:
            bar.update(max(0.0, done - bar.n))

        yield tell


def scores(model: CharRNN, indices: Array) -> dict[str, float | None]:
    """How well a text is predicted, in nats and bits a character."""
    if len(indices) < 2:
        return {"loss": None}
    loss = finite(evaluate(model, indices))
    return {"loss": loss, "bpc": loss / log(2)}


def scores_as_it_learns(
    model: CharRNN, indices: Array, options: dict[str, Any]
) -> dict[str, float]:
    """The same by dynamic evaluation, where it was asked for and there is something to predict."""
    if len(indices) < 2 or not options["dynamic"]:
        return {}
    loss = evaluate_dynamically(model, indices)
    return {"dynamic_loss": loss, "dynamic_bpc": loss / log(2)}


def scored(result: dict[str, Any]) -> str:
    """How well a text was predicted, for people."""
    name = one_line(result["text"], MAX_NAME)
    if result["loss"] is None:
        return f"{name}: a single character, nothing to predict"
    lines = [
        f"{name}: {result['characters']:,} characters, {result['loss']:.4f} nats, "
        f"{result['bpc']:.4f} bits a character"
    ]
    if "dynamic_loss" in result:
        lines.append(
            f"by dynamic evaluation, learning from it as it goes: {result['dynamic_loss']:.4f} "
            f"nats, {result['dynamic_bpc']:.4f} bits a character"
        )
    return "\n".join(lines)


def show(parts: Sequence[Iterable[str]]) -> None:
    """Print parts, an empty line between them."""
    for number, part in enumerate(parts):
        if number:
            click.echo()
        for line in part:
            # The escapes in it are our own; those of the text are spelled out already.
            click.echo(line, color=True)


def save_plot(figures: list[Figure], path: Path | None) -> None:
    """Draw pictures into a file, if one was asked for and there is something to draw."""
    if path is None:
        return
    if not figures:
        notice(f"{path}: not written, there is nothing to draw")
        return
    plot.save(figures, path)
    notice(f"{path}: {len(figures)} pictures" if len(figures) > 1 else f"{path}: a picture")


def width() -> int:
    """Of the terminal, in columns."""
    return max(30, shutil.get_terminal_size().columns)
