"""What a whole layer knows of a feature, be it spread over many cells: a linear probe."""

from __future__ import annotations

import numpy as np

from charrnn.inspection.levels import LEVELS, Levels
from charrnn.inspection.scores import Measured, Sample, scores_of
from charrnn.parameters import Array

#: What is added to the diagonal, as a share of its mean: cells that never move, or alike, would
#: make the equations impossible to solve.
RIDGE = 1e-3


def probe(
    levels: Levels, cells: Array, features: Measured, fit_on: Sample, read_on: Sample
) -> Array:
    """Predict features from all cells of a layer.

    The values of the features are fitted by the levels x of the cells and by the current
    character, which is taken out by subtracting means after each character (Frisch, Waugh
    1933), with least squares: w = (Σ x·xᵀ + λ)⁻¹ Σ x·f (ridge regression: Hoerl, Kennard 1970;
    probes: Alain, Bengio 2016).

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
    D, F, K = len(cells), len(features.names), len(sample.counts)
    moments = np.zeros((D, D + F))  # Σ x·xᵀ and Σ x·f
    of_inputs, of_features = np.zeros((D, K)), np.zeros((F, K))  # sums by character
    one_hot = np.eye(K, dtype=np.float32)
    for here, there in sample.chunks():
        x, f = inputs(levels, cells, there), features.values[:, there]
        rows = one_hot[sample.kinds[here]]  # (m, K)
        moments += x @ np.concatenate([x, f]).T
        of_inputs += x @ rows
        of_features += f @ rows
    means = of_inputs / np.maximum(sample.counts, 1)
    moments -= means @ np.concatenate([of_inputs, of_features]).T
    squares, products = moments[:, :D], moments[:, D:]
    ridge = RIDGE * squares.trace() / D + 1e-9
    weights: Array = np.linalg.solve(squares + ridge * np.eye(D), products)
    return weights.astype(np.float32)


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
    """How well each prediction (F, n) follows its own feature, AUC or Spearman, (F,)."""
    u = ranks_within(predicted, sample)
    weights = sample.take(features.weights) * sample.scored[sample.kinds]
    f = sample.take(features.values) * weights
    K = len(sample.counts)
    by_kind = np.stack([np.bincount(sample.kinds, row, K) for row in f])
    between = (by_kind**2 / np.maximum(sample.counts, 1)).sum(axis=1)
    squares, products, ranks = (
        array.sum(axis=1, dtype=np.float64) for array in (f * f, f * u, weights * u * u)
    )
    return scores_of(products, squares - between, ranks, features.binary)
