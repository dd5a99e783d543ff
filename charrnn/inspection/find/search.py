"""The search for cells that follow a feature of the text, with controls.

A table of findings makes many claims at once, so the rate of false claims is that of the whole
table: at most 5 in 100 tables of untrained models claim anything, in any row.
`benchmarks/finding.py` measures the rate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from charrnn.arrays import Array
from charrnn.errors import TextError
from charrnn.inspection.answer import Answer, Figure, Series, Table
from charrnn.inspection.features.features import FEATURES, Feature, present
from charrnn.inspection.find import MIN_CHARACTERS
from charrnn.inspection.find.ablation import Ablation, ablate, ends
from charrnn.inspection.find.levels import LEVELS, Levels, read_levels
from charrnn.inspection.find.probe import probe, probe_scores
from charrnn.inspection.find.scores import (
    MIN_RESIDUAL,
    Measured,
    Sample,
    halves,
    measure,
    residuals,
    strength,
    sums,
    thinned,
)
from charrnn.inspection.reading import Progress, Signal, no_progress, signals_of
from charrnn.inspection.subject import Subject
from charrnn.inspection.wording import direction, folded, listed, share
from charrnn.network.model import CharRNN

HELP = "Cells that follow something in the text, with controls."
HEADING = "Cells that follow something"

#: Random shifts for the level of chance, and the quantile of their scores that is the level.
SHIFTS, LEVEL = 200, 0.95
#: Positions, at most, for the level of chance.
CHANCE_POSITIONS = 100_000
#: Untrained models to compare with. A claim must exceed their mean by this many of their standard
#: deviations, chosen for the rate of false claims.
UNTRAINED_MODELS, MARGIN = 10, 6
#: Strengths are limited to this, because artanh is infinite at 1.
MAX_STRENGTH = 1 - 1e-6
#: The most characters to read, and the number of blocks into which a longer text is cut.
MAX_CHARACTERS, BLOCKS = 300_000, 40
#: The approximate share of the time of each part of the work, for the progress.
PARTS = {"read": 0.08, "score": 0.04, "chance": 0.14, "untrained": 0.66, "ablate": 0.08}

#: The headings of the table.
HEADINGS = (
    "feature",
    "verdict",
    "cell",
    "there",
    "score",
    "chance",
    "untrained",
    "holds",
    "probe",
    "untrained",
    "bits held",
    "others",
)
CAPTION = (
    "A cell follows a feature if its score is well above chance and above untrained networks. "
    "cell 1.20: cell 20 of layer 1 (c: its memory). there: its value inside the feature, or where "
    "the feature is large. Scores: AUC (chance 0.5, best 1); for graded features Spearman's "
    "correlation (chance 0, best 1). holds: the share of the text. probe: a readout of the whole "
    "layer. bits held: the loss where the feature ends if the cell is held at its mean; others: "
    "the most for other cells. verdict: found in this cell, spread over the whole layer, near "
    "untrained networks, or chance."
)
#: The sentence names at most this many cells.
MAX_NAMED = 5


@dataclass(frozen=True)
class Finding:
    """The cell that follows a feature best, and its controls.

    All scores are measured on the same characters by the same procedure. They are AUC for a
    binary feature (from 0 to 1; 1/2 is chance, and 0 is as good as 1 with the opposite sign) or
    Spearman's correlation for a graded feature (from −1 to 1).

    Attributes:
        feature: the name of the feature.
        measure: `AUC` or `Spearman`.
        share: the share of characters at which the feature holds; None for a graded feature.
        signal, cell: the cell that follows the feature best, chosen on one half of the text.
        score: the score of the cell on the other half.
        precision: the average precision on the other half, to be compared with `share`; None
            for a graded feature.
        chance: the score that the best of all cells reaches by chance on the other half.
        untrained: the scores of the best cells of the untrained models, the best first.
        probe: the score of a linear probe on a whole layer, the best of the layers.
        untrained_probe: the same for the untrained models, the best first.
        ablation: the effect of holding the cell at its mean; None unless the cell was found.
        position: a position in the text that shows the feature.
    """

    feature: str
    measure: str
    share: float | None
    signal: Signal
    cell: int
    score: float
    precision: float | None
    chance: float
    untrained: tuple[float, ...]
    probe: float
    untrained_probe: tuple[float, ...]
    ablation: Ablation | None
    position: int

    def strength(self, score: float) -> float:
        """The strength of a score, from 0, chance, to 1, for both measures and signs."""
        return abs(2 * score - 1) if self.measure == "AUC" else abs(score)

    @property
    def verdict(self) -> str:
        """`found`, `whole layer`, `untrained` or `chance`.

        A cell or a layer claims a feature if its score is beyond chance and beyond the untrained
        models. If the layer claims it, and no cell has half the strength of the layer, the
        feature is spread over the layer.
        """
        cell_claims = self._claims(self.score, self.untrained)
        layer_claims = self._claims(self.probe, self.untrained_probe)
        own, layer = self.strength(self.score), self.strength(self.probe)
        if layer_claims and not (cell_claims and own >= layer / 2):
            return "whole layer"
        if cell_claims:
            return "found"
        return "chance" if own <= self.strength(self.chance) else "untrained"

    def _claims(self, score: float, untrained: tuple[float, ...]) -> bool:
        own = self.strength(score)
        return own > self.strength(self.chance) and beyond(own, list(map(self.strength, untrained)))


@dataclass(frozen=True)
class Findings:
    """The result of a search.

    Attributes:
        rows: a finding for each feature, found ones first, then by strength.
        missing: features that could not be compared: they are too rare in the text or in one
            half of it, or determined by the current character.
        characters: the number of characters read.
        cells: the number of cells compared.
    """

    rows: tuple[Finding, ...]
    missing: tuple[str, ...]
    characters: int
    cells: int


def find_cells(
    model: CharRNN,
    text: str,
    *,
    features: dict[str, Feature] | None = None,
    signals: Sequence[Signal] | None = None,
    seed: int = 0,
    shown: int | None = None,
    progress: Progress = no_progress,
) -> Findings:
    """Find for each feature of a text the cell that follows it best, with controls.

    Cells are compared after the same current character (`charrnn.inspection.find.scores`),
    chosen on one half of the text and scored on the other. The level of chance is the score
    below which the best of all cells stays in 95 of 100 cases when the feature is shifted
    against the text by a random number of positions, which makes it unrelated to the cells.
    Models of the same architecture with random weights are a control for what needs no learning,
    since such a network remembers its last characters, too. The models with random weights read
    the same text, and their best cells and probes are chosen and scored in the same way.

    Args:
        model: the model.
        text: the text to read, preferably one that the model was not trained on. At most 300,000
            characters are read, of a longer text in 40 blocks from all over it.
        features: the features to search for; `FEATURES` unless given.
        signals: the signals of the cells; the state, h and c, unless given.
        seed: the seed of the shifts, of the untrained models and of the cells to compare with.
        shown: the number of characters of the text that are shown: the position of each finding
            is one of them if they show the feature; all unless given.
        progress: receives the share that is done, from 0 to 1.

    Raises:
        TextError: for a text that is too short.
        UnknownCharacterError: for characters that are not in the model's vocabulary.
    """
    if len(text) < MIN_CHARACTERS:
        raise TextError(
            f"cells are searched on a text of at least {MIN_CHARACTERS:,} characters, "
            f"not {len(text):,}: read a longer one with --text FILE"
        )
    text, starts = in_blocks(text)
    indices = model.vocabulary.encode(text)
    wanted, missing = present(text, FEATURES if features is None else features)
    signals = signals or signals_of(model)
    C = len(signals) * model.hidden_size
    first, second = halves(indices)
    measured = comparable(measure(text, wanted), first, second)
    missing += [name for name in wanted if name not in measured.names]
    if not measured.names:
        return Findings((), tuple(missing), len(text), C)
    rng = np.random.default_rng(seed)
    levels = read_levels(model, indices, signals, part(progress, "read"))
    own = best_cells(levels, measured, first, second, part(progress, "score"))
    few = thinned(indices, second, CHANCE_POSITIONS)
    chance = by_chance(levels, few, measured, rng, part(progress, "chance"))
    untrained = of_untrained(
        model, indices, signals, measured, (first, second), rng, part(progress, "untrained")
    )
    if shown and len(starts) > 1:
        shown = min(shown, starts[1][0])
    positions = [original_position(showing(values, shown), starts) for values in measured.values]
    rows = findings(levels, second, measured, own, chance, untrained, positions)
    rows = with_ablations(model, indices, measured, rows, rng)
    progress(1.0)
    rows.sort(key=lambda row: (row.verdict != "found", -row.strength(row.score)))
    return Findings(tuple(rows), tuple(missing), len(text), C)


def of_untrained(
    model: CharRNN,
    indices: Array,
    signals: Sequence[Signal],
    measured: Measured,
    samples: tuple[Sample, Sample],
    rng: np.random.Generator,
    progress: Progress,
) -> tuple[Array, Array]:
    """The scores of the best cells, and of the probes, of untrained models, the best first, (F, U).

    Args:
        model: the model whose shape the untrained ones have.
        indices: the text, (N,).
        signals: the signals of the cells.
        measured: the F features of the text.
        samples: the positions to choose cells on, and those to score on.
        rng: the source of the random weights.
        progress: receives the share that is done.
    """
    controls = []
    for number in range(UNTRAINED_MODELS):
        untrained = CharRNN(model.vocabulary, **model.configuration)
        untrained.initialize(rng)
        levels = read_levels(untrained, indices, signals)
        controls.append(best_cells(levels, measured, *samples))
        progress((number + 1) / UNTRAINED_MODELS)
    cells = np.stack([best.scores for best in controls], axis=1)
    probes = np.stack([best.probes for best in controls], axis=1)
    return best_first(cells, measured.binary), best_first(probes, measured.binary)


def findings(
    levels: Levels,
    sample: Sample,
    measured: Measured,
    own: Best,
    chance: Array,
    untrained: tuple[Array, Array],
    positions: Sequence[int],
) -> list[Finding]:
    """A finding for each of F features, in order, without ablations.

    Args:
        levels: the levels of the cells of the model.
        sample: the positions that are scored.
        measured: the features of the text.
        own: the best cells and the probes of the model.
        chance: the scores of chance, (F,).
        untrained: as from `of_untrained`.
        positions: a position of the text that shows each feature.
    """
    of_cells, of_probes = untrained
    rows = []
    for number, name in enumerate(measured.names):
        binary, (signal, cell) = measured.binary[number], levels.cell(own.cells[number])
        rows.append(
            Finding(
                feature=name,
                measure="AUC" if binary else "Spearman",
                share=float(measured.values[number].mean()) if binary else None,
                signal=signal,
                cell=cell,
                score=float(own.scores[number]),
                precision=precision(levels, sample, measured, number, own.cells[number]),
                chance=float(chance[number]),
                untrained=tuple(of_cells[number].tolist()),
                probe=float(own.probes[number]),
                untrained_probe=tuple(of_probes[number].tolist()),
                ablation=None,
                position=positions[number],
            )
        )
    return rows


def analyse(subject: Subject) -> Findings:
    """The cells of a subject that follow features."""
    return find_cells(
        subject.model,
        subject.text,
        features=subject.features,
        signals=subject.signals,
        seed=subject.seed,
        shown=subject.shown,
        progress=subject.progress,
    )


def in_blocks(
    text: str, max_characters: int = MAX_CHARACTERS, blocks: int = BLOCKS
) -> tuple[str, list[tuple[int, int]]]:
    """Shorten a long text to blocks from all over it, each from the beginning of a line.

    Returns:
        The blocks, joined, and the start of each block: in the new text and in the old one.
    """
    if len(text) <= max_characters:
        return text, [(0, 0)]
    length = max_characters // blocks
    starts = []
    for number in range(blocks):
        start = len(text) * number // blocks
        line = text.rfind("\n", max(0, start - length // 4), start) + 1 or start
        starts.append((number * length, line))
    return "".join(text[line : line + length] for _, line in starts), starts


def original_position(position: int, starts: list[tuple[int, int]]) -> int:
    """The position in the old text of a position among its blocks, as from `in_blocks`."""
    here, there = max(start for start in starts if start[0] <= position)
    return there + position - here


def part(progress: Progress, name: str) -> Progress:
    """A callback for the progress of one part of the work."""
    before = sum(list(PARTS.values())[: list(PARTS).index(name)])
    return lambda done: progress(before + PARTS[name] * done)


def comparable(measured: Measured, *samples: Sample) -> Measured:
    """The features that each sample has enough of to score them, given the current character."""
    least = np.min([residuals(measured, sample) for sample in samples], axis=0)
    return measured.only(least >= MIN_RESIDUAL)


class Best(NamedTuple):
    """The cells of a model that follow F features best, and its probes."""

    #: The number of the cell for each feature, chosen on one sample.
    cells: list[int]
    #: Its score on another sample, (F,).
    scores: Array
    #: The score on the other sample of a probe fitted on the first, (F,); the best of the layers.
    probes: Array


def best_cells(
    levels: Levels,
    measured: Measured,
    first: Sample,
    second: Sample,
    progress: Progress = no_progress,
) -> Best:
    """Choose cells and fit probes on one sample and score them on another."""
    binary = measured.binary
    to_choose = sums(levels, first, measured).scores(binary)[:, 0]  # (F, C)
    progress(0.3)
    to_report = sums(levels, second, measured).scores(binary)[:, 0]
    progress(0.6)
    cells = strength(to_choose, binary).argmax(axis=1)
    layers = sorted({signal.layer for signal in levels.signals})
    probes = [
        probe_scores(probe(levels, of_layer, measured, first, second), measured, second)
        for of_layer in map(levels.of_layer, layers)
    ]
    progress(1.0)
    return Best(
        cells.tolist(),
        to_report[np.arange(len(cells)), cells],
        best_first(np.stack(probes, axis=1), binary)[:, 0],
    )


def by_chance(
    levels: Levels,
    sample: Sample,
    measured: Measured,
    rng: np.random.Generator,
    progress: Progress,
) -> Array:
    """The score below which the best of all cells stays by chance in `LEVEL` of the cases, (F,)."""
    n = len(sample.kinds)
    shifts = rng.integers(n // 20, n - n // 20, SHIFTS).tolist()
    scores = sums(levels, sample, measured, shifts, progress).scores(measured.binary)
    best = strength(scores, measured.binary).max(axis=2)  # (F, SHIFTS)
    chance = np.quantile(best, LEVEL, axis=1)
    level: Array = np.where(measured.binary, (1 + chance) / 2, chance)
    return level


def beyond(own: float, untrained: Sequence[float]) -> bool:
    """True if a strength is significantly above those of untrained models.

    Strengths are compared by Fisher's transformation artanh, since those near 1 vary little.
    """
    others = np.arctanh(np.minimum(untrained, MAX_STRENGTH))
    return bool(np.arctanh(min(own, MAX_STRENGTH)) > others.mean() + MARGIN * others.std(ddof=1))


def best_first(scores: Array, binary: Array) -> Array:
    """Scores (F, n) in descending order of strength."""
    order = np.argsort(-strength(scores, binary), axis=1)
    ordered: Array = np.take_along_axis(scores, order, axis=1)
    return ordered


def precision(
    levels: Levels, sample: Sample, measured: Measured, feature: int, cell: int
) -> float | None:
    """The average precision of a cell for a binary feature, for the better of both signs.

    Positions are ranked by the cell's value. The average precision is the mean, over the positions
    where the feature holds, of the share of such positions among those ranked as high. The level of
    chance is the share of the feature. None for a graded feature.
    """
    if not measured.binary[feature]:
        return None
    bins = sample.select(levels.bins[cell])
    holds = sample.select(measured.values[feature]) > 0
    counted = sample.select(measured.weights[feature]) > 0
    every = np.bincount(bins[counted], minlength=LEVELS)
    holding = np.bincount(bins[counted & holds], minlength=LEVELS)
    if not holding.sum():
        return None
    precisions = []
    for ranked, hits in ((every, holding), (every[::-1], holding[::-1])):
        running = np.cumsum(hits) / np.maximum(np.cumsum(ranked), 1)
        precisions.append(float((running * hits).sum() / hits.sum()))
    return max(precisions)


def showing(values: Array, shown: int | None = None) -> int:
    """A position where a feature holds, near others where it does not.

    It is among the first `shown` characters unless the feature is constant there.

    Args:
        values: the feature of each character, (N,).
        shown: the number of characters shown; None for all.
    """
    first = values[:shown]
    values = first if first.min() < first.max() else values
    length = max(1, min(400, len(values) // 2))
    running = np.concatenate([[0.0], np.cumsum(values, dtype=np.float64)])
    means = (running[length:] - running[:-length]) / length
    middle = (values.max() + values.min()) / 2 if values.max() > 1 else min(0.5, means.max())
    start = int(np.abs(means - middle).argmin())
    return start + int((values[start : start + length] >= middle).argmax())


def with_ablations(
    model: CharRNN,
    indices: Array,
    measured: Measured,
    rows: list[Finding],
    rng: np.random.Generator,
) -> list[Finding]:
    """Add the effect of holding the cell to the rows with the verdict `found`."""
    found = [number for number, row in enumerate(rows) if row.verdict == "found"]
    if not found:
        return rows
    falls = ends(measured.values[found])
    cells = [(rows[number].signal.layer, rows[number].cell) for number in found]
    ablations = dict(zip(found, ablate(model, indices, falls, cells, rng)))
    return [replace(row, ablation=ablations.get(number)) for number, row in enumerate(rows)]


def answer(result: Findings) -> Answer:
    """Name the features that have a cell of their own, with a table of all scores."""
    found = [row for row in result.rows if row.verdict == "found"]
    lacks = ""
    if result.missing:
        names = ", ".join(result.missing)
        lacks = f"Too rare in the text, or decided by the current character: {names}."
    if not result.rows:
        return Answer(f"No feature could be compared. {lacks}".strip(), ())
    verb = "are" if len(found) > 1 else "is"
    sentence = (
        f"{len(found) or 'None'} of {len(result.rows)} features {verb} followed by a single cell"
    )
    if found:
        named = [f"{row.feature} (cell {short_name(row)})" for row in found[:MAX_NAMED]]
        more = [f"{len(found) - MAX_NAMED} more"] if len(found) > MAX_NAMED else []
        sentence += f": {listed(named + more)}"
    table = Table(HEADINGS, tuple(columns(row) for row in result.rows), CAPTION)
    return Answer(f"{sentence}. {lacks}".strip(), (_strengths(result),), table)


def cell_name(row: Finding) -> str:
    """`cell 42 of layer 1`; with `(c)` for a signal other than the output."""
    signal = "" if row.signal.name == "h" else f" ({row.signal.name})"
    return f"cell {row.cell} of layer {row.signal.layer}{signal}"


def short_name(row: Finding) -> str:
    """`1.42`: cell 42 of layer 1; `1.42 c` for a signal other than the output."""
    return f"{row.signal.layer}.{row.cell} {row.signal.name}".removesuffix(" h")


def columns(row: Finding) -> tuple[str, ...]:
    """A row of the table under `HEADINGS`.

    Of the other cells held, the one with the largest effect counts.
    """
    held, others = "–", "–"
    if row.ablation is not None and row.ablation.count:  # the feature ends somewhere
        held, others = f"{row.ablation.ends:+.2f}", f"{max(row.ablation.random, default=0):+.2f}"
    return (
        row.feature,
        row.verdict,
        short_name(row),
        direction(row.score, row.measure),
        f"{folded(row.score, row.measure):.2f}",
        f"{folded(row.chance, row.measure):.2f}",
        f"{folded(row.untrained[0], row.measure):.2f}",
        share(row.share).replace("less than", "<") if row.share is not None else "graded",
        f"{folded(row.probe, row.measure):.2f}",
        f"{folded(row.untrained_probe[0], row.measure):.2f}",
        held,
        others,
    )


def _strengths(result: Findings) -> Figure:
    """The strengths of cells and layers for each feature."""
    names = [row.feature for row in result.rows]
    series = {
        "best cell": [row.strength(row.score) for row in result.rows],
        "the whole layer": [row.strength(row.probe) for row in result.rows],
        "untrained": [row.strength(row.untrained[0]) for row in result.rows],
        "chance": [row.strength(row.chance) for row in result.rows],
    }
    return Figure(
        title="Strength of features, given the current character",
        x_label="",
        y_label="from 0, chance, to 1",
        series=tuple(Series(label, names, values, "bars") for label, values in series.items()),
        y_range=(0, 1),
        caption=(
            "A cell follows a feature if its bar is much longer than those of untrained networks "
            "and of chance."
        ),
    )
