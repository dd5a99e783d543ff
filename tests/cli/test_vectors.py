"""`charrnn inspect --export FILE --by line`."""

import json
from pathlib import Path

import numpy as np
import pytest

import charrnn
from charrnn.errors import Notice, SettingError

pytestmark = pytest.mark.usefixtures("trained")

LINES = ["Wick is well.", "", "The lamp was lit at dusk.", "Ω", "No newline Ω"]


@pytest.fixture(autouse=True)
def lines(place):
    (place / "lines.txt").write_text("\n".join(LINES), encoding="utf-8")


def exported(run, *arguments):
    said = run("inspect", "--export", "lines.npz", "--by", "line", *arguments)
    with np.load("lines.npz") as arrays:
        return dict(arrays), said


def test_each_line_has_its_last_state(run):
    arrays, said = exported(run, "--text", "lines.txt")
    assert arrays["line"].tolist() == [1, 3, 5]
    assert arrays["layer1.h"].shape == arrays["layer1.c"].shape == (3, 8)
    assert said.stdout == ""
    assert said.stderr.splitlines() == [
        "left out 2 characters that the model has not seen",
        "lines.txt: left out 2 lines without characters that the model knows",
        "lines.npz: 3 lines",
    ]


def test_python_has_the_same_states(run):
    arrays, _ = exported(run, "--text", "lines.txt")
    model = charrnn.load("charrnn.npz")
    with pytest.warns(Notice, match="left out 2 characters that the model has not seen"):
        states = model.states(LINES)
    assert sorted(states) == ["layer1.c", "layer1.h"]
    for name, values in states.items():
        assert values.shape == (5, 8)
        np.testing.assert_allclose(values[arrays["line"] - 1], arrays[name], rtol=1e-5)
        np.testing.assert_array_equal(values[1], values[3])  # after no character
    assert model.states([])["layer1.h"].shape == (0, 8)
    with pytest.raises(SettingError, match=r"write \[text\]"):
        model.states("a text")


def test_a_line_predicts_as_it_does_where_it_is_scored(run):
    model = charrnn.load("charrnn.npz")
    h = model.states(["Wick is wel"])["layer1.h"][0]
    logits = model.parameters["Wy"] @ h + model.parameters["by"]
    expected = np.log(np.exp(logits).sum()) - logits[model.vocabulary.char_to_ix["l"]]
    scores = model.score(["Wick is wel", "Wick is well"])
    assert scores[1] - scores[0] == pytest.approx(expected / np.log(2), rel=1e-3)


def test_without_a_text_the_excerpt_is_read_and_json_has_the_numbers(run, example):
    arrays, said = exported(run, "--json")
    filled = [number for number, line in enumerate(example.excerpt.split("\n"), 1) if line]
    assert arrays["line"].tolist() == filled
    found = json.loads(said.stdout)
    assert found["text"] == "the held-out excerpt"
    assert (found["lines"], found["unknown"]) == (len(filled), 0)


def test_by_char_is_the_default(run):
    for name, more in (("a.npz", []), ("b.npz", ["--by", "char"])):
        run("inspect", "--export", name, *more)
    with np.load("a.npz") as one, np.load("b.npz") as other:
        assert one.files == other.files
        np.testing.assert_array_equal(one["layer1.c"], other["layer1.c"])


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (["--by", "line"], "--by needs --export: add --export FILE"),
        (["--by", "line", "--export", "a.npz", "--seed", "1"], "--by line and --seed exclude"),
        (["--by", "word", "--export", "a.npz"], "not one of"),
        (["--by", "line", "--export", "a.npz", "--find"], "--by line and --find exclude"),
        (["--by", "line", "--export", "a.npz", "--cell", "0"], "--by line and --cell exclude"),
        (["--by", "line", "--export", "a.npz", "--signal", "f"], "--by line and --signal exclude"),
        (["--by", "line", "--export", "a.npz", "--score", "line"], "--score and --export exclude"),
        (["--by", "line", "--export", "text.txt", "--text", "text.txt"], "would be lost"),
    ],
)
def test_options_that_do_not_go_together(wrong, said, run):
    assert said in run("inspect", *wrong, code=2).stderr


def test_a_text_without_lines_is_refused(run, place):
    (place / "lines.txt").write_text("\n\n")
    asked = ["--export", "lines.npz", "--by", "line", "--text", "lines.txt"]
    assert "lines.txt: no line to export" in run("inspect", *asked, code=1).stderr
    assert not Path("lines.npz").exists()
