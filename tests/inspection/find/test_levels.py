import numpy as np
import pytest
from helpers.planted import bracket_counter, long_brackets

from charrnn.inspection.find.levels import Scale, quantiles, read_levels
from charrnn.inspection.find.scores import ranked
from charrnn.inspection.reading import MIN_PART_CHARACTERS, Signal, signals_of
from charrnn.inspection.recording import record


@pytest.mark.parametrize("length", [50, 2 * MIN_PART_CHARACTERS + 17])
def test_levels_are_in_the_order_of_the_values(length, tiny_model, rng):
    model = tiny_model("lstm", 2)
    text = rng.integers(0, 7, length)
    signals = signals_of(model)
    reported = []
    levels = read_levels(model, text, signals, reported.append)
    assert levels.bins.shape == (20, length)
    assert levels.bins.dtype == np.uint8
    recorded = record(model, text, signals)
    values = np.concatenate([recorded.values[signal] for signal in signals], axis=1).T
    for bins, exact in zip(levels.bins, values):
        order = np.argsort(exact)
        assert (np.diff(bins[order].astype(int)) >= -1).all()  # rounding at an edge
        assert np.corrcoef(ranked(bins), ranked(exact))[0, 1] > 0.9999 - 1 / length
    assert reported[-1] == 1
    assert reported == sorted(reported)


@pytest.mark.parametrize(
    "draw",
    [
        lambda rng, n: rng.standard_normal(n),
        lambda rng, n: rng.lognormal(0, 2, n),
        lambda rng, n: rng.standard_cauchy(n),
        lambda rng, n: np.maximum(0, rng.standard_normal(n) - 1),  # a rectified cell, mostly 0
        lambda rng, n: np.sign(rng.standard_normal(n)) * (1 - rng.random(n) ** 4 / 100),
    ],
    ids=["normal", "long tail", "longer tails", "mostly zero", "two ends"],
)
def test_ranks_by_level_are_right_to_the_second_decimal_whatever_the_distribution(draw, rng):
    values = draw(rng, 60_000)
    scale = Scale(rng.choice(values, 4_000)[None].astype(np.float32))
    steps = scale.steps(values[None, None].astype(np.float32))[0, 0]
    levels = quantiles(ranked(steps), len(steps))
    target = ranked(values) + 20_000 * rng.standard_normal(len(values))
    exact = np.corrcoef(ranked(values), ranked(target))[0, 1]
    by_level = np.corrcoef(ranked(levels), ranked(target))[0, 1]
    assert by_level == pytest.approx(exact, abs=2e-3)


def test_values_outside_of_the_fitted_range_keep_their_order():
    scale = Scale(np.linspace(-1, 1, 500, dtype=np.float32)[None])
    values = np.array([[[-3e38, -1e3, -100, -3, 0, 3, 100, 1e3, 3e38]]], np.float32)
    assert (np.diff(scale.steps(values)[0, 0].astype(int)) > 0).all()


def test_cells_are_counted_signal_by_signal(tiny_model, rng):
    model = tiny_model("lstm", 2)
    levels = read_levels(model, rng.integers(0, 7, 30), signals_of(model))
    assert levels.cell(0) == (Signal(1, "h"), 0)
    assert levels.cell(9) == (Signal(1, "c"), 4)
    assert levels.cell(10) == (Signal(2, "h"), 0)
    assert levels.of_layer(2).tolist() == list(range(10, 20))


def test_a_cell_that_never_moves_has_a_level_too(tiny_model, rng):
    model = tiny_model("vanilla")
    model.parameters.flat[...] = 0
    levels = read_levels(model, rng.integers(0, 7, 30), signals_of(model))
    assert np.ptp(levels.bins) == 0


def test_a_cell_that_counts_has_a_level_for_each_count_all_along(rng):
    model = bracket_counter()
    text, depth = long_brackets(rng, 40_000)
    levels = read_levels(model, model.vocabulary.encode(text), [Signal(1, "c")])
    by_depth = [np.unique(levels.bins[2][depth == d]) for d in range(depth.max() + 1)]
    assert all(len(found) == 1 for found in by_depth)
    assert (np.diff(np.concatenate(by_depth).astype(int)) > 0).all()
