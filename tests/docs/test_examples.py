"""The Python examples of the documents, run in a folder with a model and a text."""

import json
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "docs" / "python.md", ROOT / "docs" / "checkpoint-format.md"]
#: Examples train for a minute; here for a second.
MINUTE, SECOND = 'time="1m"', "time=1"


def examples():
    """The Python examples."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for number, code in enumerate(re.findall(r"```python\n(.*?)```", text, re.DOTALL), 1):
            if "from torch" not in code:  # run by tests/checkpoint/test_with_pytorch.py
                yield pytest.param(code, id=f"{page.name}-{number}")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A folder with charrnn.npz and the texts of the examples."""
    folder = tmp_path_factory.mktemp("model")
    shutil.copy(ROOT / "data" / "lighthouse.txt", folder)
    text = (folder / "lighthouse.txt").read_text(encoding="utf-8")
    (folder / "letter.txt").write_text(text[:1_000], encoding="utf-8")
    (folder / "shakespeare.txt").write_text("ROMEO:\n" + text, encoding="utf-8")
    options = ["--steps", "3", "--hidden-size", "8", "--workers", "1"]
    command = [sys.executable, "-m", "charrnn", "train", "lighthouse.txt", *options]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=90)
    return folder


@pytest.mark.parametrize("code", list(examples()))
def test_an_example_runs_and_prints(code, model, monkeypatch, capsys, tmp_path):
    script = tmp_path / "example.py"
    script.write_text(code.replace(MINUTE, SECOND), encoding="utf-8")
    monkeypatch.chdir(model)
    runpy.run_path(str(script))
    assert capsys.readouterr().out


def test_the_examples_of_training_are_shortened():
    codes = [example.values[0] for example in examples()]
    assert sum(MINUTE in code for code in codes) >= 2
    assert not any(re.search(r'time=(?!"1m")', code) for code in codes)


def test_the_checkpoint_page_names_every_field_and_array(model):
    page = (ROOT / "docs" / "checkpoint-format.md").read_text(encoding="utf-8")
    arrays = np.load(model / "charrnn.npz", allow_pickle=False)
    header = json.loads(arrays["header"].tobytes())
    names = set(header)
    for section in header.values():
        names |= section.keys() if isinstance(section, dict) else set()
    names |= {re.sub(r"^(best|last)\.(layer\d\.)?", "", name) for name in arrays}
    for name in names:
        assert f"`{name}`" in page or f"`{name}.…`" in page, name
