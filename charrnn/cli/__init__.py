"""The command line: options in, one call to the library, results out.

Results go to stdout; progress, notices and errors to stderr.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import click

from charrnn import __version__
from charrnn.cli.failures import in_one_line, trace
from charrnn.cli.streams import give_up, hush
from charrnn.parallel.launch import launched
from charrnn.parallel.threads import one_thread

#: The commands and what they do. Each is imported when it is asked for: this list alone has to
#: be quick, and NumPy is not.
COMMANDS = {
    "train": "Train a model on a text.",
    "sample": "Write text with a trained model.",
    "inspect": "Look inside a trained model.",
}
#: What a shell takes for a program that Ctrl-C has ended.
INTERRUPTED = 130
#: Seconds that a rank of MPI leaves the first one to say what was asked wrongly.
PATIENCE = 5.0


class Commands(click.Group):
    """The group: imports commands late, and turns what a user can cause into one line."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order of use."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command itself."""
        if cmd_name not in COMMANDS:
            return None
        # Commands that use all cores do so by processes and threads of their own. Where others
        # compute, too, the threads of a product wait for each other far longer than it takes.
        one_thread(os.environ)  # to be said before NumPy is imported
        command: click.Command = import_module(f"charrnn.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read what stands before the command; --help, which answers here, may fail, too."""
        with failing(ctx):
            return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command: exit code 1 for what went wrong, 2 for what was asked wrongly."""
        with failing(ctx):
            return super().invoke(ctx)


@contextmanager
def failing(ctx: click.Context) -> Iterator[None]:
    """Turn what a user can cause into one line, and what is no error into an end in silence."""
    try:
        yield
    except (click.exceptions.Exit, click.Abort):
        raise
    except KeyboardInterrupt:
        click.echo(err=True)
        ctx.exit(INTERRUPTED)
    except BrokenPipeError:
        # Whoever read stdout has seen enough, as in `charrnn sample | head -1`. What is
        # still in the buffer has nowhere to go, and must not be tried again at exit.
        hush(sys.stdout)
        ctx.exit(0)
    except Exception as error:
        if isinstance(error, click.UsageError) and launched()[0]:
            # All ranks were asked the same: it is enough if the first says so, for which it has
            # time; with the first that ends, a launcher ends the others.
            time.sleep(PATIENCE)
            ctx.exit(error.exit_code)
        give_up(sys.stdout)
        said = in_one_line(error, ctx.invoked_subcommand)
        if said is None:
            raise
        if ctx.params.get("debug"):
            click.echo(trace(error), err=True)
        raise said from error


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="`charrnn COMMAND --help` begins with an example that runs.",
)
@click.option("--debug", is_flag=True, help="Show where an error comes from.")
@click.version_option(__version__, prog_name="charrnn")
def group(debug: bool) -> None:
    """Recurrent neural networks that write text one character at a time.

    \b
        charrnn train shakespeare.txt
        charrnn sample --temp 0.8
        charrnn inspect --cell 42

    All three use the checkpoint charrnn.npz in this directory, unless -c or the environment
    variable CHARRNN_CHECKPOINT names another.
    """
