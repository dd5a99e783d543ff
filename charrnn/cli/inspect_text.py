"""`charrnn inspect` of a text: read the text, run the analyses, show and write the results."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from math import log
from pathlib import Path
from typing import Any

import click
import numpy as np

from charrnn.arrays import Array
from charrnn.checkpoint import Checkpoint
from charrnn.cli.cell import inspect_cell, surprisal_lines
from charrnn.cli.console import notice, refuse_terminal, terminal_width
from charrnn.cli.options import decoding as decoding_of
from charrnn.cli.progress import bar_of_share
from charrnn.cli.reading import read_later
from charrnn.cli.report import Answered, write_report
from charrnn.errors import TextError
from charrnn.inspection.analyses import ANALYSES, ON_REQUEST, analysis
from charrnn.inspection.answer import Answer, ColoredText, Figure
from charrnn.inspection.features.features import pattern
from charrnn.inspection.find.search import Finding, Findings, cell_name
from charrnn.inspection.reading import Signal, signals_of
from charrnn.inspection.recording import export, record
from charrnn.inspection.subject import Subject, training_text
from charrnn.inspection.wording import unseen
from charrnn.network.model import CharRNN
from charrnn.render import plot
from charrnn.render.colors import style_of_stdout
from charrnn.render.escape import MAX_NAME, one_line
from charrnn.render.plain import plain
from charrnn.render.terminal import lines
from charrnn.render.wrap import wrapped
from charrnn.shell import command_line, words_for
from charrnn.text.decoding import DEFAULT
from charrnn.text.vocabulary import code_points, listed, text_of
from charrnn.training.evaluation import evaluate, evaluate_dynamically, finite

#: The default number of characters that a page shows, and that a page without analyses shows.
PAGE_LENGTH, SMALL_PAGE_LENGTH = 20_000, 5_000
#: The share of the text from which on a feature is seen in the characters that are shown.
FREQUENT = 0.02
#: A notice names at most this many unknown characters.
MAX_LISTED = 8


def inspect_text(
    checkpoint: Checkpoint, model: CharRNN, asked: list[str], options: dict[str, Any]
) -> None:
    """Read a text, answer all questions about it, and write all outputs."""
    subject, name, unknown = subject_of(checkpoint, model, options)
    result: dict[str, Any] = {"text": name, "characters": len(subject.text), "unknown": unknown}
    shown: list[Iterable[str]] = []
    figures: list[Figure | ColoredText] = []
    if options["cell"] is not None:
        view = inspect_cell(subject, options["cell"], options)
        subject.cell = Signal(view.result["layer"], view.result["signal"]), options["cell"]
        result |= view.result
        figures.append(view.picture)
        result |= dynamic_score(model, subject.indices[: result["characters"]], options)
        shown += [view.description, score_lines(result), view.how, view.text]
    elif options["dynamic"] or not (asked or options["html"] or options["export"]):
        result |= score(model, subject.indices)
        result |= dynamic_score(model, subject.indices, options)
        shown.append(score_lines(result))
    answered: Answered = {}
    width, style = terminal_width(), style_of_stdout(options["color"])
    for key in asked:
        analysed, answer = answered[key] = ask(subject, key)
        result[key] = {"answer": answer.sentence, **plain(analysed)}
        shown.append(lines(answer, width, style))
        figures += answer.figures
        if key == "surprisal":
            shown.append(surprisal_lines(subject, analysed.bits, options))
        if key == "find" and (best := best_to_show(analysed)):
            look = f"Look at {cell_name(best)}, which follows {best.feature}, with"
            command = command_for(best, model, options)
            shown.append([*wrapped(look, width), f"    {command}"])
    if options["cell"] is not None and view.holding:
        shown.append(view.holding)
    if options["as_json"]:
        click.echo(json.dumps(plain(result), allow_nan=False))
    else:
        show(shown)
    save_plot(figures, options["plot"])
    if options["export"]:
        recording = record(model, subject.indices, subject.signals)
        export(options["export"], recording, subject.indices, model.vocabulary)
        notice(f"{options['export']}: {len(subject.text):,} characters")
    if options["html"]:
        if not options["no_analyses"]:
            notice("answering all analyses for the page; --no-analyses leaves them out")
            answered = answer_all(subject, answered)
        write_report(checkpoint, subject, name, options, answered)


def subject_of(
    checkpoint: Checkpoint, model: CharRNN, options: dict[str, Any]
) -> tuple[Subject, str, dict[str, Any]]:
    """The model with the text of `--text` or the excerpt in the checkpoint, and the text's name.

    Unknown characters are left out, or read as U+FFFD by a model of `train --min-count`, with a
    notice; the third value is their number, and how often each occurs.

    Raises:
        TextError: for a text that cannot be read, or of which nothing is left.
        SettingError: for a layer or signal that the model does not have, or an invalid pattern.
    """
    refuse_terminal(options["train_text"])
    names = list(dict.fromkeys(options["signal"])) or None
    signals = signals_of(model, options["layer"], names)
    binary = checkpoint.binary
    features = {f"/{regex}/": pattern(regex, binary) for regex in options["feature"]} or None
    decoding = decoding_of(options, binary, checkpoint.newlines)
    corpus = read_later(options["text"], checkpoint, options, model.vocabulary)
    text, name = corpus.text, options["text"] or corpus.name
    temperature: float | None = options["temperature"]
    control = None
    if options["text"] is not None:
        control = "the other text"
    elif checkpoint.corpus is not None and checkpoint.corpus.val_file:
        control = "the text to validate on"
    elif checkpoint.corpus is not None and checkpoint.corpus.held_out:
        control = "the held-out text"
    replaces = model.vocabulary.replaces
    indices = model.vocabulary.encode(text, unknown="replace" if replaces else "skip")
    unknown: dict[str, Any] = {"count": model.vocabulary.count_unknown(text), "characters": {}}
    if unknown["count"]:
        unknown["characters"] = counts_of_unknown(model, text)
        few = listed(list(unknown["characters"]), MAX_LISTED)
        seen = f"{unseen(unknown['count'])}: {few}"
        notice(f"read U+FFFD for {seen}" if replaces else f"left out {seen}")
        text = model.vocabulary.decode(indices)
    if not text:
        raise TextError(f"{name}: no text to look at")
    subject = Subject(
        model,
        text,
        indices,
        signals,
        read_training_text=lambda: training_text(
            checkpoint, options["train_text"], decoding, notice
        ),
        make_untrained=checkpoint.untrained,
        features=features,
        why=options["why"],
        seed=options["seed"],
        temperature=Subject.temperature if temperature is None else temperature,
        excerpt=checkpoint.excerpt,
        control=control,
        shown=options["length"] or page_length(options) if options["html"] else None,
        binary=binary,
    )
    return subject, name, unknown


def page_length(options: dict[str, Any]) -> int:
    """The number of characters that a page shows without `--length`."""
    return SMALL_PAGE_LENGTH if options["no_analyses"] else PAGE_LENGTH


def counts_of_unknown(model: CharRNN, text: str) -> dict[str, int]:
    """The unknown characters of a text, and how often each occurs."""
    points = code_points(text)
    unknown = points[np.isin(points, code_points(model.vocabulary.unknown(text)))]
    found, counts = np.unique(unknown, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    return dict(zip(text_of(found[order]), counts[order].tolist()))


def ask(subject: Subject, name: str) -> tuple[Any, Answer]:
    """The result of an analysis and its answer, with a bar if it takes long."""
    with bar_of_share(name) as subject.progress:
        analysed = analysis(name).analyse(subject)
    return analysed, analysis(name).answer(analysed)


def answer_all(subject: Subject, answered: Answered) -> Answered:
    """Answer every analysis that is not answered yet, with a notice for one that fails.

    Analyses of one position or one cell are among them where they are answered.
    """
    complete: Answered = {}
    for name in (*ANALYSES, *(name for name in ON_REQUEST if name in answered)):
        try:
            found = answered.get(name) or ask(subject, name)
        except TextError as error:
            notice(f"without --{name}: {error}")
            continue
        complete[name] = found
    return complete


def score(model: CharRNN, indices: Array) -> dict[str, float | None]:
    """The loss of a text in nats and in bits a character; None for a single character."""
    if len(indices) < 2:
        return {"loss": None}
    loss = finite(evaluate(model, indices))
    return {"loss": loss, "bpc": loss / log(2)}


def dynamic_score(model: CharRNN, indices: Array, options: dict[str, Any]) -> dict[str, float]:
    """The loss of a text by dynamic evaluation; empty without `--dynamic`."""
    if len(indices) < 2 or not options["dynamic"]:
        return {}
    loss = evaluate_dynamically(model, indices)
    return {"dynamic_loss": loss, "dynamic_bpc": loss / log(2)}


def score_lines(result: dict[str, Any]) -> list[str]:
    """The scores of a text for people."""
    name = one_line(result["text"], MAX_NAME)
    if result["loss"] is None:
        return wrapped(f"{name}: a single character, nothing to predict", terminal_width())
    lines = [
        f"{name}: {result['characters']:,} characters, {result['loss']:.4f} nats, "
        f"{result['bpc']:.4f} bits a character"
    ]
    if "dynamic_loss" in result:
        lines.append(
            f"by dynamic evaluation, learning from it as it goes: {result['dynamic_loss']:.4f} "
            f"nats, {result['dynamic_bpc']:.4f} bits a character"
        )
    return [part for line in lines for part in wrapped(line, terminal_width())]


def best_to_show(found: Findings) -> Finding | None:
    """The best cell found, preferring features that are not rare in a text; None without any."""
    rows = [row for row in found.rows if row.verdict == "found"]
    frequent = (row for row in rows if row.share is None or row.share >= FREQUENT)
    return next(frequent, rows[0] if rows else None)


def command_for(best: Finding, model: CharRNN, options: dict[str, Any]) -> str:
    """The command that shows a cell found on the text of the search."""
    words = ["--cell", str(best.cell)]
    if best.signal.layer != model.num_layers:
        words += ["--layer", str(best.signal.layer)]
    if best.signal.name != "h":
        words += ["--signal", best.signal.name]
    if options["weights"] != "best":
        words += ["--weights", options["weights"]]
    if options["text"] not in (None, "-"):
        words += ["--text", options["text"]]
        if options["encoding"]:
            words += ["--encoding", options["encoding"]]
        if options["encoding_errors"] != DEFAULT.errors:
            words += ["--encoding-errors", options["encoding_errors"]]
    return one_line(command_line([*words_for("inspect", options["checkpoint"]), *words]))


def show(parts: Sequence[Iterable[str]]) -> None:
    """Print parts, with an empty line between them."""
    for number, part in enumerate(parts):
        if number:
            click.echo()
        for line in part:
            # The escape sequences are those of the colours; others were made printable.
            click.echo(line, color=True)


def save_plot(figures: list[Figure | ColoredText], path: Path | None) -> None:
    """Draw the figures into the file of `--plot`, if any."""
    if path is None:
        return
    if not figures:
        notice(f"{path}: not written, there is nothing to draw")
        return
    plot.save(figures, path)
    notice(f"{path}: {len(figures)} pictures" if len(figures) > 1 else f"{path}: a picture")
