import numpy as np
import pytest

from charrnn.inspection.features.features import Feature
from charrnn.inspection.find.levels import Levels
from charrnn.inspection.find.probe import probe, probe_scores, ranks_within
from charrnn.inspection.find.scores import halves, measure
from charrnn.inspection.reading import Signal


def made(rng, known):
    """Cells whose sum, and no single cell, follows a feature; `known` is the quality."""
    n = 4_000
    cells = rng.integers(60, 196, (6, n))
    total = cells.sum(axis=0) + (1 - known) * 300 * rng.standard_normal(n)
    text = "".join(rng.choice(list("ab"), n))
    indices = np.unique(list(text), return_inverse=True)[1]
    levels = Levels((Signal(1, "h"),), cells.astype(np.uint8), 6)
    measured = measure(
        text,
        {
            "holds": Feature(True, lambda _: total > np.median(total)),
            "degree": Feature(False, lambda _: total),
        },
    )
    return levels, measured, halves(indices)


def test_a_probe_finds_a_feature_that_is_spread_over_the_cells(rng):
    levels, measured, (first, second) = made(rng, 1.0)
    predicted = probe(levels, np.arange(6), measured, first, second)
    assert predicted.shape == (2, 2_000)
    scores = probe_scores(predicted, measured, second)
    assert scores == pytest.approx([1, 1], abs=0.01)


def test_cells_without_the_feature_make_no_good_probe(rng):
    levels, measured, (first, second) = made(rng, 1.0)
    wrong = Levels(levels.signals, rng.permuted(levels.bins, axis=1), 6)
    predicted = probe(wrong, np.arange(6), measured, first, second)
    assert probe_scores(predicted, measured, second) == pytest.approx([0.5, 0], abs=0.08)


def test_constant_cells_do_no_harm_to_a_probe(rng):
    levels, measured, (first, second) = made(rng, 1.0)
    bins = np.concatenate([levels.bins, np.full_like(levels.bins[:3], 7)])
    still = Levels(levels.signals, bins, 9)
    predicted = probe(still, np.arange(9), measured, first, second)
    assert probe_scores(predicted, measured, second) == pytest.approx([1, 1], abs=0.01)


def test_ranks_are_those_after_the_same_character(rng):
    _, _, (_, half) = made(rng, 1.0)
    values = rng.standard_normal((2, 2_000))
    u = ranks_within(values, half)
    for kind in (0, 1):
        own = half.kinds == kind
        expected = values[0, own].argsort().argsort() - (own.sum() - 1) / 2
        np.testing.assert_allclose(u[0, own], expected / own.sum(), atol=1e-6)
