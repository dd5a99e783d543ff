"""The example of docs/inspecting.md that classifies lines by their vectors, made shorter."""

import re
import runpy
import sys
from pathlib import Path

from helpers.commands import invoke

PAGE = (Path(__file__).parents[2] / "docs" / "inspecting.md").read_text(encoding="utf-8")
SECTION = PAGE.partition("## Lines as vectors")[2]
#: Fewer sentences and steps. The labelled lines, and so their baselines, are those of the page.
SHORTER = {"20_000": "2_000", "--steps 1000": "--steps 5", "--hidden-size 64": "--hidden-size 8"}


def test_the_example_runs_and_prints_the_baselines_of_the_page(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    section = SECTION
    for long, short in SHORTER.items():
        assert long in section
        section = section.replace(long, short)
    phrases, classify = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    Path("phrases.py").write_text(phrases, encoding="utf-8")
    Path("classify.py").write_text(classify, encoding="utf-8")
    runpy.run_path("phrases.py")
    (commands,) = re.findall(r"^    python phrases.py\n((?:    .+\n)+)", section, re.MULTILINE)
    for line in commands.replace("\\\n", " ").splitlines():
        invoke(*line.split()[1:])
    (output,) = re.findall(r"^    \$ python classify.py .*\n((?:    .+\n)+)", section, re.MULTILINE)
    expected = [line.strip() for line in output.splitlines()]
    monkeypatch.setattr(sys, "argv", ["classify.py", "vectors.npz"])
    capsys.readouterr()
    runpy.run_path("classify.py")
    *shown, last = capsys.readouterr().out.splitlines()
    assert shown == expected[:-1]
    assert re.sub(r"\d+", "#", last) == re.sub(r"\d+", "#", expected[-1])
