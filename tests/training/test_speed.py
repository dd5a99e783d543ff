"""The size of a network for a time follows from the measured speed of the machine."""

import pytest

from charrnn.config import ModelConfig, TrainingConfig
from charrnn.network.model import CharRNN
from charrnn.parallel.group import Group
from charrnn.text.corpus import Corpus
from charrnn.training import planning, run, speed

TEXT = "The ferry waits. " * 400


@pytest.fixture
def clock(monkeypatch):
    """Each window takes a quarter of a second; the third one half of that."""
    passed = {"now": 0.0, "windows": 0}

    def loss_and_gradient(model, window, state):
        passed["windows"] += 1
        passed["now"] += 0.125 if passed["windows"] == 3 else 0.25
        passed["shape"] = window.inputs.shape

    monkeypatch.setattr(CharRNN, "loss_and_gradient", loss_and_gradient)
    monkeypatch.setattr(speed.time, "perf_counter", lambda: passed["now"])
    return passed


@pytest.mark.parametrize(("members", "streams"), [(1, 64), (2, 32), (100, 1)])
def test_the_fastest_window_of_each_member_counts(members, streams, clock):
    found = speed.characters_a_second("gru", members)
    assert found == pytest.approx(speed.SHARE * members * streams * 32 / 0.125)
    assert clock["shape"] == (32, streams)


def test_the_members_of_a_run_are_its_workers_on_all_ranks(monkeypatch):
    monkeypatch.setattr(speed, "characters_a_second", lambda *found: found)
    monkeypatch.setattr(speed, "default_workers", lambda batch_size: 7)
    ranks = Group()
    ranks.size = 3
    model, own = ModelConfig("lstm"), TrainingConfig(workers=2)
    assert speed.measured_speed(model, TrainingConfig(), None) == ("lstm", 7)
    assert speed.measured_speed(model, own, None) == ("lstm", 2)
    assert speed.measured_speed(model, own, ranks) == ("lstm", 6)
    assert speed.measured_speed(model, TrainingConfig(), ranks) == ("lstm", 3)


@pytest.mark.parametrize(
    ("measured", "cells", "networks"),
    [(1e3, 256, 1), (1e4, 512, 2), (1.4e5, 512, 2), (3e5, 768, 2), (2e6, 1024, 2)],
)
def test_a_fast_machine_trains_a_larger_network_in_the_same_time(
    measured, cells, networks, monkeypatch
):
    monkeypatch.setattr(run, "measured_speed", lambda *found: measured)
    corpus, config = Corpus.of(TEXT), TrainingConfig(workers=1)
    with run.new(corpus, None, ModelConfig(), config, seconds=60) as made:
        model = made.trainer.model
        train, _ = made.parts
    assert (model.hidden_size, model.ensemble) == (cells, networks)
    read = int(60 * measured * planning.relative_speed(65, cells // networks) / networks)
    expected = planning.dropout_for(planning.capacity(model), len(train), read)
    assert model.dropout == expected


def test_without_a_time_nothing_is_measured(monkeypatch):
    monkeypatch.setattr(run, "measured_speed", lambda *found: pytest.fail("measured"))
    with run.new(Corpus.of(TEXT), None, ModelConfig(), TrainingConfig(workers=1)) as made:
        assert made.trainer.model.hidden_size == 256
