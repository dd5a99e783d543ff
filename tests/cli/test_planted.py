"""A cell that never forgets, through the commands that show its values."""

import json
import re

import numpy as np
import pytest
from helpers.checkpoints import config_of
from helpers.planted import STEP, bracket_counter, long_brackets

from charrnn import checkpoint
from charrnn.checkpoint import Checkpoint


@pytest.fixture
def depth(rng, tmp_path, monkeypatch):
    """Saves a model whose cell 2 counts brackets, and a text; the depth after each character."""
    monkeypatch.chdir(tmp_path)
    model = bracket_counter()
    weights = dict(model.parameters.items())
    checkpoint.save(
        "charrnn.npz",
        Checkpoint(config_of(model), model.vocabulary, weights, weights),
    )
    text, depth = long_brackets(rng, 20_000)
    (tmp_path / "text.txt").write_text(text)
    return depth


def test_a_cell_is_shown_with_its_count_all_along(depth, run):
    asked = ("--cell", 2, "--signal", "c", "--text", "text.txt", "--length", 20_000, "--json")
    shown = json.loads(run("inspect", *asked).stdout)
    np.testing.assert_allclose(shown["values"], np.tanh(STEP * depth), atol=1e-3)


def test_a_cell_is_exported_with_its_count_all_along(depth, run):
    run("inspect", "--export", "states.npz", "--text", "text.txt")
    with np.load("states.npz") as states:
        np.testing.assert_allclose(states["layer1.c"][:, 2], STEP * depth, atol=1e-3)


def test_the_direction_of_a_cell_is_in_words(depth, run):
    shown = run("inspect", "--cell", 2, "--signal", "c", "--text", "text.txt").stdout
    said = r"(high|low) (inside it|where it is large), (AUC|Spearman) 0\.\d\d given the current"
    assert re.search(said, " ".join(shown.split()))
