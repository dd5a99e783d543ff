"""A list whose lines are items, through the commands."""

from pathlib import Path

import numpy as np
import pytest
from helpers.commands import QUICK

import charrnn
from charrnn import checkpoint


def names(count=900, seed=0):
    """Lines of five or six letters."""
    rng = np.random.default_rng(seed)
    return ["".join(rng.choice(list("abdeiklmnorstu"), rng.integers(5, 7))) for _ in range(count)]


def write(lines, name="names.txt", end="\n"):
    Path(name).write_bytes("".join(f"{line}{end}" for line in lines).encode())


def test_a_list_trains_a_model_of_lines(run):
    write(names())
    said = run("train", "--lines", "names.txt", *QUICK).stderr
    found = checkpoint.read("charrnn.npz")
    assert found.model.lines
    assert found.corpus.lines
    assert f"{found.corpus.held_out:,} in whole lines are held out" in said
    assert "unlike" not in said
    assert "each line is an item of its own" in run("inspect").stdout
    assert set(found.excerpt.splitlines()) < set(names())


def test_empty_lines_are_left_out_and_a_last_newline_is_added(run):
    Path("names.txt").write_text("\n\nab\n\n\nba\naa\n\nbb")
    said = run("train", "--lines", "names.txt", *QUICK).stderr
    assert "names.txt: left out 5 empty lines" in said
    assert "names.txt: added the newline that its last line lacks" in said
    assert checkpoint.read("charrnn.npz").corpus.characters == 12


def test_each_file_has_lines_of_its_own(run):
    Path("a.txt").write_text("ab")
    Path("empty.txt").write_text("")
    Path("b.txt").write_text("ba\n")
    for more in ([], ["--binary"]):
        run("train", "--lines", "a.txt", "empty.txt", "b.txt", *QUICK, *more, "--overwrite")
        assert checkpoint.read("charrnn.npz").excerpt == "ab\nba\n"


def test_windows_line_ends_end_items(run):
    write(["ab", "", "ba", "aa"] * 50, end="\r\n")
    said = run("train", "--lines", "names.txt", *QUICK).stderr
    found = checkpoint.read("charrnn.npz")
    assert set(found.vocabulary.ix_to_char) == set("ab\n")
    assert "left out 50 empty lines" in said


@pytest.mark.parametrize(
    "text",
    [
        "a single line",
        "a single line\n",
        "same\n" * 200,
        "x" * 500 + "\n" + "y" * 600,
        "x" * 500 + "\n" + "y" * 300,
    ],
)
def test_a_list_without_lines_to_hold_out_trains(text, run):
    Path("names.txt").write_text(text)
    said = run("train", "--lines", "names.txt", *QUICK).stderr
    assert checkpoint.read("charrnn.npz").corpus.held_out == 0
    short = "too short" if len(text) < 1_000 else "too few different lines"
    assert f"{short} to hold out 100 characters" in said
    run("train", "--resume", "--steps", 14)


def test_equal_lines_are_counted(run):
    write(["ab", "ba", "ab", "bb", "ab"])
    said = run("train", "--lines", "names.txt", *QUICK).stderr
    assert "2 of 5 lines repeat others" in said


def test_nothing_is_said_of_a_clean_list_but_its_size(run):
    write(sorted(set(names())))
    said = run("train", "--lines", "names.txt", *QUICK).stderr
    for word in ("repeat", "empty", "added", "unlike", "too few"):
        assert word not in said


def test_a_resumed_run_reads_the_same_lines(run):
    Path("names.txt").write_text("\n\n".join(names()))
    run("train", "--lines", "names.txt", *QUICK)
    before = checkpoint.read("charrnn.npz").corpus
    run("train", "--resume", "--lines", "--steps", 14)
    assert checkpoint.read("charrnn.npz").corpus == before
    assert "n-gram" in run("inspect", "--ngram").stdout


def test_a_run_keeps_the_treatment_of_lines(run, trained):
    said = run("train", "--resume", "--lines", "--steps", 14, code=2).stderr
    assert "a run keeps its --lines" in said


def test_weights_of_a_list_start_a_run_of_lines(run):
    write(names())
    run("train", "--lines", "names.txt", *QUICK)
    write(["", *names(200, seed=1)], "more.txt")
    said = run("train", "more.txt", "--init-from", "charrnn.npz", "-c", "b.npz", *QUICK[4:]).stderr
    assert "left out 1 empty line" in said
    assert checkpoint.read("b.npz").corpus.lines


def test_weights_of_a_running_text_refuse_lines(run, trained):
    said = run(
        "train", "text.txt", "--lines", "--init-from", "charrnn.npz", "-c", "b", code=2
    ).stderr
    assert "leave out --lines" in said


def test_the_python_api_trains_as_the_command_does(run):
    write(names())
    run("train", "--lines", "names.txt", *QUICK, "--workers", 1)
    options = {"model": "lstm", "hidden_size": 8, "batch_size": 4, "seq_length": 8, "steps": 12}
    trained = charrnn.train("names.txt", lines=True, **options)
    best = checkpoint.read("charrnn.npz").best
    for name, array in trained.parameters.items():
        np.testing.assert_array_equal(array, best[name])
    assert trained.checkpoint.corpus == checkpoint.read("charrnn.npz").corpus


def two_languages():
    """A text whose last fifth has other characters."""
    rng = np.random.default_rng(0)
    parts = ["abcdefgh ", "rstuvwxyz "]
    return "".join("".join(rng.choice(list(parts[n == 4]), 10_000)) for n in range(5))


def test_parts_from_all_over_a_text_can_be_held_out(run):
    Path("two.txt").write_text(two_languages())
    assert "train with --held-out spread" in run("train", "two.txt", *QUICK).stderr
    said = run("train", "two.txt", *QUICK, "--overwrite", "--held-out", "spread").stderr
    assert "unlike" not in said
    assert "5,000 from all over the text are held out" in said
    before = checkpoint.read("charrnn.npz")
    assert before.corpus.held_out_way == "spread"
    assert before.excerpt not in two_languages()[-5000:]
    run("train", "--resume", "--steps", 14, "--held-out", "spread")
    after = checkpoint.read("charrnn.npz")
    assert (after.corpus, after.excerpt) == (before.corpus, before.excerpt)
    assert "n-gram" in run("inspect", "--ngram").stdout
    said = run("train", "--resume", "--steps", 16, "--held-out", "end", code=2).stderr
    assert "a run keeps its --held-out spread" in said
    assert "--held-out end" in said


def test_the_seed_decides_on_the_parts_held_out(run):
    Path("two.txt").write_text(two_languages())
    excerpts = set()
    for seed in (1, 2, 1):
        options = ["--held-out", "spread", "--seed", seed, "--overwrite"]
        run("train", "two.txt", *QUICK, *options)
        excerpts.add(checkpoint.read("charrnn.npz").excerpt)
    assert len(excerpts) == 2


def test_a_list_needs_no_choice_of_the_parts_held_out(run):
    write(names())
    said = run("train", "--lines", "names.txt", *QUICK, "--held-out", "spread", code=2).stderr
    assert "leave out --held-out" in said


def test_python_holds_out_the_same_parts(run):
    Path("two.txt").write_text(two_languages())
    run("train", "two.txt", *QUICK, "--held-out", "spread")
    options = {"model": "lstm", "hidden_size": 8, "batch_size": 4, "seq_length": 8, "steps": 12}
    found = charrnn.train("two.txt", held_out="spread", **options).checkpoint
    assert found.corpus == checkpoint.read("charrnn.npz").corpus
    with pytest.raises(charrnn.errors.SettingError, match="held_out is end or spread"):
        charrnn.train("two.txt", held_out="middle", **options)
