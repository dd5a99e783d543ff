"""Texts as macOS writes them (NFD), for a model of a text in NFC: each door converts them."""

import json
from pathlib import Path

import numpy as np
import pytest
from helpers.commands import QUICK, invoke

import charrnn
from charrnn import checkpoint

COMPOSED, APART = "café au lait\n", "cafe\u0301 au lait\n"
SAID = "normal form NFC of the model"


@pytest.fixture(scope="session")
def of_cafe(tmp_path_factory):
    """The checkpoint of a model of a text in NFC."""
    folder = tmp_path_factory.mktemp("cafe")
    (folder / "cafe.txt").write_bytes(COMPOSED.encode() * 60)
    invoke("train", folder / "cafe.txt", *QUICK, "-c", folder / "charrnn.npz")
    return folder / "charrnn.npz"


@pytest.fixture(autouse=True)
def texts(of_cafe, place):
    (place / "charrnn.npz").write_bytes(of_cafe.read_bytes())
    (place / "composed.txt").write_bytes(COMPOSED.encode())
    (place / "apart.txt").write_bytes(APART.encode())


@pytest.mark.parametrize(
    "asked",
    [
        ["--json"],
        ["--score", "char", "--json"],
        ["--score", "line", "--json"],
        ["--cell", 0, "--json"],
        ["--by", "line", "--export", "a.npz"],
    ],
)
def test_inspect_reads_the_form_of_the_model(asked, run):
    shown = []
    for name in ("composed.txt", "apart.txt"):
        result = run("inspect", "--text", name, *asked)
        shown.append(result.stdout.replace(name, "NAME"))
        assert (f"apart.txt: read in the {SAID}" in result.stderr) == (name == "apart.txt")
        assert "not seen" not in result.stderr
        if "--export" in asked:
            with np.load("a.npz") as arrays:
                shown[-1] = arrays["layer1.h"].tolist()
    assert shown[0] == shown[1]


def test_two_models_compare_a_text_in_the_form_of_both(run):
    asked = ["-c", "charrnn.npz", "-c", "charrnn.npz", "--text", "apart.txt", "--score", "file"]
    result = run("inspect", *asked)
    assert result.stderr.count(SAID) == 1
    assert result.stdout.split("\t")[2] == "0"


@pytest.mark.parametrize("option", [["--prime", APART.strip()], ["--prime-file", "apart.txt"]])
def test_sample_reads_the_form_of_the_model(option, run):
    result = run("sample", *option, "--length", 0, "--seed", 1)
    assert result.stdout.strip() == COMPOSED.strip()
    assert SAID in result.stderr


def test_the_line_ends_of_a_prime_are_those_of_the_training(run):
    records = [
        json.loads(run("sample", "--prime", prime, "--length", 9, "--seed", 1, "--json").stdout)
        for prime in (r"au\r\nlait", r"au\nlait")
    ]
    assert records[0] == records[1]


def test_train_reads_its_sample_prime_in_the_form_of_the_model(run):
    asked = ["train", "--resume", "--steps", 13, "--sample-every", 1, "--sample-length", 3]
    said = run(*asked, "--sample-prime", "cafe\u0301").stderr
    assert f"--sample-prime: read in the {SAID}" in said
    assert "--- step 13\ncafé" in said


def test_train_validates_on_a_text_in_the_form_of_the_model(run):
    Path("long.txt").write_bytes(COMPOSED.encode() * 60)
    Path("val.txt").write_bytes(APART.encode() * 9)
    said = run("train", "long.txt", "--val", "val.txt", "-c", "val.npz", *QUICK).stderr
    assert f"val.txt: read in the {SAID}" in said
    assert "does not have" not in said
    assert checkpoint.read("val.npz").excerpt == COMPOSED * 9
    run("train", "--resume", "-c", "val.npz", "--steps", 13)


@pytest.mark.filterwarnings("error")
def test_python_reads_the_form_of_the_model():
    model = charrnn.load("charrnn.npz")
    composed, apart = model.score([COMPOSED, APART])
    assert composed == apart
    assert model.evaluate(COMPOSED) == model.evaluate(APART)
    states = model.states([COMPOSED, APART])["layer1.h"]
    np.testing.assert_array_equal(states[0], states[1])
    drawn = ["".join(model.sample(9, prime=text, seed=1)) for text in (COMPOSED, APART)]
    assert drawn[0] == drawn[1]
    assert model.next_characters(3, prime=COMPOSED) == model.next_characters(3, prime=APART)
