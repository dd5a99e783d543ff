"""`charrnn inspect`: describe a model, or read a text and answer questions about the model."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from math import log
from pathlib import Path
from typing import Any

import click

from charrnn import checkpoint as checkpoints
from charrnn import files, planning
from charrnn.checkpoint import Checkpoint
from charrnn.cli.bars import Bar
from charrnn.cli.cell import inspect_cell, surprisal_lines
from charrnn.cli.options import (
    Command,
    checkpoint_option,
    decoding,
    encoding_options,
    notice,
    refuse_terminal,
    spare,
    weights_option,
)
from charrnn.cli.report import Answered, write_report
from charrnn.cli.summary import describe, summarize
from charrnn.errors import SettingError, TextError
from charrnn.evaluation import evaluate, evaluate_dynamically
from charrnn.inspection.analyses import ANALYSES
from charrnn.inspection.answer import Answer, Figure
from charrnn.inspection.features.features import pattern
from charrnn.inspection.learning_curves import learning_curves
from charrnn.inspection.reading import signals_of
from charrnn.inspection.recording import export, record
from charrnn.inspection.subject import Subject
from charrnn.inspection.wording import characters
from charrnn.model import CharRNN
from charrnn.parameters import Array
from charrnn.render import plot
from charrnn.render.escape import printable
from charrnn.render.extras import need
from charrnn.render.plain import plain
from charrnn.render.terminal import lines
from charrnn.text import corpus as corpora

#: The default number of characters that a page shows.
PAGE_LENGTH = 20_000
#: Options that modify others, each with the options that it modifies.
NEEDS = {
    "layer": ("cell", "find", "export", "html"),
    "signal": ("cell", "find", "export", "html"),
    "length": ("cell", "html", "surprisal"),
    "predictions": ("cell",),
    "neighbours": ("cell",),
}
#: Options that read a text, besides the analyses.
READ_A_TEXT = ("cell", "text", "html", "export", "dynamic")
#: Options that name a file to write.
OUTPUTS = ("html", "plot", "export")


def analyses_options(command: Command) -> Command:
    """Add an option for each analysis."""
    for name, analysis in reversed(ANALYSES.items()):
        command = click.option(f"--{name}", is_flag=True, help=analysis.HELP)(command)
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
    multiple=True,
    help="What of it: its output h, the memory c of an LSTM, or a gate; without --cell repeatable."
    "  [default: h for --cell, all on a page that has room, else h and c]",
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
    help="Score the text by a model that learns from it as it goes, too.",
)
@weights_option
@click.option("--seed", type=click.IntRange(0), default=0, help="Of what is drawn at random.")
@click.option("--json", "as_json", is_flag=True, help="Numbers instead of pictures.")
@click.option("--color/--no-color", default=None, help="[default: on a terminal]")
@encoding_options
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
    checkpoint carries, or --text, which is also scored. With --dynamic it is scored twice: by
    the model as it is, and by dynamic evaluation, where every 32 characters are scored first and
    then learned from, by one step of gradient descent with learning rate 0.2 and the gradient
    clipped to a norm of 1.
    """
    options["find"] = options["find"] or bool(options["feature"])
    check_needs(options)
    asked = [name for name in ANALYSES if options[name]]
    reads_text = any(given(options[name]) for name in READ_A_TEXT)
    if options["plot"] and reads_text and not asked:
        raise click.UsageError("--plot draws analyses: add --find, --gradient or another")
    checkpoint = checkpoints.read(options["checkpoint"])
    check_outputs(checkpoint, options)
    model = checkpoint.build(options["weights"])
    if asked or reads_text:
        inspect_text(checkpoint, model, asked, options)
        return
    summary = summarize(model, checkpoint)
    click.echo(json.dumps(summary) if options["as_json"] else describe(summary, checkpoint))
    if options["plot"]:
        plot.save([learning_curves(checkpoint.run["history"])], options["plot"])


def given(value: Any) -> bool:
    """True for an option that was given; a number may be 0, which equals False."""
    return value is not None and value is not False


def check_needs(options: dict[str, Any]) -> None:
    """Refuse an option without the options that it modifies.

    Raises:
        click.UsageError: for the first such option.
    """
    for name, needed in NEEDS.items():
        if options[name] and not any(given(options[other]) for other in needed):
            *more, last = [f"--{other}" for other in needed]
            raise click.UsageError(
                f"--{name} says more about {', '.join(more) + ' or ' if more else ''}{last}: "
                f"add {'one of them' if more else last}"
            )


def check_outputs(checkpoint: Checkpoint, options: dict[str, Any]) -> None:
    """Check that every output can be written and overwrites nothing, before any work.

    Raises:
        click.UsageError: for an output that is the checkpoint, a text or another output.
        SettingError: for one that cannot be written, or a picture of an unknown format.
        MissingExtra: where a package for drawing is not installed.
    """
    texts = [name for name in checkpoint.corpus.get("files", ()) if "\0" not in name]
    taken = [options["checkpoint"], options["text"], *texts]
    for name in OUTPUTS:
        path: Path | None = options[name]
        if path is None:
            continue
        spare(f"--{name}", path, *taken)
        check_writable(path)
        taken.append(path)
    if options["plot"]:
        plot.check_suffix(options["plot"])
    if options["html"]:
        for module in ("jinja2", "matplotlib"):
            need(module, "report")


def check_writable(path: Path) -> None:
    """Check that a file can be written.

    Raises:
        SettingError: where it cannot.
    """
    try:
        if not path.resolve().parent.is_dir():
            raise SettingError(f"{path}: cannot be written: there is no folder {path.parent}")
        files.probe(path)
    except (OSError, RuntimeError) as error:  # RuntimeError: links in a circle, until Python 3.12
        why = getattr(error, "strerror", None) or error
        raise SettingError(f"{path}: cannot be written: {why}") from error


def subject_of(
    checkpoint: Checkpoint, model: CharRNN, options: dict[str, Any]
) -> tuple[Subject, str]:
    """The model with the text of `--text` or the excerpt in the checkpoint, and the text's name.

    Characters that are not in the model's vocabulary are left out, with a notice.

    Raises:
        TextError: for a text that cannot be read, or of which nothing is left.
        SettingError: for a layer or signal that the model does not have, or an invalid pattern.
    """
    names = list(dict.fromkeys(options["signal"])) or None
    signals = signals_of(model, options["layer"], names)
    features = {f"/{regex}/": pattern(regex) for regex in options["feature"]} or None
    text, name, path = checkpoint.excerpt, "the held-out excerpt", options["text"]
    if path is not None:
        refuse_terminal((path,))
        how = decoding(options, checkpoint.binary)
        text, name = corpora.read([path], how, checkpoint.normalize).text, path
    indices = model.vocabulary.encode(text, unknown="skip")
    if dropped := len(text) - len(indices):
        notice(f"left out {characters(dropped)} that the model has not seen")
        text = model.vocabulary.decode(indices)
    if not text:
        raise TextError(f"{path or 'the excerpt in the checkpoint'}: no text to look at")
    subject = Subject(
        model,
        text,
        indices,
        signals,
        read_training_text=lambda: training_text(checkpoint, model),
        make_untrained=checkpoint.untrained,
        features=features,
        seed=options["seed"],
        shown=options["length"] or PAGE_LENGTH if options["html"] else None,
    )
    return subject, name


def training_text(checkpoint: Checkpoint, model: CharRNN) -> Array:
    """The part of the text that a model was trained on, read again, as indices (M,).

    Raises:
        TextError: where the checkpoint names no text, or the text is missing or has changed.
    """
    corpus = checkpoint.corpus
    if not corpus:
        raise TextError("the checkpoint does not say what text its model was trained on")
    whole = corpora.read_again(corpus).encode(model.vocabulary)
    # As when a run is resumed: earlier checkpoints have only the share.
    held_out = corpus.get("held_out", planning.held_out(len(whole), corpus["val_frac"]))
    train = whole[: max(0, len(whole) - held_out)]
    if len(train) < 2:
        raise TextError(f"the checkpoint holds out {held_out:,} of {len(whole):,} characters")
    return train


def inspect_text(
    checkpoint: Checkpoint, model: CharRNN, asked: list[str], options: dict[str, Any]
) -> None:
    """Read a text, answer everything that was asked about it, and write all outputs."""
    subject, name = subject_of(checkpoint, model, options)
    result: dict[str, Any] = {"text": name, "characters": len(subject.text)}
    shown: list[Iterable[str]] = []
    if options["cell"] is not None:
        of_cell, above, below = inspect_cell(subject, options["cell"], options)
        result |= of_cell
        result |= dynamic_score(model, subject.indices[: result["characters"]], options)
        shown += [above, [score_line(result)], below]
    elif options["dynamic"] or not (asked or options["html"] or options["export"]):
        result |= score(model, subject.indices)
        result |= dynamic_score(model, subject.indices, options)
        shown.append([score_line(result)])
    figures: list[Figure] = []
    answered: Answered = {}
    for analysis in asked:
        analysed, answer = answered[analysis] = ask(subject, analysis)
        result[analysis] = {"answer": answer.sentence, **plain(analysed)}
        shown.append(lines(answer, terminal_width()))
        figures += answer.figures
        if analysis == "surprisal":
            shown.append(surprisal_lines(subject, analysed.bits, options))
    if options["as_json"]:
        click.echo(json.dumps(plain(result)))
    else:
        show(shown)
    save_plot(figures, options["plot"])
    if options["export"]:
        recording = record(model, subject.indices, subject.signals)
        export(options["export"], recording, subject.indices, model.vocabulary)
        notice(f"{options['export']}: {len(subject.text):,} characters")
    if options["html"]:
        write_report(checkpoint, subject, name, options, answer_all(subject, answered))


def ask(subject: Subject, name: str) -> tuple[Any, Answer]:
    """The result of an analysis and its answer, with a bar if it takes long."""
    with progress_bar(name) as subject.progress:
        analysed = ANALYSES[name].analyse(subject)
    return analysed, ANALYSES[name].answer(analysed)


def answer_all(subject: Subject, answered: Answered) -> Answered:
    """Answer every analysis that is not answered yet, with a notice for one that fails."""
    complete: Answered = {}
    for name in ANALYSES:
        try:
            found = answered.get(name) or ask(subject, name)
        except TextError as error:
            notice(f"without --{name}: {error}")
            continue
        complete[name] = found
    return complete


@contextmanager
def progress_bar(name: str) -> Iterator[Callable[[float], None]]:
    """A bar from 0 to 1, and a callback that receives the share that is done."""
    form = "{desc} {percentage:3.0f}%|{bar}| {remaining} left"
    with Bar(total=1.0, desc=name, bar_format=form, leave=False, delay=0.5) as bar:

        def report(done: float) -> None:
            bar.update(max(0.0, done - bar.n))

        yield report


def score(model: CharRNN, indices: Array) -> dict[str, float | None]:
    """The loss of a text in nats and in bits a character; None for a single character."""
    if len(indices) < 2:
        return {"loss": None}
    loss = evaluate(model, indices)
    return {"loss": loss, "bpc": loss / log(2)}


def dynamic_score(model: CharRNN, indices: Array, options: dict[str, Any]) -> dict[str, float]:
    """The same by dynamic evaluation, where asked for."""
    if len(indices) < 2 or not options["dynamic"]:
        return {}
    loss = evaluate_dynamically(model, indices)
    return {"dynamic_loss": loss, "dynamic_bpc": loss / log(2)}


def score_line(result: dict[str, Any]) -> str:
    """The scores of a text for people."""
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
    """Print parts, with an empty line between them."""
    for number, part in enumerate(parts):
        if number:
            click.echo()
        for line in part:
            # The escape sequences are those of the colours; others were made printable.
            click.echo(line, color=True)


def save_plot(figures: list[Figure], path: Path | None) -> None:
    """Draw the figures into a file, if one was asked for and there are any."""
    if path is None:
        return
    if not figures:
        notice(f"{path}: not written, there is nothing to draw")
        return
    plot.save(figures, path)
    notice(f"{path}: {len(figures)} pictures" if len(figures) > 1 else f"{path}: a picture")


def terminal_width() -> int:
    """The width of the terminal in columns, at least 30."""
    return max(30, shutil.get_terminal_size().columns)
