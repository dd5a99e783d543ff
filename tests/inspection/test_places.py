import numpy as np
import pytest
from helpers.planted import STEP, bracket_counter, long_brackets

from charrnn.errors import SettingError
from charrnn.inspection.places import draw_places, in_double, states_before
from charrnn.network.layers import CELLS


def test_places_are_different_in_order_and_within_their_range(rng):
    places = draw_places(5, 24, 12, rng)
    assert len(places) == 12
    assert (np.diff(places) > 0).all()
    assert places.min() >= 5
    assert places.max() <= 24


def test_every_place_of_a_short_range_is_drawn(rng):
    assert draw_places(3, 6, 100, rng).tolist() == [3, 4, 5, 6]


def test_no_places_are_refused(rng):
    with pytest.raises(SettingError, match="at least one place in the text is needed, not 0"):
        draw_places(0, 5, 0, rng)


@pytest.mark.parametrize("cell", sorted(CELLS))
@pytest.mark.parametrize("places", [[0], [0, 3, 11, 12], [127, 128, 129, 256], [5, 300]])
def test_the_state_before_a_place_is_that_after_all_that_stands_there(
    cell, places, tiny_model, rng
):
    model = tiny_model(cell, 2)
    text = rng.integers(0, 7, max(places)).astype(np.uint8)
    found = states_before(model, text, np.array(places))
    for stream, place in enumerate(places):
        alone = model.state()
        if place:
            model.forward(text[:place, None].astype(np.intp), alone)
        np.testing.assert_allclose(found[..., stream], alone[..., 0], atol=1e-12)


def test_a_cell_that_counts_has_its_count_at_every_place(rng):
    model = bracket_counter()
    text, depth = long_brackets(rng, 20_000)
    places = draw_places(1, 19_999, 50, rng)
    states = states_before(model, model.vocabulary.encode(text), places)
    np.testing.assert_allclose(states[0, 1, 2], STEP * depth[places - 1], atol=1e-3)


def test_a_copy_in_double_precision_predicts_the_same_and_has_memory_of_its_own(tiny_model, rng):
    model = tiny_model("gru", 2, dtype=np.float32, dropout=0.2)
    double = in_double(model)
    assert double.parameters.flat.dtype == np.float64
    assert double.configuration == model.configuration
    text = rng.integers(0, 7, (9, 1))
    mine = model.forward(text, model.state()).copy()
    np.testing.assert_allclose(double.forward(text, double.state()), mine, atol=1e-5)
    assert not np.shares_memory(double.parameters.flat, model.parameters.flat)
