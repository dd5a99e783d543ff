import subprocess
import sys
from importlib import import_module

import click
import pytest

import charrnn
from charrnn.cli import COMMANDS, group


def test_help_lists_the_commands_and_the_three_lines_of_the_card(run):
    text = run("--help").stdout
    for line in ("charrnn train shakespeare.txt", "charrnn sample --temp 0.8",
                 "charrnn inspect --find", *COMMANDS.values()):  # fmt: skip
        assert line in text


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_a_command_begins_with_an_example(name, run):
    _usage, _purpose, example, *_ = run(name, "--help").stdout.split("\n\n")
    assert example.startswith(f"      charrnn {name}")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_in_a_group_of_the_help(name, run):
    groups = import_module(f"charrnn.cli.{name}").GROUPS
    options = [option for names in groups.values() for option in names]
    command = group.get_command(None, name)
    assert sorted(options) == sorted(
        parameter.name for parameter in command.params if isinstance(parameter, click.Option)
    )
    shown = run(name, "--help").stdout
    for title in groups:
        assert f"\n{title}:\n" in shown
    assert shown.split("Other options:\n")[1].split() == [
        *("-h,", "--help", "Show", "this", "message", "and", "exit."),
    ]


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_called_what_the_group_calls_it(name):
    command = group.get_command(None, name)
    assert (command.name, command.short_help) == (name, COMMANDS[name])


@pytest.mark.parametrize(
    ("name", "text"), [("train", "the text"), ("sample", "--prime-file"), ("inspect", "--text")]
)
def test_the_help_of_encoding_names_the_text(name, text, run):
    assert f"Encoding of {text}." in " ".join(run(name, "--help").stdout.split())


def test_the_version(run):
    assert run("--version").stdout == f"charrnn, version {charrnn.__version__}\n"


def test_an_unknown_command_is_a_usage_error(run):
    assert "No such command 'walk'" in run("walk", code=2).stderr


def test_help_does_not_import_numpy():
    code = (
        "import sys; from charrnn.cli import group\n"
        "try: group(['--help'])\n"
        "except SystemExit: pass\n"
        "assert 'numpy' not in sys.modules, 'imported'"
    )
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)


def test_the_package_offers_what_it_says():
    for name in charrnn.__all__:
        assert getattr(charrnn, name) is not None
    with pytest.raises(AttributeError, match="nothing"):
        charrnn.nothing  # noqa: B018
