import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from charrnn.config import ModelConfig
from charrnn.network.layers import LAYER_TYPES
from charrnn.network.model import CharRNN
from charrnn.text.vocabulary import Vocabulary
from charrnn.training import planning

characters = st.integers(1, 10**7)
batch_sizes = st.integers(1, 500)
lengths = st.integers(1, 500)


@pytest.mark.parametrize(
    ("characters", "fraction", "count"),
    [
        (1_000_000, 0.05, 50_000),
        (1000, 0.1, 100),
        (1_115_394, 0.1, 111_540),
        (990, 0.1, 0),
        (1000, 0.9999, 998),
        (10, 0.1, 0),
        (1_000_000, 0.0, 0),
        (1019, 0.1, 102),
        (100_000_000, 0.1, 10_000_000),
        (990, None, 0),
        (1019, None, 102),
        (2_500_000, None, 250_000),
        (1_000_000_000, None, 250_000),
    ],
)
def test_a_share_is_held_out_unless_it_is_too_small(characters, fraction, count):
    assert planning.held_out(characters, fraction) == count


@given(characters, batch_sizes, lengths)
@example(1, 500, 500)
def test_a_window_fits_the_text_and_is_as_large_as_it_can_be(characters, batch_size, length):
    B, T = planning.fit_window(characters, batch_size, length)
    assert min(length, characters) == T
    assert 1 <= B <= batch_size
    assert B == 1 or characters >= 4 * B * T
    assert batch_size == B or characters < 4 * (B + 1) * T


def test_a_long_text_gets_the_window_asked_for():
    assert planning.fit_window(1_000_000, 32, 128) == (32, 128)


def test_a_run_of_default_length_reads_a_short_text_twenty_times():
    assert planning.default_steps(50_000, 10, 100) == planning.EPOCHS * 50


def test_a_run_of_default_length_has_bounds():
    assert planning.default_steps(10**9, 10, 100) == planning.STEPS
    assert planning.default_steps(50, 1, 50) == planning.MIN_STEPS


@given(st.integers(1, 100), characters, batch_sizes, lengths)
def test_epochs_are_read_in_as_few_whole_steps_as_possible(epochs, characters, B, T):
    steps = planning.epochs_to_steps(epochs, characters, B, T)
    assert steps * B * T >= epochs * characters
    assert steps == 1 or (steps - 1) * B * T < epochs * characters


@pytest.mark.parametrize(("epochs", "steps"), [(0.5, 25), (0.001, 1), (1.01, 51)])
def test_an_epoch_may_be_read_in_part(epochs, steps):
    assert planning.epochs_to_steps(epochs, 10_000, 2, 100) == steps


def test_the_steps_are_those_that_the_time_allows(monkeypatch):
    monkeypatch.setattr(planning, "VALIDATIONS", 20)
    # 20 validations of 0.1 s leave 58 s.
    assert planning.steps_in(60, 0.01, 0.1, 0) == (5800, 290)


def test_steps_that_were_taken_are_counted(monkeypatch):
    monkeypatch.setattr(planning, "VALIDATIONS", 20)
    assert planning.steps_in(60, 0.01, 0.1, 200) == (6000, 300)
    assert planning.steps_in(60, 0.01, 0.1, 201) == (6001, 301)


def test_slow_validations_are_fewer():
    steps, val_every = planning.steps_in(100, 0.01, 2.0, 0)
    assert steps == 9000
    assert val_every == 1800


@given(st.floats(0.1, 10_000), st.floats(1e-4, 1), st.floats(0, 100), st.integers(0, 10_000))
def test_a_planned_run_ends_in_time(seconds, per_step, per_validation, taken):
    assume(seconds > 2 * (per_step + per_validation))
    steps, val_every = planning.steps_in(seconds, per_step, per_validation, taken)
    left = steps - taken
    validations = steps // val_every
    assert 1 <= validations <= planning.VALIDATIONS
    assert validations == 1 or validations * per_validation <= 0.1 * seconds * (1 + 1e-9)
    assert left * per_step + validations * per_validation <= seconds * (1 + 1e-9)


def test_without_time_left_one_more_step_is_taken():
    steps, val_every = planning.steps_in(0.0, 0.1, 1.0, 500)
    assert steps == 501
    assert 1 <= val_every <= 501


def model_of(V, **more):
    return CharRNN(Vocabulary(map(chr, range(1000, 1000 + V))), **more)


@pytest.mark.parametrize("layer_type", sorted(LAYER_TYPES))
def test_a_character_has_a_column_and_a_row_of_weights_and_a_bias(layer_type):
    shape = {"layer_type": layer_type, "hidden_size": 6, "num_layers": 2}
    small, large = model_of(10, **shape), model_of(11, **shape)
    more = large.parameters.flat.size - small.parameters.flat.size
    assert small.character_weights == large.character_weights == more


@pytest.mark.parametrize("V", [2, 65, 256])
def test_all_parameters_are_capacity_with_a_small_vocabulary(V):
    model = model_of(V, hidden_size=4)
    assert planning.capacity(model) == model.parameters.flat.size


def test_a_large_vocabulary_adds_no_capacity():
    expected = model_of(256, hidden_size=4).parameters.flat.size
    assert planning.capacity(model_of(5000, hidden_size=4)) == expected


def test_validations_as_often_as_asked_take_their_time():
    # A second has a hundred steps and, after every tenth of them, 0.01 s of validation.
    assert planning.steps_in(11, 0.01, 0.01, 0, val_every=10) == (1000, 10)


def test_more_characters_are_for_a_larger_model():
    sizes = [planning.size_for(each, 65) for each in (None, 3e6, 9e6, 2e7)]
    assert sizes == [256, 256, 384, 512]


def test_less_is_held_out_of_a_text_that_is_slow_to_score():
    assert planning.held_out(10**7, None, 256) == 250_000
    assert planning.held_out(10**7, None, 5000) == 250_000 * 1024 // 5768
    assert planning.held_out(10**6, 0.1, 5000) == 100_000


def test_a_large_vocabulary_is_for_few_cells_unless_there_is_much_time():
    sizes = [planning.size_for(each, 5000) for each in (None, 1e6, 3e6, 9e6)]
    assert sizes == [128, 128, 256, 384]
    assert planning.size_for(None, 1280) == 256


def test_two_networks_are_for_much_time_and_sizes_that_are_not_given():
    text = 10**6
    much = planning.ENSEMBLE_EPOCHS * text

    def chosen(readable, **given):
        model = planning.sized(ModelConfig(**given), readable, text, 65)
        return model.hidden_size, model.ensemble

    assert chosen(None) == chosen(much / 100) == (256, 1)
    assert chosen(much - 1) == (512, 1)
    assert chosen(much) == (2 * 512, 2)
    assert chosen(None, ensemble=3) == (3 * 256, 3)
    assert chosen(much, ensemble=1) == chosen(much, num_layers=2) == (512, 1)
    assert chosen(much, hidden_size=100) == (100, 1)
    assert planning.sized(ModelConfig(), much, 2 * text, 65).ensemble == 1
    assert chosen(None, hidden_size=100, ensemble=2) == (100, 2)


def test_the_speed_falls_with_the_vocabulary_the_cells_and_the_layers():
    assert planning.relative_speed(65) == planning.relative_speed(256) == 1
    assert planning.relative_speed(5000) == pytest.approx(1024 / 5768)
    assert planning.relative_speed(65, 1024) == pytest.approx(1 / 8)
    assert planning.relative_speed(65, 256, 3) == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("parameters", "characters", "epochs", "dropout"),
    [
        (260_000, 900_000, 6, 0.02),
        (540_000, 900_000, 11, 0.06),
        (264_000, 81_000, 19, 0.25),
        (250_000, 5_000_000, 1, 0.0),
        (10**7, 10_000, 100, 0.3),
        (1, 1, 0, 0.0),
    ],
)
def test_dropout_grows_with_parameters_and_epochs(parameters, characters, epochs, dropout):
    read = epochs * characters
    found = planning.dropout_for(parameters, characters, read)
    assert found == pytest.approx(dropout, abs=0.015)


@pytest.mark.parametrize(
    ("steps", "held_out", "expected"),
    [(5000, 111_540, 417), (5000, 250_000, 489), (20, 111_540, 5), (100, 0, 9), (1, 0, 1)],
)
def test_validations_are_a_dozen_but_cost_little_time(steps, held_out, expected):
    assert planning.val_every(steps, held_out, 1024) == expected


@pytest.mark.parametrize(
    ("layer_type", "cells", "layers", "rate"),
    [
        ("gru", 512, 3, 0.03),
        ("lstm", 64, 1, 0.03),
        ("vanilla", 64, 1, 0.015),
        ("vanilla", 256, 1, 0.01),
        ("vanilla-relu", 512, 1, 0.005),
        ("vanilla", 128, 2, 0.01),
        ("vanilla-relu", 256, 3, 0.01 / 3),
    ],
)
def test_a_wide_or_deep_vanilla_network_learns_at_a_lower_rate(layer_type, cells, layers, rate):
    assert planning.rate_for(layer_type, cells, layers) == pytest.approx(rate)


@given(st.sampled_from(sorted(LAYER_TYPES)), st.integers(1, 4096), st.integers(1, 100))
def test_the_rate_does_not_rise_with_width_or_depth(layer_type, cells, layers):
    rate = planning.rate_for(layer_type, cells, layers)
    assert 0 < planning.rate_for(layer_type, cells + 1, layers) <= rate <= planning.RATE
    assert 0 < planning.rate_for(layer_type, cells, layers + 1) <= rate
