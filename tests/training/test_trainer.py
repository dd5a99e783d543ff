from contextlib import ExitStack, suppress
from copy import deepcopy
from dataclasses import fields
from functools import partialmethod
from itertools import islice

import numpy as np
import pytest
from configs import complete

from charrnn.checkpoint import RunState
from charrnn.errors import DivergedError, SettingError, TrainingError
from charrnn.network.layers import LAYER_TYPES
from charrnn.network.model import CharRNN
from charrnn.parallel.workers import group_of
from charrnn.text.streams import Streams
from charrnn.training import planning
from charrnn.training.optimizers import OPTIMIZERS
from charrnn.training.trainer import IN_UPDATE, Trainer, train


@pytest.fixture
def text(rng):
    """A text with something to learn: the seven characters over and over, one in ten wrong."""
    text = np.arange(900) % 7
    wrong = rng.random(900) < 0.1
    text[wrong] = rng.integers(0, 7, wrong.sum())
    return text


@pytest.fixture
def start(tiny_model, text):
    """Makes a trainer, always with the same weights; repeats the held-out text `held_out` times."""
    models, groups = {}, ExitStack()

    def make(cell="lstm", held_out=1, dropout=0.2, **settings):
        if cell not in models:
            weights = tiny_model(cell, hidden_size=8, dtype=np.float32).parameters.flat
            models[cell] = weights / 2  # so that a rectified network stays finite
        model = tiny_model(cell, hidden_size=8, dtype=np.float32, dropout=dropout)
        model.parameters.flat[...] = models[cell]
        chosen = {"steps": 30, "batch_size": 4, "seq_length": 5, "val_every": 7, **settings}
        config = complete(**chosen)
        group = groups.enter_context(group_of(config.workers))
        return Trainer(model, text[:700], np.tile(text[700:], held_out), config, group)

    with groups:
        yield make


def test_training_lowers_the_loss(start):
    run = start(steps=200, learning_rate=0.02, dropout=0.0)
    losses = [progress.loss for progress in train(run)]
    assert np.mean(losses[-20:]) < 0.6 * np.mean(losses[:5])
    assert run.counters.best_loss < 0.9


@pytest.mark.parametrize("optimizer", sorted(OPTIMIZERS))
@pytest.mark.parametrize("cell", sorted(LAYER_TYPES))
def test_a_resumed_run_ends_with_the_same_bits(cell, optimizer, start):
    whole = start(cell, optimizer=optimizer)
    list(train(whole))
    for stop in (1, 7, 16):
        begun = start(cell, optimizer=optimizer)
        for progress in train(begun):
            if progress.step == stop:
                break
        counters = deepcopy(begun.counters)
        arrays = {name: array.copy() for name, array in begun.arrays().items()}
        again = start(cell, optimizer=optimizer)
        again.restore(arrays, counters, begun.model.parameters.flat.copy(), begun.best.copy())
        list(train(again))
        np.testing.assert_array_equal(again.model.parameters.flat, whole.model.parameters.flat)
        np.testing.assert_array_equal(again.best, whole.best)
        assert again.counters == whole.counters


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("last", [14, 30])
def test_a_validation_that_is_stopped_is_made_up_for_and_the_bits_are_the_same(
    last, workers, start
):
    settings = {"workers": workers, "steps": 30, "held_out": 5}
    whole, run = start(**settings), start(**settings)
    list(train(whole))
    asked = []

    def stop():
        asked.append(run.counters.step)
        return run.counters.step == last and asked.count(last) > 2

    run.stop = stop
    seen = [(progress.step, progress.val_loss is None) for progress in train(run)]
    assert seen[-1] == (last, True)
    assert asked.count(last) == 4  # twice in vain, then the step's validation, then once more
    assert (run.pending, run.done) == (True, False)
    assert run.counters.history == whole.counters.history[: len(run.counters.history)]
    run.stop = lambda: False
    list(train(run))
    assert (run.pending, run.done) == (False, True)
    assert run.counters == whole.counters
    np.testing.assert_array_equal(run.model.parameters.flat, whole.model.parameters.flat)
    np.testing.assert_array_equal(run.best, whole.best)


#: A run that without dropout is best at step 12, and that patience ends at 24.
WORSENING = {
    "optimizer": "adam",
    "learning_rate": 0.5,
    "schedule": "linear",
    "warmup_steps": 1,
    "val_every": 4,
    "steps": 60,
    "patience": 3,
}


def resumed_without(left_out, start):
    """Return True if a run resumed at step 17 without one part ends with the same bits."""
    settings = {**WORSENING, "dropout": 0.2 if left_out == "seed" else 0.0}
    whole, begun, fresh = start(**settings), start(**settings), start(**settings)
    list(train(whole))
    assert left_out == "seed" or (whole.counters.best_step, whole.counters.step) == (12, 24)
    for progress in train(begun):
        if progress.step == 17:
            break
    counters = deepcopy(begun.counters)
    arrays = {name: array.copy() for name, array in begun.arrays().items()}
    best = begun.best.copy()
    if hasattr(counters, str(left_out)):
        setattr(counters, left_out, getattr(fresh.counters, left_out))
    elif left_out in arrays:
        arrays[left_out] = fresh.arrays()[left_out]
    elif left_out == "best":
        best = fresh.best.copy()
    elif left_out is not None:
        fresh = start(**{**settings, left_out: 0 if left_out == "patience" else 99})
    fresh.restore(arrays, counters, begun.model.parameters.flat.copy(), best)
    list(train(fresh))
    return (
        np.array_equal(fresh.model.parameters.flat, whole.model.parameters.flat)
        and np.array_equal(fresh.best, whole.best)
        and fresh.counters == whole.counters
    )


#: Everything that is carried from step to step, and the options that decide the bits beside it:
#: the seed, of dropout, and the steps of the whole run, on which the schedule depends.
#: (`diverged` and `restart` are of a run that diverged.)
CARRIED = ["state", "m", "v", "best", *(field.name for field in fields(RunState)[:-3]), "history"]


@pytest.fixture
def few_points(monkeypatch):
    """A point of the training loss every 12 of 60 steps: a resumed run is between two of them."""
    monkeypatch.setattr(planning, "POINTS", 5)


@pytest.mark.usefixtures("few_points")
@pytest.mark.parametrize("left_out", [*CARRIED, "seed", "steps", "patience"])
def test_a_resume_without_one_part_ends_otherwise(left_out, start):
    assert not resumed_without(left_out, start)


@pytest.mark.usefixtures("few_points")
def test_a_resume_with_all_parts_ends_the_same(start):
    assert resumed_without(None, start)


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


def test_validation_comes_every_val_every_steps_and_at_the_end(start):
    run = start()
    steps = [progress.step for progress in train(run) if progress.val_loss is not None]
    assert steps == [7, 14, 21, 28, 30]
    scored = [point for point in run.counters.history if point["val_loss"] is not None]
    assert [point["step"] for point in scored] == steps


def test_the_history_has_the_mean_loss_since_the_point_before(start):
    run = start(steps=250, val_every=70)
    losses = [progress.loss for progress in train(run)]
    points = {point["step"]: point["loss"] for point in run.counters.history}
    assert list(points) == [*range(2, 251, 2)]
    assert points[8] == pytest.approx(np.mean(losses[6:8]))
    assert points[70] == pytest.approx(np.mean(losses[68:70]))
    assert run.counters.train_loss(run.config) == pytest.approx(np.mean(losses[210:250]))


def test_without_validation_the_last_weights_are_the_best(start):
    run = start(held_out=0)
    assert all(progress.val_loss is None for progress in train(run))
    np.testing.assert_array_equal(run.best, run.model.parameters.flat)
    assert [point["val_loss"] for point in run.counters.history] == [None] * 30


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


@pytest.mark.parametrize("grad_clip", [0.0, 0.01])
@pytest.mark.parametrize("grad_clip_value", [0.0, 1e-3])
@pytest.mark.parametrize("workers", [1, 2])
def test_the_norm_of_the_gradient_is_the_one_before_any_clipping(
    start, text, grad_clip, grad_clip_value, workers
):
    clipping = {"grad_clip": grad_clip, "grad_clip_value": grad_clip_value}
    run = start(workers=workers, dropout=0.0, **clipping)
    alike = CharRNN(run.model.vocabulary, **run.model.configuration)
    alike.parameters.flat[...] = run.model.parameters.flat
    window = Streams(text[:700], batch_size=4, seq_length=5).window(0)
    alike.loss_and_gradient(window, alike.state(4))
    expected = np.linalg.norm(alike.gradient.flat)
    assert expected > 2 * grad_clip
    assert np.abs(alike.gradient.flat).max() > 2 * grad_clip_value
    assert run.step().grad_norm == pytest.approx(expected, rel=1e-5)


def test_components_are_clipped_before_the_norm(start):
    plain = {"optimizer": "sgd", "momentum": 0.0, "learning_rate": 1.0, "warmup_steps": 0}
    run = start(grad_clip=0.005, grad_clip_value=1e-3, **plain)
    before = run.model.parameters.flat.copy()
    unclipped = start(grad_clip=0.0, **{**plain, "learning_rate": 0.0})
    unclipped.step()
    expected = np.clip(unclipped.gradient, -1e-3, 1e-3)
    norm = np.linalg.norm(expected)
    assert norm > 2 * 0.005
    run.step()
    moved = before - run.model.parameters.flat
    np.testing.assert_allclose(moved, 0.005 / norm * expected, atol=1e-7)


@pytest.mark.parametrize(
    "wrong",
    [
        {"steps": 0},
        {"batch_size": 0},
        {"learning_rate": -1.0},
        {"learning_rate": 1e39},
        {"momentum": 1.0},
        {"momentum": float("nan")},
        {"seed": 2**53 + 1},
        {"grad_clip": float("nan")},
        {"optimizer": "magic"},
        {"schedule": "magic"},
    ],
)
def test_a_setting_out_of_range_is_refused(wrong):
    with pytest.raises(SettingError):
        complete(**{"steps": 1, "batch_size": 1, "seq_length": 1, **wrong}).check_complete()


def test_nothing_is_carried_over_the_end_of_the_text(start):
    run = start(batch_size=1, seq_length=70, held_out=0)  # ten windows are the text
    seen = []
    hidden = run.model.hidden

    def spy(inputs, state, masks=None):
        seen.append(bool(state.any()))
        return hidden(inputs, state, masks)

    run.model.hidden = spy
    for _ in range(12):
        run.step()
    assert seen == [False, *[True] * 9, False, True]


#: With five streams the shares of the members differ; each of these options has an effect.
DIVIDED = {
    "batch_size": 5,
    "held_out": 8,
    "steps": 32,
    "val_every": 4,
    "warmup_steps": 2,
    "weight_decay": 0.5,
    "grad_clip": 0.1,
    "grad_clip_value": 0.02,
}


def assert_alike(first, second):
    """Assert that two runs are the same but for rounding, from step 24 to their end.

    With step 28 the last stream comes to the end of the text and begins anew.
    """
    first.broadcast(24)
    second.broadcast(24)
    for one, other in zip(train(first), train(second), strict=True):
        figures = [
            [step.loss, step.grad_norm, *([step.val_loss] if step.val_loss else [])]
            for step in (one, other)
        ]
        np.testing.assert_allclose(*figures, rtol=1e-5)
        assert one.grad_norm > first.config.grad_clip
    assert first.counters.best_step == second.counters.best_step
    for one, other in (
        (first.model.parameters.flat, second.model.parameters.flat),
        (first.states, second.states),
    ):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-5 * np.abs(one).max())


@pytest.mark.parametrize(
    ("workers", "optimizer"), [(2, "adam"), (3, "sgd"), (2, "muon"), (3, "muon")]
)
@pytest.mark.parametrize("cell", sorted(LAYER_TYPES))
def test_workers_train_as_one_does_alone(cell, workers, optimizer, start):
    settings = {**DIVIDED, "optimizer": optimizer}
    assert_alike(start(cell, **settings), start(cell, workers=workers, **settings))


def test_a_wrongly_scaled_share_of_the_gradient_would_show(start, monkeypatch):
    right = CharRNN.loss_and_gradient

    def wrong(model, window, state, masks, count):
        if state.shape[-1] < DIVIDED["batch_size"]:
            count = window.targets.size
        return right(model, window, state, masks, count=count)

    alone, together = start(**DIVIDED), start(**DIVIDED, workers=2)
    monkeypatch.setattr(CharRNN, "loss_and_gradient", wrong)
    with pytest.raises(AssertionError, match="Not equal"):
        assert_alike(alone, together)


def test_as_many_workers_give_the_same_bits_when_resumed_too(start):
    settings = {**DIVIDED, "workers": 3}
    whole, begun, again = start(**settings), start(**settings), start(**settings)
    losses = [progress.loss for progress in train(whole)]
    begun_losses = [progress.loss for progress in islice(train(begun), 13)]
    arrays = {name: array.copy() for name, array in begun.arrays().items()}
    again.restore(
        arrays, deepcopy(begun.counters), begun.model.parameters.flat.copy(), begun.best.copy()
    )
    assert begun_losses + [progress.loss for progress in train(again)] == losses
    np.testing.assert_array_equal(again.model.parameters.flat, whole.model.parameters.flat)
    np.testing.assert_array_equal(again.best, whole.best)
    assert again.counters == whole.counters


def spoil_last_stream(run):
    """Spoil the last worker's loss, and with it all of the gradient."""
    run.states[..., -1] = np.nan


def spoil_last_component(run):
    """Spoil one component of the first worker's gradient, in the last worker's part."""
    right = run.model.loss_and_gradient

    def wrong(*arguments, **more):
        loss = right(*arguments, **more)
        run.gradient[-1] = np.inf
        return loss

    run.model.loss_and_gradient = wrong


@pytest.mark.parametrize(
    ("spoil", "message"),
    [(spoil_last_stream, "loss nan, norm"), (spoil_last_component, r"loss \d.*gradient inf")],
)
def test_non_finite_numbers_in_one_worker_keep_the_weights_of_all(spoil, message, start):
    run = start(**{**DIVIDED, "grad_clip_value": 0}, workers=2)
    run.step()
    spoil(run)
    before = run.model.parameters.flat.copy(), run.optimizer.slots["m"].copy()
    with pytest.raises(TrainingError, match=f"step 2: {message}.*--learning-rate"):
        run.step()
    np.testing.assert_array_equal(run.model.parameters.flat, before[0])
    np.testing.assert_array_equal(run.optimizer.slots["m"], before[1])
    assert run.counters.step == 1


@pytest.mark.parametrize("workers", [0, 5])
def test_a_number_of_workers_out_of_range_is_refused(workers):
    with pytest.raises(SettingError, match="workers is from 1 to"):
        complete(steps=1, batch_size=4, seq_length=1, workers=workers).check_complete()


def test_a_history_stays_short_enough_to_be_kept(start, monkeypatch):
    """The history keeps the last point, and covers the whole run."""
    monkeypatch.setattr(RunState, "add_point", partialmethod(RunState.add_point, most=8))
    run = start(steps=100, val_every=1)
    for progress in train(run):
        steps = [point["step"] for point in run.counters.history]
        assert len(steps) <= 8
        assert steps[-1] == progress.step
    gaps = np.diff(steps)
    assert len(steps) == 8
    assert steps[0] == 1
    # Evenly spaced as far as that is possible.
    assert gaps.max() <= 2 * 100 / 7


def diverged(run, after):
    """Train until the run diverges, for an update after a step ruins it; all weights."""
    seen = [run.model.parameters.flat.copy()]
    with suppress(DivergedError):
        for progress in train(run):
            if progress.step == after:
                run.model.parameters.flat[...] *= 1e30
            seen.append(run.model.parameters.flat.copy())
    assert not run.done
    return seen


@pytest.mark.parametrize("val_every", [500, 2])
def test_a_run_that_diverges_keeps_its_last_and_its_best_weights(val_every, start):
    run = start("vanilla-relu", steps=500, val_every=val_every, dropout=0.0)
    seen = diverged(run, 120)
    run.mark_diverged()
    counters = run.counters
    assert counters.diverged == len(seen) == counters.step + 1 == 121
    assert counters.best_step > 0
    assert (counters.best_loss is not None) == (val_every == 2)
    np.testing.assert_array_equal(run.best, seen[counters.best_step])
    np.testing.assert_array_equal(run.model.parameters.flat, seen[-1])
    assert not any(array.any() for array in run.arrays().values())


def test_a_run_that_diverges_at_once_keeps_its_starting_weights(start):
    run = start("vanilla-relu", steps=500, val_every=500)
    seen = diverged(run, 1)
    run.model.parameters["by"][0] = np.inf
    run.mark_diverged()
    assert run.counters.best_step == 0
    np.testing.assert_array_equal(run.best, seen[0])
    np.testing.assert_array_equal(run.model.parameters.flat, seen[0])


def test_weights_are_kept_at_the_lowest_training_loss_until_the_first_validation(start):
    """Tried every 50 steps: points are every 5."""
    run = start(steps=520, val_every=510, learning_rate=0.02, dropout=0.0)
    losses, kept = {}, {}
    for progress in train(run):
        if progress.step % 50 == 0:
            losses[progress.step] = run.counters.history[-1]["loss"]
            kept[progress.step] = run.model.parameters.flat.copy()
        if progress.step == 505:
            break
    best = min(losses, key=losses.get)
    assert run.counters.best_step == best
    run.counters.diverged = 506
    np.testing.assert_array_equal(run.best, kept[best])


def test_weights_that_an_update_has_just_ruined_are_not_kept(start):
    run = start(steps=520, val_every=510, learning_rate=0.02, dropout=0.0)
    for progress in train(run):
        if progress.step == 99:
            break
    run.model.parameters.flat[...] *= 1e4  # the loss of step 100 is known before its update
    run.counters.loss_sum, run.counters.loss_count = 0.001, 1
    run.counters.step = 100
    run.record()
    assert run.counters.best_step == 50


def test_an_optimizer_that_begins_anew_takes_its_first_step_again(start):
    """The step of Adam at its start is the learning rate; here with a warm-up of 10 steps."""
    settings = {"steps": 100, "learning_rate": 0.01, "warmup_steps": 10, "schedule": "constant"}
    settings["optimizer"] = "adam"
    run = start(**settings, weight_decay=0.0)
    run.counters.step = run.counters.restart = 50
    before = run.model.parameters.flat.copy()
    rates = [run.step().learning_rate for _ in range(12)]
    assert rates == pytest.approx([0.001 * n for n in range(1, 11)] + [0.01, 0.01])
    run = start(**settings, weight_decay=0.0)
    run.counters.step = run.counters.restart = 50
    run.step()
    moved = np.abs(run.model.parameters.flat - before)
    assert np.median(moved) == pytest.approx(0.001, rel=1e-2)


class BrokenError(Exception):
    """What interrupts a step in a test."""


@pytest.mark.parametrize("workers", [1, 2])
def test_a_step_that_breaks_before_its_update_is_undone(workers, start):
    whole, run = start(workers=workers), start(workers=workers)
    for _ in range(5):
        run.step()
        whole.step()

    def broken(numbers):
        raise BrokenError

    reduce = run.group.all_reduce
    run.group.all_reduce = broken
    with pytest.raises(BrokenError):
        run.step()
    run.group.all_reduce = reduce
    run.group.close(failed=True)
    assert run.settle()
    assert run.counters == whole.counters
    np.testing.assert_array_equal(run.model.parameters.flat, whole.model.parameters.flat)
    for name, array in whole.arrays().items():
        np.testing.assert_array_equal(run.slots[name], array, err_msg=name)


def test_a_step_that_breaks_within_its_update_counts(start):
    run = start(val_every=6)
    for _ in range(5):
        run.step()

    def broken(gradient, rate):
        assert run._phase == IN_UPDATE
        raise BrokenError

    run.optimizer.step = broken
    with pytest.raises(BrokenError):
        run.step()
    assert not run.settle()
    assert (run.counters.step, run.pending) == (6, True)
    assert run.settle()
