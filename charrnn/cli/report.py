"""`charrnn inspect --html`: all there is to see, for one page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from math import log
from pathlib import Path
from typing import Any

from charrnn.cli.analyses import ANALYSES
from charrnn.cli.console import notice
from charrnn.cli.subject import Subject
from charrnn.cli.summary import rows, summarize
from charrnn.errors import TextError
from charrnn.inspection.finding import Findings
from charrnn.inspection.reading import Signal, signals_of
from charrnn.inspection.recording import record
from charrnn.inspection.yardstick import Yardstick
from charrnn.render import report
from charrnn.render.answers import finding
from charrnn.render.curves import learning_curves
from charrnn.render.escape import MAX_NAME, one_line
from charrnn.render.figures import Answer

#: Values, of all cells over all characters, that a page can hold and still opens quickly.
MOST_VALUES = 20_500_000

#: What analyses, by name, have found, and the same in words and pictures.
Answered = dict[str, tuple[Any, Answer]]
#: Asks a subject one of them.
Ask = Callable[[Subject, str], tuple[Any, Answer]]


def write_report(subject: Subject, options: dict[str, Any], answered: Answered, ask: Ask) -> None:
    """Ask everything that is not answered yet, and write the page.

    Raises:
        MissingExtraError: where what draws it is not installed.
        SettingError: where it cannot be written.
    """
    path: Path = options["html"]
    model, text = subject.model, subject.text[: subject.shown]
    findings, answers = ask_all(subject, answered, ask)
    signals = subject.signals if options["signal"] else fitting(subject, len(text), findings)
    summary = summarize(model, subject.checkpoint)
    page = report.Report(
        title=f"{shown(summary['corpus'].get('name', 'a text'))}: {summary['model']}",
        summary=(*rows(summary), ("shown", f"{shown(subject.name)}, {len(text):,} characters")),
        text=text,
        characters=model.vocabulary.ix_to_char,
        recording=record(model, subject.indices[: len(text)], signals, guesses=5),
        gates=model.layers[0].cell.gates,
        headings=finding.HEADINGS,
        found=tuple(
            report.Find(finding.columns(row), row.signal, row.cell, row.place)
            for row in findings.rows
        ),
        sections=tuple(report.Section(heading, answer) for heading, answer in answers.items()),
    )
    report.save(page, path)
    notice(f"{path}: {path.stat().st_size / 1e6:,.1f} MB; open it in a browser")


def ask_all(subject: Subject, answered: Answered, ask: Ask) -> tuple[Findings, dict[str, Answer]]:
    """The cells found, and the answer to every question that can be answered, by its heading."""
    findings, beside, answers = Findings((), (), 0, 0), {}, {"Learning": Answer("", ())}
    for name, analysis in ANALYSES.items():
        try:
            result, answer = answered.get(name) or ask(subject, name)
        except TextError as error:
            notice(f"without --{name}: {error}")
            continue
        if isinstance(result, Findings):
            findings = result
        if isinstance(result, Yardstick):
            loss = float(result.bits[result.best - 1] * log(2))
            beside[f"{result.best}-gram, on {shown(subject.name)}"] = loss
        answers[analysis.heading] = answer
    history = subject.checkpoint.run.history
    answers["Learning"] = Answer("", (learning_curves(history, beside),))
    return findings, answers


def shown(name: str) -> str:
    """A name as a page shows it."""
    return one_line(name, MAX_NAME)


def fitting(subject: Subject, characters: int, findings: Findings) -> list[Signal]:
    """As many signals as a page has room for; first those in which cells were found."""
    model = subject.model
    layers = sorted({signal.layer for signal in subject.signals})
    names = list(model.layers[0].cell.signals)
    most = max(1, MOST_VALUES // (len(layers) * model.hidden_size * characters))
    found = Counter(row.signal.name for row in findings.rows)
    left_out = sorted(names, key=lambda name: -found[name])[most:]
    if left_out:
        notice(f"to keep the page small, without {', '.join(left_out)}: see --signal, --length")
    if lost := sum(found[name] for name in left_out):
        notice(f"{lost} of {len(findings.rows)} rows of the table are of these, and no links")
    kept = [name for name in names if name not in left_out]
    return [signal for layer in layers for signal in signals_of(model, layer, kept)]
