import base64
import hashlib
import json
import re
import sys
import zlib
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from helpers.reports import FERRY, HOSTILE, TEXT, noise, sample

from charrnn.errors import MissingExtraError, SettingError
from charrnn.inspection.answer import Answer, Table
from charrnn.inspection.reading import Signal
from charrnn.inspection.recording import Recording
from charrnn.render.escape import HARMFUL
from charrnn.render.report import LEVELS, Section, page, save


class Elements(HTMLParser):
    """The elements that a browser would find, with their attributes, and the text of some."""

    def __init__(self, html):
        super().__init__()
        self.found, self.texts = [], {}
        self._within = None
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))
        if tag in ("script", "style", "title"):
            self._within = dict(attributes).get("id") or dict(attributes).get("type") or tag
            self.texts[self._within] = ""

    def handle_endtag(self, tag):
        if tag in ("script", "style", "title"):
            self._within = None

    def handle_data(self, data):
        if self._within:
            self.texts[self._within] += data

    def all(self, tag):
        return [attributes for name, attributes in self.found if name == tag]


@pytest.fixture(scope="module")
def report():
    return sample()


@pytest.fixture(scope="module")
def html(report):
    return page(report)


@pytest.fixture(scope="module")
def elements(html):
    return Elements(html)


def unpacked(text, dtype):
    return np.frombuffer(zlib.decompress(base64.b64decode(text)), dtype)


def small(values, name="h", gates=frozenset(), losses=(1.0, 2.0)):
    """A report of three characters and one signal."""
    recording = Recording(
        {Signal(1, name): np.array(values)},
        np.array(losses),
        np.zeros((3, 1), int),
        np.ones((3, 1)),
    )
    return replace(noise(3, 1), text="aba", recording=recording, gates=gates)


def drawn(report):
    """The values of the only cell of a report, from −1 to 1, and its description in the page."""
    elements = Elements(page(report))
    (described,) = json.loads(elements.texts["data"])["signals"]
    return unpacked(elements.texts["signal-0"], np.uint8) / LEVELS - 1, described


def test_the_text_is_in_the_page_character_by_character(elements):
    data = json.loads(elements.texts["data"])
    assert "".join(map(chr, data["text"])) == TEXT
    assert "".join(map(chr, data["characters"])) == "".join(sorted(set(TEXT)))


def test_the_values_of_every_cell_are_in_the_page(report, elements):
    signals = json.loads(elements.texts["data"])["signals"]
    assert [(s["layer"], s["name"]) for s in signals] == list(report.recording.values)
    for number, described in enumerate(signals):
        values = report.recording.values[Signal(described["layer"], described["name"])]
        lines = elements.texts[f"signal-{number}"].split("\n")
        assert len(lines) == described["cells"] == values.shape[1]
        if described["name"] == "c":
            values = np.tanh(values)
        for cell, line in enumerate(lines):
            found = unpacked(line, np.uint8) / LEVELS - 1
            found = (found + 1) / 2 if described["gate"] else found * described["largest"]
            assert found == pytest.approx(values[:, cell], abs=0.51 / LEVELS)


def test_surprisal_and_guesses_are_in_the_page(report, elements):
    surprisal = unpacked(elements.texts["surprisal-data"], "<u2")
    assert surprisal[0] == 0xFFFF
    assert surprisal[1:] / 100 == pytest.approx(report.recording.losses / np.log(2), abs=0.006)
    guesses = unpacked(elements.texts["guesses"], "<u4").reshape(len(TEXT), 5)
    assert np.array_equal(guesses, report.recording.guesses)
    probabilities = unpacked(elements.texts["probabilities"], "<u2").reshape(len(TEXT), 5)
    assert probabilities / 10_000 == pytest.approx(report.recording.probabilities, abs=6e-5)


def test_gates_run_from_blue_to_red():
    levels, described = drawn(small([[0.0], [0.5], [1.0]], "z", frozenset("z")))
    assert described["gate"]
    assert levels.tolist() == [-1, 0, 1]


def test_an_unbounded_output_is_a_share_of_its_largest():
    levels, described = drawn(small([[0.0], [2.0], [4.0]]))
    assert described["largest"] == 4
    assert levels == pytest.approx([0, 0.5, 1], abs=0.01)


def test_values_that_are_no_numbers_are_drawn_all_the_same():
    levels, _ = drawn(small([[np.nan], [np.inf], [-np.inf]], losses=(np.nan, np.inf)))
    assert levels.tolist() == [0, 1, -1]


def test_the_policy_lets_in_the_script_and_the_style_of_the_page_alone(elements):
    (policy,) = (m["content"] for m in elements.all("meta") if "http-equiv" in m)
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    for rule, content in (("script-src", "module"), ("style-src", "style")):
        digest = hashlib.sha256(elements.texts[content].encode()).digest()
        assert rules.pop(rule) == f"'sha256-{base64.b64encode(digest).decode()}'"
    assert rules == {
        "default-src": "'none'",
        "style-src-attr": "'unsafe-inline'",
        "base-uri": "'none'",
        "form-action": "'none'",
    }


def test_nothing_comes_from_outside(html, elements):
    for _, attributes in elements.found:
        for name in ("src", "href", "xlink:href"):
            assert attributes.get(name, "#").startswith("#")
        assert not any(name.startswith("on") for name in attributes)
    assert "@import" not in html
    assert set(re.findall(r"url\((.)", html)) <= {"#"}


def test_a_hostile_text_adds_no_element(elements):
    harmless = Elements(page(sample("The ferry waits.\n" * 20)))
    assert [tag for tag, _ in elements.found] == [tag for tag, _ in harmless.found]
    assert len(elements.all("script")) == 7 + 2 * 6
    assert "window.__pwned=1" in elements.texts["title"]


def test_a_hostile_text_is_shown_as_it_is(html):
    assert "&lt;img src=x onerror=window.__pwned=2&gt;" in html
    assert "{{ 7*7 }}{% raw %}" in html
    unseen = r"<(script|style|svg).*?</\1>|sha256-[\w+/=]+"
    assert "49" not in re.sub(unseen, "", html, flags=re.DOTALL)


def test_nothing_in_the_page_reorders_or_controls_what_is_shown(html):
    assert HARMFUL.findall(html) == []
    assert "\\x00\\x1b[31m" in html
    assert "\\u202eltr" in html
    assert "\\ud83d\\ude00\\ud800" in html


def test_data_in_a_script_element_cannot_end_it(html):
    (data,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', html)
    assert not set("<>&") & set(data)
    json.loads(data)


def test_a_find_links_to_its_cell_and_place(elements):
    links = [a["href"] for a in elements.all("a") if a["href"].startswith("#layer")]
    assert links == [
        f"#layer=2&signal=h&cell=3&position={FERRY}",
        "#layer=1&signal=f&cell=1",  # the position is beyond the text
    ]


def test_a_find_in_a_signal_that_is_not_shown_links_nowhere(report):
    values = {s: v for s, v in report.recording.values.items() if s != Signal(2, "h")}
    without = replace(report, recording=replace(report.recording, values=values))
    assert "#layer=2&amp;signal=h" not in page(without)


def test_pictures_have_names(html, elements):
    (picture,) = (attributes for attributes in elements.all("svg"))
    assert f'<title id="{picture["aria-labelledby"]}">Loss' in html


def test_the_analysis_that_found_the_cells_stands_with_their_table(report):
    rows = tuple(find.columns for find in report.found)
    answer = Answer("Three were found.", (), Table(report.headings, rows))
    with_it = replace(report, sections=(*report.sections, Section("Found twice", answer)))
    html = page(with_it)
    assert html.count("Three were found.") == 1
    assert html.count(">the ferry<") == 1
    assert (
        html.index("Three were found.") < html.index(">the ferry<") < html.index(">Learning</h2>")
    )
    assert "Found twice" not in html


def test_columns_of_numbers_stand_to_the_right():
    rows = (("a", "0.42", "12 %"), ("b", "+0.1 (−0.2 to +0.3)", "graded"), ("c", "–", "3 %"))
    section = Section("Numbers", Answer("", (), Table(("what", "score", "share"), rows)))
    elements = Elements(page(replace(noise(3, 1), sections=(section,))))
    assert [cell["class"] for cell in elements.all("td")] == 3 * ["number", "words"]
    assert [cell.get("class") for cell in elements.all("th")][:3] == ["words", "number", "words"]


def test_a_section_without_a_sentence_has_no_empty_line(report):
    answer = replace(report.sections[0].answer, sentence="")
    section = replace(report.sections[0], answer=answer)
    assert 'class="answer"' not in page(replace(report, sections=(section,)))


def test_noise_stays_below_the_bound():
    # 20,000 characters with 2 × 512 cells, from what two more cells a layer add.
    small, larger = (len(page(noise(20_000, cells))) for cells in (1, 3))
    assert small + (2 * 512 - 2) * (larger - small) / 4 < 25e6


def test_the_same_report_gives_the_same_page(report, html):
    assert page(report) == html
    assert page(sample()) == html


def test_saving_replaces_the_file(report, html, tmp_path):
    path = tmp_path / "report.html"
    path.write_text("old")
    save(report, path)
    assert path.read_bytes().decode() == html
    assert list(tmp_path.iterdir()) == [path]


def test_a_path_that_cannot_be_written_is_named(report, tmp_path):
    path = tmp_path / "missing" / "report.html"
    with pytest.raises(SettingError, match=r"missing.report\.html: "):
        save(report, path)


def test_without_jinja2_it_says_how_to_install_it(report, monkeypatch):
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(
        MissingExtraError, match=r"jinja2 is not installed: pip install jinja2 matplotlib"
    ):
        page(report)


def test_every_hostile_line_is_in_the_sample():
    assert all(line in TEXT for line in HOSTILE)
