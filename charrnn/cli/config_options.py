"""Options of the command line made from the fields of a configuration."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from charrnn.cli.options import Command, Integer, Real
from charrnn.config import BELOW_ONE, Config, Option, options

Configuration = TypeVar("Configuration", bound=Config)


def config_option(
    config: type[Config], name: str, help: str = "", *, shown: str = "", **more: Any
) -> Callable[[Command], Command]:
    """Add an option with the flag, the type, the range and the default of a field.

    Args:
        config: `ModelConfig` or `TrainingConfig`.
        name: the name of the field, and of the parameter of the command.
        help: the help without the default.
        shown: the default in words, of an option that the planning chooses, or whose default has
            a meaning.
        **more: arguments of `click.option` that differ.
    """
    (option,) = (option for option in options(config) if option.name == name)
    if option.kind is bool:
        return click.option(f"--{option.flag}", name, is_flag=True, help=help)
    if shown:
        help = f"{help}  [default: {shown}]".lstrip()
    values = {
        "type": kind_of(option),
        "default": option.default,
        "show_default": not shown and option.default is not None,
        "help": help,
    }
    return click.option(f"--{option.flag}", name, **{**values, **more})


def config_from(config: type[Configuration], values: Mapping[str, Any]) -> Configuration:
    """A configuration from the options of a command; other options are left out."""
    names = {option.name for option in options(config)}
    return config(**{name: value for name, value in values.items() if name in names})


def kind_of(option: Option) -> click.ParamType:  # type: ignore[type-arg]
    """The type of an option of the command line."""
    if option.choices:
        return click.Choice(option.choices)
    if option.kind is int:
        return Integer(int(option.low))
    if option.high == BELOW_ONE:
        return Real(option.low, 1, max_open=True)
    return Real(option.low)
