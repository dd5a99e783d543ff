"""Finding the cells that mean something, and not fooling oneself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from charrnn.errors import TextError
from charrnn.inspection.clamping import Clamp, clamp, ends
from charrnn.inspection.features import FEATURES, Feature, present
from charrnn.inspection.levels import LEVELS, Levels, Progress, nobody, take_down
from charrnn.inspection.probing import probe, probe_scores
from charrnn.inspection.reading import Signal, signals_of
from charrnn.inspection.scores import Measured, Sample, halves, measure, strength, sums, thinned
from charrnn.model import CharRNN
from charrnn.parameters import Array

#: Shifts that give the level of chance, and the share of them that lies below it.
SHIFTS, LEVEL = 200, 0.95
#: Places, at most, on which that is found out.
PLACES = 100_000
#: Untrained networks to compare with, and how many characters are enough to know one.
TWINS, TWIN = 4, 50_000
#: Fewer characters cannot be cut into halves of which both say something.
LEAST = 1_000
#: How much of the time each part takes, about, for the progress.
PARTS = {"read": 0.4, "choose": 0.05, "report": 0.05, "chance": 0.2, "twin": 0.2, "clamp": 0.1}


@dataclass(frozen=True)
class Found:
    """What became of one feature.

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
        untrained: the scores of the best cells of some untrained models, by the same procedure,
            the best of them first.
        probe: of a linear probe on the whole layer.
        clamp: what holding the cell still changes; None where it was not tried.
        place: a place in the text where it can be seen.
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
    clamp: Clamp | None
    place: int

    def strong(self, score: float) -> float:
        """From 0, chance, to 1, whatever the measure and the sign."""
        return abs(2 * score - 1) if self.measure == "AUC" else abs(score)

    @property
    def verdict(self) -> str:
        """What may be said: `found`, `spread over the layer`, `untrained as well` or `chance`."""
        own, chance = self.strong(self.score), self.strong(self.chance)
        layer = self.strong(self.probe)
        best, *_, worst = map(self.strong, self.untrained)
        if layer > chance and own < layer / 2:
            return "spread over the layer"
        if own <= chance:
            return "chance"
        # More than the best of the untrained, by more than they differ among themselves.
        return "found" if own > best + (best - worst) else "untrained as well"


@dataclass(frozen=True)
class Findings:
    """What was looked for and found.

    Attributes:
        rows: a feature each, the best followed first.
        missing: features that the text does not have often enough.
        characters: of the text.
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
    """For each feature of a text the cell that follows it best, with what tells it from chance.

    Cells are compared after the same current character (`charrnn.inspection.scores`), chosen on
    one half of the text and scored on the other. The level of chance is what the best of all
    cells reaches when the feature is moved against the text by a random number of places, in 95
    of 100 cases: the feature stays as it is, and so do the cells, but they have nothing to do
    with each other any more. The best cells of networks of the same build and random weights
    tell what can be known without learning anything: such a network remembers its last
    characters, too.

    Args:
        model: the model.
        text: what to read, best such as the model was not trained on.
        features: to look for; `FEATURES` unless given.
        signals: where to look; all that is carried from step to step, unless given.
        seed: of the shifts and of the cells to compare with.
        shown: how many of the first characters can be looked at: the place of each feature is
            one of them, if it is to be seen there; all unless given.
        progress: told how much is done, from 0 to 1.

    Raises:
        TextError: for a text that is too short.
        UnknownCharacter: for characters that the model does not know.
    """
    if len(text) < LEAST:
        raise TextError(f"{len(text):,} characters: to find cells takes at least {LEAST:,}")
    indices = model.vocabulary.encode(text)
    wanted, missing = present(text, FEATURES if features is None else features)
    signals = signals or signals_of(model)
    C = len(signals) * model.hidden_size
    if not wanted:
        return Findings((), tuple(missing), len(text), C)
    measured = measure(text, wanted)
    rng = np.random.default_rng(seed)
    first, second = halves(indices)
    levels = take_down(model, indices, signals, part(progress, "read"))
    chosen, _ = choose(levels, first, measured, part(progress, "choose"))
    scores = report(levels, second, measured, chosen, part(progress, "report"))
    few = thinned(indices, second, PLACES)
    chance = by_chance(levels, few, measured, rng, part(progress, "chance"))
    twins = score_untrained(model, indices[:TWIN], measured, signals, rng, part(progress, "twin"))
    probed = best_probe(levels, measured, first, second)
    rows = [
        Found(
            feature=name,
            measure="AUC" if measured.binary[number] else "Spearman",
            share=float(measured.values[number].mean()) if measured.binary[number] else None,
            signal=levels.cell(chosen[number])[0],
            cell=levels.cell(chosen[number])[1],
            score=float(scores[number]),
            precision=precision(levels, second, measured, number, chosen[number]),
            chance=float(chance[number]),
            untrained=tuple(twins[number].tolist()),
            probe=float(probed[number]),
            clamp=None,
            place=showing(measured.values[number], shown),
        )
        for number, name in enumerate(measured.names)
    ]
    rows = with_clamps(model, indices, measured, rows, rng)
    progress(1.0)
    rows.sort(key=lambda row: (row.verdict != "found", -row.strong(row.score)))
    return Findings(tuple(rows), tuple(missing), len(text), C)


def part(progress: Progress, name: str) -> Progress:
    """Whom to tell how much of a part of the work is done."""
    before = sum(list(PARTS.values())[: list(PARTS).index(name)])
    return lambda done: progress(before + PARTS[name] * done)


def choose(
    levels: Levels, sample: Sample, measured: Measured, progress: Progress = nobody
) -> tuple[list[int], Array]:
    """The cell that follows each feature best on a sample, of the C cells, and its score."""
    scores = sums(levels, sample, measured, progress=progress).scores(measured.binary)[:, 0]
    best = strength(scores, measured.binary).argmax(axis=1)
    return best.tolist(), np.take_along_axis(scores, best[:, None], axis=1)[:, 0]


def report(
    levels: Levels, sample: Sample, measured: Measured, chosen: Sequence[int], progress: Progress
) -> Array:
    """The scores of the cells chosen on another sample, (F,)."""
    scores = sums(levels, sample, measured, progress=progress).scores(measured.binary)
    own: Array = scores[np.arange(len(chosen)), 0, chosen]
    return own


def by_chance(
    levels: Levels,
    sample: Sample,
    measured: Measured,
    rng: np.random.Generator,
    progress: Progress,
) -> Array:
    """The scores that the best of all cells has in `LEVEL` of the cases by chance, (F,)."""
    n = len(sample.kinds)
    shifts = rng.integers(n // 20, n - n // 20, SHIFTS).tolist()
    scores = sums(levels, sample, measured, shifts, progress).scores(measured.binary)
    best = strength(scores, measured.binary).max(axis=2)  # (F, SHIFTS)
    chance = np.quantile(best, LEVEL, axis=1)
    level: Array = np.where(measured.binary, (1 + chance) / 2, chance)
    return level


def score_untrained(
    model: CharRNN,
    indices: Array,
    measured: Measured,
    signals: Sequence[Signal],
    rng: np.random.Generator,
    progress: Progress,
) -> Array:
    """The scores of the best cells of some untrained models like this one, (F, TWINS).

    They are chosen on one half and scored on the other, like the trained one's; the best first.
    """
    N = len(indices)
    values, weights = measured.values[:, :N], measured.weights[:, :N]
    measured = Measured(measured.names, measured.binary, values, weights)
    first, second = halves(indices)
    scores = []
    for number in range(TWINS):
        twin = CharRNN(model.vocabulary, **model.configuration)
        twin.initialize(rng)
        levels = take_down(twin, indices, signals, nobody)
        chosen, _ = choose(levels, first, measured)
        every = sums(levels, second, measured).scores(measured.binary)
        scores.append(every[np.arange(len(chosen)), 0, chosen])
        progress((number + 1) / TWINS)
    return best_first(np.stack(scores, axis=1), measured.binary)


def best_first(scores: Array, binary: Array) -> Array:
    """Scores (F, n) in the order of their distance from chance."""
    order = np.argsort(-strength(scores, binary), axis=1)
    ordered: Array = np.take_along_axis(scores, order, axis=1)
    return ordered


def best_probe(levels: Levels, measured: Measured, first: Sample, second: Sample) -> Array:
    """The score of a probe fitted on one half and read on the other, (F,); of the best layer."""
    layers = sorted({signal.layer for signal in levels.signals})
    scores = np.stack(
        [
            probe_scores(probe(levels, cells, measured, first, second), measured, second)
            for cells in map(levels.of_layer, layers)
        ],
        axis=1,
    )
    return best_first(scores, measured.binary)[:, 0]


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
