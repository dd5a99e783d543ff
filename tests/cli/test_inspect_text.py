"""The analyses of `charrnn inspect`, through the command line."""

import json
import os
import re
import shlex
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers.commands import LIGHTHOUSE, QUICK

from charrnn import checkpoint
from charrnn.inspection.analyses import ANALYSES, analysis
from charrnn.inspection.find import search
from charrnn.inspection.reading import Signal

pytestmark = pytest.mark.usefixtures("trained")

ESCAPES = re.compile(r"\x1b\[[0-9;]*m")


@pytest.mark.parametrize("name", sorted(ANALYSES))
def test_each_answers_in_a_sentence_and_the_same_as_json(name, run):
    shown = run("inspect", f"--{name}").stdout
    result = json.loads(run("inspect", f"--{name}", "--json").stdout)
    answer = result[name]["answer"]
    assert answer.endswith(".")
    assert " ".join(shown.split()).startswith(" ".join(answer.split()))
    assert result["text"] == "the held-out excerpt"
    assert len(result[name]) > 1


def test_an_excerpt_is_called_held_out_only_if_it_is(run):
    run("train", "text.txt", "-c", "all.npz", "--val-frac", 0, *QUICK)
    result = json.loads(run("inspect", "-c", "all.npz", "--gates", "--json").stdout)
    assert result["text"] == "the excerpt of the training text"


@pytest.mark.parametrize("name", ["gradient", "spectrum"])
def test_a_run_begun_from_other_weights_is_compared_with_random_ones(name, run):
    run("train", "text.txt", "-c", "new.npz", "--init-from", "charrnn.npz", *QUICK[4:])
    answer = json.loads(run("inspect", "-c", "new.npz", f"--{name}", "--json").stdout)[name]
    assert "random weights" in answer["answer"]
    assert "untrained" not in answer["answer"]
    assert "random weights" in run("inspect", "--help").stdout


def test_several_questions_are_answered_one_after_the_other(run):
    result = json.loads(run("inspect", "--gates", "--memory", "--json").stdout)
    assert {"gates", "memory"} <= set(result)
    shown = run("inspect", "--gates", "--memory").stdout
    for name in ("gates", "memory"):
        assert " ".join(result[name]["answer"].split()) in " ".join(shown.split())


def test_the_same_seed_gives_the_same_answer(run):
    asked = ["inspect", "--find", "--gradient", "--json"]
    assert run(*asked).stdout == run(*asked).stdout
    assert run(*asked).stdout != run(*asked, "--seed", 1).stdout


def test_given_features_replace_the_built_in_ones(run):
    result = json.loads(run("inspect", "--feature", "[aeiou]", "--feature", "th", "--json").stdout)
    assert {row["feature"] for row in result["find"]["rows"]} | set(result["find"]["missing"]) == {
        "/[aeiou]/",
        "/th/",
    }


def test_a_broken_pattern_is_a_usage_error_that_says_where(run):
    message = run("inspect", "--feature", "a(b", code=2).stderr
    assert "a(b" in message
    assert "position 1" in message


def test_only_the_layer_and_signal_asked_for_are_searched(run):
    run("train", "text.txt", "-c", "two.npz", *QUICK, "--num-layers", 2)
    asked = ["--find", "--layer", 2, "--signal", "f", "--json"]
    result = json.loads(run("inspect", "-c", "two.npz", *asked).stdout)["find"]
    assert result["cells"] == 8
    assert all(row["signal"] == {"layer": 2, "name": "f"} for row in result["rows"])


@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_analyses_are_drawn_into_a_file(suffix, run):
    result = run("inspect", "--gates", "--plot", f"a.{suffix}")
    assert Path(f"a.{suffix}").stat().st_size > 1_000
    assert f"a.{suffix}" in result.stderr
    run("inspect", "--plot", f"b.{suffix}")
    assert Path(f"b.{suffix}").stat().st_size > 1_000


def test_a_picture_of_an_unknown_kind_is_refused_before_the_work(run):
    assert ".png" in run("inspect", "--gates", "--plot", "a.doc", code=2).stderr
    assert not Path("a.doc").exists()


def test_a_picture_of_nothing_is_a_usage_error(run):
    for asked in (["--text", "text.txt"], ["--export", "a.npz"]):
        refused = run("inspect", *asked, "--plot", "a.png", code=2)
        assert "add --cell, --find or another" in refused.stderr
        assert not refused.stdout


def test_states_are_exported(run):
    run("inspect", "--export", "states.npz", "--signal", "c")
    excerpt = checkpoint.read("charrnn.npz").excerpt
    with np.load("states.npz") as states:
        assert states["layer1.c"].shape == (len(excerpt), 8)
        assert "".join(map(chr, states["characters"][states["indices"]])) == excerpt


def test_several_signals_are_exported_and_searched_but_not_drawn_at_once(run):
    several = ["--signal", "f", "--signal", "o", "--signal", "f"]
    run("inspect", "--export", "states.npz", *several)
    with np.load("states.npz") as states:
        assert {"layer1.f", "layer1.o"} <= set(states.files)
        assert "layer1.h" not in states.files
    found = json.loads(run("inspect", "--find", *several, "--json").stdout)["find"]
    assert found["cells"] == 16
    refused = run("inspect", "--cell", 1, *several, code=2)
    assert "coloured by one --signal, not f, o and f" in refused.stderr


@pytest.mark.parametrize("name", ["errors", "ngram", "copying"])
def test_what_needs_the_training_text_says_so_when_it_is_gone(name, run):
    Path("text.txt").write_text("another text\n" * 100)
    assert "has changed since" in run("inspect", f"--{name}", code=1).stderr
    Path("text.txt").unlink()
    assert "text.txt" in run("inspect", f"--{name}", code=1).stderr


def test_copies_are_compared_with_a_text_that_is_held_out(run):
    def control(*words):
        found = json.loads(run("inspect", "--copying", *words, "--json").stdout)["copying"]
        return found["control"] and found["control"]["name"]

    assert control() == "the held-out text"
    Path("other.txt").write_text("The lamp was lit at dusk. " * 20)
    assert control("--text", "other.txt") == "the other text"
    run("train", "text.txt", "-c", "all.npz", "--val-frac", 0, *QUICK)
    assert control("-c", "all.npz") is None
    run("train", "text.txt", "-c", "val.npz", "--val", "other.txt", *QUICK)
    assert control("-c", "val.npz") == "the text to validate on"


def test_a_network_is_mixed_with_an_ngram_where_neither_has_read_the_text(run):
    def answer(*words):
        found = json.loads(run("inspect", "--ngram", *words, "--json").stdout)["ngram"]
        assert (found["mixture"] is None) == ("To mix the two, " in found["answer"])
        return found["answer"]

    assert "both mixed (" in answer()
    Path("short.txt").write_text(Path("text.txt").read_text()[:1_000])
    assert "more than 1,000 characters" in answer("--text", "short.txt")
    run("train", "text.txt", "-c", "all.npz", "--val-frac", 0, *QUICK)
    assert "have not counted, with --text FILE" in answer("-c", "all.npz")
    run("train", "text.txt", "-c", "val.npz", "--val", "text.txt", *QUICK)
    assert "both mixed (" in answer("-c", "val.npz")


def test_a_control_of_a_text_that_repeats_itself_says_so(run):
    Path("cat.txt").write_text("the cat sat on the mat\n" * 400)
    run("train", "cat.txt", "-c", "cat.npz", *QUICK)
    answer = " ".join(run("inspect", "-c", "cat.npz", "--copying").stdout.split())
    assert answer.startswith("It copies no more than the held-out text does: ")
    assert "100 % of the held-out text. The held-out text repeats the training text" in answer


def test_copies_are_of_what_charrnn_sample_writes(run):
    text = "the cat sat on the mat\n" * 400
    Path("cat.txt").write_text(text)
    run("train", "cat.txt", "-c", "cat.npz", "--hidden-size", 16, "--steps", 80)
    words = ["-c", "cat.npz", "--temp", 0.7, "--seed", 3]
    found = json.loads(run("inspect", "--copying", *words, "--json").stdout)["copying"]
    assert (found["temperature"], found["written"]) == (0.7, 4_000)
    written = run("sample", "--length", 4_000, *words).stdout
    train = text[: len(text) - checkpoint.read("cat.npz").corpus.held_out]
    spans = {train[start : start + 20] for start in range(len(train) - 19)}
    covered = np.zeros(4_000, bool)
    for start in range(4_000 - 19):
        if written[start : start + 20] in spans:
            covered[start : start + 20] = True
    assert 0 < covered.mean() < 1
    assert found["shares"][0] == pytest.approx(covered.mean(), rel=1e-5)  # of six digits
    assert found["longest"]
    for span in found["longest"]:
        assert written[span["start"] :].startswith(span["text"])
        assert train[span["source"] :].startswith(span["text"])


@pytest.mark.parametrize("cell", ["gru", "vanilla", "vanilla-relu"])
def test_every_cell_answers_every_question(cell, run):
    run("train", "text.txt", "-c", "other.npz", *QUICK[2:], "--model", cell, "--num-layers", 2,
        "--learning-rate", "0.0001")  # fmt: skip
    flags = [f"--{name}" for name in ANALYSES]
    result = json.loads(run("inspect", "-c", "other.npz", *flags, "--json").stdout)
    assert set(ANALYSES) <= set(result)


def test_a_page_has_all_analyses(run):
    result = run("inspect", "--html", "report.html", "--length", 500)
    page = Path("report.html").read_text(encoding="utf-8")
    assert "report.html: " in result.stderr
    for name in ANALYSES:
        # The answer of the search stands beside the table of the cells.
        assert ("Cells found" if name == "find" else analysis(name).HEADING) in page
    assert LIGHTHOUSE.name not in page


def test_a_page_without_the_training_text_lacks_only_what_needs_it(run, page_of):
    page_of("gradient", "ngram")
    Path("text.txt").unlink()
    result = run("inspect", "--html", "report.html", "--length", 300)
    assert "without --ngram" in result.stderr
    page = Path("report.html").read_text(encoding="utf-8")
    assert analysis("gradient").HEADING in page
    assert analysis("ngram").HEADING not in page


def test_a_page_that_cannot_be_written_is_an_error(run):
    assert "missing/a.html" in run("inspect", "--html", "missing/a.html", code=2).stderr


def test_json_has_the_verdict_of_the_table(run, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")  # a row a line
    Path("long.txt").write_text(LIGHTHOUSE.read_text())
    asked = ["inspect", "--find", "--text", "long.txt"]
    rows = json.loads(run(*asked, "--json").stdout)["find"]["rows"]
    table = run(*asked).stdout
    assert rows
    for row in rows:
        line, *_bars = [n for n in table.splitlines() if n.startswith(f"{row['feature']}  ")]
        assert line.removeprefix(row["feature"]).lstrip().startswith(row["verdict"])


@pytest.mark.parametrize(
    ("asked", "lost"),
    [
        (["--export", "charrnn.npz"], "charrnn.npz"),
        (["--html", "./charrnn.npz"], "charrnn.npz"),
        (["--gates", "--plot", "link.png"], "charrnn.npz"),
        (["--html", "text.txt"], "text.txt"),  # what the model was trained on
        (["--export", "letter.txt", "--text", "letter.txt"], "letter.txt"),
        (["--gates", "--plot", "a.png", "--html", "a.png"], "a.png"),
    ],
)
def test_outputs_do_not_overwrite_checkpoints_and_texts(asked, lost, run):
    Path("letter.txt").write_text("The lamp was lit at dusk.")
    Path("link.png").symlink_to("charrnn.npz")
    files = {path.name: path.read_bytes() for path in Path().iterdir()}
    refused = run("inspect", *asked, code=2)
    assert f"{lost}, which would be lost: name another file" in refused.stderr
    assert not refused.stdout
    assert {path.name: path.read_bytes() for path in Path().iterdir()} == files


@pytest.mark.parametrize("option", ["html", "export", "plot"])
def test_an_output_that_cannot_be_written_is_refused_before_the_work(option, run):
    Path("folder.png").mkdir()
    for path, why in (("missing/a.png", "there is no folder missing"), ("folder.png", "directory")):
        refused = run("inspect", "--gates", f"--{option}", path, code=2)
        assert f"{path}: cannot be written: " in refused.stderr
        assert why in refused.stderr
        assert not refused.stdout


@pytest.mark.skipif(os.name != "posix", reason="links")
def test_a_link_to_itself_cannot_be_written(run):
    Path("circle.npz").symlink_to("circle.npz")
    refused = run("inspect", "--export", "circle.npz", code=2)
    assert "circle.npz: cannot be written: Too many levels of symbolic links" in refused.stderr


def test_an_answer_without_a_picture_leaves_no_file(run):
    result = run("inspect", "--feature", "no such words", "--plot", "a.png")
    assert "a.png: not written, there is nothing to draw" in result.stderr
    assert "No feature could be compared" in result.stdout
    assert not Path("a.png").exists()


@pytest.fixture(params=[30, 1e38])
def exploding(run, request):
    """A network whose state overflows."""
    run("train", "text.txt", "-c", "relu.npz", *QUICK[2:], "--model", "vanilla-relu",
        "--learning-rate", "0.0001")  # fmt: skip
    grown = checkpoint.read("relu.npz")
    grown.best["layer1.Wh"] = np.eye(8, dtype=np.float32) * np.float32(request.param)
    checkpoint.save("relu.npz", grown)
    return "relu.npz"


@pytest.mark.parametrize("name", sorted(set(ANALYSES) - {"find", "gradient"}))
def test_a_network_whose_state_overflows_is_an_error(name, exploding, run):
    refused = run("inspect", "-c", exploding, f"--{name}", code=1)
    assert refused.stderr.startswith("Error: the hidden state or the logits become non-finite")
    assert refused.stderr.count("\n") == 1
    assert not refused.stdout


def test_its_gradients_are_said_to_explode(exploding, run):
    answer = " ".join(run("inspect", "-c", exploding, "--gradient").stdout.split())
    assert answer.startswith(
        "Gradients explode: they are infinite from the first character on (layer 1, h);"
    )


@pytest.mark.parametrize("asked", [["--cell", 1], ["--cell", 1, "--gates"], ["--surprisal"]])
def test_a_cell_and_the_surprisal_can_be_drawn_into_a_picture(asked, run):
    signal = ["--signal", "f"] if "--cell" in asked else []
    result = run("inspect", *asked, *signal, "--plot", "a.svg")
    assert "a.svg: " in result.stderr
    picture = Path("a.svg").read_text(encoding="utf-8")
    wanted = {"--cell": "Cell 1 of layer 1, f (forget gate)", "--gates": "Saturation of the",
              "--surprisal": "Distribution of the surprisal"}  # fmt: skip
    for option, title in wanted.items():
        assert (title in picture) == (option in asked)


@pytest.mark.parametrize("columns", [40, 80])
def test_nothing_is_wider_than_the_terminal(columns, run, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(columns))
    flags = [f"--{name}" for name in ANALYSES]
    for asked in (
        [],
        ["--text", "text.txt", "--dynamic"],
        ["--cell", 1, "--predictions", "--length", 300],
        ["--cell", 1, "--neighbours"],
        ["--cell", 1, "--signal", "f", "--neighbours", "--color"],
        flags,
        ["--color", *flags],
        ["--find", "--feature", "[aeiou]" + 30 * "[a-z]?", "--feature", " "],
    ):
        shown = run("inspect", *asked).stdout
        wide = [line for line in shown.splitlines() if len(ESCAPES.sub("", line)) > columns]
        assert [line for line in wide if not line.startswith("    charrnn inspect")] == []


def test_the_command_that_is_printed_shows_the_best_cell(run, monkeypatch):
    found = findings({"feature": "in a URL", "share": 0.01, "cell": 6}, {})
    monkeypatch.setattr(search, "find_cells", lambda *_a, **_more: found)
    monkeypatch.setenv("CHARRNN_CHECKPOINT", "charrnn.npz")
    Path("my text.txt").write_text(LIGHTHOUSE.read_text())
    shown = run("inspect", "--find", "--text", "my text.txt", "--weights", "last").stdout
    (command,) = [line for line in shown.splitlines() if line.startswith("    charrnn inspect")]
    _, *words = shlex.split(command)
    assert "Look at cell 5 of layer 1 (c), which follows inside ( ), with\n" in shown
    assert words == [
        "inspect", "-c", "charrnn.npz", "--cell", "5", "--signal", "c", "--weights", "last",
        "--text", "my text.txt",
    ]  # fmt: skip
    assert run(*words).stdout.startswith("cell 5 of layer 1, c (memory, as tanh c): ")


def test_where_no_cell_was_found_no_command_is_printed(run, monkeypatch):
    found = findings({"score": 0.5, "probe": 0.5})
    monkeypatch.setattr(search, "find_cells", lambda *_a, **_more: found)
    assert "charrnn inspect" not in run("inspect", "--find").stdout


def findings(*changes):
    """The result of a search with a row for each set of changes."""
    row = search.Finding(
        feature="inside ( )",
        measure="AUC",
        share=0.25,
        signal=Signal(1, "c"),
        cell=5,
        score=0.96,
        precision=0.9,
        chance=0.55,
        untrained=(0.52, 0.5),
        probe=0.97,
        untrained_probe=(0.52, 0.5),
        ablation=None,
        position=3,
    )
    rows = tuple(replace(row, **change) for change in changes)
    return search.Findings(rows, (), 1_000, 8)
