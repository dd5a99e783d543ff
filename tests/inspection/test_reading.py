import numpy as np
import pytest

from charrnn.errors import SettingError, TrainingError
from charrnn.inspection.reading import LEAST_PART, READERS, read_through, readers_for, signals_of


@pytest.mark.parametrize("length", [1, 5, 500])
@pytest.mark.parametrize("readers", [1, 2, 5])
def test_every_character_is_read_once(length, readers, tiny_model, rng):
    text = rng.integers(0, 7, length)
    model = tiny_model()
    seen = np.zeros(length, int)
    for piece in read_through(model, text, readers=readers):
        one = np.ones(piece.places.shape)
        count = np.zeros(length)
        piece.put(one, count)
        seen += count.astype(int)
        assert piece.hidden.shape == (5, *piece.places.shape)
    assert seen.tolist() == [1] * length


def test_what_is_carried_is_looked_at_unless_said_otherwise(tiny_model):
    assert signals_of(tiny_model("lstm", 2)) == [(1, "h"), (1, "c"), (2, "h"), (2, "c")]
    assert signals_of(tiny_model("gru"), 1, ["z", "r"]) == [(1, "z"), (1, "r")]


@pytest.mark.parametrize(
    ("layer", "names", "message"),
    [(0, None, "layers 1 to 2"), (3, None, "layers 1 to 2"), (1, ["r"], "the lstm has h, c")],
)
def test_what_the_model_does_not_have_is_refused(layer, names, message, tiny_model):
    with pytest.raises(SettingError, match=message):
        signals_of(tiny_model("lstm", 2), layer, names)


def test_a_short_text_has_one_reader_and_a_long_one_many():
    assert readers_for(1) == readers_for(LEAST_PART) == 1
    assert readers_for(3 * LEAST_PART) == 3
    assert readers_for(10**9) == READERS


def test_some_of_the_readers_read_what_they_would_read_among_all(tiny_model, rng):
    model, text = tiny_model(), rng.integers(0, 7, 1_000)
    signals = signals_of(model)
    every = list_of(read_through(model, text, signals, readers=5))
    for only in (slice(0, 2), slice(2, 5)):
        own = list_of(read_through(model.shared(), text, signals, readers=5, only=only))
        for (places, values), (own_places, own_values) in zip(every, own, strict=True):
            np.testing.assert_array_equal(own_places, places[:, only])
            np.testing.assert_allclose(own_values, values[:, :, only], atol=1e-12)


def list_of(pieces):
    return [(piece.places, piece.values[1, "c"].copy()) for piece in pieces]


def test_a_state_that_grows_without_bounds_is_an_error_and_no_warning(tiny_model):
    model = tiny_model("vanilla-relu")
    model.parameters["layer1.Wh"][...] = 10 * np.eye(5)
    model.parameters["layer1.b"][...] = 1
    with pytest.raises(TrainingError, match="became non-finite"):
        list(read_through(model, np.zeros(2_000, int)))
