import numpy as np
import pytest
from helpers.planted import STEP, bracket_counter, long_brackets

from charrnn.errors import SettingError, TrainingError
from charrnn.inspection import reading
from charrnn.inspection.reading import (
    MAX_PARTS,
    MIN_PART_CHARACTERS,
    STEPS,
    Parts,
    Signal,
    Totals,
    divide,
    no_progress,
    read_through,
    signals_of,
)


@pytest.mark.parametrize("length", [1, 5, 500])
@pytest.mark.parametrize("most", [1, 2, 5])
def test_every_character_is_read(length, most, tiny_model, rng):
    text = rng.integers(0, 7, length)
    seen = np.zeros(length, int)

    def use(piece):
        piece.store(np.ones(piece.positions.shape), seen)
        assert piece.hidden.shape == (5, *piece.positions.shape)

    read_through(tiny_model(), text, use=use, parts=divide(length, most))
    assert seen.tolist() == [1] * length


def test_carried_signals_are_the_default(tiny_model):
    assert signals_of(tiny_model("lstm", 2)) == [(1, "h"), (1, "c"), (2, "h"), (2, "c")]
    assert signals_of(tiny_model("gru"), 1, ["z", "r"]) == [(1, "z"), (1, "r")]


@pytest.mark.parametrize(
    ("layer", "names", "message"),
    [(0, None, "layers 1 to 2"), (3, None, "layers 1 to 2"), (1, ["r"], "the lstm has h, c")],
)
def test_a_missing_layer_or_signal_is_refused(layer, names, message, tiny_model):
    with pytest.raises(SettingError, match=message):
        signals_of(tiny_model("lstm", 2), layer, names)


def test_a_short_text_has_one_part_and_a_long_one_many():
    assert divide(1) == Parts(1, 1)
    assert divide(MIN_PART_CHARACTERS) == Parts(1, MIN_PART_CHARACTERS // STEPS)
    assert divide(3 * MIN_PART_CHARACTERS) == Parts(3, MIN_PART_CHARACTERS // STEPS)
    assert divide(10**9).streams <= MAX_PARTS
    for characters in (1, 127, 128, 129, 10_000, 10**6 + 1):
        streams, pieces = divide(characters)
        assert (streams - 1) * pieces * STEPS < characters <= streams * pieces * STEPS


@pytest.mark.parametrize("most", [2, 5, 11])
def test_a_cell_that_never_forgets_has_its_values_in_every_part(most, rng):
    model = bracket_counter()
    text, depth = long_brackets(rng, 20_000)
    c = np.full((len(text), 6), np.nan)

    def use(piece):
        piece.store(piece.values[1, "c"], c)

    states = read_through(
        model, model.vocabulary.encode(text), [Signal(1, "c")], use, parts=divide(len(text), most)
    )
    np.testing.assert_allclose(c[:, 2], STEP * depth, atol=1e-3)
    before = np.concatenate([[0], depth[:-1]])[::STEPS]
    np.testing.assert_allclose(states[: len(before), 0, 1, 2], STEP * before, atol=1e-3)


def test_a_network_that_forgets_is_read_little_more_than_once(tiny_model, rng):
    text, read = rng.integers(0, 7, 40_000), []

    def use(piece):
        read.append(piece.positions.shape[1])

    read_through(tiny_model("gru"), text, use=use, parts=divide(len(text), 8))
    assert len(text) / STEPS <= sum(read) < 1.2 * len(text) / STEPS


def test_a_network_that_never_forgets_is_read_by_one_stream_in_the_end(rng, monkeypatch):
    text, _ = long_brackets(rng, 40_000)
    model, widths = bracket_counter(), []

    def use(piece):
        widths.append(piece.positions.shape[1])

    monkeypatch.setattr(reading, "cores", lambda: 1)
    read_through(model, model.vocabulary.encode(text), use=use, parts=divide(len(text), 9))
    assert widths.count(1) > len(text) / STEPS / 2
    assert sum(widths) < (2 + reading.PARALLEL_ROUNDS) * len(text) / STEPS


@pytest.mark.parametrize("most", [1, 3])
def test_totals_count_a_piece_that_is_read_again_once(most, rng):
    model = bracket_counter()
    text, depth = long_brackets(rng, 13_001)
    totals = Totals([Signal(1, "c")], len(text), 6, np.float64)

    def use(piece):
        totals.store(piece, Signal(1, "c"), piece.values[1, "c"])

    read_through(
        model, model.vocabulary.encode(text), [Signal(1, "c")], use, parts=divide(len(text), most)
    )
    assert totals.means()[1, "c"][2] == pytest.approx(STEP * depth.mean(), rel=1e-3)


@pytest.mark.parametrize("most", [1, 4])
def test_a_state_that_grows_without_bounds_is_an_error_and_no_warning(most, tiny_model):
    model = tiny_model("vanilla-relu")
    model.parameters["layer1.Wh"][...] = 10 * np.eye(5)
    model.parameters["layer1.b"][...] = 1
    with pytest.raises(TrainingError, match="become non-finite"):
        read_through(model, np.zeros(2_000, int), parts=divide(2_000, most))


def test_progress_runs_from_nothing_to_all(tiny_model, rng):
    reported = []
    read_through(tiny_model(), rng.integers(0, 7, 10_000), progress=reported.append)
    assert reported == sorted(reported)
    assert 0 < reported[0] < reported[-1] == 1


def test_the_order_in_which_threads_end_changes_nothing(tiny_model, rng, monkeypatch):
    model, text = tiny_model("vanilla"), rng.integers(0, 7, 3_000)
    model.parameters["layer1.Wx"][...] *= 0.01
    # The network forgets, but no two readings of a piece agree exactly.
    model.parameters["layer1.Wh"][...] = 0.94 * np.eye(5)

    def one_after_the_other(turn):
        def work(read, streams, progress=no_progress):
            for share in np.array_split(streams, min(2, len(streams)))[::turn]:
                read(share, progress)

        return work

    found = []
    for turn in (1, -1):
        monkeypatch.setattr(reading, "in_threads", one_after_the_other(turn))
        found.append(read_through(model, text, parts=divide(len(text), 5)))
    np.testing.assert_array_equal(*found)
