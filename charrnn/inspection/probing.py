"""A linear probe: what a layer as a whole knows of a feature."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from charrnn.arrays import Array
from charrnn.inspection.levels import LEVELS, Levels
from charrnn.inspection.scores import Measured, Sample, residuals, scores_of
from charrnn.parallel.threads import cores

#: What is added to the diagonal, as a share of its mean: cells that never move, or alike, would
#: make the equations impossible to solve.
RIDGE = 1e-3


def probe(
    levels: Levels, cells: Array, features: Measured, fit_on: Sample, read_on: Sample
) -> Array:
    """Predict features from all cells of a layer.

    The values of the features are fitted by the levels x of the cells, which are their ranks
    in 256 steps, and by the current character, which is taken out by subtracting means after
    each character (Frisch, Waugh 1933), with least squares: w = (Σ x·xᵀ + λ)⁻¹ Σ x·f (ridge
    regression: Hoerl, Kennard 1970; probes: Alain, Bengio 2016).

    Args:
        levels, features: of the text.
        cells: which of the C cells to use, (D,).
        fit_on, read_on: the places for fitting, and those for which to predict.

    Returns:
        The predictions w·x, (F, n) for the n places of `read_on`.
    """
    weights = fit(levels, cells, features, fit_on)
    predicted = np.empty((len(features.names), len(read_on.kinds)), np.float32)
    for here, there in read_on.chunks():
        predicted[:, here] = weights.T @ inputs(levels, cells, there)
    return predicted


def inputs(levels: Levels, cells: Array, places: slice) -> Array:
    """The levels x of some cells at m places as numbers from −1/2 to 1/2, (D, m)."""
    return levels.bins[cells, places].astype(np.float32) / (LEVELS - 1) - np.float32(0.5)


def fit(levels: Levels, cells: Array, features: Measured, sample: Sample) -> Array:
    """The weights w, (D, F)."""
    D = len(cells)
    chunks, workers = list(sample.chunks()), cores()
    shares = [chunks[number::workers] for number in range(workers)]
    with ThreadPoolExecutor(workers) as pool:  # products run outside of Python's lock
        parts = pool.map(lambda share: moments(levels, cells, features, sample, share), shares)
        squares, by_kind = (np.sum(arrays, axis=0) for arrays in zip(*parts))
    means = by_kind[:D] / np.maximum(sample.counts, 1)
    squares = squares - means @ by_kind.T
    ridge = RIDGE * squares[:, :D].trace() / D + 1e-9
    weights: Array = np.linalg.solve(squares[:, :D] + ridge * np.eye(D), squares[:, D:])
    return weights.astype(np.float32)


def moments(
    levels: Levels,
    cells: Array,
    features: Measured,
    sample: Sample,
    chunks: Sequence[tuple[slice, slice]],
) -> tuple[Array, Array]:
    """Over some chunks: Σ x·xᵀ and Σ x·f, (D, D + F), and Σ x and Σ f of each kind, (D + F, K)."""
    D, F, K = len(cells), len(features.names), len(sample.counts)
    products, by_kind = np.zeros((D, D + F)), np.zeros((D + F, K))
    one_hot = np.eye(K, dtype=np.float32)
    for here, there in chunks:
        x_f = np.concatenate([inputs(levels, cells, there), features.values[:, there]])
        products += x_f[:D] @ x_f.T
        by_kind += x_f @ one_hot[sample.kinds[here]]
    return products, by_kind


def ranks_within(values: Array, sample: Sample) -> Array:
    """The ranks u of values (F, n) after the same kind of character, as of cells' levels."""
    u = np.zeros(values.shape, np.float32)
    for row, ranks in zip(values, u):
        order = np.lexsort((row, sample.kinds))  # by kind, and by value within
        first = np.cumsum(sample.counts) - sample.counts
        kinds = sample.kinds[order]
        count = sample.counts[kinds]
        rank = np.arange(len(row)) - first[kinds] - (count - 1) / 2
        ranks[order] = np.where(sample.scored[kinds], rank / count, 0)
    return u


def probe_scores(predicted: Array, features: Measured, sample: Sample) -> Array:
    """Score each prediction (F, n) against its own feature, by AUC or Spearman, (F,)."""
    u = ranks_within(predicted, sample)
    weights = sample.take(features.weights) * sample.scored[sample.kinds]
    f = sample.take(features.values) * weights
    products, ranks = (array.sum(axis=1, dtype=np.float64) for array in (f * u, weights * u * u))
    return scores_of(products, residuals(features, sample), ranks, features.binary)
