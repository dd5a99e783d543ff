from math import log

import numpy as np
import pytest

from charrnn.network.model import CharRNN
from charrnn.text.vocabulary import Vocabulary
from charrnn.training import advice


def model_of(V, **more):
    return CharRNN(Vocabulary(map(chr, range(1000, 1000 + V))), **more)


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        (500_000, "5.0 parameters for each character of text: it will memorize the text"),
        (200_000, "2.0 parameters for each character of text: only dropout"),
        (50_000, "0.50 parameters for each character of text: a good size"),
        (1_000, "100 characters of text for each parameter: a larger --hidden-size"),
    ],
)
def test_the_advice_before_a_run_depends_on_the_size_of_the_model(parameters, said):
    assert advice.before(parameters, 100_000, 20).startswith(said)


@pytest.mark.parametrize("ratio", [1, 10])
def test_a_text_that_is_read_a_few_times_is_not_memorized(ratio):
    said = advice.before(ratio * 1000, 1000, 0.56)
    assert said.startswith(f"{ratio}.0 parameters for each character of text, which will be read")
    assert "0.56 times: too little to memorize it" in said


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
    line = advice.on_rare(rare, model)
    assert line is None if said is None else line.startswith(said)
    assert line is None or "--min-count 5" in line


def test_rare_characters_with_few_weights_do_not_matter():
    assert advice.on_rare(101, model_of(200, hidden_size=100, num_layers=16)) is None


@pytest.mark.parametrize(
    ("train_loss", "val_loss", "best_step", "later", "expected"),
    [
        (2.9, 2.9, 1000, [], "the model is hardly better than character frequencies alone"),
        (4.0, 3.5, 1000, [], "the model is hardly better than character frequencies alone"),
        (1.0, 3.5, 1000, [], "2.50 nats worse on unseen text"),
        (2.9, None, 0, [], "the model is hardly better than character frequencies alone"),
        (log(2), None, 0, [], "typical probability of the right character: 0.50"),
        (1.0, 1.9, 500, [1.92, 1.95, 2.0], "overfitting since step 500: more --dropout"),
        (1.0, 1.1, 690, [1.13], "overfitting since step 690"),
        (1.0, 1.1, 690, [1.105], "no clear over- or underfitting"),
        (1.0, 1.1, 400, [1.14, 1.11, 1.15], "no clear over- or underfitting"),
        (1.0, 1.1, 400, [1.14, 1.13, 1.17], "overfitting since step 400"),
        (1.0, 1.1, 400, [1.2, 1.15, 1.102], "no clear over- or underfitting"),
        (1.0, 1.3, 400, [], "0.30 nats worse on unseen text"),
        (1.0, 1.5, 1000, [], "0.50 nats worse on unseen text"),
        (2.8, 2.8, 1000, [], "as good on unseen text as on the training text"),
        (1.5, 1.3, 1000, [], "as good on unseen text as on the training text"),
        (1.4, 1.55, 1000, [], "no clear over- or underfitting"),
    ],
)
def test_the_advice_after_a_run_depends_on_the_losses(
    train_loss, val_loss, best_step, later, expected
):
    said = advice.after(train_loss, val_loss, best_step, later, 1000, 3.0, "do this", 1.0)
    assert said.startswith(expected)
    assert said.endswith("(3.00 nats): do this") == ("frequencies" in expected)


@pytest.mark.parametrize(("train_loss", "val_loss"), [(2.0, 2.0), (2.0, 2.5), (2.0, 2.1)])
def test_before_the_text_was_read_once_the_advice_is_to_read_on(train_loss, val_loss):
    said = advice.after(train_loss, val_loss, 500, [], 1000, 3.0, "do this", 0.26)
    assert said == "only 26 % of the text was read: more --steps or --time would help"


@pytest.mark.parametrize(("best_step", "val_loss"), [(200, 1.1), (1000, 2.0)])
def test_a_text_held_out_that_is_unlike_the_rest_is_no_sign_of_overfitting(best_step, val_loss):
    said = advice.after(1.0, val_loss, best_step, [], 1000, 3.0, "do this", 9.0, "shuffle it")
    assert "is unlike the rest of the text, so this is no sign of overfitting: shuffle it" in said


def test_an_unlike_text_that_is_predicted_as_well_is_no_reason_for_a_line():
    said = advice.after(1.0, 1.0, 1000, [], 1000, 3.0, "do this", 9.0, "shuffle it")
    assert said.startswith("as good on unseen text")


def test_the_loss_by_frequencies_is_a_cross_entropy_with_counts_one_higher():
    train, text = np.array([0, 0, 0, 1, 1, 2]), np.array([0, 1, 3, 3])
    expected = -(log(4 / 10) + log(3 / 10) + 2 * log(1 / 10)) / 4
    assert advice.loss_by_frequencies(train, text, 4) == pytest.approx(expected)


def test_the_loss_by_frequencies_of_random_text_is_that_of_guessing(rng):
    train, text = rng.integers(0, 50, 100_000), rng.integers(0, 50, 10_000).astype(np.uint8)
    assert advice.loss_by_frequencies(train, text, 50) == pytest.approx(log(50), abs=0.01)


def test_no_more_than_a_million_characters_are_counted():
    train, text = np.zeros(2_000_000, np.uint8), np.zeros(1_500_000, np.uint8)
    train[:1_000_000] = text[1_000_000:] = 1
    assert advice.loss_by_frequencies(train, text, 2) < 1e-5


@pytest.mark.parametrize(
    ("optimizer", "rate", "steps", "expected"),
    [
        ("adam", 1.0, 5000, "start again with --overwrite --learning-rate 0.0067 (lower)"),
        ("adam", 1.0, 10, "start again with --overwrite --learning-rate 0.0067 (lower)"),
        ("sgd", 1.0, 5000, "start again with --overwrite --learning-rate 0.0067 (lower)"),
        ("adam", 1e-5, 5000, "start again with --overwrite --learning-rate 0.0067 (higher)"),
        ("adam", 0.0067, 999, "train longer, for 1,000 steps or more"),
        ("sgd", 0.0067, 5000, "start again with --overwrite --optimizer muon"),
        ("adam", 0.0067, 5000, "start again with --overwrite --learning-rate 0.0022 (lower)"),
    ],
)
def test_the_remedy_names_what_differs_from_the_default(optimizer, rate, steps, expected):
    assert advice.remedy("vanilla", 128, 3, optimizer, rate, steps) == expected
