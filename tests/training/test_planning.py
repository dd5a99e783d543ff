from math import log

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

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


@pytest.mark.parametrize(
    ("parameters", "advice"),
    [
        (500_000, "5.0 parameters for each character of text: it will memorize the text"),
        (200_000, "2.0 parameters for each character of text: only dropout"),
        (50_000, "0.50 parameters for each character of text: a fair match"),
        (1_000, "100 characters of text for each parameter: a larger --hidden-size"),
    ],
)
def test_the_advice_before_a_run_depends_on_the_size_of_the_model(parameters, advice):
    assert planning.advice_before(parameters, 100_000, 20).startswith(advice)


@pytest.mark.parametrize("ratio", [1, 10])
def test_a_text_that_is_read_a_few_times_is_not_memorized(ratio):
    said = planning.advice_before(ratio * 1000, 1000, 0.56)
    assert said.startswith(f"{ratio}.0 parameters for each character of text, which will be read")
    assert "0.56 times: too little to memorize it" in said


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


@pytest.mark.parametrize(
    ("rare", "V", "said"),
    [
        (100, 200, None),  # too few to matter
        (
            101,
            200,
            "101 characters occur fewer than 5 times, and 48 % of the parameters are theirs",
        ),
        (4000, 4006, "4,000 characters occur fewer than 5 times, and 99 %"),
    ],
)
def test_rare_characters_are_named_with_their_share_of_the_parameters(rare, V, said):
    model = model_of(V, hidden_size=8)
    line = planning.advice_on_rare(rare, model)
    assert line is None if said is None else line.startswith(said)
    assert line is None or "--min-count 5" in line


def test_rare_characters_with_few_weights_do_not_matter():
    assert planning.advice_on_rare(101, model_of(200, hidden_size=100, num_layers=16)) is None


@pytest.mark.parametrize(
    ("train_loss", "val_loss", "best_step", "later", "advice"),
    [
        (2.9, 2.9, 1000, [], "the model has hardly learned more than the frequencies"),
        (4.0, 3.5, 1000, [], "the model has hardly learned more than the frequencies"),
        (1.0, 3.5, 1000, [], "2.50 nats worse on unseen text"),
        (2.9, None, 0, [], "the model has hardly learned more than the frequencies"),
        (log(2), None, 0, [], "the model gives the right character a probability of 0.50"),
        (1.0, 1.9, 500, [1.92, 1.95, 2.0], "overfitting since step 500: more --dropout"),
        (1.0, 1.1, 690, [1.13], "overfitting since step 690"),
        (1.0, 1.1, 690, [1.105], "neither much over- nor underfitting"),
        (1.0, 1.1, 400, [1.14, 1.11, 1.15], "neither much over- nor underfitting"),
        (1.0, 1.1, 400, [1.14, 1.13, 1.17], "overfitting since step 400"),
        (1.0, 1.1, 400, [1.2, 1.15, 1.102], "neither much over- nor underfitting"),
        (1.0, 1.3, 400, [], "0.30 nats worse on unseen text"),
        (1.0, 1.5, 1000, [], "0.50 nats worse on unseen text"),
        (2.8, 2.8, 1000, [], "as good on unseen text as on the training text"),
        (1.5, 1.3, 1000, [], "as good on unseen text as on the training text"),
        (1.4, 1.55, 1000, [], "neither much over- nor underfitting"),
    ],
)
def test_the_advice_after_a_run_depends_on_the_losses(
    train_loss, val_loss, best_step, later, advice
):
    said = planning.advice_after(train_loss, val_loss, best_step, later, 1000, 3.0, "do this", 1.0)
    assert said.startswith(advice)
    assert said.endswith("3.00 nats: do this") == ("frequencies" in advice)


@pytest.mark.parametrize(("train_loss", "val_loss"), [(2.0, 2.0), (2.0, 2.5), (2.0, 2.1)])
def test_before_the_text_was_read_once_the_advice_is_to_read_on(train_loss, val_loss):
    said = planning.advice_after(train_loss, val_loss, 500, [], 1000, 3.0, "do this", 0.26)
    assert said == "only 26 % of the text was read: more --steps or --time would help"


@pytest.mark.parametrize(("best_step", "val_loss"), [(200, 1.1), (1000, 2.0)])
def test_a_text_held_out_that_is_unlike_the_rest_is_no_sign_of_overfitting(best_step, val_loss):
    said = planning.advice_after(
        1.0, val_loss, best_step, [], 1000, 3.0, "do this", 9.0, "shuffle it"
    )
    assert "is unlike the rest of the text, so this is no sign of overfitting: shuffle it" in said


def test_an_unlike_text_that_is_predicted_as_well_is_no_reason_for_a_line():
    said = planning.advice_after(1.0, 1.0, 1000, [], 1000, 3.0, "do this", 9.0, "shuffle it")
    assert said.startswith("as good on unseen text")


def test_the_loss_by_frequencies_is_a_cross_entropy_with_counts_one_higher():
    train, text = np.array([0, 0, 0, 1, 1, 2]), np.array([0, 1, 3, 3])
    expected = -(log(4 / 10) + log(3 / 10) + 2 * log(1 / 10)) / 4
    assert planning.loss_by_frequencies(train, text, 4) == pytest.approx(expected)


def test_the_loss_by_frequencies_of_random_text_is_that_of_guessing(rng):
    train, text = rng.integers(0, 50, 100_000), rng.integers(0, 50, 10_000).astype(np.uint8)
    assert planning.loss_by_frequencies(train, text, 50) == pytest.approx(log(50), abs=0.01)


def test_no_more_than_a_million_characters_are_counted():
    train, text = np.zeros(2_000_000, np.uint8), np.zeros(1_500_000, np.uint8)
    train[:1_000_000] = text[1_000_000:] = 1
    assert planning.loss_by_frequencies(train, text, 2) < 1e-5


@pytest.mark.parametrize(
    ("optimizer", "rate", "steps", "advice"),
    [
        ("adam", 1.0, 5000, "start again with --overwrite and a lower --learning-rate 0.0067"),
        ("adam", 1.0, 10, "start again with --overwrite and a lower --learning-rate 0.0067"),
        ("sgd", 1.0, 5000, "start again with --overwrite and a lower --learning-rate 0.0067"),
        ("adam", 1e-5, 5000, "start again with --overwrite and a higher --learning-rate 0.0067"),
        ("adam", 0.0067, 999, "train longer, for 1,000 steps or more"),
        ("sgd", 0.0067, 5000, "start again with --overwrite and --optimizer adam"),
        ("adam", 0.0067, 5000, "start again with --overwrite and a lower --learning-rate 0.0022"),
    ],
)
def test_the_remedy_names_what_differs_from_the_default(optimizer, rate, steps, advice):
    assert planning.remedy("vanilla", 128, 3, optimizer, rate, steps) == advice


def test_validations_as_often_as_asked_take_their_time():
    # A second has a hundred steps and, after every tenth of them, 0.01 s of validation.
    assert planning.steps_in(11, 0.01, 0.01, 0, val_every=10) == (1000, 10)


def test_more_time_is_for_a_larger_model():
    sizes = [planning.size_for(seconds, 65) for seconds in (None, 60, 600, 6000)]
    assert [size.hidden_size for size in sizes] == [256, 256, 384, 512]


def test_less_is_held_out_of_a_text_that_is_slow_to_score():
    assert planning.held_out(10**7, None, 256) == 250_000
    assert planning.held_out(10**7, None, 5000) == 250_000 * 1024 // 5768
    assert planning.held_out(10**6, 0.1, 5000) == 100_000


def test_a_large_vocabulary_leaves_less_time():
    sizes = [planning.size_for(seconds, 5000) for seconds in (None, 60, 600, 6000)]
    assert [size.hidden_size for size in sizes] == [128, 128, 256, 384]
    assert planning.size_for(None, 1280).hidden_size == 256
    size = planning.SIZES[0]
    assert size.speed(65) == size.speed(256) == size.characters_a_second
    assert size.speed(5000) == pytest.approx(size.characters_a_second * 1024 / 5768)


@pytest.mark.parametrize(
    ("parameters", "characters", "epochs", "dropout"),
    [
        (250_000, 1_000_000, 3, 0.1),
        (520_000, 1_000_000, 14, 0.3),
        (250_000, 90_000, 17, 0.46),
        (250_000, 5_000_000, 1, 0.05),
        (10**7, 10_000, 100, 0.5),
        (1, 1, 0, 0.05),
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
        ("gru", 512, 3, 0.015),
        ("lstm", 64, 1, 0.015),
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
