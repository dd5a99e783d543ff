"""Linear probes: predict a feature from all cells of a layer."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from charrnn.arrays import Array
from charrnn.inspection.find.levels import LEVELS, Levels
from charrnn.inspection.find.scores import Measured, Sample, residuals, scores_of
from charrnn.machine import cores

#: The ridge on the diagonal, as a share of its mean: constant or equal cells would make the
#: equations singular.
RIDGE = 1e-3


def probe(
    levels: Levels, cells: Array, features: Measured, fit_on: Sample, predict_on: Sample
) -> Array:
    """Predict features from all cells of a layer.

    Least squares fits the features by the levels x of the cells, which are their ranks in 256
    steps: w = (Σ x·xᵀ + λ)⁻¹ Σ x·f (ridge regression: Hoerl, Kennard 1970; probes: Alain, Bengio
    2016). The effect of the current character is removed by subtracting the means after each
    character (Frisch, Waugh 1933).

    Args:
        levels, features: those of the text.
        cells: the numbers of the cells to use, (D,).
        fit_on, predict_on: the positions for fitting, and those for predicting.

    Returns:
        The predictions w·x, (F, n) for the n positions of `predict_on`.
    """
    weights = fit(levels, cells, features, fit_on)
    predicted = np.empty((len(features.names), len(predict_on.kinds)), np.float32)
    for here, there in predict_on.chunks():
        predicted[:, here] = weights.T @ inputs(levels, cells, there)
    return predicted


def inputs(levels: Levels, cells: Array, positions: slice) -> Array:
    """The levels x of some cells at m positions as numbers from −1/2 to 1/2, (D, m)."""
    return levels.bins[cells, positions].astype(np.float32) / (LEVELS - 1) - np.float32(0.5)


def fit(levels: Levels, cells: Array, features: Measured, sample: Sample) -> Array:
    """The weights w, (D, F)."""
    D = len(cells)
    chunks, workers = list(sample.chunks()), cores()
    shares = [chunks[number::workers] for number in range(workers)]
    with ThreadPoolExecutor(workers) as pool:  # matrix products release Python's lock
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
    """Sum over chunks: Σ x·xᵀ and Σ x·f, (D, D + F); Σ x and Σ f of each kind, (D + F, K)."""
    D, F, K = len(cells), len(features.names), len(sample.counts)
    products, by_kind = np.zeros((D, D + F)), np.zeros((D + F, K))
    one_hot = np.eye(K, dtype=np.float32)
    for here, there in chunks:
        x_f = np.concatenate([inputs(levels, cells, there), features.values[:, there]])
        products += x_f[:D] @ x_f.T
        by_kind += x_f @ one_hot[sample.kinds[here]]
    return products, by_kind


def ranks_within(values: Array, sample: Sample) -> Array:
    """The ranks u of values (F, n) among those after the same character."""
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
    weights = sample.select(features.weights) * sample.scored[sample.kinds]
    f = sample.select(features.values) * weights
    products, ranks = (array.sum(axis=1, dtype=np.float64) for array in (f * u, weights * u * u))
    return scores_of(products, residuals(features, sample), ranks, features.binary)
