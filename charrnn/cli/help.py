"""The options of a command in titled groups, as `--help` shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click

#: The settings of all commands. Each command has its own copy: click keeps the names of the help
#: option from the first use of a command, even without the group.
CONTEXT_SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


class GroupedCommand(click.Command):
    """A command with its options in groups: `@click.command(cls=GroupedCommand, groups=…)`.

    Args:
        groups: names of parameters by the title of their group. Options in no group come last.
    """

    def __init__(self, *arguments: Any, groups: Mapping[str, Sequence[str]], **more: Any) -> None:
        super().__init__(*arguments, **{"context_settings": CONTEXT_SETTINGS, **more})
        self.groups = groups

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the groups."""
        records = {
            parameter.name: record
            for parameter in self.get_params(ctx)
            if isinstance(parameter, click.Option) and (record := parameter.get_help_record(ctx))
        }
        grouped = {name for names in self.groups.values() for name in names}
        others = [name for name in records if name not in grouped]
        for title, names in {**self.groups, "Other options": others}.items():
            if names:
                with formatter.section(title):
                    formatter.write_dl([records[name] for name in names])
