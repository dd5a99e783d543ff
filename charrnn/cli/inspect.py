"""`charrnn inspect`."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from typing import Any

import click
import numpy as np

from charrnn import checkpoint as checkpoints
from charrnn.cli.analyses import ANALYSES
from charrnn.cli.options import Command, checkpoint_option, encoding_options, weights_option
from charrnn.cli.outputs import check_outputs
from charrnn.cli.summary import describe, summarize
from charrnn.render import plot
from charrnn.render.curves import learning_curves

#: Options that say more about others: what has to be there for them to mean something.
NEEDS = {
    "layer": ("cell", "find", "export", "html"),
    "signal": ("cell", "find", "export", "html"),
    "length": ("cell", "html", "surprisal"),
    "predictions": ("cell",),
    "neighbours": ("cell",),
}
#: Options that ask something of a text, and draw no picture of it.
OF_A_TEXT = ("cell", "text", "html", "export", "dynamic")


def analyses_options(command: Command) -> Command:
    """Add an option for each analysis."""
    for name, analysis in reversed(ANALYSES.items()):
        command = click.option(f"--{name}", is_flag=True, help=analysis.help)(command)
    return command


@click.command("inspect", short_help="Look inside a trained model.")
@checkpoint_option
@click.option("--cell", type=click.IntRange(0), help="Colour a text by this hidden unit.")
@analyses_options
@click.option(
    "--feature",
    metavar="REGEX",
    multiple=True,
    help="With --find: cells that follow this, instead of the built-in features; repeatable.",
)
@click.option(
    "--html",
    type=click.Path(readable=False, path_type=Path),
    metavar="FILE",
    help="All of it as one page.",
)
@click.option(
    "--plot",
    type=click.Path(readable=False, path_type=Path),
    metavar="FILE",
    help="What was asked for as a picture too: .png, .svg or .pdf.",
)
@click.option(
    "--export",
    type=click.Path(readable=False, path_type=Path),
    metavar="FILE",
    help="Write the states after each character, as .npz.",
)
@click.option("--text", metavar="FILE", help="Another text than the excerpt in the checkpoint.")
@click.option(
    "--layer",
    type=click.IntRange(1),
    help="The layer to look at, from 1.  [default: the last for --cell, else all]",
)
@click.option(
    "--signal",
    type=click.Choice(["h", "c", "i", "f", "o", "g", "r", "z", "n"]),
    multiple=True,
    help="What of it: its output h, the memory c of an LSTM, or a gate; without --cell repeatable."
    "  [default: h for --cell, all on a page that has room, else h and c]",
)
@click.option(
    "--length",
    type=click.IntRange(1),
    help="Characters of the text to show.  [default: 2000, --html 20000]",
)
@click.option("--predictions", is_flag=True, help="Five guesses for the next character under each.")
@click.option("--neighbours", is_flag=True, help="Where the cell is highest and lowest instead.")
@click.option(
    "--dynamic",
    is_flag=True,
    help="Score the text by a model that learns from it as it goes, too.",
)
@weights_option
@click.option("--seed", type=click.IntRange(0), default=0, help="Of what is drawn at random.")
@click.option("--json", "as_json", is_flag=True, help="Numbers instead of pictures.")
@click.option("--color/--no-color", default=None, help="[default: on a terminal]")
@encoding_options
@np.errstate(over="ignore", invalid="ignore")  # numbers that are not finite are looked for
def command(**options: Any) -> None:
    """Look inside a trained model.

    \b
        charrnn inspect
        charrnn inspect --cell 42
        charrnn inspect --find
        charrnn inspect --find --feature '\\bthe\\b'
        charrnn inspect --gradient --memory --plot memory.png
        charrnn inspect --html report.html
        charrnn inspect --text letter.txt --dynamic
        charrnn inspect --json | jq .val_loss

    Alone it describes the model. With --cell it colours a text by the value of one hidden
    unit after each character: blue below zero, red above; gates from blue, closed, to red,
    open. --find names the cells that follow something in the text (quotes, brackets, the
    column, …), each with what tells it from chance. The text is held-out text that the
    checkpoint carries, or --text, which is also scored. With --dynamic it is scored twice: by
    the model as it is, and by dynamic evaluation, where every 32 characters are scored first and
    then learned from, by one step of gradient descent with learning rate 0.2 and the gradient
    clipped to a norm of 1.
    """
    options["find"] = options["find"] or bool(options["feature"])
    for name, needed in NEEDS.items():
        if options[name] and not any(given(options[other]) for other in needed):
            *more, last = [f"--{other}" for other in needed]
            raise click.UsageError(
                f"--{name} says more about {', '.join(more) + ' or ' if more else ''}{last}: "
                f"add {'one of them' if more else last}"
            )
    asked = [name for name in ANALYSES if options[name]]
    of_a_text = any(given(options[name]) for name in OF_A_TEXT)
    if options["plot"] and of_a_text and not asked:
        raise click.UsageError("--plot draws analyses: add --find, --gradient or another")
    checkpoint = checkpoints.read(options["checkpoint"])
    check_outputs(checkpoint, options)
    model = checkpoint.build(options["weights"])
    if asked or of_a_text:
        import_module("charrnn.cli.looking").look(checkpoint, model, asked, options)
        return
    summary = summarize(model, checkpoint)
    if options["as_json"]:
        click.echo(json.dumps(summary, allow_nan=False))
    else:
        click.echo(describe(summary, checkpoint))
    if options["plot"]:
        plot.save([learning_curves(checkpoint.run.history)], options["plot"])


def given(value: Any) -> bool:
    """Whether an option was used; a number may be 0, which is `False` to Python."""
    return value is not None and value is not False
