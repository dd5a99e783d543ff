"""Rare characters and an unlike end, through the commands."""

import json
from pathlib import Path

import numpy as np
import pytest
from helpers.commands import LIGHTHOUSE, QUICK

from charrnn import checkpoint

#: Fifty characters that occur once.
ONCE = "".join(chr(0x4E00 + n) for n in range(50))


@pytest.fixture
def replacing(run):
    """A checkpoint of a model that reads U+FFFD for rare characters; what training says."""
    Path("rare.txt").write_text(ONCE + LIGHTHOUSE.read_text())
    return run("train", "rare.txt", *QUICK, "--min-count", 2).stderr


def test_rare_characters_are_replaced_and_counted(replacing):
    found = checkpoint.read("charrnn.npz")
    assert found.corpus.min_count == 2
    assert not set(found.vocabulary.ix_to_char) & set(ONCE)
    assert "\ufffd" in found.vocabulary.ix_to_char
    assert "characters with fewer than 2 occurrences by U+FFFD" in replacing


def test_the_run_is_resumed_as_it_began(run, replacing):
    before = checkpoint.read("charrnn.npz").vocabulary
    assert "replaced" not in run("train", "--resume", "--steps", 14).stderr
    assert checkpoint.read("charrnn.npz").vocabulary == before
    assert "--min-count" in run("train", "--resume", "--min-count", 3, code=2).stderr


@pytest.mark.parametrize("unknown", [[], ["--unknown", "replace"]])
def test_unknown_characters_of_a_prime_are_read_as_the_replacement_character(
    unknown, run, replacing
):
    result = run("sample", "--prime", "a汉b字", "--length", 0, "--seed", 1, *unknown)
    assert result.stdout == "a\ufffdb\ufffd\n"
    assert (
        result.stderr == "read U+FFFD for 2 characters of the prime that the model has not seen\n"
    )


def test_unknown_characters_of_a_prime_are_refused_or_skipped_where_asked(run, replacing):
    assert "'汉'" in run("sample", "--prime", "a汉", "--unknown", "error", code=2).stderr
    result = run("sample", "--prime", "a汉", "--length", 0, "--unknown", "skip")
    assert result.stdout == "a\n"
    assert "skipped 1 character of the prime" in result.stderr


def test_a_model_without_the_replacement_character_refuses_unknown_ones(run, trained):
    assert "'汉'" in run("sample", "--prime", "汉", "--unknown", "replace", code=2).stderr


def test_a_text_to_look_at_is_read_in_the_same_way(run, replacing):
    Path("look.txt").write_text("a汉b" * 20)
    result = run("inspect", "--text", "look.txt", "--json", "--surprisal")
    assert "read U+FFFD for 20 characters that the model has not seen" in result.stderr
    assert json.loads(result.stdout)["characters"] == 60


def test_the_training_text_is_read_in_the_same_way(run, replacing):
    assert "n-gram" in run("inspect", "--ngram").stdout


def test_bytes_are_all_kept(run):
    assert (
        "keeps all bytes" in run("train", "text.txt", "--binary", "--min-count", 2, code=2).stderr
    )
    assert not Path("charrnn.npz").exists()


def test_many_rare_characters_are_named_with_a_remedy_that_works(run):
    many = "".join(chr(0x4E00 + n) for n in range(400))
    Path("many.txt").write_text(many + LIGHTHOUSE.read_text())
    line = "characters occur fewer than 5 times, and "
    assert line in run("train", "many.txt", *QUICK).stderr
    result = run("train", "many.txt", *QUICK, "--min-count", 5, "--overwrite")
    assert line not in result.stderr
    assert len(checkpoint.read("charrnn.npz").vocabulary) < 80


def test_an_ordinary_text_has_neither_notice(run):
    said = run("train", "text.txt", *QUICK).stderr
    assert "unlike" not in said
    assert "--min-count" not in said


def sorted_names():
    rng = np.random.default_rng(0)
    names = {"".join(rng.choice(list("abdeiklmnorstu"), 5)) for _ in range(900)}
    return "".join(f"{name}\n" for name in sorted(names))


def test_sorted_lines_are_named_before_the_training_and_not_called_overfitting_after(run):
    Path("names.txt").write_text(sorted_names())
    options = ["--hidden-size", 32, "--batch-size", 4, "--seq-length", 16, "--steps", 600]
    said = run("train", "names.txt", *options, "--learning-rate", 0.01).stderr
    assert "are unlike the rest of the text" in said
    assert said.index("the lines are sorted: train with --lines") < said.index("600 of 600")
    assert "no sign of overfitting: start again with --overwrite and --lines" in said
    assert "overfitting since" not in said
    for remedy in (["--lines"], ["--held-out", "spread"]):
        said = run("train", "names.txt", *options, "--overwrite", *remedy).stderr
        assert "unlike" not in said


def test_the_description_of_a_model_says_that_rare_characters_are_replaced(run, replacing):
    assert "those that occur fewer than 2 times are read as U+FFFD" in run("inspect").stdout
    assert json.loads(run("inspect", "--json").stdout)["corpus"]["min_count"] == 2
