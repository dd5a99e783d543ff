"""`charrnn sample --lines`: items of a list."""

import json
from pathlib import Path

import numpy as np
import pytest
from helpers.commands import QUICK, command, invoke

import charrnn
from charrnn import checkpoint

SYLLABLES = [a + b for a in "bdklmnrst" for b in "aeio"]
#: The list: some of the names of two syllables that begin with a capital letter.
NAMES = [
    (SYLLABLES[first] + SYLLABLES[second]).capitalize()
    for first, second in np.random.default_rng(0).integers(0, len(SYLLABLES), (600, 2))
]


@pytest.fixture(scope="session")
def listed(tmp_path_factory):
    """The checkpoint of a model that has learned names."""
    folder = tmp_path_factory.mktemp("names")
    (folder / "names.txt").write_text("".join(f"{name}\n" for name in NAMES))
    path = folder / "charrnn.npz"
    options = ["--hidden-size", 32, "--batch-size", 16, "--seq-length", 16, "--steps", 400]
    invoke("train", "--lines", folder / "names.txt", *options, "-c", path, "--workers", 1)
    return path


@pytest.fixture
def of_names(listed, place):
    """The checkpoint, in the working directory."""
    Path("charrnn.npz").write_bytes(listed.read_bytes())


def test_each_line_is_an_item(run, of_names):
    result = run("sample", "--lines", 50, "--seed", 1)
    lines = result.stdout.splitlines()
    assert len(lines) == 50
    assert "items" not in result.stderr
    assert result.stdout.endswith("\n")
    names = [line for line in lines if len(line) == 4 and line[0].isupper() and line.isalpha()]
    assert len(names) > 45  # of a text that is sampled in the middle, many would be parts of names


def test_the_first_items_do_not_depend_on_the_number(run, of_names):
    few, many = (run("sample", "--lines", n, "--seed", 3).stdout for n in (3, 30))
    assert many.startswith(few)


def test_a_prime_is_completed(run, of_names):
    result = run("sample", "--lines", 20, "--prime", "Ba", "--seed", 1)
    lines = result.stdout.splitlines()
    assert len(lines) == 20
    assert all(line.startswith("Ba") for line in lines)
    bare = run("sample", "--lines", 20, "--prime", "Ba", "--seed", 1, "--no-prime").stdout
    assert [f"Ba{line}" for line in bare.splitlines()] == lines


def test_unique_items_are_all_different_and_the_first_ones_in_order(run, of_names):
    options = ["--prime", "Ba", "--seed", 1]
    plain = run("sample", "--lines", 200, *options).stdout.splitlines()
    result = run("sample", "--lines", 25, "--unique", *options)
    lines = result.stdout.splitlines()
    assert len(set(plain)) < len(plain)
    assert len(set(lines)) == len(lines)
    assert list(dict.fromkeys(plain))[:20] == lines[:20]


def test_it_ends_where_the_model_has_nothing_else_to_say(run, of_names):
    result = run("sample", "--lines", 5, "--unique", "--temp", 0)
    assert len(result.stdout.splitlines()) == 1
    assert "1 of 5 items: the next 1,000 were empty, known or repeated" in result.stderr


def test_json_has_an_object_for_each_item(run, of_names):
    result = run("sample", "--lines", 3, "--json", "--seed", 2, "--prime", "B")
    records = [json.loads(line) for line in result.stdout.splitlines()]
    plain = run("sample", "--lines", 3, "--seed", 2, "--prime", "B").stdout.splitlines()
    assert [record["prime"] + record["text"] for record in records] == plain
    assert all(len(record["log_probs"]) == len(record["text"]) for record in records)


def test_a_long_item_is_cut_with_a_word(run, of_names):
    result = run("sample", "--lines", 3, "--length", 2, "--seed", 1)
    assert [len(line) for line in result.stdout.splitlines()] == [2, 2, 2]
    assert "3 of 3 items end after 2 characters" in result.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--stop", "a"], "leave out --stop"),
        (["--separator", ","], "leave out --separator"),
        (["--num-samples", 2], "give only one of them"),
        (["--prime", r"Ba\nBo"], "an item of a list has none"),
    ],
)
def test_options_that_do_not_belong_to_items_are_refused(options, said, run, of_names):
    assert said in run("sample", "--lines", 3, *options, code=2).stderr


def test_unique_needs_lines(run, of_names):
    assert "add --lines N" in run("sample", "--unique", code=2).stderr


def test_a_model_of_running_text_has_no_items_and_a_remedy(run, trained):
    said = run("sample", "--lines", 3, code=2).stderr
    assert r"`charrnn sample --num-samples 3 --stop '\n'`" in said
    run("sample", "--num-samples", 3, "--stop", r"\n")


def test_training_ends_with_a_command_that_writes_items(run):
    Path("names.txt").write_text("".join(f"{name}\n" for name in NAMES))
    said = run("train", "--lines", "names.txt", *QUICK).stderr
    assert "    charrnn sample --lines 50\n" in said
    run("sample", "--lines", 5)


def test_python_draws_the_same_items(run, of_names):
    model = charrnn.load("charrnn.npz")
    lines = run("sample", "--lines", 5, "--seed", 4, "--prime", "Ba").stdout.splitlines()
    assert list(model.items(5, seed=4, prime="Ba")) == lines
    unique = list(model.items(5, seed=4, prime="Ba", unique=True))
    assert len(set(unique)) == 5
    for prime in ("Ba\n", "Ba\r\n"):
        with pytest.raises(charrnn.errors.SettingError, match="has no newline"):
            model.items(5, prime=prime)
    with pytest.warns(charrnn.errors.Notice, match="1 of 5 items"):
        assert len(list(model.items(5, temperature=0, unique=True))) == 1


def test_a_reader_of_the_items_may_end_early(of_names):
    with command("sample", "--lines", "100000", "--seed", "1") as process:
        assert process.stdout.readline().strip()
        process.stdout.close()
        said = process.stderr.read().decode()
        process.wait()
    assert "Traceback" not in said


def test_new_items_are_not_in_the_training_text(run, of_names):
    plain = run("sample", "--lines", 100, "--seed", 1).stdout.splitlines()
    result = run("sample", "--lines", 30, "--new", "--seed", 1)
    lines = result.stdout.splitlines()
    assert set(plain) & set(NAMES)
    assert len(lines) == 30
    assert not set(lines) & set(NAMES)
    assert lines[:5] == [line for line in plain if line not in NAMES][:5]


def test_a_completed_item_may_be_new_or_not(run, of_names):
    known = NAMES[0]
    result = run("sample", "--lines", 20, "--new", "--prime", known[:3], "--seed", 1)
    assert known not in result.stdout.splitlines()
    result = run("sample", "--lines", 3, "--new", "--prime", known[:3], "--temp", 0)
    assert len(result.stdout.splitlines()) in (0, 3)


def test_it_ends_where_the_model_only_recites(run):
    Path("names.txt").write_text("Anna\nBert\n" * 200)
    options = ["--hidden-size", 16, "--batch-size", 8, "--steps", 300, "--workers", 1]
    run("train", "--lines", "names.txt", *options)
    result = run("sample", "--lines", 5, "--new", "--top-p", 0.5)
    assert result.stdout == ""
    assert "0 of 5 items: the next 1,000 were empty, known or repeated" in result.stderr


def test_the_checkpoint_has_the_hashes_of_the_items_or_not(run):
    Path("names.txt").write_text("".join(f"{name}\n" for name in NAMES))
    said = run("train", "--lines", "names.txt", *QUICK).stderr
    different = len(set(NAMES))
    assert f"charrnn.npz has hashes of {different:,} different lines" in said
    found = checkpoint.read("charrnn.npz").items
    assert len(found) == different
    run("train", "--resume", "--steps", 14)
    np.testing.assert_array_equal(checkpoint.read("charrnn.npz").items, found)
    charrnn.load("charrnn.npz").save("saved.npz")
    np.testing.assert_array_equal(checkpoint.read("saved.npz").items, found)
    said = run("train", "--lines", "names.txt", *QUICK, "--no-items", "--overwrite").stderr
    assert "hashes" not in said
    assert checkpoint.read("charrnn.npz").items is None
    run("train", "--resume", "--no-items", "--steps", 14)
    assert "leave out --new" in run("sample", "--lines", 5, "--new", code=2).stderr
    with pytest.raises(charrnn.errors.SettingError, match="no hashes"):
        charrnn.load("charrnn.npz").items(5, new=True)


def test_a_running_text_has_no_items_to_leave_out(run):
    assert "--no-items needs --lines" in run("train", "text.txt", "--no-items", code=2).stderr


def test_python_draws_the_same_new_items(run, of_names):
    lines = run("sample", "--lines", 5, "--seed", 4, "--new").stdout.splitlines()
    assert list(charrnn.load("charrnn.npz").items(5, seed=4, new=True)) == lines
