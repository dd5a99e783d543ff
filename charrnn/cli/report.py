"""`charrnn inspect --html`: collect everything that the page shows."""

from __future__ import annotations

from collections import Counter
from math import log
from pathlib import Path
from typing import Any, TypeAlias

from charrnn.checkpoint import Checkpoint
from charrnn.cli.console import notice
from charrnn.cli.summary import rows, summarize
from charrnn.inspection.analyses import analysis
from charrnn.inspection.answer import Answer, Figure
from charrnn.inspection.find.search import HEADINGS, Finding, columns
from charrnn.inspection.learning_curves import learning_curves
from charrnn.inspection.ngram import Comparison
from charrnn.inspection.reading import Signal, signals_of
from charrnn.inspection.recording import record
from charrnn.inspection.subject import Subject
from charrnn.render import report
from charrnn.render.escape import MAX_NAME, one_line

#: The number of values, of all cells after all characters, with which a page still opens quickly.
MAX_VALUES = 20_500_000

#: The result and the answer of each analysis, by its name.
Answered: TypeAlias = dict[str, tuple[Any, Answer]]


def write_report(
    checkpoint: Checkpoint, subject: Subject, name: str, options: dict[str, Any], answered: Answered
) -> None:
    """Write the page.

    Args:
        checkpoint: the checkpoint of the model.
        subject: the model and the text.
        name: the name of the text.
        options: the options of the command.
        answered: the analyses to show, in order.

    Raises:
        MissingExtraError: where a package for drawing is not installed.
        SettingError: where the page cannot be written.
    """
    path: Path = options["html"]
    model, text = subject.model, subject.text[: subject.shown]
    findings: tuple[Finding, ...] = answered["find"][0].rows if "find" in answered else ()
    signals = subject.signals if options["signal"] else fitting(subject, len(text), findings)
    summary = summarize(model, checkpoint)
    learning = report.Section("Learning", Answer("", (losses(checkpoint, name, answered),)))
    answers = [report.Section(analysis(key).HEADING, answered[key][1]) for key in answered]
    page = report.Report(
        title=f"{shown(summary['corpus'].get('name', 'a text'))}: {summary['model']}",
        summary=(*rows(summary), ("shown", f"{shown(name)}, {len(text):,} characters")),
        text=text,
        characters=model.vocabulary.ix_to_char,
        recording=record(model, subject.indices[: len(text)], signals, guesses=5),
        gates=model.layers[0].gates,
        headings=HEADINGS,
        found=tuple(
            report.Find(columns(row), row.signal, row.cell, row.position) for row in findings
        ),
        sections=(learning, *answers),
    )
    report.save(page, path)
    notice(f"{path}: {path.stat().st_size / 1e6:,.1f} MB; open it in a browser")


def losses(checkpoint: Checkpoint, name: str, answered: Answered) -> Figure:
    """The learning curves, with the loss of the best n-gram model where it is known."""
    beside = {}
    if "ngram" in answered:
        comparison: Comparison = answered["ngram"][0]
        loss = float(comparison.bits[comparison.best - 1] * log(2))
        beside[f"{comparison.best}-gram, on {shown(name)}"] = loss
    return learning_curves(checkpoint.run.history, beside)


def shown(name: str) -> str:
    """A name as a page shows it."""
    return one_line(name, MAX_NAME)


def fitting(subject: Subject, characters: int, findings: tuple[Finding, ...]) -> list[Signal]:
    """The signals that fit into a page, preferring those in which cells were found."""
    model = subject.model
    layers = sorted({signal.layer for signal in subject.signals})
    names = list(model.layers[0].signals)
    most = max(1, MAX_VALUES // (len(layers) * model.hidden_size * characters))
    found = Counter(row.signal.name for row in findings)
    left_out = sorted(names, key=lambda name: -found[name])[most:]
    if left_out:
        notice(f"to keep the page small, without {', '.join(left_out)}: see --signal, --length")
    if lost := sum(found[name] for name in left_out):
        notice(f"{lost} of {len(findings)} rows of the table are of these, and no links")
    kept = [name for name in names if name not in left_out]
    return [signal for layer in layers for signal in signals_of(model, layer, kept)]
