"""`charrnn inspect --why`, through the command line."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from helpers.checkpoints import config_of, made
from helpers.planted import bracket_kinds

from charrnn import checkpoint
from charrnn.checkpoint import Checkpoint
from charrnn.errors import SettingError
from charrnn.inspection import contributions
from charrnn.render.colors import columns
from charrnn.text.corpus_info import ReadingSettings

#: A text with brackets of both kinds.
TEXT = "[a](ab)[b](aba)" * 20


@pytest.fixture
def brackets(place):
    """A model that remembers the kind of the open bracket; its last weights remember nothing."""
    model = bracket_kinds(np.float32)
    best = dict(model.parameters.items())
    last = {name: np.zeros_like(array) for name, array in best.items()}
    checkpoint.save(
        "charrnn.npz", Checkpoint(config_of(model), model.vocabulary, best, last, excerpt=TEXT)
    )
    Path("text.txt").write_text(TEXT)


@pytest.mark.usefixtures("brackets")
def test_a_position_is_explained_by_the_characters_before_it(run):
    shown = run("inspect", "--why", 44).stdout
    assert "come from '(' 4 characters before. Without context ')' takes" in " ".join(shown.split())
    assert "Before ')' at position 44\n" in shown
    assert re.search(r"^'\(' +4 +\+0\.9\d$", shown, re.MULTILINE)
    lines = shown.splitlines()
    assert lines[lines.index(TEXT[:45]) + 1] == 40 * " " + "#"


@pytest.mark.usefixtures("brackets")
def test_the_numbers_as_json(run):
    result = json.loads(run("inspect", "--why", 44, "--json").stdout)["why"]
    assert result["answer"].startswith("Of the ")
    assert (result["positions"], result["characters"]) == ([44], ")")
    assert result["before"] == [TEXT[:44]]
    assert np.shape(result["bits"]) == (1, 45)
    added = result["contributions"]
    assert np.argmax(added) == 3
    gain = result["without_context"] - result["with_context"]
    assert sum(added) == pytest.approx(gain, abs=1e-4)  # of six digits


@pytest.mark.usefixtures("brackets")
def test_a_pattern_is_explained_by_the_mean_over_its_matches(run):
    result = json.loads(run("inspect", "--why", r"aba\)", "--json").stdout)["why"]
    assert (result["matches"], len(result["positions"])) == (20, 20)
    assert np.argmax(result["contributions"]) == 3
    shown = run("inspect", "--why", r"aba\)", "--color").stdout
    assert "On average over 20 matches, of the" in " ".join(shown.split())
    assert "\x1b[" in shown
    assert "Contribution by character" in shown
    digits = run("inspect", "--why", "[4]4", code=2).stderr  # a pattern of digits
    assert "--why '[4]4': has no match in the text" in digits


@pytest.mark.usefixtures("brackets")
@pytest.mark.parametrize(
    ("asked", "code", "said"),
    [
        (["--why", 300], 2, "position 300: the text has 300 characters, counted from 0"),
        (["--why", "9" * 5_000], 2, "choose a position from 1 to 299"),
        (["--why", 0], 2, "choose a position from 1 to 299"),
        (["--why", "x"], 2, "--why 'x': has no match in the text"),
        (["--why", ""], 2, "--why '': matches no characters, only empty strings"),
        (["--why", "("], 2, "--why '(': missing )"),
        (["--why", 3, "--text", "one.txt"], 1, "at least 2 characters, not 1"),
        (["--why", 3, "--length", 9], 2, "--length needs --cell, --html or --surprisal"),
        (["--why", 3, "--layer", 1], 2, "--layer needs --cell, --find, --export or --html"),
        (["--why", 3, "--score", "line"], 2, "--score and --why exclude one another"),
    ],
)
def test_what_cannot_be_explained_is_an_error_in_one_line(asked, code, said, run):
    Path("one.txt").write_text("a")
    refused = run("inspect", *asked, code=code)
    assert said in refused.stderr
    assert not refused.stdout
    assert len(refused.stderr.splitlines()[-1]) < 300


@pytest.mark.usefixtures("brackets")
def test_it_is_drawn_and_stands_on_the_page_where_it_is_asked(run, page_of):
    page_of()
    for asked in (["--why", 44], ["--why", r"\)"]):
        run("inspect", *asked, "--plot", "why.svg")
        assert "Contribution by distance" in Path("why.svg").read_text(encoding="utf-8")
    run("inspect", "--why", 44, "--html", "page.html")
    assert "Why this character</h2>" in Path("page.html").read_text(encoding="utf-8")
    run("inspect", "--html", "page.html")
    assert "Why this character</h2>" not in Path("page.html").read_text(encoding="utf-8")


@pytest.mark.usefixtures("trained")
@pytest.mark.parametrize("width", [40, 80])
def test_nothing_is_wider_than_the_terminal(width, run, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(width))
    for asked in (["--why", 500], ["--why", "the"], ["--why", "the", "--color"]):
        shown = re.sub(r"\x1b\[[0-9;]*m", "", run("inspect", *asked).stdout)
        assert max(map(columns, shown.splitlines())) <= width


@pytest.mark.usefixtures("brackets")
def test_it_takes_the_text_and_the_weights_that_are_named(run):
    Path("letter.txt").write_text("[b]ab")
    result = json.loads(run("inspect", "--why", 2, "--text", "letter.txt", "--json").stdout)
    assert result["why"]["before"] == ["[b"]
    assert result["why"]["answer"].startswith("Of the ")
    last = run("inspect", "--why", 44, "--weights", "last").stdout
    assert last.startswith("The context does not change how likely ')' is.")


def test_a_pattern_for_a_model_of_bytes_is_bytes(run):
    excerpt = "caf\u00e9 au lait, \u00c0 la mer\n".encode().decode("latin-1") * 40
    reading = ReadingSettings(binary=True)
    checkpoint.save(
        "charrnn.npz", made("".join(sorted(set(excerpt))), excerpt=excerpt, reading=reading)
    )
    result = json.loads(run("inspect", "--why", "\u00e9", "--json").stdout)["why"]
    assert (result["pattern"], result["matches"]) == ("\u00e9", 40)
    assert set(result["characters"]) == {"\xa9"}
    words = json.loads(run("inspect", "--why", r"\w+", "--json").stdout)["why"]
    assert not set(words["characters"]) & set("\xc3\xa9\x80")  # letters of Latin-1 alone


def test_no_position_is_an_error():
    model = bracket_kinds(np.float32)
    with pytest.raises(SettingError, match="no positions: give at least one"):
        contributions(model, TEXT, [])


def test_a_text_with_special_characters_is_answered_with_its_expression(run, trained):
    said = run("inspect", "--why", "(1) fire", code=2).stderr
    assert said.endswith(
        "has no match in the text: to find it as it stands, write '\\(1\\)\\ fire'\n"
    )
    assert run("inspect", "--why", "\\(1\\)\\ fire").stdout
