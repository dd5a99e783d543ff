import json
import re
import shutil
import zipfile
from collections import Counter
from inspect import signature
from pathlib import Path

import numpy as np
import pytest
from helpers.commands import LIGHTHOUSE, QUICK

from charrnn import checkpoint
from charrnn.training.evaluation import evaluate_dynamically

pytestmark = pytest.mark.usefixtures("trained")


def test_alone_it_describes_the_model(run):
    text = run("inspect").stdout
    for part in ("lstm, 1 × 8 cells", "text.txt: 12,", "12 of 12,", "nats", "bits", "o held"):
        assert part in text


def test_json_has_the_figures(run):
    summary = json.loads(run("inspect", "--json").stdout)
    wanted = {
        "model", "hidden_size", "num_layers", "num_parameters", "vocabulary_size", "step",
        "train_loss", "val_loss", "val_bpc", "corpus",
    }  # fmt: skip
    assert wanted <= set(summary)
    assert summary["hidden_size"] == 8
    assert summary["val_bpc"] == pytest.approx(summary["val_loss"] / np.log(2))
    assert summary["corpus"]["characters"] == len(LIGHTHOUSE.read_text())


def test_a_cell_colours_the_held_out_text(run):
    result = run("inspect", "--cell", 3, "--color", "--length", 200)
    assert "cell 3 of layer 1, h (output): -0" in result.stdout
    assert "follows" in result.stdout
    body = re.sub(r"\x1b\[[\d;]*m", "", result.stdout)
    held_out = LIGHTHOUSE.read_text()[-len(LIGHTHOUSE.read_text()) // 10 :]
    assert held_out[10:60].split("\n")[0] in body
    assert "\x1b[" in result.stdout


def test_the_first_cell_is_a_cell_like_the_others(run):
    shown = run("inspect", "--cell", 0, "--length", 50, "--predictions").stdout
    assert shown.startswith("cell 0 of layer 1, h (output): ")
    assert run("inspect", "--cell", 0).stdout.startswith("cell 0 of layer 1, ")


def test_without_colour_marks_take_its_place(run):
    result = run("inspect", "--cell", 3, "--signal", "f", "--no-color", "--length", 200)
    assert "\x1b" not in result.stdout
    assert re.search(r"^ *\++[+ ]*$", result.stdout, re.MULTILINE)


def test_piped_output_has_no_colours(run):
    assert "\x1b" not in run("inspect", "--cell", 3).stdout


def test_the_numbers_of_a_cell_as_json(run):
    result = json.loads(run("inspect", "--cell", 3, "--signal", "f", "--json").stdout)
    assert (result["cell"], result["layer"], result["signal"]) == (3, 1, "f")
    assert 0 < result["lowest"] < result["mean"] < result["highest"] < 1
    assert len(result["values"]) == -(-len(LIGHTHOUSE.read_text()) // 10)
    assert result["follows"][0]["measure"] in ("AUC", "Spearman")


@pytest.mark.parametrize("signal", ["h", "c", "i", "f", "o", "g"])
def test_every_signal_of_the_lstm_can_be_seen(signal, run):
    shown = run("inspect", "--cell", 3, "--signal", signal).stdout
    assert shown.startswith(f"cell 3 of layer 1, {signal} (")


def test_a_layer_can_be_chosen_and_the_last_is_the_default(run):
    run("train", "text.txt", "-c", "two.npz", *QUICK, "--num-layers", 2)
    seen = [
        run("inspect", "-c", "two.npz", "--cell", 3, *layer).stdout
        for layer in ([], ["--layer", 2], ["--layer", 1])
    ]
    assert seen[0] == seen[1] != seen[2]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (["--cell", "8"], "--cell 8: layer 1 has 8 cells, counted from 0: choose one from 0 to 7"),
        (["--cell", "3", "--layer", "2"], "layer 2: the model has layer 1 alone"),
        (["--cell", "3", "--signal", "z"], "the lstm has h, c, i, f, o, g"),
        (["--cell", "-1"], "counted from 0"),
    ],
)
def test_a_missing_layer_or_signal_is_a_usage_error_with_those_there_are(wrong, said, run):
    assert said in run("inspect", *wrong, code=2).stderr


def test_another_text_is_scored(run, tmp_path):
    (tmp_path / "other.txt").write_text("The lamp was lit at dusk. " * 20)
    result = json.loads(run("inspect", "--text", "other.txt", "--json").stdout)
    assert result["characters"] == 520
    assert result["bpc"] == pytest.approx(result["loss"] / np.log(2), rel=1e-5)  # of six digits
    assert "nats" in run("inspect", "--text", "other.txt").stdout


def test_another_text_is_coloured(run, tmp_path):
    (tmp_path / "other.txt").write_text("The lamp was lit at dusk.")
    assert "The lamp" in run("inspect", "--text", "other.txt", "--cell", 1, "--no-color").stdout


def test_unknown_characters_are_left_out_with_a_notice(run, tmp_path):
    (tmp_path / "other.txt").write_text("naïve café", encoding="utf-8")
    result = run("inspect", "--text", "other.txt", "--cell", 1)
    assert "left out 2 characters that the model has not seen: 'é' 'ï'" in result.stderr
    assert "nave caf" in result.stdout


def test_a_text_of_one_character_has_nothing_to_predict(run, tmp_path):
    (tmp_path / "other.txt").write_text("a")
    assert "nothing to predict" in run("inspect", "--text", "other.txt").stdout
    (tmp_path / "other.txt").write_text("")
    assert "no text" in run("inspect", "--text", "other.txt", code=1).stderr


def test_guesses_stand_under_each_character(run):
    plain = run("inspect", "--cell", 3, "--length", 100).stdout.splitlines()
    guessed = run("inspect", "--cell", 3, "--length", 100, "--predictions").stdout.splitlines()
    assert len(guessed) >= len(plain) + 5


def test_escapes_in_a_text_do_not_reach_the_terminal(run, tmp_path):
    (tmp_path / "evil.txt").write_text("abc\x1b[31mdef\x9b\u202e " * 200)
    run("train", "evil.txt", "-c", "evil.npz", *QUICK)
    for arguments in (["--cell", 1, "--no-color"], []):
        shown = run("inspect", "-c", "evil.npz", *arguments).stdout
        assert "\x1b" not in shown
        assert "\x9b" not in shown
        assert "\u202e" not in shown
        assert "\\x1b" in shown


@pytest.mark.parametrize(
    ("alone", "said"),
    [
        (["--layer", 1], "--cell, --find, --export or --html: add one of them"),
        (["--signal", "f"], "--cell, --find, --export or --html: add one of them"),
        (["--length", 9], "--cell, --html or --surprisal: add one of them"),
        (["--temp", 0.5], "--temperature needs --copying or --html: add one of them"),
        (["--temp", 0], "--temperature needs --copying or --html: add one of them"),
        (["--predictions"], "--predictions needs --cell: add --cell N"),
        (["--neighbours"], "--neighbours needs --cell: add --cell N"),
        (["--by", "line"], "--by needs --export: add --export FILE"),
        (["--no-analyses"], "--no-analyses needs --html: add --html FILE"),
        (["--carried"], "--carried needs --score: add --score line"),
        (
            ["--html", "x", "--no-analyses", "--train-text", "y"],
            "--train-text needs --errors, --ngram or --copying: add one of them",
        ),
        (
            ["--html", "x", "--no-analyses", "--temp", 1],
            "--temperature needs --copying: add --copying",
        ),
        (["--encoding", "utf-8"], "--encoding needs --text: add --text FILE"),
        (["--encoding-errors", "ignore"], "--encoding-errors needs --text: add --text FILE"),
    ],
)
def test_an_option_that_needs_another_asks_for_it(alone, said, run):
    assert said in run("inspect", *alone, code=2).stderr


def test_the_seed_chooses_the_shifts_of_a_cell(run):
    one, same, other = (
        json.loads(run("inspect", "--cell", 0, "--seed", seed, "--json").stdout)["follows"]
        for seed in (0, 0, 1)
    )
    assert one == same
    assert {row["feature"]: row["score"] for row in one} == {
        row["feature"]: row["score"] for row in other
    }
    assert one != other


def test_neighbours_are_where_a_cell_is_highest_and_lowest(run):
    text = LIGHTHOUSE.read_text()
    numbers = json.loads(run("inspect", "--cell", 3, "--neighbours", "--json").stdout)
    for name, extreme in (("highest", numbers["highest"]), ("lowest", numbers["lowest"])):
        first, *rest = numbers["neighbours"][name]
        assert first["value"] == pytest.approx(extreme, abs=1e-5)
        assert len(rest) == 4
        assert first["before"] + first["character"] + first["after"] in text
    shown = run("inspect", "--cell", 3, "--neighbours", "--no-color").stdout
    assert "highest:" in shown
    assert f"[{first['character']}]" in shown or first["character"] in "\n "


def test_a_rectified_cell_is_as_red_as_it_is_on_the_page(run):
    run("train", "text.txt", "-c", "relu.npz", *QUICK[2:], "--model", "vanilla-relu",
        "--learning-rate", "0.0001")  # fmt: skip
    grown = checkpoint.read("relu.npz")
    grown.best["layer1.Wx"] *= 1_000  # all its values are far beyond 1, in proportion
    checkpoint.save("large.npz", grown)
    asked = ["--length", 300, "--no-color"]
    marks = Counter()
    for cell in range(8):
        shown = run("inspect", "-c", "large.npz", "--cell", cell, *asked).stdout
        marks += Counter(c for line in shown.splitlines() if set(line) <= set(" +#") for c in line)
    assert marks["+"] > 20  # neither as red as it gets nor not at all
    assert marks["#"]


def test_json_has_the_guesses_and_the_characters_they_belong_to(run):
    asked = ["inspect", "--cell", 3, "--length", 50, "--json"]
    result = json.loads(run(*asked, "--predictions").stdout)
    assert result["shown"] == checkpoint.read("charrnn.npz").excerpt[:50]
    assert len(result["values"]) == len(result["guesses"]) == len(result["probabilities"]) == 50
    for guesses, probabilities in zip(result["guesses"], result["probabilities"], strict=True):
        assert len(set(guesses)) == len(probabilities) == 5
        assert 1 >= sum(probabilities) > 0
        assert probabilities == sorted(probabilities, reverse=True)
    assert "guesses" not in json.loads(run(*asked).stdout)


def test_beside_a_cell_dynamic_evaluation_is_scored_too(run, tmp_path):
    (tmp_path / "other.txt").write_text("The lamp was lit at dusk. " * 40)
    asked = ["inspect", "--text", "other.txt", "--dynamic"]
    alone, with_cell = (
        json.loads(run(*asked, *cell, "--json").stdout) for cell in ([], ["--cell", 3])
    )
    assert with_cell["dynamic_loss"] == alone["dynamic_loss"] < with_cell["loss"]
    assert "dynamic evaluation" in run(*asked, "--cell", 3).stdout


def test_the_help_has_the_numbers_of_dynamic_evaluation(run):
    given = signature(evaluate_dynamically).parameters
    T, rate, limit = (given[n].default for n in ("seq_length", "learning_rate", "grad_clip"))
    said = " ".join(run("inspect", "--help").stdout.split())
    assert f"every {T} characters are scored first" in said
    assert f"learning rate {rate} and the gradient clipped to a norm of {limit:g}" in said


def test_dynamic_evaluation_is_scored_beside_and_says_so(run, tmp_path):
    (tmp_path / "other.txt").write_text("The lamp was lit at dusk. " * 40)
    result = json.loads(run("inspect", "--text", "other.txt", "--dynamic", "--json").stdout)
    assert result["dynamic_loss"] < result["loss"]
    assert result["dynamic_bpc"] == pytest.approx(result["dynamic_loss"] / np.log(2))
    assert "dynamic evaluation, learning from it" in run("inspect", "--dynamic").stdout
    assert "dynamic" not in run("inspect", "--text", "other.txt").stdout


def test_json_has_the_characters_that_the_model_has_not_seen(run, tmp_path):
    (tmp_path / "other.txt").write_text("naïve café, déjà\n" * 3, encoding="utf-8")
    for asked in ([], ["--cell", 1], ["--surprisal"]):
        result = json.loads(run("inspect", "--text", "other.txt", *asked, "--json").stdout)
        assert result["unknown"] == {"count": 12, "characters": {"é": 6, "à": 3, "ï": 3}}
        assert result["characters"] == 3 * len("nave caf, dj\n")
    assert json.loads(run("inspect", "--cell", 1, "--json").stdout)["unknown"]["count"] == 0


def test_the_key_of_the_colours_has_the_values_of_the_signal(run):
    for signal, ends in (("h", ("-1", "1")), ("f", ("0, closed", "1, open"))):
        shown = run("inspect", "--cell", 3, "--signal", signal, "--length", 50).stdout
        low, high = ends
        assert re.search(rf"^key: = {low}; .*# {high}$", shown, re.MULTILINE)
        shown = run("inspect", "--cell", 3, "--signal", signal, "--color").stdout
        assert f" {low} \x1b[0m" in shown
        assert f" {high} \x1b[0m" in shown


@pytest.mark.parametrize(
    ("environment", "arguments", "colored"),
    [
        ({}, [], False),
        ({"FORCE_COLOR": "1"}, [], True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, [], False),
        ({"FORCE_COLOR": "1"}, ["--no-color"], False),
        ({"NO_COLOR": "1"}, ["--color"], True),
    ],
)
def test_colours_follow_the_environment_and_the_option(environment, arguments, colored, run):
    for asked in (["--cell", 3], ["--gates"], []):
        shown = run("inspect", *asked, *arguments, env=environment).stdout
        assert ("\x1b[" in shown) == colored


def test_the_description_names_the_search(run):
    result = run("inspect")
    assert "    charrnn inspect --find\n" in result.stderr
    assert "--find" not in result.stdout
    assert "--find" not in run("inspect", "--json").stderr


def test_a_run_of_few_points_has_a_curve(run):
    history = [
        [{"step": 5, "loss": 2.5, "val_loss": None}],
        [{"step": 5, "loss": 2.5, "val_loss": None}, {"step": 10, "loss": 2.0, "val_loss": 2.1}],
        [{"step": 5, "loss": None, "val_loss": 2.2}],
    ]
    for points in history:
        saved = checkpoint.read("charrnn.npz")
        saved.run.history[:] = points
        checkpoint.save("few.npz", saved)
        shown = run("inspect", "-c", "few.npz").stdout
        assert "Loss during training" in shown
        assert "(no values)" not in shown
    saved.run.history.clear()
    checkpoint.save("none.npz", saved)
    assert "Loss during training" not in run("inspect", "-c", "none.npz").stdout


@pytest.mark.parametrize("option", ["--html", "--export"])
@pytest.mark.parametrize("name", ["letter.txt", "other.npz", "model.pt"])
def test_a_file_of_another_kind_is_not_replaced(option, name, run, trained):
    shutil.copy("charrnn.npz", "other.npz")
    with zipfile.ZipFile("model.pt", "w") as archive:
        archive.writestr("model/data.pkl", b"of PyTorch")
    Path("letter.txt").write_text("Dear Anna\n")
    before = Path(name).read_bytes()
    assert "would be lost" in run("inspect", option, name, code=2).stderr
    assert Path(name).read_bytes() == before


def test_a_cell_is_named_with_its_layer_as_in_tables(run, trained):
    there = run("inspect", "--cell", "1.3", "--length", 80).stdout
    assert there == run("inspect", "--cell", 3, "--layer", 1, "--length", 80).stdout
    memory = run("inspect", "--cell", "1.3.c", "--length", 80).stdout
    assert memory == run("inspect", "--cell", 3, "--signal", "c", "--length", 80).stdout
    assert "leave out --layer" in run("inspect", "--cell", "1.3", "--layer", 2, code=2).stderr
    assert "write 42, or 1.42 for layer 1" in run("inspect", "--cell", "x", code=2).stderr


def test_files_of_others_are_not_replaced(run, trained):
    np.savez("mine.npz", vectors=np.ones(3))
    Path("thesis.pdf").write_bytes(b"%PDF-1.7 of somebody")
    for words in (["--export", "mine.npz"], ["--gates", "--plot", "thesis.pdf"]):
        assert "would be lost: name another file" in run("inspect", *words, code=2).stderr
    assert Path("thesis.pdf").read_bytes() == b"%PDF-1.7 of somebody"
    for own in ("a.png", "a.svg", "a.pdf"):
        run("inspect", "--gates", "--plot", own)
        run("inspect", "--gates", "--plot", own)
    run("inspect", "--export", "own.npz")
    run("inspect", "--export", "own.npz")
    assert "-: writes a file: name one" in run("inspect", "--export", "-", code=2).stderr


@pytest.mark.parametrize("by", ["char", "line"])
def test_exported_states_are_no_damaged_checkpoint(by, run, trained):
    run("inspect", "--export", "states.npz", "--by", by)
    said = run("sample", "-c", "states.npz", code=1).stderr
    assert said.startswith("Error: states.npz: holds states that `charrnn inspect --export` wrote")
