"""`charrnn inspect --html`: the contents of the page."""

import html
import json
import re
import sys
from collections import Counter
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from helpers.commands import LIGHTHOUSE, QUICK

from charrnn.cli import report
from charrnn.inspection.find import search as module
from charrnn.render import network

pytestmark = pytest.mark.usefixtures("trained")


def links():
    """The signal and the position (if any) of each found cell that the page links to."""
    page = Path("a.html").read_text(encoding="utf-8")
    states = [parse_qs(html.unescape(state)) for state in re.findall('href="#(layer=[^"]*)"', page)]
    return [(state["signal"][0], int(state.get("position", ["-1"])[0])) for state in states]


def data():
    """The data of the page for its script."""
    page = Path("a.html").read_text(encoding="utf-8")
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page)
    return json.loads(found[1])


def signals():
    """The names of the signals of the page."""
    return [signal["name"] for signal in data()["signals"]]


def shown():
    """The text of the page that a person reads, without the data."""
    page = Path("a.html").read_text(encoding="utf-8")
    return html.unescape(re.sub(r"<(script|style|svg).*?</\1>|<[^>]*>", " ", page, flags=re.S))


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
    answered = run("inspect", "--find", "--html", "a.html", "--length", 300).stdout
    assert "features" in answered
    assert links()
    assert len(searches) == 1


def test_without_analyses_the_page_needs_no_matplotlib_and_introduces_itself(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    run("inspect", "--html", "a.html", "--no-analyses")
    assert "Learning" not in shown()
    assert links() == []
    assert data()["network"]["layerType"] == "lstm"
    assert data()["network"]["command"] == ["charrnn", "sample"]
    assert len(data()["text"]) > 1_000
    text = " ".join(shown().split())
    assert "text.txt, read by an LSTM network" in text
    characters = len(Path("text.txt").read_text())
    assert f"has read text.txt, {characters:,} characters, one character at a time" in text
    assert "one layer of 8 cells" in text
    found = re.search(r"needs (\S+) nats, or (\S+) bits, a character", text)
    assert float(found[2]) == pytest.approx(float(found[1]) / 0.6931, abs=0.02)
    assert "best weights" not in text


def test_a_page_of_the_last_weights_and_another_text_says_so(run):
    Path("sub").mkdir()
    Path("sub/other.txt").write_text("a lamp and the lighthouse\n" * 9)
    Path("c.npz").write_bytes(Path("charrnn.npz").read_bytes())
    page = ["--html", "a.html", "--no-analyses", "--signal", "h"]
    run("inspect", "-c", "c.npz", "--weights", "last", "--text", "sub/other.txt", *page)
    whole = Path("a.html").read_text()
    text = " ".join(shown().split())
    assert data()["network"]["command"][2:] == ["-c", "c.npz", "--weights", "last"]
    assert "the network with its best weights needs" in text
    assert "This page has its last weights." in text
    assert "the loss held out is that of the best ones" in text
    assert "other.txt" in text
    assert "sub/" not in whole
    # The memory c is not recorded, but can be held as well.
    assert set(data()["ranges"]) == {"1.h", "1.c"}
    assert all(least <= low <= high <= most for least, low, high, most in data()["ranges"]["1.c"])


def test_an_analysis_that_is_asked_for_stays(run):
    run("inspect", "--gates", "--html", "a.html", "--no-analyses")
    assert re.findall("<h2[^>]*>(.*?)</h2>", Path("a.html").read_text()) == [
        "Write",
        "Read",
        "Gates",
    ]


def test_large_weights_are_said_to_be_in_half_precision(run, monkeypatch):
    monkeypatch.setattr(network, "MAX_FULL_BYTES", 1_000)
    said = run("inspect", "--html", "a.html", "--no-analyses").stderr
    assert "half precision" in said
    assert "half precision" in shown()
    assert data()["network"]["half"]


def test_a_network_that_is_too_large_does_not_run_in_the_page(run, monkeypatch):
    monkeypatch.setattr(report, "MAX_PARAMETERS", 100)
    said = run("inspect", "--html", "a.html", "--no-analyses").stderr
    assert "too many to run in a page" in said
    assert data()["network"] is None
    text = " ".join(shown().split())
    assert "too large to run in a page (limit 100)" in text
    assert "This page holds the network" not in text


def test_no_analyses_without_a_page_is_refused(run):
    assert "--no-analyses needs --html" in run("inspect", "--no-analyses", code=2).stderr
