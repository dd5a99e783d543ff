from pathlib import Path

import pytest

import charrnn
from charrnn.errors import TextError
from charrnn.inspection import training_text

TEXT = "the quick brown fox jumps over the lazy dog. " * 60


@pytest.fixture
def model(tmp_path, monkeypatch):
    """A model of a text in a file; its last tenth is held out."""
    monkeypatch.chdir(tmp_path)
    Path("fox.txt").write_text(TEXT, encoding="utf-8")
    return charrnn.train("fox.txt", steps=1, hidden_size=4, batch_size=2)


def trained_on(model):
    return TEXT[: len(TEXT) - model.checkpoint.corpus.held_out]


def test_the_part_trained_on_is_read_again(model):
    found = model.vocabulary.decode(training_text(model.checkpoint))
    assert found == trained_on(model)
    assert len(found) < len(TEXT)


def test_a_text_that_has_moved_is_named(model):
    Path("fox.txt").rename("moved.txt")
    with pytest.raises(TextError, match="is not there"):
        training_text(model.checkpoint)
    found = training_text(model.checkpoint, ["moved.txt"])
    assert model.vocabulary.decode(found) == trained_on(model)


def test_another_text_is_refused(model):
    Path("fox.txt").write_text(TEXT + "more", encoding="utf-8")
    with pytest.raises(TextError, match="changed"):
        training_text(model.checkpoint)


def test_a_model_without_a_text_takes_one_that_is_named(model):
    model.checkpoint.corpus = None
    with pytest.raises(TextError, match=r"does not say what text .* --train-text FILE"):
        training_text(model.checkpoint)
    Path("known.txt").write_text("the q\u00fcuick fox", encoding="utf-8")
    found = training_text(model.checkpoint, ["known.txt"])
    assert model.vocabulary.decode(found) == "the quick fox"
