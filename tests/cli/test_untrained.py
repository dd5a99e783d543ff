"""A model that was saved from Python, without a text and a run, in all commands."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from helpers.checkpoints import config_of
from helpers.commands import QUICK

from charrnn import checkpoint
from charrnn.checkpoint import Checkpoint
from charrnn.network.model import CharRNN
from charrnn.text.vocabulary import Vocabulary


@pytest.fixture
def untrained(place):
    """A checkpoint that has a model alone, and an excerpt to look at."""
    text = (place / "text.txt").read_text()
    model = CharRNN(Vocabulary.of(text), layer_type="lstm", hidden_size=4)
    model.initialize(np.random.default_rng(0))
    weights = dict(model.parameters)
    saved = Checkpoint(config_of(model), model.vocabulary, weights, weights, excerpt=text[:200])
    checkpoint.save("charrnn.npz", saved)


@pytest.mark.usefixtures("untrained")
def test_it_can_be_described(run):
    text = run("inspect").stdout
    assert "lstm, 1 × 4 cells" in text
    assert "characters" in text
    assert "steps" not in text
    assert json.loads(run("inspect", "--json").stdout)["corpus"] == {}


@pytest.mark.usefixtures("untrained")
def test_it_can_be_sampled_scored_and_trained(run):
    assert len(run("sample", "--length", 9).stdout) >= 9
    assert "nats" in run("inspect", "--text", "text.txt").stdout
    quick = QUICK[QUICK.index("--batch-size") :]
    run("train", "text.txt", "--init-from", "charrnn.npz", "-c", "other.npz", *quick)


@pytest.mark.usefixtures("untrained")
def test_it_has_a_page(run, place, page_of):
    page_of("gates", "ngram")
    pytest.importorskip("jinja2")
    pytest.importorskip("matplotlib")
    result = run("inspect", "--html", "page.html")
    assert "without --ngram: the checkpoint does not say what text" in result.stderr
    assert "<title>A text, read by an LSTM network" in (place / "page.html").read_text()


@pytest.mark.usefixtures("untrained")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["inspect", "--ngram"], "does not say what text its model was trained on"),
        (["inspect", "--errors"], "does not say what text its model was trained on"),
        (["train", "--resume"], r"no run to go on with: start one .* --init-from charrnn\.npz"),
        (["train", "text.txt", "--resume"], "no run to go on with"),
    ],
)
def test_a_missing_part_is_reported_in_one_line(arguments, said, run):
    result = run(*arguments, code=1)
    assert result.stderr.count("\n") == 1
    assert re.search(said, result.stderr)


@pytest.mark.usefixtures("trained")
@pytest.mark.parametrize("lacking", ["corpus", "settings"])
def test_half_a_run_cannot_be_resumed(lacking, run):
    half = checkpoint.read("charrnn.npz")
    setattr(half, lacking, None)
    checkpoint.save("charrnn.npz", half)
    assert "lstm, 1 × 8 cells" in run("inspect").stdout
    assert "no run to go on with" in run("train", "text.txt", "--resume", code=1).stderr


@pytest.mark.usefixtures("trained")
def test_more_held_out_than_there_is_leaves_nothing_to_count(run):
    saved = checkpoint.read("charrnn.npz")
    saved.corpus = replace(saved.corpus, held_out=10**9)
    checkpoint.save("charrnn.npz", saved)
    assert "holds out 1,000,000,000" in run("inspect", "--ngram", code=1).stderr
