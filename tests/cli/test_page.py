"""`charrnn inspect --html`: the contents of the page."""

import html
import json
import re
from collections import Counter
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from helpers.commands import LIGHTHOUSE, QUICK

from charrnn.cli import report
from charrnn.inspection.find import search as module

pytestmark = pytest.mark.usefixtures("trained")


def links():
    """The signal and the position (if any) of each found cell that the page links to."""
    page = Path("a.html").read_text(encoding="utf-8")
    states = [parse_qs(html.unescape(state)) for state in re.findall('href="#(layer=[^"]*)"', page)]
    return [(state["signal"][0], int(state.get("position", ["-1"])[0])) for state in states]


def signals():
    """The names of the signals of the page."""
    page = Path("a.html").read_text(encoding="utf-8")
    data = re.search(r'<script type="application/json" id="data">(.*?)</script>', page)
    return [signal["name"] for signal in json.loads(data[1])["signals"]]


def test_a_link_leads_to_a_position_where_the_feature_holds(run, page_of):
    page_of("find")
    prose = LIGHTHOUSE.read_text()
    text = prose[:150] + "lamp" + prose[150:3_000] + prose[3_000:6_000].replace("the", "lamp")
    Path("long.txt").write_text(text)
    run("inspect", "--html", "a.html", "--text", "long.txt", "--length", 400, "--feature", "lamp")
    ((_, position),) = links()
    assert 0 <= position < 400
    assert "lamp" in text[position - 3 : position + 4]


def test_a_page_too_small_for_all_signals_has_those_of_the_cells_found(run, page_of, monkeypatch):
    page_of("find")
    Path("part.txt").write_text(LIGHTHOUSE.read_text()[:7_000])
    asked = ["--text", "part.txt", "--html", "a.html", "--length", 500]
    run("inspect", *asked)
    every = Counter(signal for signal, _ in links())
    assert set(every) == {"h", "c"}
    assert signals() == ["h", "c", "i", "f", "o", "g"]
    monkeypatch.setattr(report, "MAX_VALUES", 500 * 8)
    said = run("inspect", *asked).stderr
    (kept,) = signals()
    assert every[kept] == max(every.values())
    assert len(links()) == every[kept]
    assert f"{every.total() - every[kept]} of {every.total()} rows" in said


def test_a_given_signal_is_the_only_one(run, page_of):
    page_of("gates")
    run("train", "text.txt", "-c", "gru.npz", *QUICK[2:], "--model", "gru")
    run("inspect", "-c", "gru.npz", "--html", "a.html", "--length", 300, "--signal", "h")
    assert signals() == ["h"]
    run("inspect", "-c", "gru.npz", "--html", "a.html", "--length", 300)
    assert signals() == ["h", "r", "z", "n"]


def test_an_analysis_beside_a_page_is_computed_once(run, page_of, monkeypatch):
    page_of("find")
    searches = []
    search = module.find_cells
    monkeypatch.setattr(
        module, "find_cells", lambda *a, **more: searches.append(a) or search(*a, **more)
    )
    shown = run("inspect", "--find", "--html", "a.html", "--length", 300).stdout
    assert "features" in shown
    assert links()
    assert len(searches) == 1
