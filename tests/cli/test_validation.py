"""`train --val`: a text of its own to validate on."""

import re
import shlex
import shutil
from pathlib import Path

import pytest
from helpers.commands import LIGHTHOUSE, QUICK

import charrnn
from charrnn import checkpoint
from charrnn.training.evaluation import evaluate

#: A text whose last tenth has no characters of its own.
TEXT = 2 * LIGHTHOUSE.read_text()


@pytest.fixture
def parts():
    """Two files: the last tenth of a text, which is held out by default, and the rest."""
    Path("text.txt").write_text(TEXT)
    charrnn.train("text.txt", checkpoint="whole.npz", workers=1, **OPTIONS)
    cut = len(TEXT) - len(checkpoint.read("whole.npz").excerpt)
    Path("train.txt").write_text(TEXT[:cut])
    Path("val.txt").write_text(TEXT[cut:])


OPTIONS = {"model": "lstm", "hidden_size": 8, "batch_size": 4, "seq_length": 8, "steps": 12}


def test_the_file_takes_the_place_of_the_part_held_out(run, parts):
    said = run("train", "train.txt", "--val", "val.txt", *QUICK, "--workers", 1).stderr
    found, whole = (checkpoint.read(name) for name in ("charrnn.npz", "whole.npz"))
    assert found.run.best_loss == pytest.approx(whole.run.best_loss, rel=1e-6)
    assert found.excerpt == whole.excerpt
    assert found.corpus.held_out == 0
    assert found.corpus.val_file == str(Path("val.txt").resolve())
    assert f"{len(found.excerpt):,} characters of val.txt to validate on" in said
    assert "n-gram" in run("inspect", "--ngram").stdout


def test_unknown_characters_are_left_out_and_counted(run):
    Path("val.txt").write_text("汉" + TEXT[:500] + "字汉")
    said = run("train", "text.txt", "--val", "val.txt", *QUICK, "--workers", 1).stderr
    assert "val.txt: left out 3 characters that the text to train on does not have" in said
    found = checkpoint.read("charrnn.npz")
    assert found.excerpt == TEXT[:500]
    loss = evaluate(found.build(), found.vocabulary.encode(TEXT[:500]), batch_size=4, seq_length=8)
    assert found.run.best_loss == pytest.approx(loss, rel=1e-5)


def test_unknown_characters_are_read_as_the_replacement_character(run):
    Path("train.txt").write_text(TEXT + "汉字")
    Path("val.txt").write_text("汉" + TEXT[:500])
    options = ["--val", "val.txt", "--min-count", 2, "--workers", 1]
    said = run("train", "train.txt", *QUICK, *options).stderr
    assert "val.txt: read U+FFFD for 1 character" in said
    assert checkpoint.read("charrnn.npz").excerpt[0] == "\ufffd"


def test_a_resumed_run_validates_on_the_same_text(run, parts):
    run("train", "train.txt", "--val", "val.txt", *QUICK, "--workers", 1)
    before = checkpoint.read("charrnn.npz").corpus
    run("train", "--resume", "--steps", 14)
    assert checkpoint.read("charrnn.npz").corpus == before
    Path("moved").mkdir()
    shutil.move("val.txt", "moved/val.txt")
    said = run("train", "--resume", "--steps", 16, code=1).stderr
    assert "the text to validate on is not there: name a file with --val FILE" in said
    run("train", "--resume", "--steps", 16, "--val", "moved/val.txt")
    assert checkpoint.read("charrnn.npz").corpus.val_file == str(Path("moved/val.txt").resolve())
    Path("moved/val.txt").write_text("another text\n")
    said = run("train", "--resume", "--steps", 18, code=1).stderr
    assert "is not the text that the run validates on" in said


def test_a_new_run_that_is_advised_has_the_same_text_to_validate_on(run, parts):
    run("train", "train.txt", "--val", "val.txt", *QUICK, "--workers", 1)
    said = run("train", "--resume", "--hidden-size", 9, code=2).stderr
    run(*shlex.split(re.search("`charrnn (.*)`", said)[1]))
    assert checkpoint.read("charrnn-2.npz").corpus.val_file == str(Path("val.txt").resolve())


def test_lines_of_a_list_are_validated_as_lines(run):
    names = [f"{number * 7919 % 1000:b}" for number in range(400)]
    Path("names.txt").write_text("\n".join(names[:300]))
    Path("val.txt").write_text("\n\n".join(names[300:]))
    said = run("train", "--lines", "names.txt", "--val", "val.txt", *QUICK).stderr
    assert "val.txt: left out 99 empty lines" in said
    found = checkpoint.read("charrnn.npz")
    assert found.excerpt.splitlines() == names[300:]
    assert found.corpus.held_out == 0


@pytest.mark.parametrize("more", [["--val-frac", 0.2], ["--held-out", "spread"]])
def test_nothing_else_is_held_out(more, run, parts):
    said = run("train", "train.txt", "--val", "val.txt", *more, code=2).stderr
    assert "--val holds out no part of the text" in said


@pytest.mark.parametrize(
    ("text", "said"), [("", "it has 0"), ("汉字", "it has 0"), ("a汉", "it has 1")]
)
def test_a_text_to_validate_on_has_characters_that_are_known(text, said, run):
    Path("val.txt").write_text(text)
    assert said in run("train", "text.txt", "--val", "val.txt", *QUICK, code=1).stderr


def test_a_file_to_validate_on_is_one_that_can_be_read_again(run):
    assert "is not there" in run("train", "text.txt", "--val", "no.txt", code=1).stderr
    assert "is no regular file" in run("train", "text.txt", "--val", ".", code=1).stderr


def test_the_file_is_not_overwritten(run, parts):
    run("train", "train.txt", "--val", "val.txt", "-c", "val.txt", "--overwrite", code=2)
    run("train", "train.txt", "--val", "val.txt", "--log", "val.txt", "--overwrite", code=2)
    assert Path("val.txt").read_text() == TEXT[-len(Path("val.txt").read_text()) :]


def test_a_run_that_holds_out_a_part_takes_no_other_text(run, trained):
    said = run("train", "--resume", "--steps", 14, "--val", "text.txt", code=2).stderr
    assert "its run has no --val" in said


def test_python_validates_on_the_same_text(run, parts):
    run("train", "train.txt", "--val", "val.txt", *QUICK, "--workers", 1)
    model = charrnn.train("train.txt", val="val.txt", checkpoint="b.npz", **OPTIONS)
    found = checkpoint.read("charrnn.npz")
    assert model.checkpoint.run.best_loss == found.run.best_loss
    assert model.checkpoint.corpus == found.corpus
    charrnn.train(checkpoint="b.npz", resume=True, steps=14)
    assert checkpoint.read("b.npz").corpus == found.corpus
