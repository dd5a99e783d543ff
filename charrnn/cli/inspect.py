"""`charrnn inspect`: describe a model, or answer questions about it with `inspect_text`."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

import click
import numpy as np

from charrnn import checkpoint as checkpoints
from charrnn import files
from charrnn.checkpoint import Checkpoint, safetensors
from charrnn.cli.console import notice, terminal_width
from charrnn.cli.help import GroupedCommand
from charrnn.cli.options import (
    Cell,
    Command,
    Integer,
    Real,
    check_encoding,
    checkpoint_options,
    encoding_options,
    given,
    need_text,
    read_checkpoint,
    refuse_overwriting,
    weights_option,
)
from charrnn.cli.summary import describe, summarize
from charrnn.errors import SettingError
from charrnn.extras import need
from charrnn.inspection.analyses import ANALYSES, ON_REQUEST, analysis
from charrnn.inspection.find import MIN_CHARACTERS
from charrnn.inspection.learning_curves import learning_curves
from charrnn.inspection.scoring import UNITS
from charrnn.names import WEIGHTS, is_weights
from charrnn.network.layers import LAYER_TYPES
from charrnn.render import plot
from charrnn.render.colors import style_of_stdout
from charrnn.shell import command_line, quoted_path, words_for

#: Options that modify others, each with the options that it modifies.
NEEDS = {
    "layer": ("cell", "find", "export", "html"),
    "signal": ("cell", "find", "export", "html"),
    "length": ("cell", "html", "surprisal"),
    "predictions": ("cell",),
    "neighbours": ("cell",),
    "effect": ("cell",),
    "train_text": ("errors", "ngram", "copying", "html"),
    "temperature": ("copying", "html"),
    "carried": ("score",),
    "no_analyses": ("html",),
    "by": ("export",),
}
#: Of these options, those that a page has no use for beside `--no-analyses`.
OF_ANALYSES = ("train_text", "temperature")
#: The values of options that another one may need, for messages.
VALUES = {"cell": "N", "html": "FILE", "export": "FILE", "score": "line"}
#: Options that read a text, besides the analyses.
READ_A_TEXT = ("cell", "text", "html", "export", "dynamic")
#: Options that name a file to write.
OUTPUTS = ("html", "plot", "export", "save_weights")
#: The signals of all layer types.
SIGNALS = list(dict.fromkeys(name for layer in LAYER_TYPES.values() for name in layer.signals))
#: The help.
GROUPS = {
    "What to look at": [
        *("checkpoint", "weights", "text", "encoding", "encoding_errors", "train_text"),
        *("cell", "layer", "signal", "length", "predictions", "neighbours"),
    ],
    "Scores": ["score", "carried", "dynamic"],
    "Analyses": [*ANALYSES, *ON_REQUEST, "feature", "temperature", "seed"],
    "Output": ["html", "no_analyses", "plot", "export", "by", "save_weights", "as_json", "color"],
}


class AnalysisOption(click.Option):
    """The option of an analysis, which is imported for its help only when help is shown."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """The option and its help."""
        self.help = analysis(str(self.name)).HELP
        return super().get_help_record(ctx)


def analyses_options(command: Command) -> Command:
    """Add an option for each analysis."""
    for name in reversed([*ANALYSES, "effect"]):
        command = click.option(f"--{name}", is_flag=True, cls=AnalysisOption)(command)
    return command


@click.command(
    "inspect", short_help="Look inside a trained model.", cls=GroupedCommand, groups=GROUPS
)
@checkpoint_options
@click.option(
    "--cell", type=Cell(), help="Colour a text by the values of this cell; 1.42 is in layer 1."
)
@analyses_options
@click.option("--why", metavar="POSITION|REGEX", cls=AnalysisOption)
@click.option(
    "--feature",
    metavar="REGEX",
    multiple=True,
    help="With --find, the regular expression to follow, instead of built-in features; repeatable.",
)
@click.option(
    "--html",
    type=click.Path(readable=False, path_type=Path),
    metavar="FILE",
    help="Write everything as one HTML page, in which the network runs.",
)
@click.option(
    "--no-analyses",
    is_flag=True,
    help="With --html, leave out the analyses that are not asked for: a small page in a second.",
)
@click.option(
    "--plot",
    type=click.Path(readable=False, path_type=Path),
    metavar="FILE",
    help="Draw the cell or the analyses as a picture: .png, .svg or .pdf.",
)
@click.option(
    "--export",
    type=click.Path(readable=False, path_type=Path),
    metavar="FILE",
    help="Write the state after each character as .npz.",
)
@click.option(
    "--by",
    type=click.Choice(["char", "line"]),
    help="With --export, the state after each character, or only that at the end of each line.  "
    "[default: char]",
)
@click.option(
    "--save-weights",
    type=click.Path(readable=False, path_type=Path),
    metavar="FILE",
    help="Write the weights under the names of PyTorch, as .safetensors.",
)
@click.option(
    "--text",
    metavar="FILE",
    multiple=True,
    help="Read this text instead of the excerpt in the checkpoint; repeatable with --score.",
)
@click.option(
    "--train-text",
    metavar="FILE",
    multiple=True,
    help="The text of the training, where it is now; repeatable, for several files in order.",
)
@click.option(
    "--layer",
    type=Integer(1),
    help="The layer, from 1.  [default: the last for --cell, else all]",
)
@click.option(
    "--signal",
    type=click.Choice(SIGNALS),
    multiple=True,
    help="The output h, the memory c of an LSTM, or a gate; repeatable without --cell."
    "  [default: h for --cell, all that fit on a page, else h and c]",
)
@click.option(
    "--length",
    type=Integer(1),
    help="Show this many characters.  [default: 2000, --html 20000, with --no-analyses 5000]",
)
@click.option(
    "--predictions", is_flag=True, help="Show five guesses for the next character below each."
)
@click.option("--neighbours", is_flag=True, help="Show only where the cell is highest and lowest.")
@click.option(
    "--temp",
    "--temperature",
    "temperature",
    type=Real(0),
    help="The temperature of what the model writes for --copying.  [default: 1]",
)
@click.option(
    "--score",
    type=click.Choice(UNITS),
    help="Write the bits of each line, word, character or file of the text.",
)
@click.option(
    "--carried",
    is_flag=True,
    help="With --score line, read the lines as a running text, not each from the beginning.",
)
@click.option(
    "--dynamic",
    is_flag=True,
    help="Score the text also by a model that learns from it as it reads.",
)
@weights_option
@click.option(
    "--seed",
    type=Integer(0),
    default=0,
    show_default=True,
    help="Seed of all random choices: untrained models, shifts, cells to hold, positions, samples.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the results as JSON.")
@click.option(
    "--color/--no-color",
    default=None,
    help="Use colours, or none.  [default: on a terminal, unless NO_COLOR is set, or with "
    "FORCE_COLOR]",
)
@encoding_options("--text")
@np.errstate(over="ignore", invalid="ignore")  # the analyses find non-finite numbers
def command(**options: Any) -> None:
    """Look inside a trained model.

    \b
        charrnn inspect
        charrnn inspect --find
        charrnn inspect --cell 42
        charrnn inspect --find --feature '\\bthe\\b'
        charrnn inspect --why '\\)'
        charrnn inspect --gradient --memory --plot memory.png
        charrnn inspect --html report.html
        charrnn inspect --text letter.txt --dynamic
        charrnn inspect --text names.txt --score line | sort -g -k 5
        charrnn inspect --text names.txt --export names.npz --by line
        charrnn inspect --json | jq .val_loss

    Without options, describe the model. --cell colours a text by the value of one cell (hidden
    unit) after each character: blue below zero, red above; gates from blue, closed, to red,
    open. --find names the cells that follow something in the text (quotes, brackets, the
    column, …), with controls for chance. The text is the excerpt in the checkpoint, from the
    held-out text if there is one; or --text, which is also scored. --dynamic scores the text twice:
    by the model as it is, and by dynamic evaluation, where every 32 characters are scored first and
    then learned from, by one step of gradient descent with learning rate 0.2 and the gradient
    clipped to a norm of 1.

    --score writes a row for each line, word, character or file: its number (or file), its
    characters, its unknown characters (not in the vocabulary), its bits, bits a character, and its
    text, with tabs between, or aligned on a terminal. The bits are -log2 of the probability that
    the model writes the text. Each line begins as a sample does, unless --carried; words and
    characters follow those before them. Unknown characters cost nothing. With two checkpoints the
    columns from the third to the fifth follow again for the second one, then the difference of
    the bits: it is above zero where the second model predicts the text better.

    --export --by line makes a vector of each line: the state after its last character, where the
    line begins as with --score line. The newline is not read. Empty lines have no vector; the array
    `line` has the numbers of the others.
    """
    options["find"] = options["find"] or bool(options["feature"])
    resolve_cell(options)
    check_needs(options)
    check_encoding(options, "--text", options["text"])
    if options["score"]:
        import_module("charrnn.cli.score").score_texts(options)
        return
    options["checkpoint"] = only("-c", options["checkpoint"])
    options["text"] = only("--text", options["text"])
    asked = [name for name in (*ANALYSES, *ON_REQUEST) if given(options[name])]
    reads_text = any(given(options[name]) for name in READ_A_TEXT)
    if options["plot"] and reads_text and not asked and options["cell"] is None:
        raise click.UsageError("--plot draws a cell or analyses: add --cell, --find or another")
    checkpoint = read_checkpoint(options["checkpoint"])
    check_outputs(checkpoint, options)
    if asked or reads_text:
        need_text(options["checkpoint"], checkpoint, options["text"])
    model = checkpoint.build(options["weights"])
    if path := options["save_weights"]:
        checkpoints.save_weights(path, checkpoint, options["weights"])
        notice(f"{path}: {model.parameters.flat.size:,} parameters")
    if options["by"] == "line":
        import_module("charrnn.cli.vectors").export_lines(checkpoint, model, options)
        return
    if asked or reads_text:
        # Imported late: the description of a model needs no analyses.
        text = import_module("charrnn.cli.inspect_text")
        text.inspect_text(checkpoint, model, asked, options)
        return
    summary = summarize(model, checkpoint)
    if options["as_json"]:
        click.echo(json.dumps(summary, allow_nan=False))
    elif not path:
        click.echo(
            describe(summary, checkpoint, terminal_width(), style_of_stdout(options["color"])),
            color=True,  # the escape sequences are those of the colours
        )
        if len(checkpoint.excerpt) >= MIN_CHARACTERS:
            words = [*words_for("inspect", options["checkpoint"]), "--find"]
            notice("look for cells that follow something in the text with")
            notice(f"    {command_line(words)}")
    if options["plot"]:
        plot.save([learning_curves(checkpoint.run.history)], options["plot"])


def resolve_cell(options: dict[str, Any]) -> None:
    """Replace the address of a cell by its number, its layer and its signal.

    Raises:
        click.UsageError: where --layer or --signal names another one.
    """
    if options["cell"] is None:
        return
    layer, options["cell"], signal = options["cell"]
    for name, part, named in (
        ("layer", layer, options["layer"]),
        ("signal", signal and (signal,), options["signal"] or None),
    ):
        if part is not None and named not in (None, part):
            raise click.UsageError(f"--cell and --{name} name two of them: leave out --{name}")
        options[name] = part or options[name]


def only(option: str, values: Sequence[Any]) -> Any:
    """The value of an option that only --score takes several times; None without any.

    Raises:
        click.UsageError: for several values.
    """
    if len(values) > 1:
        raise click.UsageError(f"{option}: only --score takes several: name one, or add --score")
    return values[0] if values else None


def check_needs(options: dict[str, Any]) -> None:
    """Refuse an option without the options that it modifies.

    Raises:
        click.UsageError: for the first such option.
    """
    for name, needed in NEEDS.items():
        if name in OF_ANALYSES and options["no_analyses"]:
            needed = tuple(other for other in needed if other != "html")
        if given(options[name]) and not any(given(options[other]) for other in needed):
            *more, last = [f"--{other}" for other in needed]
            flag = name.replace("_", "-")
            single = f"{last} {VALUES.get(needed[-1], '')}".rstrip()
            raise click.UsageError(
                f"--{flag} needs {', '.join(more) + ' or ' if more else ''}{last}: "
                f"add {'one of them' if more else single}"
            )


def check_outputs(checkpoint: Checkpoint, options: dict[str, Any]) -> None:
    """Check that every output can be written and overwrites nothing, before any work.

    Raises:
        click.UsageError: for an output that is the checkpoint, a text or another output, or has the
            suffix of another kind.
        SettingError: for one that cannot be written, or a picture of an unknown format.
        MissingExtraError: where a package for drawing is not installed.
    """
    texts = checkpoint.corpus.files if checkpoint.corpus else ()
    taken = [options["checkpoint"], options["text"], *options["train_text"], *texts]
    for name in OUTPUTS:
        path: Path | None = options[name]
        if path is None:
            continue
        if str(path) == "-":
            raise click.UsageError(f"--{name.replace('_', '-')} -: writes a file: name one")
        refuse_overwriting(f"--{name.replace('_', '-')}", path, *taken)
        check_writable(path)
        refuse_another_kind(name, path)
        if name == "save_weights" and not is_weights(path):
            raise click.UsageError(
                f"--save-weights {path}: weights are saved as .safetensors: name the file "
                f"{quoted_path(str(path.with_suffix(WEIGHTS)))}"
            )
        taken.append(path)
    if options["plot"]:
        plot.check_suffix(options["plot"])
    if options["html"]:
        need("jinja2", "report")
        if not options["no_analyses"] or any(
            given(options[name]) for name in (*ANALYSES, *ON_REQUEST)
        ):
            need("matplotlib", "report")


def refuse_another_kind(name: str, path: Path) -> None:
    """Refuse to replace a file that an earlier `inspect` has not written.

    Args:
        name: the option, one of `OUTPUTS`.
        path: the file, which may not exist yet.

    Raises:
        click.UsageError: for another kind of file.
    """
    if not path.is_file():
        return
    head = files.head(path)
    kind, same = {
        "html": ("page", head.lower().startswith(b"<!doctype html")),
        "export": ("exported .npz", is_export(path)),
        "plot": ("picture of charrnn", plot.is_own(path)),
        "save_weights": (".safetensors file of charrnn", safetensors.is_own(head)),
    }[name]
    if head and not same:
        raise click.UsageError(
            f"--{name.replace('_', '-')} {path}: is no {kind}, and would be lost: name another file"
        )


def is_export(path: Path) -> bool:
    """True for a file that --export has written, which has an array such as `layer1.h`."""
    with suppress(OSError, BadZipFile), ZipFile(path) as file:
        return any(re.fullmatch(r"layer\d+\.[a-z]\.npy", name) for name in file.namelist())
    return False


def check_writable(path: Path) -> None:
    """Check that a file can be written.

    Raises:
        SettingError: where it cannot.
    """
    try:
        if not files.resolve(path).parent.is_dir():
            raise SettingError(
                f"{path}: cannot be written: there is no folder {path.parent}: make it first"
            )
        files.probe(path)
    except OSError as error:
        raise SettingError(f"{path}: cannot be written: {error.strerror or error}") from error
