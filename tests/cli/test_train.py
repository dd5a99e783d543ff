import json
import re
import shlex
from pathlib import Path
from signal import raise_signal

import numpy as np
import pytest
from helpers.commands import LIGHTHOUSE, QUICK

import charrnn
from charrnn import checkpoint
from charrnn.text import corpus


def header(path="charrnn.npz"):
    return checkpoint.read(path)


def weights(path="charrnn.npz"):
    with np.load(path) as file:
        return {name: file[name] for name in file.files if name != "header"}


def assert_same_arrays(first, second):
    assert first.keys() == second.keys()
    for name, array in first.items():
        np.testing.assert_array_equal(array, second[name], err_msg=name)


def test_training_leaves_a_checkpoint_and_the_commands_to_go_on(run):
    result = run("train", "text.txt", *QUICK)
    assert header().run.step == 12
    assert result.stdout == ""
    for line in ("charrnn train --resume", "charrnn sample --temp 0.8", "charrnn inspect --find"):
        assert line in result.stderr
    run("inspect", "--find")


def test_after_a_text_too_short_to_search_a_cell_of_the_model_is_named(run):
    Path("short.txt").write_text("the cat sat on the mat\n" * 300)
    assert "    charrnn inspect --cell 7\n" in run("train", "short.txt", *QUICK).stderr
    assert "cell 7 of layer 1" in run("inspect", "--cell", 7).stdout


def test_the_commands_to_go_on_name_another_checkpoint(run):
    result = run("train", "text.txt", "-c", "my model.npz", *QUICK)
    assert "charrnn sample -c 'my model.npz' --temp 0.8" in result.stderr


def test_the_environment_names_the_checkpoint(run):
    run("train", "text.txt", *QUICK, env={"CHARRNN_CHECKPOINT": "other.npz"})
    assert [path.name for path in Path().glob("*.npz")] == ["other.npz"]


def test_the_checkpoint_says_what_it_was_trained_on(run):
    run("train", "text.txt", *QUICK)
    found = header()
    text = LIGHTHOUSE.read_text()
    assert found.corpus.name == "text.txt"
    assert found.corpus.characters == len(text)
    assert found.corpus.sha256 == corpus.read([str(LIGHTHOUSE)]).sha256
    assert text.endswith(found.excerpt)
    assert len(found.excerpt) == -(-len(text) // 10)


def test_the_same_seed_gives_the_same_bits(run):
    for name in "ab":
        run("train", "text.txt", "-c", f"{name}.npz", "--seed", 3, *QUICK)
    run("train", "text.txt", "-c", "c.npz", "--seed", 4, *QUICK)
    assert_same_arrays(weights("a.npz"), weights("b.npz"))
    assert not np.array_equal(weights("a.npz")["last.Wy"], weights("c.npz")["last.Wy"])


@pytest.mark.parametrize("flag", ["--model", "--optimizer", "--schedule"])
def test_every_choice_trains(flag, run):
    choices = re.search(rf"{flag} \[(.*?)\]", run("train", "--help").stdout).group(1)
    for choice in choices.split("|"):
        run("train", "text.txt", *QUICK, "--overwrite", flag, choice)
        name = flag[2:]
        found = header()
        assert (
            found.model.layer_type if name == "model" else getattr(found.settings, name)
        ) == choice


SETTINGS = {
    "--hidden-size": (9, lambda c: c.model.hidden_size),
    "--num-layers": (2, lambda c: c.model.num_layers),
    "--dropout": (0.25, lambda c: c.model.dropout),
    "--seq-length": (6, lambda c: c.settings.seq_length),
    "--batch-size": (3, lambda c: c.settings.batch_size),
    "--steps": (5, lambda c: c.run.step),
    "--learning-rate": (0.5, lambda c: c.settings.learning_rate),
    "--warmup": (2, lambda c: c.settings.warmup_steps),
    "--weight-decay": (0.5, lambda c: c.settings.weight_decay),
    "--grad-clip": (0.5, lambda c: c.settings.grad_clip),
    "--grad-clip-value": (0.5, lambda c: c.settings.grad_clip_value),
    "--val-frac": (0.2, lambda c: c.corpus.val_frac),
    "--val-every": (3, lambda c: c.settings.val_every),
    "--patience": (2, lambda c: c.settings.patience),
    "--normalize": ("nfd", lambda c: c.normalize),
    "--encoding": ("latin-1", lambda c: c.corpus.encoding),
}


@pytest.mark.parametrize("flag", sorted(SETTINGS))
def test_an_option_is_kept_in_the_checkpoint(flag, run):
    value, found = SETTINGS[flag]
    run("train", "text.txt", *QUICK, flag, value)
    assert found(header()) == value


@pytest.mark.parametrize(
    "option",
    [
        ["--dropout", "0.5"],
        ["--learning-rate", "0.01"],
        ["--weight-decay", "5"],
        ["--grad-clip", "0.01"],
        ["--grad-clip-value", "0.0001"],
        ["--warmup", "9"],
        ["--schedule", "linear"],
        ["--model", "gru"],
        ["--optimizer", "rmsprop"],
        ["--val-frac", "0.3"],
    ],
)
def test_an_option_changes_the_training(option, run):
    run("train", "text.txt", "-c", "plain.npz", *QUICK)
    run("train", "text.txt", "-c", "other.npz", *QUICK, *option)
    assert not np.array_equal(weights("plain.npz")["last.Wy"], weights("other.npz")["last.Wy"])


def test_momentum_is_for_sgd(run):
    for name, momentum in (("a", 0.9), ("b", 0.1)):
        run("train", "text.txt", "-c", f"{name}.npz", *QUICK, "--optimizer", "sgd",
            "--momentum", momentum)  # fmt: skip
        assert header(f"{name}.npz").settings.momentum == momentum
    assert not np.array_equal(weights("a.npz")["last.Wy"], weights("b.npz")["last.Wy"])


@pytest.mark.parametrize(
    ("option", "said"),
    [
        (["text.txt", "--momentum", 0.5], "--momentum needs --optimizer sgd: add it, or leave out"),
        (["--encoding", "latin-1"], "--encoding needs a TEXT or --val: name a file"),
        (["--encoding-errors", "ignore"], "--encoding-errors needs a TEXT or --val"),
        (["--newlines", "keep"], "--newlines needs a TEXT or --val"),
    ],
)
def test_an_option_without_effect_is_refused(option, said, run):
    assert said in run("train", *QUICK, *option, code=2).stderr


def test_epochs_are_readings_of_the_text(run):
    run("train", "text.txt", *QUICK[:8], "--epochs", "0.5")
    trained_on = len(LIGHTHOUSE.read_text()) - len(header().excerpt)
    assert header().run.step == -(-trained_on // 2 // (4 * 8))


@pytest.mark.parametrize("epochs", ["1e308", "1e300", "1e13"])
def test_infinite_epochs_are_refused(epochs, run):
    result = run("train", "text.txt", *QUICK[:8], "--epochs", epochs, code=2)
    assert "epochs are more characters than can be counted" in result.stderr


def test_another_run_is_not_overwritten_by_accident(run, trained):
    before = Path("charrnn.npz").read_bytes()
    result = run("train", "text.txt", *QUICK, code=1)
    for remedy in ("--resume", "--overwrite", "-c"):
        assert remedy in result.stderr
    assert Path("charrnn.npz").read_bytes() == before
    run("train", "text.txt", *QUICK, "--overwrite")


def test_resume_ends_where_one_run_would(run):
    run("train", "text.txt", "-c", "whole.npz", *QUICK, "--val-every", 4)
    run("train", "text.txt", "-c", "parts.npz", *QUICK, "--val-every", 4)
    # Back to step 4 with a run that was stopped there, as a kill would have left it.
    assert header("parts.npz").run.step == 12
    stop_after(run, "stopped.npz", 5)
    run("train", "--resume", "-c", "stopped.npz")
    assert_same_arrays(weights("whole.npz"), weights("stopped.npz"))
    assert header("whole.npz").run == header("stopped.npz").run


def stop_after(run, path, steps, signal=2):
    """Train, and get a signal after some steps."""
    from charrnn.cli import reporter

    def show(self, progress):
        if progress.step == steps:
            raise_signal(signal)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reporter.Reporter, "show", show)
        return run("train", "text.txt", "-c", path, *QUICK, "--val-every", 4, code=128 + signal)


@pytest.mark.parametrize("signal", [2, 15])
def test_a_signal_finishes_the_step_and_saves(signal, run):
    result = stop_after(run, "stopped.npz", 5, signal)
    assert header("stopped.npz").run.step == 5
    assert "charrnn train -c stopped.npz --resume\n" in result.stderr


def test_a_complete_run_asks_for_more_steps(run, trained):
    said = run("train", "--resume", code=2).stderr
    command = re.search("its run is complete, after 12 steps: go on with `charrnn (.*)`", said)[1]
    assert command == "train --resume --steps 24"
    run(*command.split())
    assert header().run.step == 24


def test_resume_refuses_what_a_run_has_fixed(run, trained):
    said = run("train", "--resume", "--hidden-size", 9, "--seed", 1, code=2).stderr
    assert "a run keeps its --hidden-size 8, --seed 0: for another one start a new run: " in said
    command = shlex.split(re.search("`charrnn (.*)`", said)[1])
    run(*command, "--steps", 2)
    new = header("charrnn-2.npz")
    assert (new.model.hidden_size, new.settings.seed) == (9, 1)
    assert (new.model.layer_type, new.settings.batch_size) == ("lstm", 4)
    assert new.corpus == header().corpus
    said = run("train", "--resume", "--model", "gru", "--binary", code=2).stderr
    assert "a run keeps its --binary, --model lstm: " in said
    assert "-c charrnn-3.npz --hidden-size 8 " in said
    assert header().run.step == 12


LENGTH = len(LIGHTHOUSE.read_text())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: text + "!", f"it has {LENGTH + 1:,} characters, not {LENGTH:,}: to"),
        (lambda text: text[:-1] + "é", "it has characters that were not there: 'é'"),
        (
            lambda text: text + "漢é",
            "characters, not [0-9,]+, and characters that were not there: 'é' '漢'",
        ),
        (lambda text: text[::-1], "but others: its SHA-256 is [0-9a-f]{8}..., not [0-9a-f]{8}..."),
    ],
)
def test_resume_refuses_another_text_and_says_what_differs(change, said, run, trained):
    Path("text.txt").write_text(change(LIGHTHOUSE.read_text()))
    result = run("train", "--resume", "--steps", 20, code=1)
    assert re.search(f"text.txt is not the text that .*, text.txt: .*{said}", result.stderr)
    assert "--init-from" in result.stderr


def test_resume_finds_its_text_from_another_directory(run, trained, tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    run("train", "--resume", "-c", "../charrnn.npz", "--steps", 20)


def test_resume_without_a_checkpoint_says_so(run):
    assert "no such checkpoint" in run("train", "--resume", code=1).stderr


def test_resume_and_overwrite_contradict_each_other(run, trained):
    run("train", "--resume", "--overwrite", code=2)


def test_a_text_from_stdin(run):
    text = LIGHTHOUSE.read_text()
    run("train", "-", *QUICK, input=text)
    assert header().corpus.name == "stdin"
    assert header().corpus.characters == len(text)
    said = run("train", "--resume", "--steps", 20, code=1).stderr
    assert (
        "stdin: the text of the checkpoint was in no file: name a file with the same text" in said
    )
    assert "`charrnn train --resume --steps 20 TEXT`" in said
    run("train", "text.txt", "--resume", "--steps", 20)


def test_several_files_are_one_text(run):
    run("train", "text.txt", "text.txt", *QUICK)
    assert header().corpus.characters == 2 * len(LIGHTHOUSE.read_text())


def test_without_a_text_the_standard_library_is_read(run, monkeypatch):
    library = corpus.Corpus.of("ab" * 99, "the standard library of Python 3")
    monkeypatch.setattr(corpus, "standard_library", lambda normalize, lines: library)
    result = run("train", *QUICK)
    assert "training on the standard library of Python 3" in result.stderr
    run("train", "--resume", "--steps", 20)


@pytest.mark.parametrize("text", ["", "a"])
def test_a_text_too_short_is_refused(text, run):
    Path("short.txt").write_text(text)
    assert "at least 2" in run("train", "short.txt", code=1).stderr


def test_a_small_text_shrinks_the_window_and_says_so(run):
    Path("hello.txt").write_text("hello")
    result = run("train", "hello.txt", "--hidden-size", 8, "--steps", 20)
    assert "--batch-size 1 and --seq-length 5" in result.stderr
    assert "none held out" in result.stderr
    assert header().settings.seq_length == 5


def test_hello_is_learned(run):
    Path("hello.txt").write_text("hello")
    run("train", "hello.txt", "--hidden-size", 32, "--steps", 400)
    assert run("sample", "--prime", "h", "--temp", 0, "--length", 4).stdout == "hello\n"


def test_an_empty_folder_is_refused(run, tmp_path):
    (tmp_path / "folder").mkdir()
    assert "folder: no text there" in run("train", "folder", code=1).stderr


def test_a_missing_text_is_named(run):
    assert "nothing.txt" in run("train", "nothing.txt", code=1).stderr


def test_a_text_that_is_not_utf8_is_refused_with_the_position(run):
    Path("bad.txt").write_bytes(b"abc\xff")
    result = run("train", "bad.txt", code=1)
    assert "bad.txt: not utf-8 at byte 3" in result.stderr
    assert "--encoding" in result.stderr


def test_a_new_run_starts_from_old_weights_and_the_old_vocabulary(run, trained):
    Path("new.txt").write_text(LIGHTHOUSE.read_text()[3000:6000])
    run("train", "new.txt", "-c", "new.npz", "--init-from", "charrnn.npz",
        *QUICK[4:], "--learning-rate", "1e-9")  # fmt: skip
    assert header("new.npz").vocabulary == header().vocabulary
    np.testing.assert_allclose(
        weights("new.npz")["last.layer1.Wh"], weights()["best.layer1.Wh"], atol=1e-6
    )
    assert header("new.npz").run.step == 12


def test_characters_that_the_old_weights_do_not_know_get_new_ones(run, trained):
    Path("new.txt").write_text(LIGHTHOUSE.read_text()[3000:6000] + "naïve " * 50)
    result = run("train", "new.txt", "-c", "new.npz", "--init-from", "charrnn.npz", *QUICK[4:])
    assert "new weights for 1 character that the old model does not know: 'ï'" in result.stderr
    known = header().vocabulary.ix_to_char
    assert header("new.npz").vocabulary.ix_to_char == "".join(sorted(known + "ï"))
    assert run("sample", "-c", "new.npz", "--prime", "naïve", "--length", 3).stdout[:5] == "naïve"


def test_the_shape_of_old_weights_cannot_be_changed(run, trained):
    arguments = ["-c", "new.npz", "--init-from", "charrnn.npz", "--hidden-size", "9"]
    said = run("train", "text.txt", *arguments, code=2).stderr
    assert "charrnn.npz: weights to start from keep their --hidden-size 8: leave out" in said


def test_the_log_has_a_json_object_a_step(run):
    run("train", "text.txt", *QUICK, "--val-every", 4, "--log", "log.jsonl")
    records = [json.loads(line) for line in Path("log.jsonl").read_text().splitlines()]
    assert [record["step"] for record in records] == list(range(1, 13))
    assert set(records[0]) == {
        "step", "epoch", "characters", "loss", "bpc", "val_loss", "learning_rate", "grad_norm",
        "chars_per_second",
    }  # fmt: skip
    assert [r["step"] for r in records if r["val_loss"] is not None] == [4, 8, 12]
    assert records[0]["loss"] / np.log(2) == pytest.approx(records[0]["bpc"])


def test_a_resumed_run_appends_to_the_log(run, trained):
    Path("log.jsonl").write_text("")
    run("train", "--resume", "--steps", 15, "--log", "log.jsonl")
    steps = [json.loads(line)["step"] for line in Path("log.jsonl").read_text().splitlines()]
    assert steps == [13, 14, 15]


def test_a_log_that_cannot_be_written_is_named(run):
    assert "nowhere" in run("train", "text.txt", *QUICK, "--log", "nowhere/log", code=1).stderr


def test_samples_are_shown_while_training_and_change_nothing(run):
    run("train", "text.txt", "-c", "quiet.npz", *QUICK)
    result = run("train", "text.txt", "-c", "chatty.npz", *QUICK, "--sample-every", 5)
    assert result.stderr.count("--- step") == 2
    assert_same_arrays(weights("quiet.npz"), weights("chatty.npz"))


def samples_of(result):
    """The samples in the output of a training."""
    return re.findall(r"^--- step \d+\n(.*?)\n---$", result.stderr, re.MULTILINE | re.DOTALL)


def test_samples_of_a_training_have_their_prime_length_and_temperature(run):
    words = ["train", "text.txt", *QUICK, "--overwrite", "--sample-every", 12]
    (short,) = samples_of(run(*words, "--sample-length", 30, "--sample-prime", r"The\nlamp"))
    assert short.startswith("The\nlamp")
    assert len(short) == 8 + 30
    (likeliest,) = samples_of(run(*words, "--temp", 0, "--sample-length", 60))
    assert likeliest == run("sample", "--weights", "last", "--temp", 0, "--length", 60).stdout[:-1]
    said = run(*words, "--sample-prime", "Ω", code=2).stderr
    assert "not in the vocabulary of the model: 'Ω'" in said
    assert "step 1 of" not in said
    for option in (["--temp", 1], ["--sample-length", 9], ["--sample-prime", "x"]):
        said = run("train", "text.txt", "--overwrite", *option, code=2).stderr
        assert f"{option[0]} needs --sample-every: add it" in said


def test_a_sample_of_bytes_is_shown_as_text_where_the_bytes_are_utf_8(run):
    Path("fr.txt").write_text("é" * 400, encoding="utf-8")
    words = ["--hidden-size", 16, "--steps", 100, "--sample-every", 100, "--temp", 0]
    result = run("train", "fr.txt", "--binary", "--sample-prime", "é", "--workers", 1, *words)
    (sample,) = samples_of(result)
    assert set(sample) == {"é"}
    assert len(sample) == 101


def test_without_a_terminal_there_are_no_carriage_returns(run):
    result = run("train", "text.txt", *QUICK)
    assert "\r" not in result.stderr
    assert "step 12 of 12" in result.stderr


def test_advice_comes_before_and_after(run):
    result = run("train", "text.txt", *QUICK)
    assert "for each character of text" in result.stderr
    assert "the model is hardly better than character frequencies alone" in result.stderr


SMALL = [
    "--hidden-size",
    32,
    "--batch-size",
    8,
    "--seq-length",
    16,
    "--workers",
    1,
    "--schedule",
    "constant",
]


@pytest.mark.parametrize(
    ("model", "optimizer"), [("gru", "muon"), ("vanilla", "muon"), ("vanilla-relu", "adam")]
)
def test_the_advice_after_a_run_that_learned_nothing_makes_the_next_one_learn(
    run, model, optimizer
):
    arguments = ["train", "text.txt", "--model", model, *SMALL, "--steps", 300]
    arguments += ["--optimizer", optimizer]
    said = run(*arguments, "--learning-rate", 1).stderr
    found = re.search("hardly better than character frequencies .*: start again with (.*)", said)
    assert found, said
    options = [word for word in found[1].split() if word[0] in "-0123456789"]
    assert options[:2] == ["--overwrite", "--learning-rate"]
    assert "hardly better" not in run(*arguments, *options).stderr


def test_the_advice_is_the_same_where_nothing_is_held_out(run):
    arguments = ["train", "text.txt", *SMALL, "--steps", 200, "--val-frac", 0]
    said = run(*arguments, "--learning-rate", 1).stderr
    assert "hardly better than character frequencies" in said
    assert "probability of the right character" in run(*arguments, "--overwrite").stderr


def test_a_loss_that_is_not_finite_ends_the_run_with_a_remedy(run):
    arguments = ["--optimizer", "sgd", "--learning-rate", "1e30", "--warmup", "0"]
    result = run("train", "text.txt", *QUICK, *arguments, "--val-every", "1", code=1)
    again = re.search("the training diverged: start again with `charrnn (.*)`", result.stderr)[1]
    assert again.startswith("train --overwrite --model lstm --hidden-size 8 --steps 12 ")
    run(*shlex.split(again))
    assert (header().run.step, header().run.diverged) == (12, 0)


def test_a_sample_of_huge_weights_causes_no_warnings(run):
    arguments = ["--learning-rate", "1e10", "--model", "vanilla-relu", "--grad-clip", 0]
    result = run(
        "train", "text.txt", *QUICK, *arguments, "--warmup", 0, "--sample-every", 1, code=1
    )
    assert "--- step 1\nthe hidden state or the logits become non-finite" in result.stderr
    assert "the training diverged: go on from its best weights" in result.stderr


def test_the_trained_model_loads_from_python(run, trained):
    model = charrnn.load("charrnn.npz")
    assert len("".join(model.sample(10))) == 10


def test_before_the_first_validation_the_best_weights_are_the_last(run):
    stop_after(run, "stopped.npz", 3)
    found = weights("stopped.npz")
    np.testing.assert_array_equal(found["best.Wy"], found["last.Wy"])
    run("train", "--resume", "-c", "stopped.npz")
    run("train", "text.txt", "-c", "whole.npz", *QUICK, "--val-every", 4)
    assert_same_arrays(weights("whole.npz"), weights("stopped.npz"))


def test_a_run_that_patience_ended_goes_on_with_the_command_it_prints(run):
    result = run("train", "text.txt", *QUICK[:8], "--steps", 40, "--val-every", 2,
                 "--patience", 1, "--learning-rate", "1e-30")  # fmt: skip
    assert header().run.step == 4
    assert "charrnn train --resume --patience 0\n" in result.stderr
    assert "--patience 0" in run("train", "--resume", code=2).stderr
    run("train", "--resume", "--patience", 0)
    assert header().run.step == 40
