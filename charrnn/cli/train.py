"""`charrnn train`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from charrnn.cli.config_options import config_from, config_option
from charrnn.cli.console import notice, refuse_terminal
from charrnn.cli.help import GroupedCommand
from charrnn.cli.hints import refuse_dashed_files
from charrnn.cli.interrupts import unwinding
from charrnn.cli.log import refuse_log
from charrnn.cli.options import (
    Duration,
    Escaped,
    Integer,
    Real,
    Workers,
    checkpoint_option,
    decoding,
    encoding_options,
    read_checkpoint,
    refuse_overwriting,
)
from charrnn.cli.overview import conclude, introduce
from charrnn.cli.ranks import join, ranks_options
from charrnn.cli.reading import reading
from charrnn.cli.reporter import Reporter, Samples
from charrnn.config import HIDDEN_SIZE, ModelConfig, TrainingConfig
from charrnn.parallel.group import Group
from charrnn.text.conversion import converted_as_in_training
from charrnn.text.corpus import check_files
from charrnn.text.decoding import DEFAULT, Decoding, bytewise
from charrnn.text.held_out import WAYS, Division
from charrnn.text.line_ends import NEWLINES
from charrnn.text.normal_forms import NORMAL_FORMS
from charrnn.text.paths import TextFiles, find
from charrnn.training import planning, run
from charrnn.training.budget import MIN_WARMUP, Budget
from charrnn.training.commands import flag, init_command
from charrnn.training.loop import train_and_save
from charrnn.training.options import without_effect
from charrnn.training.resuming import (
    SHAPE,
    continuation,
    files_of_run,
    refuse_other_shape,
    run_of,
)
from charrnn.training.run import Run
from charrnn.training.saving import check_disk, reserving
from charrnn.training.validation import read_validation, validation_of_run

#: Options of the samples that --sample-every shows.
OF_SAMPLES = {"sample_prime", "sample_length", "temperature"}
#: Options that do not belong to the run in the checkpoint.
BESIDE = {"text", "checkpoint", "resume", "overwrite", "sample_every", "log", "mpi"} | OF_SAMPLES
#: The help.
GROUPS = {
    "The model": ["layer_type", "hidden_size", "num_layers", "ensemble", "dropout", "init_from"],
    "How long": ["steps", "epochs", "seconds", "patience"],
    "How it learns": [
        *("seq_length", "batch_size", "optimizer", "learning_rate", "schedule", "warmup_steps"),
        *("momentum", "weight_decay", "grad_clip", "grad_clip_value", "seed"),
    ],
    "The text": [
        *("lines", "val_frac", "held_out_way", "val", "min_count", "encoding"),
        *("encoding_errors", "newlines", "normalize", "binary"),
    ],
    "Output": [
        *("checkpoint", "resume", "overwrite", "no_items", "val_every", "log"),
        *("sample_every", "sample_prime", "sample_length", "temperature"),
    ],
    "Several processes and machines": ["workers", "mpi", "batch_size_per_rank"],
}


class TrainCommand(GroupedCommand):
    """The command, whose arguments may be files with names like options."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the words of the command line."""
        refuse_dashed_files(ctx, args)
        return super().parse_args(ctx, args)


@click.command("train", short_help="Train a model on a text.", cls=TrainCommand, groups=GROUPS)
@click.argument("text", nargs=-1, metavar="[TEXT]...")
@checkpoint_option
@click.option(
    "--resume",
    is_flag=True,
    help="Continue the run in the checkpoint, with the same result as without a break.",
)
@click.option("--overwrite", is_flag=True, help="Replace the checkpoint of another run.")
@click.option(
    "--init-from",
    type=click.Path(readable=False, path_type=Path),
    metavar="PATH",
    help="Start from the weights and the vocabulary of this checkpoint, or .safetensors file.",
)
@config_option(ModelConfig, "layer_type", "The type of all layers.")
@config_option(
    ModelConfig,
    "hidden_size",
    "Cells of a layer.",
    shown=f"{HIDDEN_SIZE} for each network; more with --time, fewer for more than 1,280 different "
    "characters",
)
@config_option(ModelConfig, "num_layers", "Number of layers.")
@config_option(
    ModelConfig,
    "ensemble",
    "Number of networks that share the cells equally, learn side by side, and predict together.",
    shown="1; 2 if --time is long for the text",
)
@config_option(
    ModelConfig,
    "dropout",
    "The share of each layer's h to drop where it is read.",
    shown=f"0 to {planning.MAX_DROPOUT:g}, by size and text",
)
@config_option(TrainingConfig, "seq_length", "Characters through which the gradient flows back.")
@config_option(
    TrainingConfig, "batch_size", "Streams: parts of the text that are read side by side."
)
@config_option(
    TrainingConfig,
    "steps",
    "Train for this number of steps.",
    shown=f"{planning.EPOCHS} epochs, but {planning.MIN_STEPS:,} to {planning.STEPS:,} steps",
)
@click.option("--epochs", type=Real(0, min_open=True), help="Read the text this many times.")
@click.option(
    "--time", "seconds", type=Duration(), help="Train for about this time: 90s, 10m, 1h30m."
)
@config_option(TrainingConfig, "optimizer", "The rule of the update.")
@config_option(
    TrainingConfig,
    "learning_rate",
    "The highest learning rate.",
    shown=f"{planning.RATE:g}; of a vanilla network {planning.VANILLA_RATE:g}, at most "
    f"{planning.VANILLA_REACH:g} / (cells × layers)",
    type=Real(0, min_open=True),
)
@config_option(TrainingConfig, "schedule", "How the learning rate falls after the warm-up.")
@config_option(
    TrainingConfig,
    "warmup_steps",
    "Steps of warm-up.",
    shown=f"{planning.WARMUP}, at most a tenth of the steps",
)
@config_option(TrainingConfig, "momentum", "Momentum of sgd.")
@config_option(
    TrainingConfig,
    "weight_decay",
    "Multiply weight matrices by 1 - learning rate x this at each step (muon: 3 x this for those "
    "from cells to cells).",
)
@config_option(TrainingConfig, "grad_clip", "Limit of the gradient's norm; 0 for none.")
@config_option(
    TrainingConfig,
    "grad_clip_value",
    "Limit of each component of the gradient.",
    shown="none",
)
@config_option(
    ModelConfig,
    "lines",
    "Each line is an item of its own, as in a list of names: the order of the lines does not "
    "matter, and empty lines are left out.",
)
@click.option(
    "--val-frac",
    type=Real(0, 1, max_open=True),
    help="The share of the text to hold out; of --lines, in whole lines.  "
    f"[default: {planning.HELD_OUT:g}, at most {planning.MAX_HELD_OUT:,} characters]",
)
@click.option(
    "--held-out",
    "held_out_way",
    type=click.Choice(WAYS),
    default=Division.way,
    show_default=True,
    help="Hold out the end of the text, or parts spread all over it, chosen by the seed.",
)
@click.option(
    "--val",
    type=click.Path(readable=False),
    metavar="FILE",
    help="Validate on the text of this file, and hold out nothing.",
)
@click.option(
    "--no-items",
    is_flag=True,
    help="Leave the hashes of lines out of the checkpoint, which sample --new needs.",
)
@config_option(
    TrainingConfig,
    "val_every",
    "Steps between validations.",
    shown=f"for about {planning.VALIDATIONS} validations",
)
@config_option(
    TrainingConfig,
    "patience",
    "Stop after this number of validations without a new best.",
    shown="never",
)
@config_option(
    TrainingConfig,
    "seed",
    "Seed of starting weights, dropout, order of lines, and parts held out.",
)
@config_option(
    TrainingConfig,
    "workers",
    "Processes that divide the batch, each on one core.",
    shown="auto, all cores that help; with --mpi, 1 per rank",
    type=Workers(),
    metavar="N|auto",
)
@ranks_options
@encoding_options("the text")
@click.option(
    "--newlines",
    type=click.Choice(NEWLINES),
    default=DEFAULT.newlines,
    show_default=True,
    help=r"Turn the line ends \r\n and \r into \n, or keep them; --binary keeps them.",
)
@click.option(
    "--normalize",
    type=click.Choice(list(NORMAL_FORMS)),
    help="Bring the text into this Unicode normal form.",
)
@click.option(
    "--min-count",
    type=Integer(1),
    metavar="N",
    help="Replace characters that occur fewer than N times by U+FFFD.  [default: 1]",
)
@click.option("--binary", is_flag=True, help="Each byte is a character: for data that is no text.")
@click.option(
    "--sample-every",
    type=Integer(1),
    metavar="STEPS",
    help="Show a sample of the model after every STEPS steps.",
)
@click.option(
    "--sample-prime",
    type=Escaped(),
    default="",
    metavar="TEXT",
    help=r"The beginning of each sample; \n is a newline, \t a tab, \\ a backslash.",
)
@click.option(
    "--sample-length",
    type=Integer(1),
    default=200,
    show_default=True,
    help="Characters of each sample, not counting its prime.",
)
@click.option(
    "--temp",
    "--temperature",
    "temperature",
    type=Real(0),
    default=0.8,
    show_default=True,
    help="Of the samples: below 1 safer, above 1 wilder; 0 takes the most likely character, and "
    "repeats itself.",
)
@click.option(
    "--log",
    type=click.Path(dir_okay=False, readable=False, path_type=Path),
    metavar="FILE",
    help="Write a JSON object per step, where --resume appends; grad_norm is the gradient's norm "
    "before any clipping.",
)
@click.pass_context
def command(ctx: click.Context, /, **options: Any) -> None:
    """Train a model on a text.

    \b
        charrnn train shakespeare.txt
        charrnn train --time 10m shakespeare.txt
        charrnn train --lines names.txt
        cat *.txt | charrnn train -c letters.npz -
        charrnn train --resume

    TEXT is files, folders, or - for stdin. Without TEXT, the model is trained on the source of
    Python's standard library, which is on this computer.

    The checkpoint is saved every 30 seconds, or less often if that would take more than a hundredth
    of the time. Once the first step is taken, Ctrl-C saves and ends; --resume continues with the
    same result as without the break. With other options (how it learns, how long, --workers) the
    run continues with these; --time is then counted from now on.
    """
    given = {
        name for name in options if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE
    }
    check_options(options, given)
    ranks = join(ctx, options, given)
    refuse_terminal(options["text"])
    path = options["checkpoint"]
    refuse_overwriting("--log", options["log"], path, options["init_from"], options["val"])
    refuse_overwriting("-c", path, options["val"])
    with (
        unwinding(),
        reserving(path, notice),
        (resume if options["resume"] else start)(options, given, ranks) as current,
    ):
        signal = train(current, options)
    if signal:
        ctx.exit(128 + signal)


def check_options(options: dict[str, Any], given: set[str]) -> None:
    """Refuse options that contradict each other.

    Args:
        options: the options of the command.
        given: the names of those on the command line.

    Raises:
        click.UsageError: with the options.
    """
    if sum(options[name] is not None for name in ("steps", "epochs", "seconds")) > 1:
        raise click.UsageError("--steps, --epochs and --time exclude one another")
    if not options["sample_every"] and (unused := sorted(given & OF_SAMPLES)):
        names = {"temperature": "--temp"}
        raise click.UsageError(
            f"{names.get(unused[0]) or flag(unused[0])} needs --sample-every: add it"
        )
    if not options["resume"]:
        check_effect(options, given)
    if options["resume"] and options["overwrite"]:
        raise click.UsageError("--resume and --overwrite exclude one another")
    if options["resume"] and options["init_from"]:
        again = init_command(options["init_from"], options["text"])
        raise click.UsageError(
            f"--resume goes on with a run, and --init-from starts one: `{again}`, or leave out "
            "--init-from"
        )
    warmup = options["warmup_steps"]
    if options["seconds"] and warmup is not None and warmup < MIN_WARMUP and not options["resume"]:
        raise click.UsageError(f"--time measures its first steps: --warmup {MIN_WARMUP} or more")


def check_effect(options: dict[str, Any], given: set[str]) -> None:
    """Refuse options that have no effect on a new run.

    Args:
        options, given: as for `check_options`.

    Raises:
        click.UsageError: for the first such option.
    """
    found = without_effect(
        given,
        options["optimizer"],
        files=bool(options["text"]),
        val=options["val"] is not None,
    )
    if found:
        name, need = found
        remedy = {
            "sgd": "--optimizer sgd: add it, or leave out --momentum",
            "files": "a TEXT: name a file",
            "files or val": "a TEXT or --val: name a file",
        }[need]
        raise click.UsageError(f"{flag(name)} needs {remedy}")


def texts_of(options: dict[str, Any], how: Decoding) -> TextFiles:
    """Find the files of TEXT; none without TEXT.

    Args:
        options: the options of the command.
        how: settings for reading the files.

    Raises:
        TextError: for a folder without text, or a pattern that matches nothing.
        click.UsageError: for a checkpoint or a log in the place of a text.
    """
    texts = find(options["text"], how)
    refuse_overwriting("-c", options["checkpoint"], *files_in(texts.paths))
    refuse_overwriting("--log", options["log"], *files_in(texts.paths))
    return texts


def files_in(texts: Sequence[str]) -> list[str]:
    """The names that are files; `-` is stdin."""
    return [text for text in texts if text != "-"]


def start(options: dict[str, Any], given: set[str], ranks: Group | None) -> Run:
    """A new run."""
    path: Path = options["checkpoint"]
    normalize, binary, lines = (options[name] for name in ("normalize", "binary", "lines"))
    initial = read_checkpoint(options["init_from"]) if options["init_from"] else None
    if initial:
        shape = {name: options[name] for name in given & SHAPE}
        refuse_other_shape(initial, options["init_from"], shape)
        normalize, binary = initial.normalize, initial.binary
        lines = initial.model.lines
    elif normalize and binary:
        raise click.UsageError("--binary and --normalize exclude one another")
    if binary and not options["text"]:  # the model of --init-from is one of bytes
        raise click.UsageError("--init-from a model of bytes needs a TEXT: name a file")
    how = decoding(options, binary, options["newlines"])
    texts = texts_of(options, how)
    check_files(texts.paths)
    run.refuse_existing(path, options["overwrite"])
    refuse_log(options["log"], options["overwrite"])
    val = None
    if options["val"] is not None:
        val = read_validation(options["val"], how, normalize, lines)
        for line in val.notices:
            notice(line)
    with reading(texts, how, normalize, lines) as corpus:
        return run.new(
            corpus,
            path,
            config_from(ModelConfig, options),
            config_from(TrainingConfig, options),
            epochs=options["epochs"],
            seconds=options["seconds"],
            val_frac=options["val_frac"],
            min_count=options["min_count"],
            held_out_way=options["held_out_way"],
            no_items=options["no_items"],
            val=val,
            init_from=initial,
            ranks=ranks,
        )


def resume(options: dict[str, Any], given: set[str], ranks: Group | None) -> Run:
    """The run in the checkpoint, with the text it was trained on."""
    path: Path = options["checkpoint"]
    saved = read_checkpoint(path)
    about, _ = run_of(saved, path)
    changes = {name: options[name] for name in given - BESIDE}
    if changes.pop("batch_size_per_rank", None):
        changes["batch_size"] = options["batch_size"]  # of all ranks together
    named = changes.pop("val", None)
    going_on = continuation(saved, path, changes, ranks, options["text"])
    if going_on.complete:
        raise click.UsageError(going_on.complete)
    texts = texts_of(options, about.decoding)
    if not texts.paths:
        texts = TextFiles.of(files_of_run(saved, path, changes))
    refuse_overwriting("--log", options["log"], *files_in(texts.paths))
    val = validation_of_run(saved, path, named)
    with reading(texts, about.decoding, about.normalize, about.lines) as corpus:
        current = run.resume(saved, path, corpus, ranks, val, **changes)
    for line in going_on.changes:
        notice(line)
    return current


def train(current: Run, options: dict[str, Any]) -> int:
    """Train, with messages before and after; returns the signal that ended the run, or 0."""
    samples = samples_of(current, options)
    check_disk(current)
    for line in current.notices:
        notice(line)
    introduce(current, options["seconds"] is not None)
    with Reporter(current, options["log"], samples) as reporter:
        budget = None
        if options["seconds"]:
            budget = Budget(current.trainer, options["seconds"], options["val_every"])
            reporter.restart()
        signal = train_and_save(current, reporter.show, reporter.say, budget, reporter.say)
    conclude(current)
    return signal


def samples_of(current: Run, options: dict[str, Any]) -> Samples | None:
    """The samples to show during a run; None for none.

    Raises:
        UnknownCharacterError: for an unknown character of their prime.
    """
    if not options["sample_every"]:
        return None
    corpus, vocabulary = current.corpus, current.trainer.model.vocabulary
    prime = options["sample_prime"]
    prime = bytewise(prime) if corpus.binary else prime
    prime, form = converted_as_in_training(prime, corpus.decoding, corpus.normalize, vocabulary)
    if form:
        notice(f"--sample-prime: read in the normal form {form.upper()} of the model")
    return Samples(
        options["sample_every"],
        vocabulary.encode(prime),
        options["sample_length"],
        options["temperature"],
    )
