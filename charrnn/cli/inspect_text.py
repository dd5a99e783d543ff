"""`charrnn inspect` of a text: read the text, run the analyses, show and write the results."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Sequence
from math import log
from pathlib import Path
from typing import Any

import click

from charrnn.arrays import Array
from charrnn.checkpoint import Checkpoint
from charrnn.cli.cell import inspect_cell, surprisal_lines
from charrnn.cli.console import notice, refuse_terminal
from charrnn.cli.options import decoding
from charrnn.cli.progress import bar_of_share
from charrnn.cli.report import Answered, write_report
from charrnn.errors import TextError
from charrnn.inspection.analyses import ANALYSES, analysis
from charrnn.inspection.answer import Answer, Figure
from charrnn.inspection.features.features import pattern
from charrnn.inspection.reading import signals_of
from charrnn.inspection.recording import export, record
from charrnn.inspection.subject import Subject
from charrnn.inspection.wording import characters
from charrnn.network.model import CharRNN
from charrnn.render import plot
from charrnn.render.escape import MAX_NAME, one_line
from charrnn.render.plain import plain
from charrnn.render.terminal import lines
from charrnn.text import corpus as corpora
from charrnn.training.evaluation import evaluate, evaluate_dynamically, finite

#: The default number of characters that a page shows.
PAGE_LENGTH = 20_000


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
    for key in asked:
        analysed, answer = answered[key] = ask(subject, key)
        result[key] = {"answer": answer.sentence, **plain(analysed)}
        shown.append(lines(answer, terminal_width()))
        figures += answer.figures
        if key == "surprisal":
            shown.append(surprisal_lines(subject, analysed.bits, options))
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
        write_report(checkpoint, subject, name, options, answer_all(subject, answered))


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
    if corpus is None:
        raise TextError("the checkpoint does not say what text its model was trained on")
    whole = corpora.read_again(corpus).encode(model.vocabulary)
    train = whole[: max(0, len(whole) - corpus.held_out)]
    if len(train) < 2:
        raise TextError(
            f"the checkpoint holds out {corpus.held_out:,} of {len(whole):,} characters"
        )
    return train


def ask(subject: Subject, name: str) -> tuple[Any, Answer]:
    """The result of an analysis and its answer, with a bar if it takes long."""
    with bar_of_share(name) as subject.progress:
        analysed = analysis(name).analyse(subject)
    return analysed, analysis(name).answer(analysed)


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


def score(model: CharRNN, indices: Array) -> dict[str, float | None]:
    """The loss of a text in nats and in bits a character; None for a single character."""
    if len(indices) < 2:
        return {"loss": None}
    loss = finite(evaluate(model, indices))
    return {"loss": loss, "bpc": loss / log(2)}


def dynamic_score(model: CharRNN, indices: Array, options: dict[str, Any]) -> dict[str, float]:
    """The same by dynamic evaluation, where asked for."""
    if len(indices) < 2 or not options["dynamic"]:
        return {}
    loss = evaluate_dynamically(model, indices)
    return {"dynamic_loss": loss, "dynamic_bpc": loss / log(2)}


def score_line(result: dict[str, Any]) -> str:
    """The scores of a text for people."""
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
