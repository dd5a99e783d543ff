"""Cells held while a model writes, and the effect of a cell, through the commands."""

import json
import re
from functools import partial

import pytest
from helpers.commands import QUICK
from test_lists import names, write

import charrnn
from charrnn.cli import inspect_text
from charrnn.inspection import effect
from charrnn.inspection.effect import effect_of_cell

trained = pytest.mark.usefixtures("trained")
SEEDED = ("--length", 60, "--seed", 1)


@pytest.fixture
def quick_effect(monkeypatch):
    """Fewer and shorter texts."""
    quick = partial(effect_of_cell, texts=3, length=40, min_controls=3)
    monkeypatch.setattr(effect, "effect_of_cell", quick)


def records(result):
    return [json.loads(line) for line in result.stdout.splitlines()]


@trained
def test_held_cells_change_the_text_and_stand_in_the_json(run):
    free = records(run("sample", *SEEDED, "--num-samples", 3, "--json"))
    words = ("--hold", "2=0.9", "--hold", "1.3.c=+2")
    held = records(run("sample", *SEEDED, "--num-samples", 3, "--json", *words))
    assert [each["hold"] for each in free + held] == [[]] * 3 + [["1.2=0.9", "1.3.c=+2"]] * 3
    assert all(one["text"] != other["text"] for one, other in zip(free, held))
    again = [word for each in held[0]["hold"] for word in ("--hold", each)]
    assert records(run("sample", *SEEDED, "--num-samples", 3, "--json", *again)) == held
    hold = {(1, 2): 0.9, (1, 3, "c"): "+2"}
    texts = charrnn.load("charrnn.npz").samples(3, 60, seed=1, hold=hold)
    assert list(texts) == [each["text"] for each in held]


@trained
def test_adding_nothing_changes_nothing(run):
    free = run("sample", *SEEDED, "--prime", "The ").stdout
    assert run("sample", *SEEDED, "--prime", "The ", "--hold", "0=+0").stdout == free


@trained
def test_next_characters_follow_a_prime_that_was_read_with_held_cells(run):
    free, held = (
        records(run("sample", "--next", 3, "--prime", "The ", "--json", *words))[0]
        for words in ((), ("--hold", "1.0.c=5"))
    )
    assert held["hold"] == ["1.0.c=5"]
    assert free["next"] != held["next"]
    model = charrnn.load("charrnn.npz")
    (first, *_) = model.next_characters(3, prime="The ", hold={(1, 0, "c"): 5})
    assert held["next"][0] == {"character": first[0], "probability": round(first[1], 6)}
    said = run("sample", "--next", 3, "--hold", "0=1", code=2).stderr
    assert "add --prime TEXT" in said
    with pytest.raises(charrnn.errors.SettingError, match="give a prime"):
        model.next_characters(3, hold={(1, 0): 1})


def test_items_of_a_list_are_written_with_held_cells(run):
    write(names())
    run("train", "--lines", "names.txt", *QUICK)
    words = ("sample", "--lines", 5, "--seed", 1)
    free, held = run(*words).stdout, run(*words, "--hold", "0=1").stdout
    assert len(held.splitlines()) == 5
    assert held != free
    assert list(charrnn.load("charrnn.npz").items(5, seed=1, hold={(1, 0): 1})) == held.splitlines()


@trained
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["8=0.9"], "--hold 8=0.9: layer 1 has 8 cells, counted from 0: choose one from 0 to 7"),
        (["2.1=0.9"], "there is no layer 2: name layer 1"),
        (["1.1.z=0.9"], "signal z of layer type lstm cannot be held: hold h or c"),
        (["1=0.9", "--hold", "1.1=0.8"], "cell 1.1 is held twice"),
        (["foo"], "not a cell and a number"),
    ],
)
def test_what_cannot_be_held_is_a_usage_error(words, said, run):
    result = run("sample", "--hold", *words, code=2)
    assert said in result.stderr
    assert result.stdout == ""


@trained
def test_a_value_beyond_the_reach_of_a_cell_is_said_and_held(run):
    result = run("sample", *SEEDED, "--hold", "1=3")
    assert result.stderr.startswith("--hold 1.1=3: lstm cells are between -1 and 1 by themselves")
    assert len(result.stdout) == 61
    model = charrnn.load("charrnn.npz")
    with pytest.warns(charrnn.errors.Notice, match=r"hold 1\.1=3: lstm cells"):
        text = model.sample(60, seed=1, hold={(1, 1): 3})
    assert "".join(text) == result.stdout[:60]


@trained
def test_a_cell_is_shown_with_the_commands_that_hold_it_at_its_ends(run):
    result = run("inspect", "--cell", 3, "--signal", "c", "--weights", "last", "--length", 50)
    high, low = re.findall(
        r"^    charrnn sample --weights last --hold 3\.c=(-?[\d.]+)$", result.stdout, re.M
    )
    found = json.loads(run("inspect", "--cell", 3, "--signal", "c", "--json").stdout)
    assert [float(low), float(high)] == pytest.approx(found["ends"], rel=0.02)
    assert "--hold" not in run("inspect", "--cell", 3, "--signal", "f").stdout


@trained
def test_the_effect_of_a_cell_is_compared_with_others(run, quick_effect):
    shown = run("inspect", "--cell", 3, "--effect", "--length", 20).stdout
    assert re.search(r"cell 1\.3|Cell 1\.3", shown)
    assert "7 other cells" in " ".join(shown.split())
    found = json.loads(run("inspect", "--cell", 3, "--signal", "c", "--effect", "--json").stdout)
    result = found["effect"]
    assert (result["cell"], result["signal"], result["texts"]) == (3, "c", 3)
    assert [result["low"], result["high"]] == pytest.approx(found["ends"])
    assert len(result["measures"][0]["others"]) == 7
    said = run("inspect", "--cell", 3, "--signal", "f", "--effect", code=2).stderr
    assert "signal f cannot be held: choose signal h or c" in said
    assert "--effect needs --cell: add --cell N" in run("inspect", "--effect", code=2).stderr


@trained
def test_the_page_has_the_effect_of_a_cell_if_it_was_asked_for(
    run, quick_effect, page_of, monkeypatch
):
    pages = []
    monkeypatch.setattr(inspect_text, "write_report", lambda *arguments: pages.append(arguments))
    page_of("surprisal")
    for more in ((), ("--effect",)):
        run("inspect", "--cell", 3, "--html", "page.html", *more)
    assert [list(answered) for *_, answered in pages] == [["surprisal"], ["surprisal", "effect"]]
