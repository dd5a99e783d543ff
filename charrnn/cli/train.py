"""`charrnn train`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from types import MappingProxyType
from typing import Any

import click
from click.core import ParameterSource

from charrnn import checkpoint as checkpoints
from charrnn.cli.config_options import config_from, config_option
from charrnn.cli.console import notice, refuse_terminal
from charrnn.cli.help import GroupedCommand
from charrnn.cli.interrupts import unwinding
from charrnn.cli.options import (
    Duration,
    Escaped,
    Real,
    Workers,
    bytewise,
    checkpoint_option,
    decoding,
    encoding_options,
    refuse_overwriting,
)
from charrnn.cli.overview import conclude, introduce
from charrnn.cli.ranks import join, ranks_options
from charrnn.cli.reading import reading
from charrnn.cli.reporter import Reporter, Samples
from charrnn.config import HIDDEN_SIZE, ModelConfig, TrainingConfig
from charrnn.errors import CheckpointError
from charrnn.parallel.group import Group
from charrnn.text.corpus import named_files
from charrnn.text.normal_forms import NORMAL_FORMS, normalized
from charrnn.training import planning, run
from charrnn.training.budget import MIN_WARMUP, Budget
from charrnn.training.loop import carry_out
from charrnn.training.run import CHANGEABLE, Run
from charrnn.training.saving import check_disk, reserving

#: Options of the samples that --sample-every shows.
OF_SAMPLES = {"sample_prime", "sample_length", "temperature"}
#: Options that do not belong to the run in the checkpoint.
BESIDE = {"text", "checkpoint", "resume", "overwrite", "sample_every", "log", "mpi"} | OF_SAMPLES
#: Options that the weights of --init-from decide.
SHAPE = {"layer_type", "hidden_size", "num_layers", "normalize", "binary"}
#: The help.
GROUPS = {
    "The model": ["layer_type", "hidden_size", "num_layers", "dropout", "init_from"],
    "How long": ["steps", "epochs", "seconds", "patience"],
    "How it learns": [
        *("seq_length", "batch_size", "optimizer", "learning_rate", "schedule", "warmup_steps"),
        *("momentum", "weight_decay", "grad_clip", "grad_clip_value", "seed"),
    ],
    "The text": ["val_frac", "encoding", "encoding_errors", "normalize", "binary"],
    "Output": [
        *("checkpoint", "resume", "overwrite", "val_every", "log"),
        *("sample_every", "sample_prime", "sample_length", "temperature"),
    ],
    "Several processes and machines": ["workers", "mpi", "batch_size_per_rank"],
}


@click.command("train", short_help="Train a model on a text.", cls=GroupedCommand, groups=GROUPS)
@click.argument("text", nargs=-1, metavar="[TEXT]...")
@checkpoint_option
@click.option("--resume", is_flag=True, help="Go on with the run in the checkpoint, exactly.")
@click.option("--overwrite", is_flag=True, help="Replace the checkpoint of another run.")
@click.option(
    "--init-from",
    type=click.Path(readable=False, path_type=Path),
    metavar="PATH",
    help="Start from the weights and the vocabulary of this checkpoint.",
)
@config_option(ModelConfig, "layer_type", "The type of all layers.")
@config_option(
    ModelConfig, "hidden_size", "Cells of a layer.", shown=f"{HIDDEN_SIZE}; more with --time"
)
@config_option(ModelConfig, "num_layers", "Number of layers.")
@config_option(
    ModelConfig,
    "dropout",
    "The share of each layer's outputs to drop.",
    shown="0.05 to 0.5, by size and text",
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
    shown=f"{planning.RATE:g}; of a vanilla network at most {planning.VANILLA_RATE:g} / "
    "(cells × layers)",
    type=Real(0, min_open=True),
)
@config_option(TrainingConfig, "schedule", "The fall of the learning rate after the warm-up.")
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
    "Shrink the weight matrices by this times the learning rate at each step.",
)
@config_option(TrainingConfig, "grad_clip", "Limit of the gradient's norm; 0 for none.")
@config_option(
    TrainingConfig,
    "grad_clip_value",
    "Limit of each component of the gradient.",
    shown="none",
)
@click.option(
    "--val-frac",
    type=Real(0, 1, max_open=True),
    help="The share of the text, at its end, to hold out.  "
    f"[default: {planning.HELD_OUT:g}, at most {planning.MAX_HELD_OUT:,} characters]",
)
@config_option(
    TrainingConfig,
    "val_every",
    "Steps from validation to validation.",
    shown=f"for about {planning.VALIDATIONS} validations",
)
@config_option(
    TrainingConfig,
    "patience",
    "Stop after this number of validations without a new best.",
    shown="never",
)
@config_option(TrainingConfig, "seed", "Seed of the starting weights and of dropout.")
@config_option(
    TrainingConfig,
    "workers",
    "Processes that divide the batch, a core each.",
    shown="auto, all cores that help; with --mpi, 1 a rank",
    type=Workers(),
    metavar="N|auto",
)
@ranks_options
@encoding_options
@click.option(
    "--normalize",
    type=click.Choice(list(NORMAL_FORMS)),
    help="Bring the text into this Unicode normal form.",
)
@click.option("--binary", is_flag=True, help="Each byte is a character: for data that is no text.")
@click.option(
    "--sample-every",
    type=click.IntRange(1),
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
    type=click.IntRange(1),
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
    help="Append a JSON object a step; grad_norm is the gradient's norm before any clipping.",
)
@click.pass_context
def command(ctx: click.Context, /, **options: Any) -> None:
    """Train a model on a text.

    \b
        charrnn train shakespeare.txt
        charrnn train --time 10m shakespeare.txt
        cat *.txt | charrnn train -c letters.npz -
        charrnn train --resume

    TEXT is one or more files, or - for stdin. Without TEXT, the model is trained on the source of
    Python's standard library, which is on this computer.

    The checkpoint is saved every 30 seconds, or less often if that would take more than a hundredth
    of the time. Ctrl-C saves and ends once the first step is taken; --resume goes on with the same
    result as without the break.
    """
    given = {
        name for name in options if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE
    }
    check_options(ctx, options, given)
    ranks = join(ctx, options, given)
    refuse_terminal(options["text"])
    path, texts = options["checkpoint"], files_in(options["text"])
    refuse_overwriting("-c", path, *texts)
    refuse_overwriting("--log", options["log"], path, options["init_from"], *texts)
    with (
        unwinding(),
        reserving(path, notice),
        resume(options, given, ranks) if options["resume"] else start(options, ranks) as current,
    ):
        signal = train(current, options)
    if signal:
        ctx.exit(128 + signal)


def check_options(ctx: click.Context, options: dict[str, Any], given: set[str]) -> None:
    """Refuse options that contradict each other.

    Args:
        ctx: of the command.
        options: of the command.
        given: the names of those on the command line.

    Raises:
        click.UsageError: with the options.
    """
    if sum(options[name] is not None for name in ("steps", "epochs", "seconds")) > 1:
        raise click.UsageError("--steps, --epochs and --time exclude one another")
    if not options["sample_every"] and (unused := given & OF_SAMPLES):
        refuse(ctx, unused, "there are samples only with --sample-every")
    if options["resume"] and options["overwrite"]:
        raise click.UsageError("--resume and --overwrite exclude one another")
    warmup = options["warmup_steps"]
    if options["seconds"] and warmup is not None and warmup < MIN_WARMUP:
        raise click.UsageError(f"--time measures its first steps: --warmup {MIN_WARMUP} or more")
    fixed = given - CHANGEABLE - BESIDE
    if options["resume"] and fixed:
        known = saved_options(options["checkpoint"])
        refuse(ctx, fixed, "--resume goes on as the run began", known)
    elif options["init_from"] and not options["resume"]:
        refuse(ctx, given & SHAPE, "--init-from keeps the shape of its model")


def refuse(
    ctx: click.Context, names: set[str], why: str, known: Mapping[str, Any] = MappingProxyType({})
) -> None:
    """Refuse options that would have no effect.

    Args:
        ctx: of the command.
        names: of the options.
        why: the reason.
        known: the values that hold instead, by name.

    Raises:
        click.UsageError: if there are any, with their flags.
    """
    if names:
        flags = {parameter.name: parameter.opts[0] for parameter in ctx.command.params}
        listed = sorted(flags[name] for name in names)
        held = [f"{flags[name]} {known[name]}" for name in sorted(names & known.keys())]
        with_them = f", with {' '.join(held)}" if held else ""
        raise click.UsageError(f"{why}{with_them}: leave out {', '.join(listed)}")


def saved_options(path: Path) -> dict[str, Any]:
    """The options of the run in a checkpoint, by name; none if it cannot be read."""
    try:
        saved = checkpoints.read(path)
    except CheckpointError:
        return {}
    known: dict[str, Any] = {}
    for part in (saved.model, saved.settings, saved.corpus):
        if part:
            known |= asdict(part)
    return {name: value for name, value in known.items() if type(value) in (str, int, float)}


def files_in(texts: Sequence[str]) -> list[str]:
    """The names that are files; `-` is stdin."""
    return [text for text in texts if text != "-"]


def start(options: dict[str, Any], ranks: Group | None) -> Run:
    """A new run."""
    path: Path = options["checkpoint"]
    if not options["overwrite"]:
        run.refuse_existing(path)
    normalize, binary = options["normalize"], options["binary"]
    initial = checkpoints.read(options["init_from"]) if options["init_from"] else None
    if initial:
        normalize, binary = initial.normalize, initial.binary
    elif normalize and binary:
        raise click.UsageError("--binary and --normalize exclude one another")
    if binary and not options["text"]:
        raise click.UsageError("--binary needs a TEXT")
    with reading(options["text"], decoding(options, binary), normalize) as corpus:
        return run.new(
            corpus,
            path,
            config_from(ModelConfig, options),
            config_from(TrainingConfig, options),
            epochs=options["epochs"],
            seconds=options["seconds"],
            val_frac=options["val_frac"],
            init_from=initial,
            ranks=ranks,
        )


def resume(options: dict[str, Any], given: set[str], ranks: Group | None) -> Run:
    """The run in the checkpoint, with the text it was trained on."""
    path: Path = options["checkpoint"]
    saved = checkpoints.read(path)
    about, _ = run.run_of(saved, path)
    paths = options["text"] or named_files(about)
    if "-" in paths and not options["text"]:
        raise click.UsageError("the text came from stdin or a pipe: name a file with the same text")
    refuse_overwriting("--log", options["log"], *files_in(paths))
    changes = {name: options[name] for name in CHANGEABLE & given}
    with reading(paths, about.decoding, about.normalize) as corpus:
        return run.resume(saved, path, corpus, ranks, **changes)


def train(current: Run, options: dict[str, Any]) -> int:
    """Train, with messages before and after; returns the signal that ended the run, or 0."""
    if current.trainer.done:
        raise click.UsageError(
            f"{current.path}: its run is complete, after {current.trainer.counters.step:,} steps: "
            "go on with a higher --steps, or with --patience 0 if patience ended it"
        )
    samples = samples_of(current, options)
    check_disk(current)
    for line in current.notices:
        notice(line)
    introduce(current)
    with Reporter(current, options["log"], samples) as reporter:
        budget = None
        if options["seconds"]:
            budget = Budget(current.trainer, options["seconds"], options["val_every"])
            reporter.restart()
        signal = carry_out(current, reporter.show, reporter.say, budget, reporter.say)
    conclude(current)
    return signal


def samples_of(current: Run, options: dict[str, Any]) -> Samples | None:
    """The samples to show during a run; None for none.

    Raises:
        UnknownCharacterError: for a character of their prime that is not in the vocabulary.
    """
    if not options["sample_every"]:
        return None
    corpus, vocabulary = current.corpus, current.trainer.model.vocabulary
    prime = options["sample_prime"]
    prime = bytewise(prime) if corpus.binary else normalized(prime, corpus.normalize)
    return Samples(
        options["sample_every"],
        vocabulary.encode(prime),
        options["sample_length"],
        options["temperature"],
    )
