"""`charrnn train --time`: a budget that becomes a number of steps."""

import re

import numpy as np
import pytest
from conftest import QUICK
from test_train import header, weights


def test_a_time_becomes_a_number_of_steps(run):
    result = run("train", "text.txt", *QUICK[:8], "--time", "2s")
    steps = int(re.search(r"--steps (\d+) --val-every", result.stderr).group(1))
    assert header().run["step"] == header().settings["steps"] == steps
    assert steps > 10


def test_a_time_gives_the_same_bits_as_what_it_became(run):
    said = run("train", "text.txt", *QUICK[:8], "--time", "2s").stderr
    again = re.search(r"the same again with (.*)", said).group(1).split()
    run("train", "text.txt", "-c", "again.npz", *QUICK[:8], *again)
    for name, array in weights().items():
        if name.startswith("last."):
            np.testing.assert_array_equal(array, weights("again.npz")[name])


def test_a_time_leaves_val_every_as_it_was_asked_for(run):
    result = run("train", "text.txt", *QUICK[:8], "--time", "2s", "--val-every", 7)
    assert "--val-every 7" in result.stderr
    assert [point["step"] for point in header().run["history"]][:3] == [7, 14, 21]


def test_a_time_needs_a_warm_up_to_measure_in(run):
    assert "--warmup 5" in run("train", "text.txt", "--time", "2s", "--warmup", 0, code=2).stderr


@pytest.mark.parametrize("given", [["--steps", 5, "--epochs", 1], ["--epochs", 1, "--time", "5s"]])
def test_one_budget_is_enough(given, run):
    assert "exclude one another" in run("train", "text.txt", *given, code=2).stderr


@pytest.mark.parametrize("time", ["", "soon", "-5", "0s", "5 parsecs"])
def test_a_time_that_is_none_is_refused(time, run):
    assert "10m" in run("train", "text.txt", "--time", time, code=2).stderr
