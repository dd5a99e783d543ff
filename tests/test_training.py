import json

import numpy as np
import pytest

from charrnn.cells import CELLS
from charrnn.errors import SettingError, TrainingError
from charrnn.optimizers import OPTIMIZERS
from charrnn.settings import Settings
from charrnn.training import Run, train


@pytest.fixture
def text(rng):
    """A text with something to learn: the seven characters over and over, one in ten wrong."""
    text = np.arange(900) % 7
    wrong = rng.random(900) < 0.1
    text[wrong] = rng.integers(0, 7, wrong.sum())
    return text


@pytest.fixture
def start(tiny_model, text):
    """Makes a run, always from the same weights."""
    models = {}

    def make(cell="lstm", held_out=True, dropout=0.2, **settings):
        if cell not in models:
            weights = tiny_model(cell, hidden_size=8, dtype=np.float32).parameters.flat
            models[cell] = weights / 2  # so that a rectified network stays finite
        model = tiny_model(cell, hidden_size=8, dtype=np.float32, dropout=dropout)
        model.parameters.flat[...] = models[cell]
        chosen = {"steps": 30, "batch_size": 4, "seq_length": 5, "val_every": 7, **settings}
        validation = text[700:] if held_out else None
        return Run(model, text[:700], validation, Settings(**chosen))

    return make


def test_training_lowers_the_loss(start):
    run = start(steps=200, learning_rate=0.02, dropout=0.0)
    losses = [progress.loss for progress in train(run)]
    assert np.mean(losses[-20:]) < 0.6 * np.mean(losses[:5])
    assert run.counters.best_loss < 0.9


@pytest.mark.parametrize("optimizer", sorted(OPTIMIZERS))
@pytest.mark.parametrize("cell", sorted(CELLS))
def test_a_resumed_run_ends_with_the_same_bits(cell, optimizer, start):
    whole = start(cell, optimizer=optimizer)
    list(train(whole))
    for stop in (1, 7, 16):
        begun = start(cell, optimizer=optimizer)
        for progress in train(begun):
            if progress.step == stop:
                break
        numbers = json.loads(json.dumps(begun.numbers()))
        arrays = {name: array.copy() for name, array in begun.arrays().items()}
        again = start(cell, optimizer=optimizer)
        again.resume(arrays, numbers, begun.model.parameters.flat.copy(), begun.best.copy())
        list(train(again))
        np.testing.assert_array_equal(again.model.parameters.flat, whole.model.parameters.flat)
        np.testing.assert_array_equal(again.best, whole.best)
        assert again.counters == whole.counters


@pytest.mark.parametrize("left_out", ["state", "m", "step"])
def test_leaving_something_out_of_a_resume_shows(left_out, start):
    whole = start()
    list(train(whole))
    begun = start()
    for progress in train(begun):
        if progress.step == 16:
            break
    numbers, arrays = begun.numbers(), {n: a.copy() for n, a in begun.arrays().items()}
    fresh = start()
    if left_out in numbers:
        numbers[left_out] = fresh.numbers()[left_out]
    else:
        arrays[left_out] = fresh.arrays()[left_out]
    fresh.resume(arrays, numbers, begun.model.parameters.flat.copy(), begun.best.copy())
    list(train(fresh))
    assert not np.array_equal(fresh.model.parameters.flat, whole.model.parameters.flat)


def test_the_same_settings_give_the_same_bits(start):
    first, second = start(), start()
    list(train(first))
    list(train(second))
    np.testing.assert_array_equal(first.model.parameters.flat, second.model.parameters.flat)


def test_the_best_weights_are_those_of_the_lowest_validation_loss(start):
    run = start(steps=60, learning_rate=0.05)
    seen = {}
    for progress in train(run):
        if progress.val_loss is not None:
            seen[progress.val_loss] = progress.step, run.model.parameters.flat.copy()
    step, weights = seen[min(seen)]
    assert (run.counters.best_loss, run.counters.best_step) == (min(seen), step)
    np.testing.assert_array_equal(run.best, weights)


def test_validation_comes_as_often_as_asked_and_at_the_end(start):
    run = start()
    steps = [progress.step for progress in train(run) if progress.val_loss is not None]
    assert steps == [7, 14, 21, 28, 30]
    assert [point["step"] for point in run.counters.history] == steps


def test_the_history_has_the_mean_loss_since_the_point_before(start):
    run = start()
    losses = [progress.loss for progress in train(run)]
    assert run.counters.history[1]["loss"] == pytest.approx(np.mean(losses[7:14]))


def test_without_validation_the_last_weights_are_the_best(start):
    run = start(held_out=False)
    assert all(progress.val_loss is None for progress in train(run))
    np.testing.assert_array_equal(run.best, run.model.parameters.flat)
    assert [point["val_loss"] for point in run.counters.history] == [None] * 5


def test_patience_ends_a_run_that_gets_no_better(start):
    run = start(steps=10_000, learning_rate=0.0, val_every=2, patience=3)
    list(train(run))
    assert run.counters.step == 8


def test_progress_counts_steps_epochs_and_characters(start):
    run = start()
    last = list(train(run))[-1]
    assert last.characters == 30 * 4 * 5
    assert last.epoch == pytest.approx(600 / 700)


@pytest.mark.parametrize("poison", [np.nan, np.inf])
def test_a_loss_that_is_not_finite_ends_the_run_and_keeps_the_weights(poison, start):
    run = start()
    run.step()
    run.model.parameters["by"][0] = poison
    before = run.model.parameters.flat.copy()
    with (
        np.errstate(all="ignore"),
        pytest.raises(TrainingError, match=r"step 2: loss nan.*--learning-rate"),
    ):
        run.step()
    np.testing.assert_array_equal(run.model.parameters.flat, before)
    assert run.counters.step == 1


def test_clipping_limits_the_step(start):
    run = start(optimizer="sgd", momentum=0.0, grad_clip=1e-3, learning_rate=1.0, warmup_steps=0)
    before = run.model.parameters.flat.copy()
    progress = run.step()
    moved = np.linalg.norm(run.model.parameters.flat - before)
    assert progress.grad_norm > 1e-3
    assert moved == pytest.approx(1e-3 * progress.learning_rate, rel=1e-3)


@pytest.mark.parametrize(
    "wrong",
    [
        {"steps": 0},
        {"batch_size": 0},
        {"learning_rate": -1.0},
        {"grad_clip": float("nan")},
        {"optimizer": "magic"},
        {"schedule": "magic"},
    ],
)
def test_a_setting_out_of_range_is_refused(wrong):
    with pytest.raises(SettingError):
        Settings(**{"steps": 1, "batch_size": 1, "seq_length": 1, **wrong})


def test_nothing_is_carried_over_the_end_of_the_text(start):
    run = start(batch_size=1, seq_length=70, held_out=False)  # ten windows are the text
    seen = []
    forward = run.model.forward

    def spy(inputs, state, masks=None):
        seen.append(bool(state.any()))
        return forward(inputs, state, masks)

    run.model.forward = spy
    for _ in range(12):
        run.step()
    assert seen == [False, *[True] * 9, False, True]
