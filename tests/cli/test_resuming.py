"""A run goes on: with other options, after it diverged, with a text that has moved."""

import json
import re
import shlex
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers.commands import LIGHTHOUSE, QUICK
from test_train import assert_same_arrays, header, weights

from charrnn import checkpoint
from charrnn.training.schedules import learning_rate

CAT = "the cat sat on the mat\n" * 400


def command_in(said):
    """The words of the command in a message, without `charrnn`."""
    return shlex.split(re.findall(r"`charrnn (.*?)`", said)[-1])


def printed_last(said):
    """The words of the command that goes on, which `train` prints at its end."""
    lines = [line.strip() for line in said.splitlines()]
    return shlex.split(lines[lines.index("go on with") + 1])[1:]


# Other options


CHANGES = {
    "--learning-rate": (
        0.001,
        lambda c: c.settings.learning_rate,
        "learning rate 0.001, was 0.03",
    ),
    "--grad-clip": (0.5, lambda c: c.settings.grad_clip, "grad clip 0.5, was 1"),
    "--grad-clip-value": (0.1, lambda c: c.settings.grad_clip_value, "grad clip value 0.1, was 0"),
    "--schedule": ("linear", lambda c: c.settings.schedule, "schedule linear, was cosine"),
    "--weight-decay": (0.5, lambda c: c.settings.weight_decay, "weight decay 0.5, was 0.05"),
    "--dropout": (0.25, lambda c: c.model.dropout, "dropout 0.25, was 0"),
    "--val-every": (5, lambda c: c.settings.val_every, "val every 5, was 3"),
    "--patience": (9, lambda c: c.settings.patience, "patience 9, was 0"),
}


@pytest.mark.parametrize("flag", sorted(CHANGES))
def test_an_option_of_a_resumed_run_changes_and_is_said_and_kept(flag, run, trained):
    value, found, said = CHANGES[flag]
    result = run("train", "--resume", "--steps", 14, flag, value)
    (line,) = [line for line in result.stderr.splitlines() if ", was " in line]
    assert set(line.split("; ")) == {said, "steps 14, was 12"}
    assert found(header()) == value
    assert ", was " not in run("train", "--resume", "--steps", 14 + 1).stderr.replace(
        "steps 15, was 14", ""
    )
    assert found(header()) == value


def test_momentum_changes_for_sgd_alone(run, trained):
    said = run("train", "--resume", "--steps", 14, "--momentum", 0.5, code=2).stderr
    assert "--momentum is for sgd, and the run has muon: leave it out" in said
    sgd = ["train", "-c", "sgd.npz", "--optimizer", "sgd", "--momentum", 0.8]
    run(*sgd, "text.txt", *QUICK)
    again = ["train", "-c", "sgd.npz", "--resume", "--steps", 14]
    assert "momentum 0.5, was 0.8" in run(*again, "--momentum", 0.5).stderr
    said = run(*again, "--optimizer", "adam", code=2).stderr
    assert "--momentum" not in said
    run(*command_in(said))


def test_a_changed_option_changes_the_training(run, trained):
    shutil.copy("charrnn.npz", "plain.npz")
    run("train", "--resume", "--steps", 16, "--learning-rate", 0.001)
    run("train", "--resume", "-c", "plain.npz", "--steps", 16)
    assert not np.array_equal(weights()["last.Wy"], weights("plain.npz")["last.Wy"])


def test_an_option_with_the_value_of_the_run_is_no_conflict(run, trained):
    shutil.copy("charrnn.npz", "plain.npz")
    same = [*QUICK[:-2], "--seed", 0, "--learning-rate", 0.03, "--warmup", 1, "--val-frac", 0.1,
            "--dropout", header().model.dropout, "--encoding", "UTF8",
            "--encoding-errors", "strict", "--optimizer", "muon"]  # fmt: skip
    said = run("train", "text.txt", "--resume", "--steps", 16, *same).stderr
    assert "steps 16, was 12\n" in said
    run("train", "--resume", "-c", "plain.npz", "--steps", 16)
    assert_same_arrays(weights(), weights("plain.npz"))


def test_what_agrees_with_the_weights_to_start_from_is_no_conflict(run, trained):
    words = ["train", "text.txt", "--init-from", "charrnn.npz", "-c", "new.npz", *QUICK]
    run(*words)
    said = run(*words, "--overwrite", "--num-layers", 2, "--binary", code=2).stderr
    assert "keep their --binary, --num-layers 1: leave out --binary, --num-layers" in said


def test_a_run_cannot_go_on_and_start_from_other_weights(run, trained):
    said = run("train", "text.txt", "--resume", "--init-from", "charrnn.npz", code=2).stderr
    run(*command_in(said), *QUICK[4:])
    assert header("charrnn-2.npz").run.step == 12


def test_steps_that_are_taken_already_are_refused(run, trained):
    said = run("train", "--resume", "--steps", 10, code=2).stderr
    assert "its run has taken 12 steps, and 10 steps count from its beginning" in said
    run(*command_in(said))
    assert header().run.step == 24


def test_epochs_of_a_resumed_run_are_of_the_whole_run(run, trained):
    trained_on = len(LIGHTHOUSE.read_text()) - len(header().excerpt)
    run("train", "--resume", "--epochs", 0.5)
    assert header().run.step == -(-trained_on // 2 // (4 * 8))


def test_another_text_is_trained_on_with_the_command_in_the_message(run, trained):
    Path("new one.txt").write_text(LIGHTHOUSE.read_text()[3000:6000])
    said = run("train", "new one.txt", "--resume", "--steps", 20, code=1).stderr
    words = command_in(said)
    assert words[:2] == ["train", "new one.txt"]
    run(*words, *QUICK[4:])
    assert header("charrnn-2.npz").vocabulary == header().vocabulary


# A time


def test_a_complete_run_goes_on_for_a_time(run):
    run("train", "text.txt", *QUICK[:8], "--time", "1s", "--workers", 1)
    first = header()
    said = run("train", "--resume", "--time", "1s").stderr
    steps = int(re.search(r"ms a step, so ([\d,]+) steps in all", said)[1].replace(",", ""))
    assert header().run.step == header().settings.steps == steps > first.run.step + 10
    assert header().settings.val_every == first.settings.val_every
    assert f"going on from step {first.run.step:,}\n" in said
    assert re.search(r"learning rate 0\.\d+, was 0\.\d+\n", said)
    assert "was" not in said.split("going on")[0]


def test_an_interrupted_run_of_steps_goes_on_for_a_time(run):
    run("train", "text.txt", *QUICK)
    saved = checkpoint.read("charrnn.npz")
    saved.settings = replace(saved.settings, steps=2_000)  # as if interrupted at step 12
    checkpoint.save("charrnn.npz", saved)
    run("train", "--resume", "--time", "1s")
    assert header().run.step == header().settings.steps > 20


# The end of a run


def test_a_schedule_stretched_beyond_its_end_is_said_with_a_gentle_way(run):
    words = ["train", "text.txt", *QUICK[:-1], 100, "--warmup", 5, "--val-every", 50]
    run(*words)
    shutil.copy("charrnn.npz", "gentle.npz")
    said = run("train", "--resume", "--steps", 200, "--log", "r.jsonl").stderr
    before = learning_rate("cosine", 0.03, 99, 100, 5)
    after = learning_rate("cosine", 0.03, 100, 200, 5)
    assert f"learning rate rises from {before:.2g} to {after:.2g} at once" in said
    logged = [json.loads(line) for line in Path("r.jsonl").read_text().splitlines()]
    assert logged[0]["learning_rate"] == pytest.approx(after)
    gentle = command_in(said)
    said = run(*gentle, "-c", "gentle.npz", "--log", "gentle.jsonl").stderr
    assert "rises" not in said
    logged = [json.loads(line) for line in Path("gentle.jsonl").read_text().splitlines()]
    rates = {line["learning_rate"] for line in logged}
    assert (len(logged), len(rates)) == (100, 1)
    assert rates.pop() == pytest.approx(before, rel=0.05)


def test_a_run_that_is_made_longer_in_its_middle_needs_no_warning(run, trained):
    saved = header()
    saved.settings = replace(saved.settings, steps=100, warmup_steps=1)
    checkpoint.save("charrnn.npz", saved)
    assert "rises" not in run("train", "--resume", "--steps", 110).stderr


PATIENT = [*QUICK[:8], "--steps", 40, "--val-every", 2, "--patience", 1, "--learning-rate", "1e-30"]


@pytest.mark.parametrize(
    ("more", "end"),
    [
        (["--steps", 50], 6),
        (["--steps", 40], 6),
        (["--epochs", 0.5], 6),
        (["--patience", 2], 8),
        (["--patience", 0], 40),
        (["--learning-rate", "1e-20"], 6),
    ],
)
def test_a_run_that_patience_ended_goes_on_with_patience_anew(more, end, run):
    run("train", "text.txt", *PATIENT)
    assert header().run.step == 4
    said = run("train", "--resume", *more).stderr
    assert ("validations, counted anew" in said) == (more != ["--patience", 0])
    assert header().run.step == end


def test_a_run_that_patience_ended_is_refused_without_anything_new(run):
    run("train", "text.txt", *PATIENT)
    said = run("train", "--resume", "--val-every", 2, code=2).stderr
    assert "its run is complete, for patience ended it after 4 of 40 steps" in said
    run(*command_in(said))
    assert header().run.step == 40


# A run that diverges


EXPLODING = [
    *("--model", "vanilla-relu", "--hidden-size", 64, "--optimizer", "sgd"),
    *("--grad-clip", 0, "--dropout", 0),
    *("--learning-rate", 0.1, "--schedule", "constant", "--workers", 1),
]


@pytest.fixture
def exploded(run):
    """A run that diverged before its first validation, and the last line that it said."""
    Path("cat.txt").write_text(CAT)
    return run("train", "cat.txt", "-c", "d.npz", *EXPLODING, "--steps", 3000,
               "--val-every", 3000, code=1).stderr  # fmt: skip


def test_a_run_that_diverges_is_saved_and_goes_on_as_advised(exploded, run):
    saved = header("d.npz")
    assert saved.run.diverged == saved.run.step + 1
    assert 0 < saved.run.best_step < saved.run.step
    assert saved.run.best_loss is None
    last = exploded.splitlines()[-1]
    assert last.startswith(f"Error: step {saved.run.diverged}: loss ")
    assert f"go on from its best weights, of step {saved.run.best_step}, with `charrnn" in last
    words = command_in(last)
    assert words == ["train", "-c", "d.npz", "--resume", "--learning-rate", "0.015",
                     "--grad-clip", "1"]  # fmt: skip
    said = run(*words, "--steps", saved.run.step + 100).stderr
    assert (
        f"the run diverged at step {saved.run.diverged}: going on from its best weights, of step "
        f"{saved.run.best_step}, with a new optimizer and empty states" in said
    )
    again = header("d.npz")
    assert (again.run.step, again.run.diverged) == (saved.run.step + 100, 0)
    assert again.run.restart == saved.run.best_step
    losses = [point["loss"] for point in again.run.history]
    assert losses[-1] < 0.5 * losses[0]


def test_a_run_that_diverged_can_be_sampled_and_described(exploded, run):
    run("sample", "-c", "d.npz", "--length", 5)
    diverged = header("d.npz").run.diverged
    assert f"diverged at step {diverged}" in run("inspect", "-c", "d.npz").stdout
    assert json.loads(run("inspect", "-c", "d.npz", "--json").stdout)["diverged"] == diverged


@pytest.mark.parametrize("more", [[], ["--steps", 3001], ["--workers", 1], ["--grad-clip", 0]])
def test_a_run_that_would_diverge_again_is_refused(more, exploded, run):
    before = Path("d.npz").read_bytes()
    said = run("train", "-c", "d.npz", "--resume", *more, code=2).stderr
    assert "and would diverge again: go on with" in said
    words = command_in(said)
    assert words[:6] == ["train", "-c", "d.npz", "--resume", "--learning-rate", "0.015"]
    assert ("3001" in words) == ("--steps" in more)
    assert Path("d.npz").read_bytes() == before


def test_a_resumed_run_that_diverges_goes_back_to_its_lowest_validation(run):
    Path("cat.txt").write_text(CAT)
    run("train", "cat.txt", *EXPLODING, "--steps", 60, "--val-every", 20)
    best = header()
    assert best.run.best_loss is not None
    said = run("train", "--resume", "--steps", 3000, code=1).stderr
    saved = header()
    assert saved.run.best_step >= best.run.best_step
    assert f"of step {saved.run.best_step:,}, with" in said
    words = command_in(said)
    run(*words, "--steps", saved.run.step + 20, "--log", "r.jsonl")
    first = json.loads(Path("r.jsonl").read_text().splitlines()[0])
    assert first["step"] == saved.run.best_step + 1


def test_a_run_whose_best_weights_are_worse_than_guessing_starts_again(run):
    Path("cat.txt").write_text(CAT)
    words = [*EXPLODING, "--learning-rate", "1e9", "--warmup", 0, "--val-every", 1, "--steps", 40]
    said = run("train", "cat.txt", *words, "--model", "lstm", code=1).stderr
    assert header().run.best_loss > np.log(len(header().vocabulary))
    again = command_in(said)
    assert again[:2] == ["train", "--overwrite"]
    said = run("train", "--resume", "--time", "1s", code=2).stderr
    assert "and would diverge again: start again with `charrnn train --overwrite " in said
    assert ("--time" in command_in(said), "--steps" in command_in(said)) == (True, False)
    run(*again)
    assert (header().run.step, header().run.diverged) == (40, 0)
    assert header().model.layer_type == "lstm"


def test_a_run_that_diverges_at_once_starts_anew_as_advised(run):
    Path("cat.txt").write_text(CAT)
    words = ["cat.txt", *EXPLODING, "--learning-rate", "1e30", "--steps", 40, "--log", "r.jsonl"]
    said = run("train", *words, code=1).stderr
    assert header().run.best_step == 0
    run(*command_in(said), "--log", "r.jsonl")
    run("train", "cat.txt", "-c", "new.npz", *EXPLODING, "--learning-rate", 0.015,
        "--grad-clip", 1, "--steps", 40)  # fmt: skip
    assert header().run.step == 40
    np.testing.assert_array_equal(weights()["last.Wy"], weights("new.npz")["last.Wy"])
    steps = [json.loads(line)["step"] for line in Path("r.jsonl").read_text().splitlines()]
    assert steps == list(range(1, 41))


# A text that has moved


@pytest.fixture
def moved(run):
    """A run of `a/cat.txt`, which is now `b/cat.txt`."""
    Path("a").mkdir()
    Path("b").mkdir()
    Path("a/cat.txt").write_text(CAT)
    run("train", "a/cat.txt", "-c", "m.npz", *QUICK)
    return Path("a/cat.txt").rename("b/cat.txt")


def test_a_text_that_has_moved_is_named_once_and_remembered(moved, run):
    old = Path("a/cat.txt").absolute()
    said = run("train", "-c", "m.npz", "--resume", "--steps", 14, code=1).stderr
    assert f"Error: {old}: the text of the checkpoint is not there: name a file with" in said
    words = command_in(said)
    assert words == ["train", "-c", "m.npz", "--resume", "--steps", "14", "TEXT"]
    said = run(*words[:-1], "b/cat.txt").stderr
    assert header("m.npz").corpus.files == (str(moved.absolute()),)
    run(*printed_last(said))
    assert header("m.npz").run.step == 28


def test_a_text_that_is_found_nearby_is_in_the_command(moved, run, monkeypatch):
    monkeypatch.chdir("b")
    said = run("train", "-c", "../m.npz", "--resume", "--steps", 14, code=1).stderr
    assert command_in(said)[-1] == "cat.txt"
    run(*command_in(said))
    assert header("../m.npz").corpus.files == (str(Path("cat.txt").absolute()),)


def test_a_complete_run_keeps_the_new_name_in_its_command(moved, run):
    said = run("train", "-c", "m.npz", "--resume", "b/cat.txt", code=2).stderr
    run(*command_in(said))
    assert header("m.npz").run.step == 24


@pytest.mark.parametrize("name", ["errors", "ngram", "copying"])
def test_a_text_that_has_moved_is_analysed_where_it_is_named(name, moved, run):
    words = ["inspect", "-c", "m.npz", f"--{name}", "--json"]
    said = run(*words, code=1).stderr
    assert "is not there: name a file with the same text by --train-text FILE" in said
    assert json.loads(run(*words, "--train-text", "b/cat.txt").stdout)[name]
    Path("other.txt").write_text(CAT[::-1])
    said = run(*words, "--train-text", "other.txt", code=1).stderr
    assert "other.txt: is not the text that the model was trained on, cat.txt" in said


def test_the_text_of_a_pipe_is_analysed_from_files(run):
    text = LIGHTHOUSE.read_text()
    run("train", "-", *QUICK, input=text)
    assert "by --train-text FILE" in run("inspect", "--ngram", code=1).stderr
    line = text.index("\n", 999) + 1
    Path("one.txt").write_text(text[:line])
    Path("two.txt").write_text(text[line:])
    run("inspect", "--ngram", "--train-text", "one.txt", "--train-text", "two.txt")
    run("train", "--resume", "--steps", 14, "one.txt", "two.txt")
    assert [Path(file).name for file in header().corpus.files] == ["one.txt", "two.txt"]
    run("inspect", "--ngram")
    run("train", "--resume", "--steps", 15)


def test_a_training_text_needs_an_analysis_of_it(run, trained):
    said = run("inspect", "--train-text", "text.txt", code=2).stderr
    assert "--train-text needs --errors, --ngram, --copying or --html" in said


def test_a_missing_text_is_named_before_the_checkpoint_beside_it(run, trained):
    said = run("train", "nofile.txt", code=1).stderr
    assert said.startswith("Error: nofile.txt: No such file or directory: ")


# The log


def steps_in(path="r.jsonl"):
    return [json.loads(line)["step"] for line in Path(path).read_text().splitlines()]


def test_the_log_of_another_run_is_refused_or_replaced(run):
    words = ["train", "text.txt", *QUICK, "--log", "r.jsonl"]
    run(*words)
    for more in (["-c", "other.npz"], []):
        if not more:
            Path("charrnn.npz").unlink()
        said = run(*words, *more, code=1).stderr
        assert "r.jsonl: has the log of another run: --overwrite to replace it" in said
        assert "--log r-2.jsonl" in said
    assert not Path("other.npz").exists()
    said = run(*words, "--overwrite").stderr
    assert said.count("r.jsonl: replaces the log of another run\n") == 1
    assert steps_in() == list(range(1, 13))


@pytest.mark.parametrize("more", [["--overwrite"], ["-c", "other.npz"]])
def test_a_file_that_is_no_log_is_never_replaced(more, run, trained):
    Path("notes.txt").write_text("my notes\n")
    said = run("train", "text.txt", *QUICK, *more, "--log", "notes.txt", code=1).stderr
    assert "notes.txt: is no log: name another file, as in --log notes-2.txt" in said
    said = run("train", "--resume", "--steps", 13, "--log", "notes.txt", code=1).stderr
    assert "notes.txt: is no log" in said
    assert Path("notes.txt").read_text() == "my notes\n"


def test_a_run_that_goes_on_from_an_earlier_step_cuts_its_log_back(run):
    words = ["--val-every", 5, "--log", "r.jsonl"]
    run("train", "text.txt", *QUICK, *words)
    shutil.copy("charrnn.npz", "early.npz")
    run("train", "--resume", "--steps", 20, "--log", "r.jsonl")
    assert steps_in() == list(range(1, 21))
    with Path("r.jsonl").open("a") as file:
        file.write('{"step": 21, "ep')  # as a kill leaves it
    said = run("train", "--resume", "-c", "early.npz", "--steps", 16, "--log", "r.jsonl").stderr
    assert "r.jsonl: cut back from step 20 to step 12, where the run goes on" in said
    assert steps_in() == list(range(1, 17))


def test_a_last_line_that_is_torn_is_cut_off(run):
    run("train", "text.txt", *QUICK, "--log", "r.jsonl")
    with Path("r.jsonl").open("a") as file:
        file.write('{"step": 13, "ep')
    said = run("train", "--resume", "--steps", 14, "--log", "r.jsonl").stderr
    assert "cut back" not in said
    assert steps_in() == list(range(1, 15))


def test_a_run_does_not_go_on_in_the_log_of_another_one(run):
    run("train", "text.txt", *QUICK, "--log", "r.jsonl")
    run("train", "text.txt", *QUICK, "-c", "other.npz", "--seed", 5)
    before = Path("r.jsonl").read_bytes()
    words = ["train", "--resume", "-c", "other.npz", "--steps", 14, "--log"]
    said = run(*words, "r.jsonl", code=1).stderr
    assert "r.jsonl: has the log of another run: name another file, as in --log r-2.jsonl" in said
    assert Path("r.jsonl").read_bytes() == before
    run(*words, "r-2.jsonl")
    assert steps_in("r-2.jsonl") == [13, 14]
    run(*words[:-2], 15, "--log", "r-2.jsonl")
    assert steps_in("r-2.jsonl") == [13, 14, 15]


# An error ends a run


def test_an_error_in_the_middle_saves_what_was_trained(run, monkeypatch):
    def show(self, progress):
        if progress.step == 7:
            raise MemoryError("no room")

    run("train", "text.txt", "-c", "whole.npz", *QUICK)
    with monkeypatch.context() as patch:
        patch.setattr("charrnn.cli.reporter.Reporter.show", show)
        said = run("train", "text.txt", *QUICK, code=1).stderr
    assert "saved at step 7: go on with `charrnn train --resume`\n" in said
    assert "not enough memory (no room)" in said
    run("train", "--resume")
    assert_same_arrays(weights(), weights("whole.npz"))
