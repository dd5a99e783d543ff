"""`charrnn train`."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import MappingProxyType
from typing import Any

import click
from click.core import ParameterSource

from charrnn import checkpoint as checkpoints
from charrnn.cli.budget import LEAST_WARMUP, Budget
from charrnn.cli.console import notice, refuse_terminal
from charrnn.cli.interrupts import Interrupts, unwinding
from charrnn.cli.options import (
    Duration,
    Real,
    Workers,
    checkpoint_option,
    decoding,
    encoding_options,
    refuse_overwriting,
)
from charrnn.cli.ranks import joined, ranks_options
from charrnn.cli.reading import reading
from charrnn.cli.reporter import Reporter
from charrnn.cli.saving import Saving, refuse_without_room, reserving
from charrnn.cli.telling import conclude, introduce
from charrnn.errors import CheckpointError
from charrnn.network.layers import LAYER_TYPES
from charrnn.parallel.group import Group
from charrnn.text.corpus import named_files
from charrnn.text.normal_forms import NORMAL_FORMS
from charrnn.training import planning, session
from charrnn.training.config import Settings
from charrnn.training.optimizers import OPTIMIZERS
from charrnn.training.schedules import SCHEDULES
from charrnn.training.session import Session
from charrnn.training.trainer import train

#: Options that go on with a run may change; all others are as they were.
CHANGEABLE = {"steps", "val_every", "patience", "workers"}
#: Options that are not part of a run.
BESIDE = {"text", "checkpoint", "resume", "overwrite", "sample_every", "log", "mpi"}
#: What the weights of --init-from decide.
SHAPE = {"model", "hidden_size", "num_layers", "normalize", "binary"}


@click.command("train", short_help="Train a model on a text.")
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
@click.option("--model", type=click.Choice(sorted(LAYER_TYPES)), default="gru", show_default=True)
@click.option(
    "--hidden-size", type=click.IntRange(1), help="Units a layer.  [default: 256; more with --time]"
)
@click.option("--num-layers", type=click.IntRange(1), default=1, show_default=True)
@click.option(
    "--dropout",
    type=Real(0, 1, max_open=True),
    help="The share of each layer's outputs to drop.  [default: 0.05 to 0.5, by size and text]",
)
@click.option(
    "--seq-length",
    type=click.IntRange(1),
    default=32,
    show_default=True,
    help="Characters that the gradient flows back through.",
)
@click.option(
    "--batch-size",
    type=click.IntRange(1),
    default=32,
    show_default=True,
    help="Places of the text that are read side by side.",
)
@click.option("--steps", type=click.IntRange(1), help="Train for so many steps.")
@click.option("--epochs", type=Real(0, min_open=True), help="Read the text so often.")
@click.option(
    "--time", "budget", type=Duration(), help="Train for about so long, as in 90s, 10m, 1h30m."
)
@click.option(
    "--optimizer", type=click.Choice(sorted(OPTIMIZERS)), default="adam", show_default=True
)
@click.option(
    "--learning-rate",
    type=Real(0, min_open=True),
    help=f"The highest.  [default: {planning.RATE:g}; of a vanilla network at most "
    f"{planning.VANILLA_RATE:g} / (units × layers)]",
)
@click.option(
    "--schedule",
    type=click.Choice(sorted(SCHEDULES)),
    default="cosine",
    show_default=True,
    help="How the learning rate falls after the warm-up.",
)
@click.option(
    "--warmup", "warmup_steps", type=click.IntRange(0), help="Steps of warm-up.  [default: 50]"
)
@click.option(
    "--momentum",
    type=Real(0, 1, max_open=True),
    default=0.9,
    show_default=True,
    help="Of sgd.",
)
@click.option(
    "--weight-decay",
    type=Real(0),
    default=0.05,
    show_default=True,
    help="Shrink the weight matrices by this times the learning rate at each step.",
)
@click.option(
    "--grad-clip",
    type=Real(0),
    default=1.0,
    show_default=True,
    help="Limit of the gradient's norm; 0 for none.",
)
@click.option(
    "--grad-clip-value",
    type=Real(0),
    default=0.0,
    help="Limit of each component of the gradient.  [default: none]",
)
@click.option(
    "--val-frac",
    type=Real(0, 1, max_open=True),
    help="The share of the text, at its end, to hold out.  "
    "[default: 0.1, at most 250,000 characters]",
)
@click.option("--val-every", type=click.IntRange(1), help="Steps from validation to validation.")
@click.option(
    "--patience",
    type=click.IntRange(0),
    default=0,
    help="Stop after so many validations without a new best.  [default: never]",
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option(
    "--workers",
    type=Workers(),
    default="auto",
    metavar="N|auto",
    help="Processes that divide the batch, a core each.  [default: auto, all cores that help; "
    "with --mpi, 1 a rank]",
)
@ranks_options
@encoding_options
@click.option(
    "--normalize",
    type=click.Choice(list(NORMAL_FORMS)),
    help="Bring the text into this Unicode normal form.",
)
@click.option("--binary", is_flag=True, help="Each byte is a character: for what is no text.")
@click.option(
    "--sample-every", type=click.IntRange(1), metavar="STEPS", help="Show what the model writes."
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

    TEXT is one or more files, or - for stdin. Without it the model is trained on the source of
    Python's standard library, which this computer has.

    The checkpoint is saved every 30 seconds, or less often if that would take more than a hundredth
    of the time. Ctrl-C saves and ends; --resume goes on as if nothing had happened.
    """
    exclusive = [name for name in ("steps", "epochs", "budget") if options[name] is not None]
    if len(exclusive) > 1:
        raise click.UsageError("--steps, --epochs and --time exclude one another")
    if options["resume"] and options["overwrite"]:
        raise click.UsageError("--resume and --overwrite exclude one another")
    warmup = options["warmup_steps"]
    if options["budget"] and warmup is not None and warmup < LEAST_WARMUP:
        raise click.UsageError(f"--time measures its first steps: --warmup {LEAST_WARMUP} or more")
    given = {
        name for name in options if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE
    }
    fixed = given - CHANGEABLE - BESIDE
    if options["resume"] and fixed:
        refuse(ctx, fixed, "--resume goes on as the run began", begun(options["checkpoint"]))
    elif options["init_from"] and not options["resume"]:
        refuse(ctx, given & SHAPE, "--init-from keeps the shape of its model")
    ranks = joined(ctx, options, given)
    refuse_terminal(options["text"])
    path, texts = options["checkpoint"], of_files(options["text"])
    refuse_overwriting("-c", path, *texts)
    refuse_overwriting("--log", options["log"], path, options["init_from"], *texts)
    with (
        unwinding(),
        reserving(options["checkpoint"]),
        resumed(options, given, ranks) if options["resume"] else started(options, ranks) as current,
    ):
        signal = carry_out(current, options)
    if signal:
        ctx.exit(128 + signal)


def carry_out(current: Session, options: dict[str, Any]) -> int:
    """The whole of a run; the number of the signal that ended it, or 0."""
    if current.run.done:
        raise click.UsageError(
            f"{current.path}: its run is complete, after {current.run.counters.step:,} steps: go "
            "on with a higher --steps, or with --patience 0 if patience ended it"
        )
    refuse_without_room(current)
    for line in current.notices:
        notice(line)
    introduce(current)
    signal = follow(current, options)
    conclude(current)
    return signal


def started(options: dict[str, Any], ranks: Group | None) -> Session:
    """A new run."""
    path: Path = options["checkpoint"]
    if path.exists() and not options["overwrite"]:
        raise CheckpointError(
            f"{path}: holds another run: --resume to go on with it, --overwrite to replace it, "
            "or -c PATH to keep both"
        )
    normalize, binary = options["normalize"], options["binary"]
    initial = checkpoints.read(options["init_from"]) if options["init_from"] else None
    if initial:
        normalize, binary = initial.normalize, initial.binary
    elif normalize and binary:
        raise click.UsageError("--binary and --normalize exclude one another")
    if binary and not options["text"]:
        raise click.UsageError("each byte is a character: of which TEXT?")
    names = {field.name for field in dataclasses.fields(Settings)}
    settings = {name: value for name, value in options.items() if name in names}
    with reading(options["text"], decoding(options, binary), normalize) as corpus:
        return session.start(
            corpus,
            path,
            model={
                "layer_type": options["model"],
                "hidden_size": options["hidden_size"],
                "num_layers": options["num_layers"],
                "dropout": options["dropout"],
            },
            settings=settings,
            epochs=options["epochs"],
            seconds=options["budget"],
            val_frac=options["val_frac"],
            init_from=initial,
            ranks=ranks,
        )


def of_files(texts: Sequence[str]) -> list[str]:
    """Those that are files; `-` is stdin."""
    return [text for text in texts if text != "-"]


def refuse(
    ctx: click.Context, names: set[str], why: str, known: Mapping[str, Any] = MappingProxyType({})
) -> None:
    """Refuse options that would not be obeyed.

    Args:
        ctx: of the command.
        names: of the options.
        why: they would not be.
        known: the values that hold, as far as they are known, by name.

    Raises:
        click.UsageError: where there are any, with their flags.
    """
    if names:
        flags = {parameter.name: parameter.opts[0] for parameter in ctx.command.params}
        listed = sorted(flags[name] for name in names)
        held = [f"{flags[name]} {known[name]}" for name in sorted(names & known.keys())]
        with_them = f", with {' '.join(held)}" if held else ""
        raise click.UsageError(f"{why}{with_them}: leave out {', '.join(listed)}")


def begun(path: Path) -> dict[str, Any]:
    """How a run began, as its checkpoint has it, by the names of options; nothing without one."""
    try:
        saved = checkpoints.read(path)
    except CheckpointError:
        return {}
    known = {"model": saved.model.layer_type}
    for part in (saved.model, saved.settings, saved.corpus):
        if part:
            known |= dataclasses.asdict(part)
    return {name: value for name, value in known.items() if type(value) in (str, int, float)}


def resumed(options: dict[str, Any], given: set[str], ranks: Group | None) -> Session:
    """The run in the checkpoint, with the text it was trained on."""
    path: Path = options["checkpoint"]
    saved = checkpoints.read(path)
    info, _ = session.run_of(saved, path)
    paths = options["text"] or named_files(info)
    if "-" in paths and not options["text"]:
        raise click.UsageError("the text came from stdin or a pipe: name a file with the same text")
    refuse_overwriting("--log", options["log"], *of_files(paths))
    changes = {name: options[name] for name in CHANGEABLE & given}
    with reading(paths, info.decoding, info.normalize) as corpus:
        return session.resume(saved, path, corpus, changes, ranks)


def follow(current: Session, options: dict[str, Any]) -> int:
    """Train, show, log and save; the number of the signal that ended it, or 0."""
    run = current.run
    first = run.counters.step + 1
    interrupts = Interrupts()
    run.stop = lambda: interrupts.received
    with ExitStack() as stack, Reporter(run, options["log"]) as reporter:
        saving = Saving(current, reporter.say)
        budget = None
        if options["budget"]:
            budget = Budget(run, options["budget"], options["val_every"])
            reporter.restart()
        signal = 0
        for progress in train(run):
            if progress.step == first:  # before it there is nothing to save, so signals end at once
                stack.enter_context(interrupts)
            reporter.show(progress)
            if budget:
                reporter.planned(budget.measure())
            every = options["sample_every"]
            if every and progress.step % every == 0:
                reporter.sample()
            saving.now_and_then()
            signal = interrupts.received or run.group.signal
            if signal:
                reporter.say("saving; again to stop at once")
                break
        if budget:  # which may have ended while it measured
            reporter.planned(budget.plan())
        saving.at_the_end()
    return signal
