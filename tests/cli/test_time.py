"""`charrnn train --time`: a budget that becomes a number of steps."""

import re
from signal import raise_signal
from types import SimpleNamespace

import numpy as np
import pytest
from helpers.commands import QUICK
from test_train import header, weights

from charrnn.cli import reporter
from charrnn.training import planning
from charrnn.training.budget import MAX_MEASURED_SECONDS, SLOW, Budget
from charrnn.training.run import Run


def test_a_time_becomes_a_number_of_steps(run):
    result = run("train", "text.txt", *QUICK[:8], "--time", "2s")
    steps = int(re.search(r"--steps (\d+) --val-every", result.stderr).group(1))
    assert header().run.step == header().settings.steps == steps
    assert steps > 10


@pytest.mark.parametrize("steps", [60, 700])  # too few for the usual warm-up, and enough
def test_a_time_gives_the_same_bits_as_what_it_became(steps, run, monkeypatch):
    monkeypatch.setattr(planning, "steps_in", lambda *measured: (steps, 30))
    said = run("train", "text.txt", *QUICK[:8], "--time", "2s").stderr
    again = re.search(r"to repeat this run: (.*)", said).group(1).split()
    run("train", "text.txt", "-c", "again.npz", *QUICK[:8], *again)
    for name, array in weights().items():
        if name.startswith("last."):
            np.testing.assert_array_equal(array, weights("again.npz")[name])


def test_a_time_keeps_a_given_val_every(run):
    result = run("train", "text.txt", *QUICK[:8], "--time", "2s", "--val-every", 7)
    assert "--val-every 7" in result.stderr
    scored = [point["step"] for point in header().run.history if point["val_loss"] is not None]
    assert scored[:3] == [7, 14, 21]


def test_a_time_needs_a_warm_up_to_measure_in(run):
    assert "--warmup 5" in run("train", "text.txt", "--time", "2s", "--warmup", 0, code=2).stderr


#: A time whose first steps are measured for long; and the time until the steps are planned.
LONG = ["--time", "1h", "--warmup", 900]


@pytest.mark.parametrize("signal", [2, 15])
def test_a_signal_while_steps_are_measured_finishes_the_step_and_saves(signal, run, monkeypatch):
    def show(self, progress):
        if progress.step == 3:
            raise_signal(signal)

    monkeypatch.setattr(reporter.Reporter, "show", show)
    said = run("train", "text.txt", *QUICK[:8], *LONG, code=128 + signal).stderr
    assert header().run.step == 3
    planned = int(re.search(r"--steps (\d+) --val-every", said).group(1))
    assert header().settings.steps == planned > 3


def test_a_run_is_saved_while_its_steps_are_measured(run, monkeypatch):
    save, saved = Run.save, []

    def saving(self):
        save(self)
        saved.append(self.trainer.counters.step)
        if len(saved) == 4:
            raise_signal(2)

    monkeypatch.setattr(Run, "save", saving)
    monkeypatch.setattr("charrnn.training.saving.SAVE_SECONDS", 0)
    monkeypatch.setattr("charrnn.training.saving.SAVE_RATIO", 0)
    run("train", "text.txt", *QUICK[:8], *LONG, code=130)
    assert saved == [1, 2, 3, 4, 4]


class Timed:
    """A trainer whose steps take a second, and whose validation takes five."""

    def __init__(self, warmup_steps=50, steps=1000):
        self.now, self.plans = 0.0, []
        self.counters = SimpleNamespace(step=0)
        self.model = SimpleNamespace(hidden_size=8, num_layers=1, ensemble=1, dropout=0.0)
        self.config = SimpleNamespace(
            warmup_steps=warmup_steps, steps=steps, val_every=10, workers=1, ranks=1
        )

    def evaluate(self):
        self.now += 5

    def plan(self, steps, val_every):
        self.plans.append((self.counters.step, steps))
        self.config.steps = steps

    def measured(self, seconds, slow=1):
        """The step at which a time was turned into a number of steps, and this number.

        The first step takes 10 seconds, each of the next nine `slow` ones.
        """
        budget = Budget(self, seconds, 100, clock=lambda: self.now)
        for step in range(1, 300):
            self.counters.step = step
            self.now += 10 if step == 1 else slow if step <= 10 else 1
            budget.measure()
        return self.plans


@pytest.mark.parametrize(
    ("seconds", "planned"),
    [(60, 5), (200, 11), (300, 20), (400, 30), (36_000, MAX_MEASURED_SECONDS + SLOW)],
)
def test_steps_are_measured_for_a_share_of_the_time_but_not_for_long(seconds, planned):
    """The first validation and the first step take 15 seconds of the time."""
    ((step, steps),) = Timed().measured(seconds)
    assert step == planned
    assert steps == step + max(1, int((seconds - 15 - (step - 1)) / 1.05))


def test_the_first_steps_may_be_slower_than_the_others():
    """The seconds of a step, 1.05 with its share of the validations, are those of later steps."""
    ((step, steps),) = Timed().measured(4_000, slow=1.1)
    assert steps == step + int((4_000 - 15 - 9 * 1.1 - (step - SLOW)) / 1.05)


@pytest.mark.parametrize(("warmup", "steps", "planned"), [(7, 1000, 7), (10**6, 9, 8)])
def test_steps_are_measured_within_the_warm_up_and_before_the_last(warmup, steps, planned):
    ((step, _),) = Timed(warmup, steps).measured(36_000)
    assert step == planned


def test_a_plan_after_one_step_uses_that_step():
    timed = Timed()
    budget = Budget(timed, 36_015, 10**6, clock=lambda: timed.now)
    timed.counters.step, timed.now = 1, 15.0
    assert budget.measure() is None
    assert "10000.0 ms a step" in budget.plan()
    assert timed.plans == [(1, 3600)]
    assert budget.plan() is None


@pytest.mark.parametrize("given", [["--steps", 5, "--epochs", 1], ["--epochs", 1, "--time", "5s"]])
def test_only_one_length_of_a_run_can_be_given(given, run):
    assert "exclude one another" in run("train", "text.txt", *given, code=2).stderr


@pytest.mark.parametrize("time", ["", "soon", "-5", "0s", "5 parsecs"])
def test_an_invalid_time_is_refused(time, run):
    assert "10m" in run("train", "text.txt", "--time", time, code=2).stderr
