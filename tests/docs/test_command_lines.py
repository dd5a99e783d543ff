"""The command lines in the documents, compared with the commands."""

import re
import shlex
from pathlib import Path

import click
import pytest

from charrnn.cli import group

ROOT = Path(__file__).parents[2]
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")),
    ROOT / "data" / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
]
COMMANDS = {
    name: group.get_command(click.Context(group), name)
    for name in group.list_commands(click.Context(group))
}
#: docs/faults.md shows commands that are wrong on purpose; a test of its own runs them.
CHECKED = [page for page in PAGES if page.name != "faults.md"]
#: A command line, up to the end of a pipe, a comment or an inline code span.
LINE = re.compile(rf"\bcharrnn (?:--debug )?(?P<command>{'|'.join(COMMANDS)})\b(?P<rest>[^`|;]*)")


def code(page):
    """The lines of code of a page, and its inline code spans."""
    text = page.read_text(encoding="utf-8").replace("\\\n", " ")
    blocks = [line for line in text.splitlines() if line.startswith("    ")]
    return blocks + re.findall(r"`([^`\n]+)`", text)


def command_lines(page):
    """(command, arguments) of each use of charrnn on a page."""
    for line in code(page):
        for found in LINE.finditer(line):
            yield found["command"], shlex.split(found["rest"], comments=True)


def parsed(command, arguments):
    """(option, value) for each option among the arguments.

    Raises:
        click.UsageError: for an option that does not exist, or a value that it does not take.
    """
    context = click.Context(command, info_name=command.name, **command.context_settings)
    values, _, order = command.make_parser(context).parse_args(list(arguments))
    for parameter in dict.fromkeys(order):
        value = values.get(parameter.name)
        # A file need not exist here.
        if isinstance(parameter, click.Option) and not isinstance(
            parameter.type, (click.Path, click.File)
        ):
            parameter.type_cast_value(context, value)
        yield parameter, value


def complaint(name, arguments):
    """The error about the options of a command line, or nothing."""
    try:
        list(parsed(COMMANDS[name], arguments))
    except click.UsageError as error:
        return f"charrnn {name} {shlex.join(arguments)}: {error.format_message()}"
    return ""


@pytest.mark.parametrize("page", CHECKED, ids=lambda page: page.name)
def test_options_and_values_in_command_lines_exist(page):
    for name, arguments in command_lines(page):
        assert not complaint(name, arguments)


def test_command_lines_are_found():
    found = [name for page in CHECKED for name, _ in command_lines(page)]
    assert set(found) == set(COMMANDS)
    assert len(found) > 50


@pytest.mark.parametrize(
    "line",
    ["charrnn train --no-such x.txt", "charrnn train --model cnn", "charrnn sample --top-p 2"],
)
def test_a_wrong_command_line_is_refused(line):
    _, name, *arguments = shlex.split(line)
    assert complaint(name, arguments)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_documented(name):
    written = "\n".join(page.read_text(encoding="utf-8") for page in CHECKED)
    for parameter in COMMANDS[name].params:
        if isinstance(parameter, click.Option) and parameter.name != "help":
            names = parameter.opts + parameter.secondary_opts
            assert any(re.search(rf"(?<![\w-]){option}(?![\w-])", written) for option in names), (
                f"no page mentions {' or '.join(names)} of charrnn {name}"
            )
