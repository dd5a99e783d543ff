"""`charrnn inspect --html`: all there is to see, for one page."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from math import log
from pathlib import Path

from charrnn.cli.analyses import ANALYSES
from charrnn.cli.options import notice
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
from charrnn.render.figures import Answer

#: Characters of the text to show, unless asked otherwise.
LENGTH = 20_000
#: Values, of all cells over all characters, that a page can hold and still opens quickly.
MOST_VALUES = 20_500_000

#: A bar for one part of the work.
Bars = Callable[[str], AbstractContextManager[Callable[[float], None]]]


def write_report(subject: Subject, path: Path, length: int | None, bars: Bars) -> None:
    """Ask everything, and write the page.

    Raises:
        MissingExtra: where what draws it is not installed.
        SettingError: where it cannot be written.
    """
    model, text = subject.model, subject.text[: length or LENGTH]
    signals = fitting(subject, len(text))
    findings, answers = ask_all(subject, bars)
    summary = summarize(model, subject.checkpoint)
    page = report.Report(
        title=f"{summary['corpus']['name']}: {summary['model']}",
        summary=(*rows(summary), ("shown", f"{subject.name}, {len(text):,} characters")),
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


def ask_all(subject: Subject, bars: Bars) -> tuple[Findings, dict[str, Answer]]:
    """The cells found, and the answer to every question that can be answered, by its heading."""
    findings, beside, answers = Findings((), (), 0, 0), {}, {"Learning": Answer("", ())}
    for name, analysis in ANALYSES.items():
        try:
            with bars(name) as subject.progress:
                result = analysis.analyse(subject)
        except TextError as error:
            notice(f"without --{name}: {error}")
            continue
        answer = analysis.answer(result)
        if isinstance(result, Findings):
            findings = result
        if isinstance(result, Yardstick):
            loss = float(result.bits[result.best - 1] * log(2))
            beside[f"{result.best}-gram on the text shown"] = loss
        answers[analysis.heading] = answer
    history = subject.checkpoint.run["history"]
    answers["Learning"] = Answer("", (learning_curves(history, beside),))
    return findings, answers


def fitting(subject: Subject, characters: int) -> list[Signal]:
    """The signals that a page has room for: what is asked for, or as many as fit."""
    model = subject.model
    names = list(dict.fromkeys(signal.name for signal in subject.signals))
    carried = list(model.layers[0].cell.state_names)
    if names == carried:  # not asked for: as many of all as there is room for
        each = model.num_layers * model.hidden_size * characters
        most = max(1, MOST_VALUES // each)
        names = list(model.layers[0].cell.signals)[:most]
        if left_out := list(model.layers[0].cell.signals)[most:]:
            notice(f"to keep the page small, without {', '.join(left_out)}: see --signal, --length")
    layers = {signal.layer for signal in subject.signals}
    return [signal for layer in sorted(layers) for signal in signals_of(model, layer, names)]
