"""Options that several commands have, and types of their values."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from math import isfinite
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import click
from click.core import ParameterSource

from charrnn import checkpoint as checkpoints
from charrnn.checkpoint import Checkpoint
from charrnn.cli.console import notice
from charrnn.config import seconds_of
from charrnn.errors import SettingError
from charrnn.shell import CHECKPOINT, CHECKPOINT_VARIABLE
from charrnn.text.decoding import DEFAULT, ERRORS, Decoding

Command = TypeVar("Command", bound=Callable[..., Any])
#: The escape sequences of `Escaped`, and their characters.
ESCAPES = {r"\n": "\n", r"\t": "\t", r"\r": "\r", r"\\": "\\"}


class OnePath(click.Path):
    """A path; an environment variable holds one, also for an option that can be repeated."""

    def split_envvar_value(self, rv: str) -> Sequence[str]:
        """The value as the only one, whatever separators are in it."""
        return [rv]


def checkpoint_option(command: Command) -> Command:
    """Add -c/--checkpoint."""
    return checkpoint_options(command, multiple=False)


def checkpoint_options(command: Command, *, multiple: bool = True) -> Command:
    """Add -c/--checkpoint, which can be repeated if `multiple`."""
    more = " Two of them are compared by --score." if multiple else ""
    return click.option(
        "-c",
        "--checkpoint",
        type=OnePath(readable=False, path_type=Path),
        multiple=multiple,
        default=[CHECKPOINT] if multiple else CHECKPOINT,
        envvar=CHECKPOINT_VARIABLE,
        show_default=True,
        show_envvar=True,
        metavar="PATH",
        help=f"The checkpoint.{more}",
    )(command)


def encoding_options(text: str) -> Callable[[Command], Command]:
    """Return a decorator that adds --encoding and --encoding-errors.

    Args:
        text: the text with this encoding, in words.
    """

    def add(command: Command) -> Command:
        command = click.option(
            "--encoding-errors",
            type=click.Choice(ERRORS),
            default=DEFAULT.errors,
            show_default=True,
            help="Refuse NULs and bytes outside of the encoding, replace them by \ufffd, or ignore "
            "them.",
        )(command)
        return click.option(
            "--encoding", metavar="NAME", help=f"Encoding of {text}.  [default: utf-8]"
        )(command)

    return add


def check_encoding(options: dict[str, Any], flag: str, text: object) -> None:
    """Refuse --encoding and --encoding-errors without the text that has the encoding.

    Args:
        options: the options of the command.
        flag: the option that names the text.
        text: the value of that option.

    Raises:
        click.UsageError: for the first such option.
    """
    if text:
        return
    for name, default in (("encoding", None), ("encoding_errors", DEFAULT.errors)):
        if options[name] != default:
            own = f"--{name.replace('_', '-')}"
            raise click.UsageError(f"{own} needs {flag}: add {flag} FILE, or leave out {own}")


def refuse_overwriting(option: str, written: str | Path | None, *kept: str | Path | None) -> None:
    """Refuse an output file that is a checkpoint or a text.

    Args:
        option: the option for the file.
        written: the file; None for none.
        kept: checkpoints and texts.

    Raises:
        click.UsageError: if the file is one of `kept`, also under another name.
    """
    for path in kept:
        if written is None or path is None:
            continue
        try:
            same = os.path.samefile(written, path)
        except OSError:  # one of the two does not exist yet
            same = os.path.realpath(written) == os.path.realpath(path)
        if same:
            raise click.UsageError(
                f"{option} {written}: is {path}, which would be lost: name another file"
            )


def read_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint or a file of weights, with the notices about it.

    Raises:
        CheckpointError: as for `charrnn.checkpoint.read`.
    """
    checkpoint = checkpoints.read(path)
    for line in checkpoint.notices:
        notice(line)
    return checkpoint


def need_text(path: Path, checkpoint: Checkpoint, *texts: str | None) -> None:
    """Refuse to look at a text that is not there: a file of weights alone has no excerpt.

    Args:
        path, checkpoint: the checkpoint.
        texts: the texts that were named; None for none.

    Raises:
        click.UsageError: without a text and without an excerpt.
    """
    if not any(texts) and not checkpoint.excerpt:
        raise click.UsageError(f"{path}: has no text to look at: add --text FILE")


def given(value: Any) -> bool:
    """True for an option that was given; a number may be 0, which equals False."""
    return value is not None and value is not False and value != ()


def typed(name: str) -> bool:
    """True for an option on the command line, and not for a default or one that another implies."""
    source = click.get_current_context().get_parameter_source(name)
    return source is ParameterSource.COMMANDLINE


def refuse_beside(option: str, others: Sequence[str], options: dict[str, Any]) -> None:
    """Refuse options that another one excludes.

    Args:
        option: the name of the other one.
        others: the names of the options.
        options: of the command.

    Raises:
        click.UsageError: for the first of them that is given.
    """
    for name in others:
        if given(options[name]) and typed(name):
            flag = name.replace("_", "-")
            raise click.UsageError(f"--{option} and --{flag} exclude one another: leave out one")


def decoding(options: dict[str, Any], binary: bool, newlines: str = DEFAULT.newlines) -> Decoding:
    """Return the decoding of files.

    Args:
        options: the options of the command.
        binary: each byte is a character to the model.
        newlines: the treatment of line ends.

    Raises:
        click.UsageError: for an encoding together with `binary`.
    """
    encoding, errors = options["encoding"], options["encoding_errors"]
    if binary and (encoding or errors != DEFAULT.errors):
        raise click.UsageError(
            "with --binary each byte is a character: leave out --encoding and --encoding-errors"
        )
    return Decoding(encoding, errors, binary, newlines)


def weights_option(command: Command) -> Command:
    """Add --weights."""
    return click.option(
        "--weights",
        type=click.Choice(["best", "last"]),
        default="best",
        show_default=True,
        help="The weights at the lowest validation loss, or after the last step.",
    )(command)


class Integer(click.IntRange):
    """An integer in a range."""

    name = "integer"  # in messages: "'x' is not a valid integer"


class CellAddress(NamedTuple):
    """A cell as a command names it."""

    layer: int | None  # from 1
    cell: int  # from 0
    signal: str | None


class Cell(click.ParamType):  # type: ignore[type-arg]
    """A cell: 42, 1.42 in layer 1, or 1.42.c for its memory."""

    name = "cell"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> CellAddress:
        """Convert to the three parts."""
        found = re.fullmatch(r"(?:(\d{1,9})\.)?(\d{1,9})(?:\.([a-z]+))?", value)
        if not found:
            self.fail(
                f"{value!r} is not a cell, counted from 0: write 42, or 1.42 for layer 1",
                param,
                ctx,
            )
        layer, cell, signal = found.groups()
        return CellAddress(int(layer) if layer else None, int(cell), signal)


class Real(click.FloatRange):
    """A finite number in a range; to Python `nan` and `inf` are numbers, and `nan` in any range."""

    name = "number"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Convert to a finite number."""
        number: float = super().convert(value, param, ctx)
        if not isfinite(number):
            self.fail(f"{value} is not a finite number", param, ctx)
        return number


class Escaped(click.ParamType):  # type: ignore[type-arg]
    r"""A string in which \n, \t, \r and \\ are a newline, a tab, a carriage return, a backslash.

    Any other sequence stays as it is, such as the \d of a regular expression.
    """

    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Replace the escape sequences."""
        return re.sub(r"\\[ntr\\]", lambda match: ESCAPES[match.group()], value)


class Workers(click.ParamType):  # type: ignore[type-arg]
    """A number of processes, or `auto`, converted to None."""

    name = "workers"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | None:
        """Convert to a number, or None."""
        if value == "auto":
            return None
        if not value.isdecimal() or len(value) > 9 or int(value) < 1:
            self.fail(f"{value!r} is neither a number above 0 nor auto", param, ctx)
        return int(value)


class Duration(click.ParamType):  # type: ignore[type-arg]
    """A time such as 90s, 10m or 1h30m; a plain number is seconds."""

    name = "time"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Convert to seconds."""
        try:
            return seconds_of(value)
        except SettingError as error:
            self.fail(str(error), param, ctx)
