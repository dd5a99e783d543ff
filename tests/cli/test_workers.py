import numpy as np
import pytest
from helpers.commands import QUICK

from charrnn import checkpoint
from charrnn.parallel import workers
from charrnn.text import storage


def workers_of(path="charrnn.npz"):
    """The number of workers in a checkpoint."""
    return checkpoint.read(path).settings.workers


def test_workers_train_what_one_does_alone(run):
    for number in (1, 2):
        result = run("train", "text.txt", "-c", f"{number}.npz", *QUICK, "--workers", number)
        assert f"{number} worker" in result.stderr
        assert workers_of(f"{number}.npz") == number
    alone, together = (checkpoint.read(f"{number}.npz") for number in (1, 2))
    for name, array in alone.last.items():
        np.testing.assert_allclose(array, together.last[name], rtol=0, atol=1e-5)
    assert alone.run.best_loss == pytest.approx(together.run.best_loss, rel=1e-5)


@pytest.mark.parametrize("wrong", ["0", "-1", "1.5", "many", ""])
def test_an_invalid_number_of_workers_is_a_usage_error(wrong, run):
    result = run("train", "text.txt", *QUICK, "--workers", wrong, code=2)
    assert "is neither a number above 0 nor auto" in result.stderr


def test_there_are_no_more_workers_than_streams(run):
    result = run("train", "text.txt", *QUICK, "--batch-size", "2", "--workers", "9")
    assert "--workers 2: each reads at least one of 2 streams" in result.stderr
    assert workers_of() == 2


@pytest.mark.parametrize("words", [[], ["--workers", "auto"]])
@pytest.mark.parametrize(("batch_size", "expected"), [(15, 1), (16, 2), (24, 2)])
def test_as_many_workers_as_help_are_chosen(batch_size, expected, words, run, monkeypatch):
    monkeypatch.setattr(workers, "cores", lambda: 2)
    run("train", "text.txt", *QUICK, "--batch-size", batch_size, *words)
    assert workers_of() == expected


def test_a_resumed_run_keeps_its_workers_unless_others_are_given(run):
    run("train", "text.txt", *QUICK, "--workers", "2")
    assert "2 workers" in run("train", "--resume", "--steps", "14").stderr
    assert workers_of() == 2
    assert "1 worker\n" in run("train", "--resume", "--steps", "16", "--workers", "1").stderr
    assert workers_of() == 1


def test_a_resumed_run_with_more_workers_than_streams_is_refused(trained, run):
    result = run("train", "--resume", "--steps", "14", "--workers", "5", code=2)
    assert "workers is from 1 to batch_size, 4, not 5" in result.stderr


def test_workers_read_a_text_that_is_in_a_file(run, monkeypatch):
    monkeypatch.setattr(storage, "IN_MEMORY", 0)
    losses = []
    for number in (1, 2):
        words = ["-c", f"{number}.npz", *QUICK, "--val-frac", "0.3", "--workers", number]
        run("train", "text.txt", *words)
        losses.append(checkpoint.read(f"{number}.npz").run.best_loss)
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


def test_a_resumed_run_can_be_given_as_many_workers_as_fit(run, trained, monkeypatch):
    monkeypatch.setattr(workers, "default_workers", lambda batch_size: batch_size // 2)
    result = run("train", "--resume", "--steps", 14, "--workers", "auto")
    assert workers_of() == 2
    assert "--workers 2, not 1: the same training, but for rounding" in result.stderr


def test_a_run_that_diverges_says_so_in_one_line(run, trained):
    words = ["--learning-rate", "1e30", "--grad-clip", "0", "--optimizer", "sgd", "--steps", "50"]
    result = run("train", "text.txt", "-c", "new.npz", *QUICK[:8], *words, code=1)
    assert result.stderr.splitlines()[-1].startswith("Error: step ")
    assert "--learning-rate" in result.stderr
