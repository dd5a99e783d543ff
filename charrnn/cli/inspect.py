"""`charrnn inspect`."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from math import log
from pathlib import Path
from typing import Any

import click
from tqdm import tqdm

from charrnn import checkpoint as checkpoints
from charrnn.cli.analyses import ANALYSES
from charrnn.cli.cell import inspect_cell, surprising
from charrnn.cli.options import Command, checkpoint_option, encoding_option, notice, weights_option
from charrnn.cli.report import write_report
from charrnn.cli.subject import Subject, subject
from charrnn.cli.summary import describe, summarize
from charrnn.evaluation import evaluate, evaluate_dynamically
from charrnn.inspection.exporting import export
from charrnn.inspection.features import pattern
from charrnn.inspection.reading import signals_of
from charrnn.inspection.recording import record
from charrnn.model import CharRNN
from charrnn.parameters import Array
from charrnn.render import plot
from charrnn.render.curves import learning_curves
from charrnn.render.escape import printable
from charrnn.render.figures import Answer, Figure
from charrnn.render.plain import plain
from charrnn.render.terminal import lines

#: Options that say more about others: what has to be there for them to mean something.
NEEDS = {
    "layer": ("cell", "find", "export", "html"),
    "signal": ("cell", "find", "export", "html"),
    "length": ("cell", "html", "surprisal"),
    "predictions": ("cell",),
    "neighbours": ("cell",),
}


def analyses_options(command: Command) -> Command:
    """Add an option for each analysis."""
    for name, analysis in reversed(ANALYSES.items()):
        command = click.option(f"--{name}", is_flag=True, help=analysis.help)(command)
    return command


@click.command("inspect", short_help="Look inside a trained model.")
@checkpoint_option
@click.option("--cell", type=click.IntRange(0), help="Colour a text by this hidden unit.")
@analyses_options
@click.option(
    "--feature",
    metavar="REGEX",
    multiple=True,
    help="With --find: cells that follow this, instead of the built-in features; repeatable.",
)
@click.option(
    "--html", type=click.Path(path_type=Path), metavar="FILE", help="All of it as one page."
)
@click.option(
    "--plot",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="What was asked for as a picture too: .png, .svg or .pdf.",
)
@click.option(
    "--export",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write the states after each character, as .npz.",
)
@click.option("--text", metavar="FILE", help="Another text than the excerpt in the checkpoint.")
@click.option(
    "--layer",
    type=click.IntRange(1),
    help="The layer to look at, from 1.  [default: the last for --cell, else all]",
)
@click.option(
    "--signal",
    type=click.Choice(["h", "c", "i", "f", "o", "g", "r", "z", "n"]),
    help="What of it: its output h, the memory c of an LSTM, or a gate."
    "  [default: h for --cell, else h and c]",
)
@click.option(
    "--length",
    type=click.IntRange(1),
    help="Characters of the text to show.  [default: 2000, --html 20000]",
)
@click.option("--predictions", is_flag=True, help="Five guesses for the next character under each.")
@click.option("--neighbours", is_flag=True, help="Where the cell is highest and lowest instead.")
@click.option(
    "--dynamic",
    is_flag=True,
    help="Score the text once more by a model that learns from it as it goes.",
)
@weights_option
@click.option("--seed", type=click.IntRange(0), default=0, help="Of what is drawn at random.")
@click.option("--json", "as_json", is_flag=True, help="Numbers instead of pictures.")
@click.option("--color/--no-color", default=None, help="[default: on a terminal]")
@encoding_option
def command(**options: Any) -> None:
    """Look inside a trained model.

    \b
        charrnn inspect
        charrnn inspect --cell 42
        charrnn inspect --find
        charrnn inspect --find --feature '\\bthe\\b'
        charrnn inspect --gradient --memory --plot memory.png
        charrnn inspect --html report.html
        charrnn inspect --text letter.txt --dynamic
        charrnn inspect --json | jq .val_loss

    Alone it describes the model. With --cell it colours a text by the value of one hidden
    unit after each character: blue below zero, red above; gates from blue, closed, to red,
    open. --find names the cells that follow something in the text (quotes, brackets, the
    column, …), each with what tells it from chance. The text is held-out text that the
    checkpoint carries, or --text, which is also scored. With --dynamic it is scored twice: as
    it is, and by dynamic evaluation, where a step of gradient descent follows on every 32
    characters once they are scored.
    """
    options["find"] = options["find"] or bool(options["feature"])
    for name, needed in NEEDS.items():
        if options[name] and not any(options[other] not in (None, False) for other in needed):
            *more, last = [f"--{other}" for other in needed]
            raise click.UsageError(
                f"--{name} says more about {', '.join(more) + ' or ' if more else ''}{last}: "
                f"add {'one of them' if more else last}"
            )
    if options["plot"]:
        plot.check_suffix(options["plot"])
    features = {f"/{regex}/": pattern(regex) for regex in options["feature"]} or None
    checkpoint = checkpoints.read(options["checkpoint"])
    model = checkpoint.build(options["weights"])
    asked = [name for name in ANALYSES if options[name]]
    reads = ("cell", "text", "html", "export", "dynamic")
    if not asked and all(options[name] in (None, False) for name in reads):
        summary = summarize(model, checkpoint)
        click.echo(json.dumps(summary) if options["as_json"] else describe(summary, checkpoint))
        save_plot([learning_curves(checkpoint.run["history"])], options["plot"])
        return
    names = [options["signal"]] if options["signal"] else None
    signals = signals_of(model, options["layer"], names)
    read = subject(checkpoint, model, options["text"], options["encoding"], signals)
    look(replace(read, features=features, seed=options["seed"]), asked, options)


def look(subject: Subject, asked: list[str], options: dict[str, Any]) -> None:
    """Do all that was asked of a text, and show it."""
    result: dict[str, Any] = {"text": subject.name, "characters": len(subject.text)}
    shown: list[Iterable[str]] = []
    if options["cell"] is not None:
        numbers, of_cell = inspect_cell(subject, options["cell"], options)
        result |= numbers
        shown += [of_cell.above, [scored(result)], of_cell.below]
    elif options["dynamic"] or not (asked or options["html"] or options["export"]):
        result |= scores(subject.model, subject.indices, options["dynamic"])
        shown.append([scored(result)])
    figures: list[Figure] = []
    for name in asked:
        analysed, answer = ask(subject, name)
        result[name] = {"answer": answer.sentence, **plain(analysed)}
        shown.append(lines(answer, width()))
        figures += answer.figures
        if name == "surprisal":
            shown.append(surprising(subject, analysed.bits, options))
    if options["as_json"]:
        click.echo(json.dumps(plain(result)))
    else:
        show(shown)
    save_plot(figures, options["plot"])
    if options["export"]:
        recording = record(subject.model, subject.indices, subject.signals)
        export(options["export"], recording, subject.indices, subject.model.vocabulary)
        notice(f"{options['export']}: {len(subject.text):,} characters")
    if options["html"]:
        write_report(subject, options["html"], options["length"], share_done)


def ask(subject: Subject, name: str) -> tuple[Any, Answer]:
    """The result of an analysis and its answer; on a terminal with a bar if it takes long."""
    with share_done(name) as subject.progress:
        analysed = ANALYSES[name].analyse(subject)
    return analysed, ANALYSES[name].answer(analysed)


@contextmanager
def share_done(name: str) -> Iterator[Callable[[float], None]]:
    """A bar from 0 to 1, and whom to tell how much is done."""
    form = "{desc} {percentage:3.0f}%|{bar}| {remaining} left"
    with tqdm(
        total=1.0,
        desc=name,
        bar_format=form,
        leave=False,
        delay=0.5,
        disable=not sys.stderr.isatty(),
        dynamic_ncols=True,
    ) as bar:

        def tell(done: float) -> None:
            bar.update(max(0.0, done - bar.n))

        yield tell


def scores(model: CharRNN, indices: Array, dynamic: bool) -> dict[str, float | None]:
    """How well a text is predicted, in nats and bits a character."""
    if len(indices) < 2:
        return {"loss": None}
    loss = evaluate(model, indices)
    result: dict[str, float | None] = {"loss": loss, "bpc": loss / log(2)}
    if dynamic:
        loss = evaluate_dynamically(model, indices)
        result |= {"dynamic_loss": loss, "dynamic_bpc": loss / log(2)}
    return result


def scored(result: dict[str, Any]) -> str:
    """How well a text was predicted, for people."""
    if result["loss"] is None:
        return f"{result['text']}: a single character, nothing to predict"
    lines = [
        f"{result['text']}: {result['characters']:,} characters, {result['loss']:.4f} nats, "
        f"{result['bpc']:.4f} bits a character"
    ]
    if "dynamic_loss" in result:
        lines.append(
            f"by dynamic evaluation, learning from it as it goes: {result['dynamic_loss']:.4f} "
            f"nats, {result['dynamic_bpc']:.4f} bits a character"
        )
    return printable("\n".join(lines))


def show(parts: Sequence[Iterable[str]]) -> None:
    """Print parts, an empty line between them."""
    for number, part in enumerate(parts):
        if number:
            click.echo()
        for line in part:
            # The escapes in it are our own; those of the text are spelled out already.
            click.echo(line, color=True)


def save_plot(figures: list[Figure], path: Path | None) -> None:
    """Draw pictures into a file, if one was asked for.

    Raises:
        click.UsageError: where nothing that was asked for has a picture.
    """
    if path is None:
        return
    if not figures:
        raise click.UsageError("--plot draws analyses: add --find, --gradient or another")
    plot.save(figures, path)
    notice(f"{path}: {len(figures)} pictures" if len(figures) > 1 else f"{path}: a picture")


def width() -> int:
    """Of the terminal, in columns."""
    return max(30, shutil.get_terminal_size().columns)
