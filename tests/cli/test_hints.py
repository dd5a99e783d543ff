"""Hints for mistyped words, and for words of other programs."""

from pathlib import Path

import pytest

from charrnn.cli import COMMANDS, group
from charrnn.cli.hints import COMMANDS as OTHER_COMMANDS
from charrnn.cli.hints import OPTIONS


def options_of(name):
    return {option for param in group.get_command(None, name).params for option in param.opts}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["generate"], "No such command 'generate': did you mean `charrnn sample`?"),
        (["eval", "text.txt"], "did you mean `charrnn inspect --text FILE`?"),
        (["trian", "text.txt"], "did you mean `charrnn train`?"),
        (["sampel"], "did you mean `charrnn sample`?"),
        (
            ["train", "text.txt", "--lr", "1"],
            "No such option '--lr': did you mean --learning-rate?",
        ),
        (["train", "text.txt", "--lr=1"], "did you mean --learning-rate?"),
        (["sample", "--temprature", "1"], "did you mean --temperature?"),
        (["sample", "-temperature", "1"], "did you mean --temperature?"),
        (["sample", "-primetext", "The"], "did you mean --prime?"),
        (["sample", "-length", "9"], "did you mean --length?"),
        (["sample", "-n", "9"], "did you mean --num-samples?"),
        (["train", "text.txt", "-rnn_size", "9"], "did you mean --hidden-size?"),
        (["train", "text.txt", "-seq_length", "9"], "did you mean --seq-length?"),
        (["train", "text.txt", "--batch_size", "9"], "did you mean --batch-size?"),
        (["train", "text.txt", "--max_iters", "9"], "did you mean --steps?"),
        (["train", "text.txt", "--learning", "9"], "did you mean --learning-rate?"),
        (["inspect", "--neuron", "9"], "did you mean --cell?"),
        (["inspekt"], "did you mean `charrnn inspect`?"),
        (["inspect", "--cels", "9"], "did you mean --cell?"),
        (["train", "text.txt", "--hiden-size", "9"], "did you mean --hidden-size?"),
        (["sample", "cat.npz"], "name the checkpoint with -c cat.npz"),
        (["inspect", "cat.npz"], "name the checkpoint with -c cat.npz"),
        (["inspect", "text.txt"], "name the text with --text text.txt"),
        (["sample", "--lr", "9"], " sample --help`"),
        (["train", "-rnn_size", "9"], "No such option '-rnn_size': did you mean --hidden-size?"),
        (["sample", "--length", "9", "cat"], "name the checkpoint with -c cat"),
        (["sample", "my cat.npz"], "name the checkpoint with -c 'my cat.npz'"),
        (["sample", "ROMEO: "], "name the beginning with --prime 'ROMEO: '"),
        (["sample", "text.txt"], "name the file with the beginning with --prime-file text.txt"),
        (["sample", "-sample", "0"], "did you mean --temp?"),
        (["sample", "--max_gen_length", "9"], "did you mean --length?"),
        (["sample", "--nsamples", "9"], "did you mean --num-samples?"),
        (["sample", "--truncate", "x"], "did you mean --stop?"),
        (["sample", "--sample_delim", "x"], "did you mean --separator?"),
        (["train", "--num_epochs", "9"], "did you mean --epochs?"),
        (["train", "-learning_rate_decay", "9"], "did you mean --schedule?"),
        (["train", "--restore_from", "x.npz"], "did you mean --init-from?"),
        (
            ["train", "-data_dir", "x"],
            "name the text without an option, as in `charrnn train FILE`",
        ),
        (["finetune", "x"], "did you mean `charrnn train --init-from FILE`?"),
    ],
)
def test_a_word_that_is_almost_right_is_answered_with_the_right_one(words, said, run):
    (line,) = [line for line in run(*words, code=2).stderr.splitlines() if "Error: " in line]
    assert line.startswith("Error: ")
    assert line.endswith(said)


@pytest.mark.parametrize("words", [["qqqq"], ["sample", "--qqqq"], ["train", "--qqqq", "text.txt"]])
def test_a_word_that_is_like_no_other_has_no_hint(words, run):
    error = run(*words, code=2).stderr
    assert "qqqq" in error
    assert "mean" not in error


def test_a_wrong_value_has_no_hint(run):
    assert "mean" not in run("sample", "--length", "generate", code=2).stderr


def test_a_debugged_hint_has_its_traceback(run):
    result = run("--debug", "sample", "--lenth", "9", code=2)
    assert "Traceback" in result.stderr
    assert "did you mean --length?" in result.stderr.splitlines()[-1]


def test_every_hint_names_an_option_or_a_command_that_exists():
    every = {option for name in COMMANDS for option in options_of(name)}
    assert {option for options in OPTIONS.values() for option in options} <= every | {"TEXT"}
    for hint in OTHER_COMMANDS.values():
        command, *options = hint.split()
        assert set(options) - {"FILE"} <= options_of(command)


def test_no_option_of_charrnn_is_in_the_table_of_other_programs():
    every = {option.lstrip("-") for name in COMMANDS for option in options_of(name)}
    assert not every & OPTIONS.keys()


def test_without_a_command_the_help_is_shown(run):
    said = run(code=2).output
    assert "\nCommands:\n" in said
    assert "\\n" not in said


def test_a_text_in_the_place_of_a_command_is_trained_on(run, place):
    assert "did you mean `charrnn train text.txt`?" in run("text.txt", code=2).stderr


def test_a_mistyped_file_is_answered_with_the_nearest_one(run):
    said = run("train", "texts.txt", code=1).stderr
    assert said == "Error: texts.txt: No such file or directory: did you mean text.txt?\n"
    Path("charrnn.npz").touch()
    said = run("sample", "-c", "charnn.npz", code=1).stderr
    assert said.endswith("or name another with -c charrnn.npz\n")


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("sample", "--temp", "warm"), "'warm' is not a valid number"),
        (("sample", "--length", "1.5"), "'1.5' is not a valid integer"),
        (("train", "--steps", "many"), "'many' is not a valid integer"),
    ],
)
def test_a_word_in_place_of_a_number_is_named(words, complaint, run):
    assert complaint in run(*words, code=2).stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["sample", "-c", "my modell.npz"], "or name another with -c 'my model.npz'"),
        (["sample", "-c", "a.npz"], "or name another with -c PATH"),
        (["sample", "-c", "some.npz"], "or name another with -c PATH"),
        (["train", "--resume", "-c", "none.safetensors"], "or name another with -c PATH"),
        (["train", "my txt.txt"], "did you mean 'my text.txt'?"),
        (["train", "my model.txt"], "name a file that can be read"),
    ],
)
def test_a_file_of_the_right_kind_is_proposed_as_it_is_typed(words, said, run, place):
    for name in ("my model.npz", "b.npz", "some.txt", "my text.txt"):
        (place / name).touch()
    assert said in run(*words, code=1).stderr
