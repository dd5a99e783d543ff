from dataclasses import replace
from pathlib import Path

import pytest
from helpers.commands import LIGHTHOUSE, QUICK, invoke

from charrnn import checkpoint
from charrnn.cli import inspect_text
from charrnn.inspection import copying
from charrnn.inspection.analyses import ANALYSES
from charrnn.inspection.find import search


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    """The working directory of a test, with a text in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CHARRNN_CHECKPOINT", raising=False)
    # What takes seconds: 50,000 characters written, ten untrained models.
    monkeypatch.setattr(copying, "WRITTEN", 4_000)
    monkeypatch.setattr(search, "UNTRAINED_MODELS", 3)
    (tmp_path / "text.txt").write_bytes(LIGHTHOUSE.read_bytes())
    return tmp_path


@pytest.fixture
def run():
    """A function that runs a command within this process."""
    return invoke


@pytest.fixture
def page_of(monkeypatch):
    """A function that leaves only some analyses on a page, because all of them take seconds."""

    def leave(*names):
        monkeypatch.setattr(inspect_text, "ANALYSES", {name: ANALYSES[name] for name in names})

    return leave


@pytest.fixture(scope="session")
def example(tmp_path_factory):
    """The checkpoint of a short training, for all tests."""
    folder = tmp_path_factory.mktemp("example")
    (folder / "text.txt").write_bytes(LIGHTHOUSE.read_bytes())
    invoke("train", folder / "text.txt", *QUICK, "-c", folder / "charrnn.npz")
    return checkpoint.read(folder / "charrnn.npz")


@pytest.fixture
def trained(example, place):
    """A checkpoint in the working directory, trained on the text there."""
    corpus = replace(example.corpus, files=(str(Path("text.txt").resolve()),))
    checkpoint.save("charrnn.npz", replace(example, corpus=corpus))
