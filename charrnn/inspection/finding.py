"""Find the cells that follow a property of the text, with controls.

A table of findings makes many claims at once, so the rate of false claims that counts is that
of the whole table: of the tables of untrained models at most 5 in 100 claim anything, in any row.
`benchmarks/finding.py` measures the rate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from charrnn.arrays import Array
from charrnn.errors import TextError
from charrnn.inspection.clamping import Clamp, clamp, ends
from charrnn.inspection.features import FEATURES, Feature, present
from charrnn.inspection.levels import LEVELS, Levels, take_levels
from charrnn.inspection.probing import probe, probe_scores
from charrnn.inspection.reading import Progress, Signal, nobody, signals_of
from charrnn.inspection.scores import (
    LEAST_LEFT,
    Measured,
    Sample,
    halves,
    measure,
    residuals,
    strength,
    sums,
    thinned,
)
from charrnn.network.model import CharRNN

#: Shifts that give the level of chance, and the share of them that lies below it.
SHIFTS, LEVEL = 200, 0.95
#: Places, at most, on which that is found out.
PLACES = 100_000
#: Untrained models to compare with. A claim has to be beyond their mean by this many of their
#: standard deviations, as chosen by the rate of false claims.
TWINS, MARGIN = 10, 6
#: A strength of 1, for the transformation by which strengths are compared.
MOST_STRONG = 1 - 1e-6
#: Fewer characters cannot be cut into halves of which both say something.
LEAST = 1_000
#: Of a longer text this many characters are read, in blocks from all over it.
MOST, BLOCKS = 300_000, 40
#: How much of the time each part takes, about, for the progress.
PARTS = {"read": 0.08, "score": 0.04, "chance": 0.14, "twins": 0.66, "clamp": 0.08}


@dataclass(frozen=True)
class Found:
    """The cell that follows a feature best, and its controls.

    All scores are measured on the same characters by the same procedure.

    Scores are AUC (binary features: from 0 to 1, 1/2 is chance, 0 as good as 1 with the sign
    turned) or Spearman's correlation (graded ones: from −1 to 1).

    Attributes:
        feature: its name.
        measure: `AUC` or `Spearman`.
        share: of the characters at which it holds; None for a graded one.
        signal, cell: the cell that follows it best, chosen on one half of the text.
        score: of the cell, on the other half.
        precision: average precision there, of a binary feature: to be compared with `share`.
        chance: the score that the best of all cells reaches by chance, there.
        untrained: the scores of the best cells of some untrained models, the best first.
        probe: the score of a linear probe on a whole layer, the best of the layers.
        untrained_probe: the same of the untrained models, the best first.
        clamp: the effect of holding the cell still; None where it was not tried.
        place: a place in the text where the feature can be seen.
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
    clamp: Clamp | None
    place: int

    def strong(self, score: float) -> float:
        """From 0, chance, to 1, whatever the measure and the sign."""
        return abs(2 * score - 1) if self.measure == "AUC" else abs(score)

    @property
    def verdict(self) -> str:
        """`found`, `spread over the layer`, `untrained as well` or `chance`.

        A cell or a layer claims a feature if it is beyond chance and beyond the untrained
        models. Where the layer does and no cell knows half as much, no cell is named.
        """
        cell_knows = self._beyond(self.score, self.untrained)
        layer_knows = self._beyond(self.probe, self.untrained_probe)
        own, layer = self.strong(self.score), self.strong(self.probe)
        if layer_knows and not (cell_knows and own >= layer / 2):
            return "spread over the layer"
        if cell_knows:
            return "found"
        return "chance" if own <= self.strong(self.chance) else "untrained as well"

    def _beyond(self, score: float, untrained: tuple[float, ...]) -> bool:
        own = self.strong(score)
        return own > self.strong(self.chance) and beyond(own, list(map(self.strong, untrained)))


@dataclass(frozen=True)
class Findings:
    """The cells found in a text.

    Attributes:
        rows: a feature each, the best followed first.
        missing: features that the text has too rarely, or too rarely in one half of it, or that
            the current character gives away: nothing could be compared.
        characters: the characters read.
        cells: how many were looked at.
    """

    rows: tuple[Found, ...]
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
    progress: Progress = nobody,
) -> Findings:
    """Find for each feature of a text the cell that follows it best, with controls.

    Cells are compared after the same current character (`charrnn.inspection.scores`), chosen on
    one half of the text and scored on the other. The level of chance is the score that the best
    of all cells reaches in 95 of 100 cases when the feature is moved against the text by a
    random number of places: the feature stays as it is, and so do the cells, but they are
    unrelated. Models of the same architecture with random weights show what can be known
    without learning anything: such a network remembers its last characters, too. They read the
    same text, and their best cells and their probes are chosen and scored in the same way.

    Args:
        model: the model.
        text: the text to read, best one that the model was not trained on. Of more than 300,000
            characters that many are read, in 40 blocks from all over the text.
        features: to look for; `FEATURES` unless given.
        signals: where to look; all that is carried from step to step, unless given.
        seed: of the shifts, of the untrained models and of the cells to compare with.
        shown: how many of the first characters can be looked at: the place of each feature is
            one of them, if the feature can be seen there; all unless given.
        progress: receives the share that is done, from 0 to 1.

    Raises:
        TextError: for a text that is too short.
        UnknownCharacterError: for characters that the model does not know.
    """
    if len(text) < LEAST:
        raise TextError(f"{len(text):,} characters: to find cells takes at least {LEAST:,}")
    text, starts = spread(text)
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
    levels = take_levels(model, indices, signals, part(progress, "read"))
    own = best_cells(levels, measured, first, second, part(progress, "score"))
    few = thinned(indices, second, PLACES)
    chance = by_chance(levels, few, measured, rng, part(progress, "chance"))
    twins = []
    for number in range(TWINS):
        twin = CharRNN(model.vocabulary, **model.configuration)
        twin.initialize(rng)
        twins.append(best_cells(take_levels(twin, indices, signals), measured, first, second))
        part(progress, "twins")((number + 1) / TWINS)
    untrained, untrained_probes = (
        best_first(np.stack(scores, axis=1), measured.binary)
        for scores in ([twin.scores for twin in twins], [twin.probes for twin in twins])
    )
    if shown and len(starts) > 1:
        shown = min(shown, starts[1][0])
    rows = [
        Found(
            feature=name,
            measure="AUC" if measured.binary[number] else "Spearman",
            share=float(measured.values[number].mean()) if measured.binary[number] else None,
            signal=levels.cell(own.cells[number])[0],
            cell=levels.cell(own.cells[number])[1],
            score=float(own.scores[number]),
            precision=precision(levels, second, measured, number, own.cells[number]),
            chance=float(chance[number]),
            untrained=tuple(untrained[number].tolist()),
            probe=float(own.probes[number]),
            untrained_probe=tuple(untrained_probes[number].tolist()),
            clamp=None,
            place=place_in(showing(measured.values[number], shown), starts),
        )
        for number, name in enumerate(measured.names)
    ]
    rows = with_clamps(model, indices, measured, rows, rng)
    progress(1.0)
    rows.sort(key=lambda row: (row.verdict != "found", -row.strong(row.score)))
    return Findings(tuple(rows), tuple(missing), len(text), C)


def spread(text: str, most: int = MOST, blocks: int = BLOCKS) -> tuple[str, list[tuple[int, int]]]:
    """Shorten a long text to blocks from all over it, each from the beginning of a line.

    Returns:
        The blocks, joined, and of each one where it begins: in the new text and in the old one.
    """
    if len(text) <= most:
        return text, [(0, 0)]
    length = most // blocks
    starts = []
    for number in range(blocks):
        start = len(text) * number // blocks
        line = text.rfind("\n", max(0, start - length // 4), start) + 1 or start
        starts.append((number * length, line))
    return "".join(text[line : line + length] for _, line in starts), starts


def place_in(place: int, starts: list[tuple[int, int]]) -> int:
    """The place in a text of a place among its blocks, as `spread` gives them."""
    here, there = max(start for start in starts if start[0] <= place)
    return there + place - here


def part(progress: Progress, name: str) -> Progress:
    """A callback for the progress of one part of the work."""
    before = sum(list(PARTS.values())[: list(PARTS).index(name)])
    return lambda done: progress(before + PARTS[name] * done)


def comparable(measured: Measured, *samples: Sample) -> Measured:
    """The features of which each sample has enough, the current character given, to score."""
    least = np.min([residuals(measured, sample) for sample in samples], axis=0)
    return measured.only(least >= LEAST_LEFT)


class Best(NamedTuple):
    """The cells of a model that follow F features best, and its probes."""

    #: The number of the cell for each feature, chosen on one sample.
    cells: list[int]
    #: Its score on another, (F,).
    scores: Array
    #: The score there of the probe of a layer, fitted on the first, (F,); of the best layer.
    probes: Array


def best_cells(
    levels: Levels,
    measured: Measured,
    first: Sample,
    second: Sample,
    progress: Progress = nobody,
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
    """Compare a strength with those of untrained models.

    Strengths are compared by Fisher's transformation artanh: those near 1 cannot vary much.
    """
    others = np.arctanh(np.minimum(untrained, MOST_STRONG))
    return bool(np.arctanh(min(own, MOST_STRONG)) > others.mean() + MARGIN * others.std(ddof=1))


def best_first(scores: Array, binary: Array) -> Array:
    """Scores (F, n) in the order of their distance from chance."""
    order = np.argsort(-strength(scores, binary), axis=1)
    ordered: Array = np.take_along_axis(scores, order, axis=1)
    return ordered


def precision(
    levels: Levels, sample: Sample, measured: Measured, feature: int, cell: int
) -> float | None:
    """The average precision of a cell for a binary feature, whichever way it points.

    Places are taken in the order of the cell's value; the mean, over those where the feature
    holds, of how many of those taken until then have it. Its chance level is the feature's share.
    """
    if not measured.binary[feature]:
        return None
    bins = sample.take(levels.bins[cell])
    holds = sample.take(measured.values[feature]) > 0
    counted = sample.take(measured.weights[feature]) > 0
    every = np.bincount(bins[counted], minlength=LEVELS)
    right = np.bincount(bins[counted & holds], minlength=LEVELS)
    if not right.sum():
        return None
    precisions = []
    for taken, hits in ((every, right), (every[::-1], right[::-1])):
        running = np.cumsum(hits) / np.maximum(np.cumsum(taken), 1)
        precisions.append(float((running * hits).sum() / hits.sum()))
    return max(precisions)


def showing(values: Array, shown: int | None = None) -> int:
    """A place of a text (N,) where a feature holds, and does not far from it.

    It is among the first `shown` characters, if the feature is not the same for all of them.
    """
    first = values[:shown]
    values = first if first.min() < first.max() else values
    window = max(1, min(400, len(values) // 2))
    running = np.concatenate([[0.0], np.cumsum(values, dtype=np.float64)])
    means = (running[window:] - running[:-window]) / window
    middle = (values.max() + values.min()) / 2 if values.max() > 1 else min(0.5, means.max())
    start = int(np.abs(means - middle).argmin())
    return start + int((values[start : start + window] >= middle).argmax())


def with_clamps(
    model: CharRNN, indices: Array, measured: Measured, rows: list[Found], rng: np.random.Generator
) -> list[Found]:
    """The rows, with what holding the cell changes where one was found."""
    found = [number for number, row in enumerate(rows) if row.verdict == "found"]
    if not found:
        return rows
    falls = ends(measured.values[found])
    cells = [(rows[number].signal.layer, rows[number].cell) for number in found]
    clamps = dict(zip(found, clamp(model, indices, falls, cells, rng)))
    return [replace(row, clamp=clamps.get(number)) for number, row in enumerate(rows)]
