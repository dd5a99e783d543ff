import numpy as np
import pytest
from helpers.planted import STEP, bracket_counter, long_brackets

from charrnn.errors import DivergedError, SettingError
from charrnn.inspection.positions import (
    draw_positions,
    in_double,
    peaks,
    read_on,
    states_before,
)
from charrnn.network.holding import Held
from charrnn.network.layers import LAYER_TYPES
from charrnn.sampling import UNCHANGED, Reader, Start, generate


def test_positions_are_different_in_order_and_within_their_range(rng):
    positions = draw_positions(5, 24, 12, rng)
    assert len(positions) == 12
    assert (np.diff(positions) > 0).all()
    assert positions.min() >= 5
    assert positions.max() <= 24


def test_every_position_of_a_short_range_is_drawn(rng):
    assert draw_positions(3, 6, 100, rng).tolist() == [3, 4, 5, 6]


def test_zero_positions_are_refused(rng):
    with pytest.raises(SettingError, match="at least one position in the text is needed, not 0"):
        draw_positions(0, 5, 0, rng)


@pytest.mark.parametrize("cell", sorted(LAYER_TYPES))
@pytest.mark.parametrize("positions", [[0], [0, 3, 11, 12], [127, 128, 129, 256], [5, 300]])
def test_the_state_before_a_position_is_that_after_all_characters_before_it(
    cell, positions, tiny_model, rng
):
    model = tiny_model(cell, 2)
    text = rng.integers(0, 7, max(positions)).astype(np.uint8)
    found = states_before(model, text, np.array(positions))
    for stream, position in enumerate(positions):
        alone = model.state()
        if position:
            model.forward(text[:position, None].astype(np.intp), alone)
        np.testing.assert_allclose(found[..., stream], alone[..., 0], atol=1e-12)


@pytest.mark.parametrize("cell", sorted(LAYER_TYPES))
@pytest.mark.parametrize("length", [1, 2, 128, 129, 300, 9_000])
def test_reading_on_from_a_state_ends_as_reading_one_character_at_a_time(
    cell, length, tiny_model, rng
):
    model = tiny_model(cell, 2)
    model.parameters.flat[...] *= 0.5  # no state grows
    text, reader = rng.integers(0, 7, length).astype(np.uint8), Reader(model)
    reader.state[...] = rng.standard_normal(reader.state.shape)
    start = Start(reader.state[..., 0].copy(), np.zeros(7))
    found = read_on(model, start, text)
    for index in text:
        logits = reader.read(np.array([index], np.intp))
    np.testing.assert_allclose(found.state, reader.state[..., 0], atol=1e-9)
    np.testing.assert_allclose(found.logits, logits[:, 0], atol=1e-9)


def test_reading_nothing_on_stays_at_the_start(tiny_model):
    model = tiny_model()
    start = Start(model.state()[..., 0], np.zeros(7))
    assert read_on(model, start, np.empty(0, np.uint8)) is start


def test_a_cell_that_counts_has_its_count_at_every_position(rng):
    model = bracket_counter()
    text, depth = long_brackets(rng, 20_000)
    positions = draw_positions(1, 19_999, 50, rng)
    states = states_before(model, model.vocabulary.encode(text), positions)
    np.testing.assert_allclose(states[0, 1, 2], STEP * depth[positions - 1], atol=1e-3)


def test_a_copy_in_double_precision_predicts_the_same_and_has_memory_of_its_own(tiny_model, rng):
    model = tiny_model("gru", 2, dtype=np.float32, dropout=0.2)
    double = in_double(model)
    assert double.parameters.flat.dtype == np.float64
    assert double.configuration == model.configuration
    text = rng.integers(0, 7, (9, 1))
    mine = model.forward(text, model.state()).copy()
    np.testing.assert_allclose(double.forward(text, double.state()), mine, atol=1e-5)
    assert not np.shares_memory(double.parameters.flat, model.parameters.flat)


def test_the_highest_come_first_and_their_neighbours_do_not_count():
    values = np.zeros(200)
    values[50:60] = [1, 2, 3, 9, 8, 7, 6, 5, 4, 3]
    values[150] = 7
    assert peaks(values, 2) == [53, 150]
    assert peaks(-values, 1) == [0]


def test_a_short_text_has_fewer_peaks():
    assert peaks(np.arange(50.0), 5, apart=40) == [49, 9]


def test_held_values_that_overflow_are_the_reason_that_is_named(tiny_model):
    model = tiny_model("vanilla-relu")
    model.parameters.flat[...] = 1e30
    start = Start(model.state()[..., 0], np.zeros(7))
    text = np.zeros(20, np.uint8)
    held = [Held(1, 0, "h", 1e6)]
    with pytest.raises(DivergedError, match="while the model reads: try a smaller value for"):
        read_on(model, start, text, hold=held)
    with pytest.raises(DivergedError, match="while the model reads: the training diverged"):
        read_on(model, start, text)
    reader = Reader(model)
    reader.hold(held)
    seeds = [np.random.SeedSequence(0)]
    with pytest.raises(DivergedError, match="while the model writes: try a smaller value for"):
        list(generate(reader, start, 30, UNCHANGED, seeds))
