"""Scores of cells for features, given the current character.

A cell that only detects the character it has just read, such as a quote, would seem to know a
feature. So its values are compared only with those after the same character. Let u be the rank of
a value among those after the same character, from −1/2 to 1/2, so that its mean is 0 after each
character. With a feature f, and r = f − its mean after the same character,

    AUC      = 1/2 + Σ f·u / Σ r²            for a binary feature (f is 1 or 0)
    Spearman = Σ f·u / √(Σ r² · Σ u²)        for a graded feature (f is its rank)

The first is the mean of the characters' areas under the ROC curve (Mann, Whitney 1947), with the
weights of the least variance (van Elteren 1960): the probability that the value where the feature
holds is above one where it does not, after the same character. The second is a partial rank
correlation, given the character. Both are sums of products of a feature and a cell, so those of
all features and cells, at all shifts of the features against the text, are one matrix product.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from charrnn.arrays import Array
from charrnn.inspection.features.features import Feature
from charrnn.inspection.find.levels import LEVELS, Levels
from charrnn.inspection.reading import Progress, no_progress
from charrnn.machine import cores

#: A character is left out if it occurs less often than this, or is not among the commonest this
#: many: there is little to compare its values with.
MIN_COUNT, MAX_KINDS = 8, 256
#: If Σ r² is less, the current character determines nearly all of a feature. For a rare feature,
#: Σ r² is about the number of characters at which it holds without being determined.
MIN_RESIDUAL = 5.0
#: Positions of a chunk.
CHUNK = 4096


@dataclass(frozen=True)
class Sample:
    """Blocks of a text on which cells are scored, with n positions.

    Attributes:
        blocks: the slices of the text.
        kinds: the number of the character at each position, (n,), from 0 to K − 1; K − 1 stands
            for all characters that are too rare to be scored.
        counts: the number of positions of each kind, (K,).
    """

    blocks: tuple[slice, ...]
    kinds: Array
    counts: Array

    @property
    def scored(self) -> Array:
        """The kinds that are scored, booleans (K,)."""
        enough: Array = self.counts >= MIN_COUNT
        enough[-1] = False
        return enough

    def select(self, values: Array) -> Array:
        """A copy of values (…, N) at the positions of the sample, (…, n)."""
        return np.concatenate([values[..., block] for block in self.blocks], axis=-1)

    def chunks(self) -> Iterator[tuple[slice, slice]]:
        """The positions of the sample in chunks, each with its positions in the text."""
        first = 0
        for block in self.blocks:
            step = block.step or 1
            for start in range(block.start, block.stop, CHUNK * step):
                there = slice(start, min(start + CHUNK * step, block.stop), step)
                count = len(range(there.start, there.stop, step))
                yield slice(first, first + count), there
                first += count


def whole(indices: Array) -> Sample:
    """All of a text, (N,), as a sample."""
    return samples(indices, [[slice(0, len(indices))]])[0]


def thinned(indices: Array, sample: Sample, count: int) -> Sample:
    """About `count` positions of a sample, evenly spaced.

    The values at neighbouring positions are similar, so this saves much work and loses little.
    """
    step = -(-len(sample.kinds) // count)
    blocks = [slice(block.start, block.stop, step) for block in sample.blocks]
    return samples(indices, [blocks])[0]


def halves(indices: Array, blocks: int = 20) -> tuple[Sample, Sample]:
    """Two halves of a text (N,), in alternating blocks: one to choose on, one to score on.

    Blocks separate neighbouring characters, which are similar; alternating blocks sample the
    whole text in both halves.
    """
    edges = np.arange(blocks + 1) * len(indices) // blocks
    spans = [slice(int(start), int(stop)) for start, stop in pairwise(edges)]
    first, second = samples(indices, [spans[::2], spans[1::2]])
    return first, second


def samples(indices: Array, parts: Sequence[Sequence[slice]]) -> list[Sample]:
    """Samples of a text (N,), each of some blocks, with the same numbering of characters."""
    found, counts = np.unique(indices, return_counts=True)
    kept = found[np.argsort(-counts, kind="stable")][: MAX_KINDS - 1]
    kind_of = np.full(int(indices.max()) + 1, len(kept), np.intp)
    kind_of[kept] = np.arange(len(kept))
    result = []
    for blocks in parts:
        kinds = kind_of[np.concatenate([indices[block] for block in blocks])]
        result.append(Sample(tuple(blocks), kinds, np.bincount(kinds, minlength=len(kept) + 1)))
    return result


@dataclass(frozen=True)
class Measured:
    """F features of a text of N characters.

    Attributes:
        names: their names, F.
        binary: True for each binary feature, (F,).
        values: (F, N), float32: 1 or 0 for a binary feature, otherwise the rank, from 0 to 1.
        weights: (F, N), float32: 0 at the feature's own delimiters, which are not scored, else 1.
    """

    names: tuple[str, ...]
    binary: Array
    values: Array
    weights: Array

    def only(self, wanted: Array) -> Measured:
        """The features for which `wanted`, booleans (F,), is True."""
        names = tuple(name for name, keep in zip(self.names, wanted) if keep)
        return Measured(names, self.binary[wanted], self.values[wanted], self.weights[wanted])


def residuals(features: Measured, sample: Sample) -> Array:
    """Σ r² of each feature on a sample, (F,)."""
    weights = sample.select(features.weights) * sample.scored[sample.kinds]
    f = sample.select(features.values) * weights
    by_kind = np.empty((len(f), len(sample.counts)))
    for row, values in zip(by_kind, f):
        row[...] = np.bincount(sample.kinds, values, len(row))
    between = by_kind**2 / np.maximum(sample.counts, 1)
    left: Array = np.square(f).sum(axis=1, dtype=np.float64) - between.sum(axis=-1)
    return left


def measure(text: str, features: dict[str, Feature]) -> Measured:
    """Measure features of a text of N characters."""
    characters = np.array(list(text))
    values = np.empty((len(features), len(text)), np.float32)
    weights = np.ones((len(features), len(text)), np.float32)
    for row, feature in enumerate(features.values()):
        measured = feature.measure(text)
        values[row] = measured if feature.binary else ranked(measured) / len(text)
        if feature.delimiters:
            weights[row, np.isin(characters, list(feature.delimiters))] = 0
    binary = np.array([feature.binary for feature in features.values()], bool)
    return Measured(tuple(features), binary, values, weights)


def ranked(values: Array) -> Array:
    """The ranks of values from 1, the lowest, (N,); equal values share their mean rank."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    shared: Array = (last - (counts - 1) / 2)[inverse]
    return shared


def rank_tables(levels: Levels, sample: Sample) -> Array:
    """The rank u of each level of each cell after each kind of character, (C, K·256)."""
    K, n = len(sample.counts), len(sample.kinds)
    offsets = sample.kinds * LEVELS
    tables = np.empty((len(levels.bins), K * LEVELS), np.float32)
    counts = np.maximum(sample.counts, 1)[:, None]
    keys = np.empty(n, np.intp)
    for cell, bins in enumerate(levels.bins):
        np.add(offsets, sample.select(bins), out=keys)
        times = np.bincount(keys, minlength=K * LEVELS).reshape(K, LEVELS)
        rank = np.cumsum(times, axis=1) - (times - 1) / 2
        u = (rank - (sample.counts[:, None] + 1) / 2) / counts
        u[~sample.scored] = 0
        tables[cell] = u.ravel()
    return tables


@dataclass(frozen=True)
class Sums:
    """The sums in the scores of F features, each at S shifts, and C cells."""

    products: Array  # Σ f·u, (F, S, C)
    residuals: Array  # Σ r², (F, S)
    ranks: Array  # Σ u², (F, C)

    def scores(self, binary: Array) -> Array:
        """AUC or Spearman, (F, S, C); the score of chance where Σ r² is too small."""
        return scores_of(self.products, self.residuals[:, :, None], self.ranks[:, None, :], binary)


def scores_of(products: Array, residuals: Array, ranks: Array, binary: Array) -> Array:
    """The scores from Σ f·u, Σ r² and Σ u², each (F, …); binary (F,)."""
    binary = binary.reshape(-1, *(1,) * (products.ndim - 1))
    left = np.maximum(residuals, MIN_RESIDUAL)
    auc, spearman = products / left, products / np.sqrt(left * np.maximum(ranks, 1e-9))
    scores: Array = np.where(binary, 0.5, 0) + np.where(
        residuals < MIN_RESIDUAL, 0, np.where(binary, auc, spearman)
    )
    return scores


def strength(scores: Array, binary: Array) -> Array:
    """The strengths of scores (F, …), from 0, chance, to 1, for both measures; binary (F,)."""
    binary = binary.reshape(-1, *(1,) * (scores.ndim - 1))
    strong: Array = np.where(binary, np.abs(2 * scores - 1), np.abs(scores))
    return strong


def ranks_at(tables: Array, bins: Array, kinds: Array) -> Array:
    """The ranks u of all cells at m positions, (C, m); bins (C, m), kinds (m,)."""
    keys = bins + kinds * LEVELS  # (C, m)
    return np.stack([table.take(key) for table, key in zip(tables, keys)])


def sums(
    levels: Levels,
    sample: Sample,
    features: Measured,
    shifts: Sequence[int] = (0,),
    progress: Progress = no_progress,
) -> Sums:
    """The sums of products of features and cells.

    Args:
        levels: the levels of the cells.
        sample: the positions to sum over.
        features: the features of the text.
        shifts: the numbers of positions by which features are moved ahead, in a circle.
        progress: receives the share that is done.
    """
    factors = Factors(levels, sample, features, np.asarray(shifts), rank_tables(levels, sample))
    chunks, workers = list(sample.chunks()), cores()
    shares = [chunks[number::workers] for number in range(workers)]
    with ThreadPoolExecutor(workers) as pool:
        # Matrix products release Python's lock. The first share reports progress for all.
        callbacks = [progress, *(no_progress,) * (workers - 1)]
        parts = list(pool.map(factors.multiply, shares, callbacks))
    products, squares, ranks = (sum(arrays[1:], arrays[0]) for arrays in zip(*parts))
    by_cell, by_kind = np.split(products, [len(levels.bins)], axis=2)
    between = (by_kind**2 / np.maximum(sample.counts, 1)).sum(axis=2)
    return Sums(by_cell, squares - between, ranks)


class Factors:
    """Features at their shifts, and ranks of cells, to be multiplied chunk by chunk."""

    def __init__(
        self, levels: Levels, sample: Sample, features: Measured, shifts: Array, tables: Array
    ) -> None:
        self.levels, self.sample, self.tables = levels, sample, tables
        values = sample.select(features.values)
        # Repeated once, so that a chunk is contiguous at every shift.
        self.circle = np.concatenate([values, values], axis=1)
        self.weights = sample.select(features.weights)
        self.starts = shifts % values.shape[1]
        self.scored = sample.scored.astype(np.float32)

    def multiply(
        self, chunks: Sequence[tuple[slice, slice]], progress: Progress
    ) -> tuple[Array, Array, Array]:
        """Sum over chunks: Σ f·u and Σ f of each kind, (F, S, C + K); Σ f²; Σ u²."""
        F, S, C, K = len(self.circle), len(self.starts), len(self.tables), len(self.scored)
        products, squares, ranks = np.zeros((F * S, C + K)), np.zeros((F, S)), np.zeros((F, C))
        one_hot = np.eye(K, dtype=np.float32)
        for number, (here, there) in enumerate(chunks, start=1):
            kinds, m = self.sample.kinds[here], here.stop - here.start
            u = ranks_at(self.tables, self.levels.bins[:, there], kinds)
            right = np.concatenate([u, one_hot[kinds].T * self.scored[:, None]])  # (C + K, m)
            views = np.lib.stride_tricks.sliding_window_view(self.circle, m, axis=1)
            left = views[:, here.start + self.starts] * self.weights[:, None, here]  # (F, S, m)
            products += left.reshape(F * S, m) @ right.T
            ranks += self.weights[:, here] @ np.square(u).T
            np.square(left, out=left)
            squares += left @ self.scored[kinds]
            progress(number / len(chunks))
        return products.reshape(F, S, C + K), squares, ranks
