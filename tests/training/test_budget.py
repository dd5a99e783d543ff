import numpy as np
import pytest
from test_run import TEXT

from charrnn.config import ModelConfig, TrainingConfig
from charrnn.text.corpus import Corpus
from charrnn.training import budget, planning, run


def clock_of(seconds):
    """A clock by which each trial takes this time, but the first one much longer."""
    times = iter(np.cumsum([0, 10, *[0, seconds] * budget.TRIALS]))
    return lambda: next(times)


def test_the_speed_of_a_machine_is_that_of_its_fastest_trial_and_its_processes():
    characters = budget.TRIAL_STREAMS * budget.TRIAL_STEPS
    as_listed = characters / budget.TRIAL_SPEED
    assert budget.machine_speed(2, clock_of(as_listed)) == pytest.approx(1)
    assert budget.machine_speed(1, clock_of(as_listed)) == pytest.approx(0.5)
    assert budget.machine_speed(8, clock_of(as_listed / 3)) == pytest.approx(12)


def test_the_speed_of_this_machine_is_within_reason():
    assert 1e-3 < budget.machine_speed(1) < 1e3


@pytest.mark.parametrize("speed", [0.05, 1.0, 50.0])
def test_a_time_means_more_steps_and_cells_on_a_faster_machine(speed, monkeypatch):
    asked = []

    def machine_speed(processes):
        asked.append(processes)
        return speed

    monkeypatch.setattr(run, "machine_speed", machine_speed)
    config = TrainingConfig(workers=1, steps=1)
    with run.new(Corpus.of(TEXT), None, ModelConfig(), config, seconds=300) as begun:
        model = begun.trainer.model
    size = planning.size_for(300 * speed, len(model.vocabulary))
    assert asked == [1]
    assert model.hidden_size == size.hidden_size
    read = int(300 * speed * size.characters_a_second)
    train = len(begun.parts[0])
    assert model.dropout == planning.dropout_for(planning.capacity(model), train, read)


def test_without_a_time_the_speed_is_not_measured(monkeypatch):
    monkeypatch.setattr(run, "machine_speed", lambda processes: pytest.fail("measured"))
    config = TrainingConfig(workers=1, steps=1)
    with run.new(Corpus.of(TEXT), None, ModelConfig("lstm", 8), config) as begun:
        assert begun.trainer.model.hidden_size == 8
