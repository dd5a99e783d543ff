"""The Python API does what the command does."""

import doctest
import gzip
import inspect
import json
import os
import shlex
import signal
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import charrnn
from charrnn.cli import group
from charrnn.cli.sample import command as sample_command
from charrnn.cli.train import command
from charrnn.config import HIDDEN_SIZE, ModelConfig, TrainingConfig, options
from charrnn.errors import (
    CheckpointError,
    Notice,
    SettingError,
    TextError,
    TrainingError,
    UnknownCharacterError,
)
from charrnn.network.layers import LAYER_TYPES
from charrnn.sampling import Choice
from charrnn.training.optimizers import OPTIMIZERS
from charrnn.training.schedules import SCHEDULES

TEXT = "the quick brown fox jumps over the lazy dog\n" * 60
SMALL = {"hidden_size": 8, "batch_size": 4, "seq_length": 8, "steps": 12, "val_every": 4}
#: Options of the command that functions of Python replace, or that need a launcher.
OF_THE_COMMAND = {"log", "mpi", "batch_size_per_rank"}
OF_THE_COMMAND |= {"sample_every", "sample_prime", "sample_length", "temp"}


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.txt").write_text(TEXT, encoding="utf-8")


def run(*words):
    """The command with the options of `SMALL`."""
    flags = [word for name, value in SMALL.items() for word in (flag(name), value)]
    result = CliRunner().invoke(group, [str(word) for word in ("train", *flags, *words)])
    assert result.exit_code == 0, result.output


def flag(name):
    return "--" + name.replace("_", "-")


def arrays(path):
    with np.load(path) as file:
        return {name: file[name].tobytes() for name in file.files if name != "header"}


def test_the_examples_of_the_documentation_run():
    assert doctest.testmod(charrnn).failed == 0
    assert doctest.testmod(charrnn).attempted >= 10


def test_every_option_of_the_command_is_a_field_or_an_argument_and_the_other_way_round():
    flags = {parameter.opts[0].strip("-").replace("-", "_") for parameter in command.params}
    fields = {
        option.flag.replace("-", "_")
        for kind in (ModelConfig, TrainingConfig)
        for option in options(kind)
    }
    arguments = set(inspect.signature(charrnn.train).parameters) - {"options"}
    of_python = {"paths", "text", "progress", "checkpoint"}
    of_the_command = {"text", "c"} | OF_THE_COMMAND
    assert flags - of_the_command == (fields | arguments) - of_python - {"ranks"}


def test_every_option_of_sampling_is_an_argument():
    renamed = {"stops": "stop", "lines": "number"}
    options = {renamed.get(option.name, option.name) for option in sample_command.params}
    of_the_command = {"checkpoint", "weights", "prime_file", "encoding", "encoding_errors"}
    # --next is the method next_characters.
    of_the_output = {"no_prime", "separator", "as_json", "raw", "next"}
    choice = set(inspect.signature(Choice).parameters)
    methods = charrnn.CharRNN.samples, charrnn.CharRNN.items
    arguments = {name for method in methods for name in inspect.signature(method).parameters}
    arguments -= {"self", "choice"}
    assert options - of_the_command - of_the_output == arguments | choice
    one = set(inspect.signature(charrnn.CharRNN.sample).parameters)
    assert one | {"num_samples", "number", "new", "unique"} == arguments | {"self", "choice"}


def test_the_command_has_the_defaults_of_the_configurations():
    params = command.make_context("train", []).params
    for kind in (ModelConfig, TrainingConfig):
        for option in options(kind):
            if option.name != "ranks":
                assert params[option.name] == option.default, option.name


def test_the_choices_are_the_names_of_what_there_is():
    choices = {
        option.name: set(option.choices)
        for kind in (ModelConfig, TrainingConfig)
        for option in options(kind)
    }
    assert choices["layer_type"] == set(LAYER_TYPES)
    assert choices["optimizer"] == set(OPTIMIZERS)
    assert choices["schedule"] == set(SCHEDULES)


@pytest.mark.parametrize("layer_type", ["lstm", "vanilla"])
def test_python_and_the_command_train_to_the_same_bits(layer_type):
    run("text.txt", "-c", "command.npz", "--model", layer_type, "--workers", 1, "--seed", 3)
    charrnn.train("text.txt", checkpoint="python.npz", model=layer_type, seed=3, **SMALL)
    assert arrays("command.npz") == arrays("python.npz")


def test_a_run_is_resumed_by_either_with_the_same_bits():
    charrnn.train("text.txt", checkpoint="whole.npz", **{**SMALL, "steps": 20})
    for path in ("first.npz", "second.npz"):
        interrupted(path)
    charrnn.train(checkpoint="first.npz", resume=True)
    result = CliRunner().invoke(group, ["train", "--resume", "-c", "second.npz"])
    assert result.exit_code == 0, result.output
    assert arrays("first.npz") == arrays("second.npz") == arrays("whole.npz")


def test_a_resumed_run_keeps_its_seed_and_refuses_another_shape():
    charrnn.train(text=TEXT, checkpoint="a.npz", seed=5, **SMALL)
    resume = {"text": TEXT, "checkpoint": "a.npz", "resume": True, "steps": 14}
    with pytest.raises(SettingError, match="keeps its --seed 5"):
        charrnn.train(**resume, seed=0)
    assert charrnn.train(**resume).checkpoint.settings.seed == 5
    with pytest.raises(SettingError, match="keeps its --hidden-size 8"):
        charrnn.train(**resume, hidden_size=9)


def test_a_resumed_run_takes_other_options():
    resume = {"text": TEXT, "checkpoint": "a.npz", "resume": True}
    charrnn.train(text=TEXT, checkpoint="a.npz", **SMALL)
    assert charrnn.train(**resume).checkpoint.run.step == 12
    changed = charrnn.train(**resume, steps=14, learning_rate=0.001, dropout=0.25, hidden_size=8)
    assert changed.checkpoint.run.step == 14
    assert changed.checkpoint.settings.learning_rate == 0.001
    assert changed.checkpoint.model.dropout == 0.25
    again = charrnn.train(**resume, epochs=1).checkpoint
    assert again.run.step == -(-round(0.9 * len(TEXT)) // 32)
    longer = charrnn.train(**resume, time=0.1).checkpoint
    assert longer.run.step == longer.settings.steps > again.run.step
    assert longer.settings.learning_rate == 0.001
    for other in ({"val_frac": 0.3}, {"binary": True}, {"model": "lstm"}, {"encoding": "cp1252"}):
        with pytest.raises(SettingError, match="a run keeps its --"):
            charrnn.train(**resume, **other)


def test_weights_to_start_from_keep_their_shape():
    charrnn.train(text=TEXT, checkpoint="a.npz", **SMALL)
    with pytest.raises(SettingError, match="keep their --hidden-size 8"):
        charrnn.train(text=TEXT, init_from="a.npz", **{**SMALL, "hidden_size": 9})


#: Options of a training that diverges at once.
DIVERGING = {**SMALL, "learning_rate": 1e30, "grad_clip": 0, "optimizer": "sgd"}


def test_a_run_that_diverges_goes_on_with_a_lower_rate():
    with pytest.raises(TrainingError, match=r"go on from its best .*`charrnn train -c a\.npz"):
        charrnn.train("text.txt", checkpoint="a.npz", **DIVERGING)
    resume = {"checkpoint": "a.npz", "resume": True}
    with pytest.raises(SettingError, match="would diverge again"):
        charrnn.train(**resume)
    with pytest.warns(Notice, match="going on from its best weights, of step 0"):
        model = charrnn.train(**resume, learning_rate=0.01, grad_clip=1)
    assert (model.checkpoint.run.step, model.checkpoint.run.diverged) == (12, 0)


def test_an_error_of_the_callback_saves_the_run():
    def fail(progress):
        if progress.step == 7:
            raise ZeroDivisionError

    charrnn.train("text.txt", checkpoint="whole.npz", **SMALL)
    with (
        pytest.raises(ZeroDivisionError),
        pytest.warns(Notice, match="saved at step 7: go on with `charrnn train -c a.npz --resume`"),
    ):
        charrnn.train("text.txt", checkpoint="a.npz", progress=fail, **SMALL)
    charrnn.train(checkpoint="a.npz", resume=True)
    assert arrays("a.npz") == arrays("whole.npz")


def test_a_text_that_has_moved_is_named_once():
    charrnn.train("text.txt", checkpoint="a.npz", **SMALL)
    os.rename("text.txt", "moved.txt")
    resume = {"checkpoint": "a.npz", "resume": True}
    with pytest.raises(TextError, match="is not there: name a file with the same text"):
        charrnn.train(**resume, steps=14)
    charrnn.train("moved.txt", **resume, steps=14)
    assert charrnn.train(**resume, steps=16).checkpoint.run.step == 16


def stop_at(step):
    """A callback that sends Ctrl-C after a step."""

    def stop(progress):
        if progress.step == step:
            signal.raise_signal(signal.SIGINT)

    return stop


def interrupted(path):
    with pytest.warns(Notice, match="saving"), pytest.raises(KeyboardInterrupt):
        charrnn.train("text.txt", checkpoint=path, progress=stop_at(7), **{**SMALL, "steps": 20})


def test_ctrl_c_without_a_checkpoint_ends_after_the_step():
    seen = []

    def stop(progress):
        seen.append(progress.step)
        stop_at(3)(progress)

    with pytest.raises(KeyboardInterrupt):
        charrnn.train(text=TEXT, progress=stop, **SMALL)
    assert seen == [1, 2, 3]
    assert os.listdir() == ["text.txt"]


def test_a_thread_that_is_not_the_main_one_can_train():
    found = []
    thread = threading.Thread(target=lambda: found.append(charrnn.train(text=TEXT, **SMALL)))
    thread.start()
    thread.join()
    assert found[0].evaluate(TEXT) < 4


def test_progress_is_frozen_and_has_the_figures_of_each_step():
    seen = []
    model = charrnn.train(text=TEXT, progress=seen.append, **SMALL)
    assert [progress.step for progress in seen] == list(range(1, 13))
    assert [progress.step for progress in seen if progress.val_loss is not None] == [4, 8, 12]
    assert {progress.steps for progress in seen} == {12}
    best = min(progress.val_loss for progress in seen if progress.val_loss is not None)
    assert model.checkpoint.run.best_loss == best
    with pytest.raises(AttributeError):
        seen[0].step = 2


def test_nothing_is_printed_and_a_changed_option_is_a_warning(capsys):
    with pytest.warns(Notice, match=r"to fit the text: --batch-size \d+ and --seq-length 8"):
        charrnn.train(text=TEXT, **{**SMALL, "batch_size": 400})
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("time", [0.3, "0.3s"])
def test_a_time_becomes_a_number_of_steps_without_a_warning(time):
    model = charrnn.train(text=TEXT, time=time, **{**SMALL, "steps": None, "warmup": 5})
    assert model.checkpoint.settings.steps == model.checkpoint.run.step > 5


def test_a_saved_model_is_the_same_model_and_starts_a_run():
    model = charrnn.train(text=TEXT, normalize="nfc", **SMALL)
    model.save("model.npz")
    again = charrnn.load("model.npz")
    assert again.evaluate(TEXT) == model.evaluate(TEXT)
    assert again.checkpoint.normalize == "nfc"
    written = ["".join(each.sample(30, seed=1, temperature=0.7)) for each in (model, again)]
    assert written[0] == written[1]
    with pytest.raises(CheckpointError, match="no run to go on with"):
        charrnn.train(text=TEXT, checkpoint="model.npz", resume=True)
    charrnn.train(text=TEXT, init_from="model.npz", steps=2, batch_size=4)


def test_python_and_the_command_write_the_same_samples():
    charrnn.train("text.txt", checkpoint="model.npz", **SMALL)
    model = charrnn.load("model.npz")
    words = shlex.split(
        "sample -c model.npz --seed 3 --temp 0.7 --length 20 --num-samples 5 --json"
    )
    for prime, stop in (("", []), ("the ", ["o"]), ("the quick brown fox\n" * 600, ["o", "\n"])):
        (path := Path("prime.txt")).write_text(prime, encoding="utf-8")
        stops = [word for each in stop for word in ("--stop", each)]
        more = ["--prime-file", str(path)] if prime else []
        result = CliRunner().invoke(group, [*words, *stops, *more])
        written = [json.loads(line)["text"] for line in result.stdout.splitlines()]
        options = {"prime": prime, "seed": 3, "temperature": 0.7}
        assert list(model.samples(5, 20, stop=stop, **options)) == written
        assert "".join(model.sample(20, stop=stop, **options)) == written[0]


def test_a_model_that_was_never_trained_shows_itself_and_is_saved_too():
    model = charrnn.CharRNN(charrnn.Vocabulary("abc"), hidden_size=4)
    model.initialize(np.random.default_rng(0))
    assert "3 different" in repr(model)
    model.save("model.npz")
    assert charrnn.load("model.npz").evaluate("abc") == model.evaluate("abc")


def test_a_model_of_python_has_the_defaults_of_the_command():
    model = charrnn.CharRNN(charrnn.Vocabulary("abc"))
    default = ModelConfig().filled(hidden_size=HIDDEN_SIZE)
    assert model.configuration == {
        "layer_type": default.layer_type,
        "hidden_size": default.hidden_size,
        "num_layers": default.num_layers,
        "ensemble": 1,
        "dropout": 0,
        "lines": False,
    }


def test_a_model_shows_itself_in_a_line_and_in_a_table():
    model = charrnn.train("text.txt", **SMALL)
    assert len(repr(model).splitlines()) == 1
    assert "gru, 1 layer of 8" in repr(model)
    model.checkpoint.corpus = replace(model.checkpoint.corpus, name="<script>&")
    assert "&lt;script&gt;&amp;" in model._repr_html_()
    assert "<script>" not in model._repr_html_()


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"text": TEXT, "colour": "blue"}, SettingError, "no option 'colour'"),
        ({"text": TEXT, "hidden_size": "8"}, SettingError, "hidden_size is a whole number"),
        ({"text": TEXT, "model": "cnn"}, SettingError, "no model named 'cnn'"),
        ({"text": TEXT, "warmup": -1}, SettingError, "warmup is from 0"),
        ({"text": TEXT, "steps": 3, "epochs": 1}, SettingError, "exclude one another"),
        ({"text": TEXT, "time": 0}, SettingError, "0 is not a time"),
        ({"text": TEXT, "val_frac": 1}, SettingError, "val_frac is from 0 to below 1"),
        ({"text": TEXT, "resume": True}, SettingError, "resume needs a checkpoint"),
        ({"text": "é" + TEXT, "normalize": "NFC"}, SettingError, "choose one of nfc, nfd, nfkc"),
        ({"text": TEXT, "binary": True}, SettingError, "binary needs paths"),
        ({"binary": True, "normalize": "nfc"}, SettingError, "binary excludes encoding"),
        ({"text": TEXT, "encoding": "latin-1"}, SettingError, "needs paths or val"),
        ({"text": TEXT, "encoding_errors": "ignore"}, SettingError, "needs paths or val"),
        ({"newlines": "keep"}, SettingError, "newlines needs paths, text or val"),
        ({"encoding": "latin-1"}, SettingError, "needs paths or val"),
        ({"text": TEXT, "momentum": 0.5}, SettingError, 'momentum needs optimizer="sgd"'),
        ({"text": TEXT, "checkpoint": "no/x.npz"}, CheckpointError, "no folder"),
        ({"checkpoint": "x.npz", "resume": True}, CheckpointError, "no such checkpoint"),
        (
            {**SMALL, "text": TEXT, "learning_rate": 1e30, "grad_clip": 0, "optimizer": "sgd"},
            TrainingError,
            "try a lower",
        ),
    ],
)
def test_a_mistake_is_an_error_of_charrnn(arguments, error, message):
    with pytest.raises(error, match=message):
        charrnn.train(**arguments)


def test_paths_and_text_are_not_mixed():
    with pytest.raises(SettingError, match="exclude one another"):
        charrnn.train("text.txt", text=TEXT)


def test_another_run_is_not_overwritten_unless_asked_for():
    charrnn.train(text=TEXT, checkpoint="model.npz", **SMALL)
    with pytest.raises(CheckpointError, match="holds another run"):
        charrnn.train(text=TEXT, checkpoint="model.npz", **SMALL)
    charrnn.train(text=TEXT, checkpoint="model.npz", overwrite=True, **SMALL)


def test_unknown_characters_are_refused():
    model = charrnn.train(text=TEXT, **SMALL)
    for unknown in ({"prime": "Ω"}, {"stop": "Ω"}, {"stop": ["a", "Ω"]}):
        with pytest.raises(UnknownCharacterError):
            model.sample(5, **unknown)
        with pytest.raises(UnknownCharacterError):
            model.samples(2, 5, **unknown)
    skipped = model.sample(5, prime="aΩ", unknown="skip", seed=1)
    assert "".join(skipped) == "".join(model.sample(5, prime="a", seed=1))
    with pytest.raises(UnknownCharacterError):
        model.evaluate("Ω and more")
    with pytest.raises(SettingError, match="at least 2 characters"):
        model.evaluate("t")


def test_a_folder_and_compressed_texts_are_read_as_by_the_command():
    os.mkdir("corp")
    with gzip.open("corp/a.txt.gz", "wb") as file:
        file.write(TEXT.replace("\n", "\r\n").encode())
    for name, data in {"corp/b.txt": b"one", "corp/cat.png": b"\x89PNG\r\n\x1a\n"}.items():
        with open(name, "wb") as file:
            file.write(data)
    with pytest.warns(Notice) as said:
        model = charrnn.train("corp", checkpoint="python.npz", **SMALL)
    lines = [str(warning.message) for warning in said]
    assert any(line.startswith("left out: 1 not text (") for line in lines)
    assert any(r"line ends 60 \r\n became \n" in line for line in lines)
    assert model.checkpoint.corpus.characters == len(TEXT) + 3
    run("corp", "-c", "command.npz", "--workers", 1)
    assert arrays("command.npz") == arrays("python.npz")


def test_line_ends_of_a_text_in_memory_are_those_of_files():
    dos = TEXT.replace("\n", "\r\n")
    with pytest.warns(Notice, match=r"text: line ends 60 \\r\\n became \\n"):
        model = charrnn.train(text=dos, **SMALL)
    assert model.evaluate(dos) == model.evaluate(TEXT)
    kept = charrnn.train(text=dos, newlines="keep", **SMALL)
    assert "\r" in kept.vocabulary.ix_to_char
    assert kept.evaluate(dos) > 0
    with pytest.raises(TextError, match="lf, keep, not crlf"):
        charrnn.train(text=dos, newlines="crlf", **SMALL)


def test_a_model_of_frequent_characters_reads_unknown_ones_with_a_warning():
    options = {**SMALL, "checkpoint": "rare.npz", "min_count": 2}
    with pytest.warns(Notice, match="replaced 2 characters with fewer than 2 occurrences"):
        model = charrnn.train(text="é漢" + TEXT, **options)
    for again in (model, charrnn.load("rare.npz")):
        with pytest.warns(Notice, match=r"read U\+FFFD for 1 character that") as caught:
            loss = again.evaluate("the quick é fox")
        assert caught[0].filename == __file__
        assert loss == again.evaluate("the quick \ufffd fox")
        with pytest.warns(Notice, match=r"read U\+FFFD for 2 characters that"):
            text = "".join(again.sample(5, prime="汉é", seed=1))
        assert len(text) == 5


def test_unknown_characters_read_as_another_cost_nothing():
    with pytest.warns(Notice):
        model = charrnn.train(text="é漢" + TEXT, **SMALL, min_count=2)
    with pytest.warns(Notice, match="1 character that the model has not seen cost nothing"):
        (score,) = model.score(["the ü"])
    assert score == pytest.approx(model.score(["the "])[0])
    assert model.score(["the \ufffd"])[0] > score


def test_next_characters_are_counted_from_one():
    model = charrnn.train(text=TEXT, **SMALL)
    assert len(model.next_characters(1, prime="the ")) == 1
    with pytest.raises(SettingError, match="count is 1 or more"):
        model.next_characters(0)
    with pytest.raises(UnknownCharacterError):
        model.next_characters(1, prime="Ω")


@pytest.mark.parametrize("count", [0, -1, 2.5, "2", True])
def test_a_count_is_a_whole_number(count):
    with pytest.raises(SettingError, match="min_count is a whole number from 1"):
        charrnn.train(text=TEXT, min_count=count, **SMALL)
