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
from charrnn.cli.console import flush_or_silence, silence
from charrnn.cli.failures import failure_of, safe_traceback
from charrnn.cli.help import CONTEXT_SETTINGS
from charrnn.cli.hints import explain
from charrnn.parallel.launch import launched
from charrnn.parallel.threads import one_thread
from charrnn.render.escape import one_line

#: The commands and their purpose. A command is imported when it is called, with NumPy: the list
#: must be quick.
COMMANDS = {
    "train": "Train a model on a text.",
    "sample": "Write text with a trained model.",
    "inspect": "Look inside a trained model.",
}
#: The exit code that shells expect of a program ended by Ctrl-C.
INTERRUPTED = 130
#: Seconds that the other MPI ranks wait for the first one to report a usage error.
REPORT_SECONDS = 5.0
#: The key of `click.Context.meta` for the words of the command line.
WORDS = "charrnn.words"


class Commands(click.Group):
    """The group of commands: imports them late, and turns errors of a user into one line."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of use."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command; None for an unknown name."""
        if cmd_name not in COMMANDS:
            return None
        # Commands use the cores by processes and threads of their own. The threads of a matrix
        # product would only wait for each other. NumPy reads this when it is imported.
        one_thread(os.environ)
        command: click.Command = import_module(f"charrnn.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the words before the command, among them --help, which may fail on a full disk."""
        ctx.meta[WORDS] = list(args)
        with failing(ctx):
            return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command."""
        with failing(ctx):
            return super().invoke(ctx)


@contextmanager
def failing(ctx: click.Context) -> Iterator[None]:
    """Turn the errors of a user into one line, and interrupts and closed pipes into silence."""
    try:
        yield
    except (click.exceptions.Exit, click.Abort):
        raise
    except KeyboardInterrupt:
        click.echo(err=True)
        ctx.exit(INTERRUPTED)
    except BrokenPipeError:
        # The reader of stdout has seen enough, as in `charrnn sample | head -1`. Python must not
        # write the rest of the buffer at exit.
        silence(sys.stdout)
        ctx.exit(0)
    except Exception as error:
        if isinstance(error, click.UsageError) and launched()[0]:
            # All ranks got the same options: the first one reports the error. The launcher ends
            # all ranks as soon as one ends.
            time.sleep(REPORT_SECONDS)
            ctx.exit(error.exit_code)
        flush_or_silence(sys.stdout)
        failure = failure_of(error, ctx.invoked_subcommand)
        if failure is None:
            raise
        if isinstance(error, click.UsageError):
            failure = explained(error, ctx.meta[WORDS])
        if ctx.params.get("debug"):
            click.echo(safe_traceback(error), err=True)
        raise failure from error


def explained(error: click.UsageError, words: list[str]) -> click.UsageError:
    """Return a usage error with a hint in its message, if there is one."""
    if isinstance(error, click.exceptions.NoArgsIsHelpError):  # its message is the help
        return error
    message = one_line(explain(error, words, COMMANDS))
    return error if message == error.message else click.UsageError(message, error.ctx)


@click.group(
    cls=Commands,
    context_settings={**CONTEXT_SETTINGS},
    epilog="`charrnn COMMAND --help` begins with an example that runs.",
)
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.version_option(__version__, prog_name="charrnn")
def group(debug: bool) -> None:
    """Recurrent neural networks that write text one character at a time.

    \b
        charrnn train shakespeare.txt
        charrnn sample --temp 0.8
        charrnn inspect --find

    All three use the checkpoint charrnn.npz in this folder, unless -c or the environment
    variable CHARRNN_CHECKPOINT names another.
    """
