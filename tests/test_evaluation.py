import numpy as np
import pytest

from charrnn.evaluation import Stopped, evaluate, evaluate_dynamically, evaluate_from_empty
from charrnn.text.streams import Window


@pytest.fixture
def text(rng):
    return rng.integers(0, 7, 3001)


def read_by_one(model, text):
    losses = model.losses(Window(text[:-1, None], text[1:, None]), model.state())
    return losses.mean()


@pytest.mark.parametrize("batch_size", [1, 4, 32])
@pytest.mark.parametrize("seq_length", [7, 64])
def test_many_readers_score_as_one_does(tiny_model, text, batch_size, seq_length):
    model = tiny_model("lstm", 2)
    loss = evaluate(model, text, batch_size=batch_size, seq_length=seq_length)
    assert loss == pytest.approx(read_by_one(model, text), abs=1e-4)


@pytest.mark.parametrize("length", [2, 3, 50, 257])
def test_a_short_text_is_scored_exactly(tiny_model, text, length):
    model = tiny_model("gru")
    short = text[:length]
    assert evaluate(model, short) == pytest.approx(read_by_one(model, short))


def test_an_evaluation_asks_before_every_window_whether_to_stop(tiny_model, text):
    asked = []
    evaluate(tiny_model(), text, batch_size=1, seq_length=100, stop=lambda: asked.append(0))
    assert len(asked) == 30

    def stop():
        asked.append(1)
        return asked.count(1) == 3

    with pytest.raises(Stopped):
        evaluate(tiny_model(), text, batch_size=1, seq_length=100, stop=stop)
    assert asked.count(1) == 3


def test_every_character_counts_once(tiny_model, text):
    model = tiny_model()
    model.parameters["Wy"][...] = 0  # the loss of a character depends on the character alone
    logits = model.parameters["by"]
    log_p = logits - np.log(np.exp(logits).sum())
    expected = -log_p[text[1:]].mean()
    assert evaluate(model, text, batch_size=8, seq_length=10) == pytest.approx(expected)


def test_from_empty_scores_each_window_alone(tiny_model, text):
    model = tiny_model()
    losses = []
    for start in range(0, 3000, 100):
        piece = text[start : start + 101, None]
        losses.append(model.losses(Window(piece[:-1], piece[1:]), model.state()).mean())
    assert evaluate_from_empty(model, text, length=100) == pytest.approx(np.mean(losses))


def test_dynamic_evaluation_without_learning_is_a_single_reader(tiny_model, text):
    model = tiny_model("lstm", 2)
    loss = evaluate_dynamically(model, text[:500], learning_rate=0.0, seq_length=7)
    assert loss == pytest.approx(read_by_one(model, text[:500]))


def test_dynamic_evaluation_learns_from_the_text_and_forgets_it_again(tiny_model):
    model, repeated = tiny_model(hidden_size=16), np.tile([0, 3, 1, 3, 5, 6, 2], 400)
    before = model.parameters.flat.copy()
    assert evaluate_dynamically(model, repeated) < 0.7 * evaluate(model, repeated)
    np.testing.assert_array_equal(model.parameters.flat, before)


def test_dynamic_evaluation_scores_a_window_before_it_learns_from_it(tiny_model, text):
    model = tiny_model()
    once = evaluate_dynamically(model, text[:33], seq_length=32)
    assert once == pytest.approx(read_by_one(model, text[:33]))


@pytest.mark.parametrize("grad_clip", [0.6, 0.0])
def test_dynamic_evaluation_descends_by_the_clipped_gradient(tiny_model, text, grad_clip):
    model, T, rate = tiny_model("gru"), 10, 0.5
    found = evaluate_dynamically(
        model, text[:95], learning_rate=rate, grad_clip=grad_clip, seq_length=T
    )
    state, total, norms = model.state(), 0.0, []
    for start in range(0, 94, T):
        piece = text[start : min(start + T, 94) + 1, None]
        total += model.losses(Window(piece[:-1], piece[1:]), state.copy()).sum()
        model.loss_and_gradient(Window(piece[:-1], piece[1:]), state)
        g = model.gradient.flat
        norms.append(np.linalg.norm(g))
        model.parameters.flat[...] -= rate * g * min(1, (grad_clip or np.inf) / norms[-1])
    assert found == pytest.approx(total / 94, rel=1e-9)
    assert min(norms) < 0.6 < max(norms)
