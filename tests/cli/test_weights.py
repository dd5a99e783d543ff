"""Files of weights for PyTorch on the command line."""

import json
import re
from pathlib import Path

import pytest
from helpers.commands import QUICK
from helpers.weights import network, packed

import charrnn
from charrnn import checkpoint

FILE = "model.safetensors"
CHARACTERS = "\n abcdefghijklmnopqrstuvwxyz"


@pytest.fixture
def saved(run, trained):
    """The weights of the checkpoint in the working directory."""
    said = run("inspect", "--save-weights", FILE).stderr
    assert re.search(rf"{FILE}: [\d,]+ parameters", said)


@pytest.fixture
def foreign():
    """The weights of another network, as PyTorch writes them."""
    tensors = network(rows=3, H=8, V=len(CHARACTERS))
    Path("foreign.safetensors").write_bytes(packed(tensors, {"vocabulary": CHARACTERS}))


def test_weights_alone_evaluate_a_text_from_an_empty_state_as_the_checkpoint_does(saved, run):
    words = ["--text", "text.txt", "--json"]
    scores = [run("inspect", "-c", path, *words).stdout for path in ("charrnn.npz", FILE)]
    assert scores[0] == scores[1]


def test_without_an_excerpt_a_text_begins_in_an_empty_state(saved, run):
    words = ["--score", "line", "--text", "text.txt"]
    rows, others = (
        run("inspect", "-c", path, *words).stdout.splitlines() for path in ("charrnn.npz", FILE)
    )
    assert len(rows) == len(others)
    assert rows[0].split("\t")[3] != others[0].split("\t")[3]
    model = charrnn.load("charrnn.npz")
    model.checkpoint.excerpt = ""
    line = Path("text.txt").read_text(encoding="utf-8").partition("\n")[0] + "\n"
    assert float(others[0].split("\t")[3]) == pytest.approx(model.score([line])[0], abs=1e-4)


def test_weights_are_saved_under_the_name_of_weights(run, trained):
    refused = run("inspect", "--save-weights", "my model.pt", code=2).stderr
    assert "saved as .safetensors: name the file 'my model.safetensors'" in refused
    run("inspect", "--save-weights", "M.SAFETENSORS")
    assert run("sample", "-c", "M.SAFETENSORS", "--length", 3).stdout


def test_a_train_text_is_read_as_a_later_text(foreign, run):
    words = ["inspect", "-c", "foreign.safetensors", "--text", "text.txt", "--ngram"]
    Path("unknown.txt").write_text("\u0416" * 50, encoding="utf-8")
    refused = run(*words, "--train-text", "unknown.txt", code=1).stderr
    assert "left out 50 characters that the model has not seen" in refused
    assert "unknown.txt: has 0 characters that the model knows" in refused
    Path("empty.txt").write_text("")
    Path("one.txt").write_text("a")
    for name in ("empty.txt", "one.txt"):
        said = run(*words, "--train-text", name, code=1).stderr
        assert "at least 2 are needed: name another file with --train-text FILE" in said
    Path("latin.txt").write_bytes(b"caf\xe9 at the end of the sea\r\n" * 9)
    assert "--encoding cp1252" in run(*words, "--train-text", "latin.txt", code=1).stderr
    said = run(*words, "--train-text", "latin.txt", "--encoding", "cp1252").stderr
    assert r"latin.txt: line ends 9 \r\n became \n" in said
    assert "left out 9 characters that the model has not seen" in said


def test_only_the_weights_that_are_asked_for_are_written(saved, run):
    run("inspect", "--save-weights", "last.safetensors", "--weights", "last")
    whole = checkpoint.read("charrnn.npz")
    for name, weights in ((FILE, whole.best), ("last.safetensors", whole.last)):
        assert (checkpoint.read(name).best["Wy"] == weights["Wy"]).all()


def test_saving_prints_no_description_unless_it_is_asked_for(run, trained):
    assert run("inspect", "--save-weights", FILE).stdout == ""
    described = run("inspect", "--save-weights", FILE, "--json").stdout
    assert json.loads(described)["model"] == "lstm"
    found = run("inspect", "--save-weights", FILE, "--cell", 1, "--length", 100).stdout
    assert found.startswith("cell 1 of layer 1")


def test_a_model_of_pytorch_is_described(foreign, run):
    shown = run("inspect", "-c", "foreign.safetensors").stdout
    assert "gru, 1 × 8 cells" in shown
    assert f"{len(CHARACTERS)} different" in shown
    assert "abcdefghijklmnopqrstuvwxyz" in shown
    described = json.loads(run("inspect", "-c", "foreign.safetensors", "--json").stdout)
    assert (described["corpus"], described["settings"], described["step"]) == ({}, {}, 0)


def test_a_model_of_pytorch_writes_text(foreign, run):
    words = ["-c", "foreign.safetensors", "--seed", 1, "--length", 40]
    assert len(run("sample", *words).stdout.removesuffix("\n")) == 40
    assert run("sample", *words, "--prime", "the ").stdout.startswith("the ")


@pytest.mark.parametrize("words", [["--cell", 1], ["--memory"], ["--gates", "--json"]])
def test_a_model_of_pytorch_is_looked_at_with_a_text(words, foreign, run):
    refused = run("inspect", "-c", "foreign.safetensors", *words, code=2).stderr
    assert "foreign.safetensors: has no text to look at: add --text FILE" in refused
    assert run("inspect", "-c", "foreign.safetensors", *words, "--text", "text.txt").stdout


@pytest.mark.parametrize("unit", ["line", "file"])
def test_scores_need_a_text(unit, foreign, run):
    words = ["inspect", "-c", "foreign.safetensors", "--score", unit]
    assert "has no text to look at: add --text FILE" in run(*words, code=2).stderr
    assert run(*words, "--text", "text.txt").stdout


def test_a_run_begins_from_weights(foreign, run):
    words = ["train", "text.txt", "--init-from", "foreign.safetensors"]
    steps = ["--steps", 2, "--batch-size", 4, "--seq-length", 8, "--workers", 1]
    started = run(*words, *steps, "-c", "new.npz").stderr
    assert "new weights for" in started
    found = checkpoint.read("new.npz")
    assert found.model.layer_type == "gru"
    assert set(CHARACTERS) <= set(found.vocabulary.ix_to_char)
    assert (
        "weights to start from keep their --hidden-size 8"
        in run(*words, "--hidden-size", 9, "-c", "other.npz", code=2).stderr
    )


def test_weights_have_no_run_to_go_on_with(foreign, run):
    words = ["train", "text.txt", "-c", "foreign.safetensors"]
    refused = run(*words, "--resume", code=1).stderr
    assert "foreign.safetensors: has a model and no run to go on with: start one from" in refused
    remedy = refused.split("`")[1]
    assert remedy == ("charrnn train TEXT --init-from foreign.safetensors -c foreign.npz")
    for more in ([], ["--overwrite"]):
        assert "would be lost" in run(*words, *more, code=1).stderr


def test_a_run_is_not_saved_under_the_name_of_weights(run, place):
    refused = run("train", "text.txt", "-c", FILE, code=1).stderr
    assert (
        f"{FILE}: a run is saved as .npz: name it with -c model.npz, and write its weights"
        in refused
    )
    assert "`charrnn inspect -c model.npz --save-weights model.safetensors`" in refused
    spaced = run("train", "text.txt", "-c", "my model.safetensors", code=1).stderr
    assert "name it with -c 'my model.npz'" in spaced
    missing = run("sample", "-c", FILE, code=1).stderr
    assert "make one with `charrnn train -c model.npz TEXT`" in missing
    assert not list(place.glob("model.*"))


@pytest.mark.parametrize("name", ["charrnn.npz", "text.txt", "foreign.safetensors", "note.md"])
def test_no_other_file_is_replaced(name, foreign, run, trained):
    Path("note.md").write_text("# A note\n")
    before = Path(name).read_bytes()
    assert "would be lost" in run("inspect", "--save-weights", name, code=2).stderr
    assert Path(name).read_bytes() == before


def test_weights_cannot_be_written_over_themselves_but_again(saved, run):
    refused = run("inspect", "-c", FILE, "--save-weights", FILE, code=2).stderr
    assert "--save-weights model.safetensors: is model.safetensors, which would be lost" in refused
    before = Path(FILE).read_bytes()
    run("inspect", "--save-weights", FILE)
    assert Path(FILE).read_bytes() == before


def test_a_folder_that_does_not_exist_is_named(run, trained):
    refused = run("inspect", "--save-weights", "no/x.safetensors", code=2).stderr
    assert "no/x.safetensors: cannot be written: there is no folder no: make it first" in refused


def test_scores_and_weights_exclude_one_another(run, trained):
    words = ["inspect", "--score", "line", "--save-weights", FILE]
    assert "--score and --save-weights exclude one another" in run(*words, code=2).stderr


def test_weights_in_the_place_of_a_text_or_without_an_option_are_named(foreign, run):
    refused = run("train", "foreign.safetensors", *QUICK, code=1).stderr
    assert (
        "is a .safetensors file and no text: start from it with --init-from foreign.safetensors"
        in refused
    )
    hint = run("sample", "foreign.safetensors", code=2).stderr
    assert "name the checkpoint with -c foreign.safetensors" in hint
