import numpy as np
import pytest

from charrnn.inspection.levels import LEVELS, take_down
from charrnn.inspection.reading import LEAST_PART, Signal, signals_of
from charrnn.inspection.recording import record


@pytest.mark.parametrize("length", [50, 2 * LEAST_PART + 17])
def test_levels_are_the_values_on_the_scale_of_each_cell(length, tiny_model, rng):
    model = tiny_model("lstm", 2)
    text = rng.integers(0, 7, length)
    signals = signals_of(model)
    told = []
    levels = take_down(model, text, signals, told.append)
    assert levels.bins.shape == (20, length)
    assert levels.bins.dtype == np.uint8
    recorded = record(model, text, signals)
    values = np.concatenate([recorded.values[signal] for signal in signals], axis=1).T
    for bins, exact in zip(levels.bins, values):
        # A straight line, to half a step of the scale.
        slope, start = np.polyfit(bins.astype(float), exact, 1)
        inner = (bins > 0) & (bins < LEVELS - 1)
        np.testing.assert_allclose((start + slope * bins)[inner], exact[inner], atol=1.5 * slope)
        assert inner.mean() > 0.99
    assert told[-1] == 1
    assert told == sorted(told)


def test_cells_are_counted_signal_by_signal(tiny_model, rng):
    model = tiny_model("lstm", 2)
    levels = take_down(model, rng.integers(0, 7, 30), signals_of(model), lambda _: None)
    assert levels.cell(0) == (Signal(1, "h"), 0)
    assert levels.cell(9) == (Signal(1, "c"), 4)
    assert levels.cell(10) == (Signal(2, "h"), 0)
    assert levels.of_layer(2).tolist() == list(range(10, 20))


def test_a_cell_that_never_moves_has_a_level_too(tiny_model, rng):
    model = tiny_model("vanilla")
    model.parameters.flat[...] = 0
    levels = take_down(model, rng.integers(0, 7, 30), signals_of(model), lambda _: None)
    assert np.ptp(levels.bins) == 0
