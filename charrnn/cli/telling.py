"""What is said before a training and after it."""

from __future__ import annotations

import shlex
from pathlib import Path

from charrnn.cli.console import notice
from charrnn.cli.reporter import in_bits
from charrnn.training import planning, session
from charrnn.training.session import Session


def introduce(current: Session) -> None:
    """Say what is about to happen."""
    run, corpus = current.run, current.corpus
    model, settings = run.model, run.settings
    held_out = len(run.learner.validation)
    characters = corpus.characters - held_out
    layers = f"{model.num_layers} layer{'s' if model.num_layers > 1 else ''}"
    workers = f"{settings.workers} worker{'s' if settings.workers > 1 else ''}"
    if settings.ranks > 1:
        of_workers = f" of {workers}" if settings.workers > 1 else ""
        workers = f"{settings.ranks} ranks{of_workers}"
    notice(
        f"{corpus.name}: {corpus.characters:,} characters, {len(model.vocabulary)} "
        f"different; the last {held_out:,} are held out"
    )
    notice(
        f"{model.layer_type}, {layers} of {model.hidden_size}, dropout {model.dropout:g}: "
        f"{model.parameters.flat.size:,} parameters; {workers}"
    )
    notice(planning.advice_before(model.parameters.flat.size, characters))
    if run.counters.step:
        notice(f"going on from step {run.counters.step:,} of {settings.steps:,}")


def conclude(current: Session) -> None:
    """Say how it went, and which commands go on from here."""
    run, counters = current.run, current.run.counters
    path = current.path
    option = "" if path == Path("charrnn.npz") else f" -c {shlex.quote(str(path))}"
    losses = [point["loss"] for point in counters.history if point["loss"] is not None]
    notice("")
    if counters.best_loss is not None:
        notice(
            f"{path}: step {counters.step:,}; validation loss {in_bits(counters.best_loss)} at "
            f"step {counters.best_step:,}"
        )
    else:
        notice(f"{path}: step {counters.step:,}")
    if losses:
        notice(advice(current, losses[-1]))
    notice("go on with")
    more = ""
    if run.done:
        all_taken = counters.step >= run.settings.steps
        more = f" --steps {2 * counters.step}" if all_taken else " --patience 0"
    launcher, mpi = "", ""
    if run.settings.ranks > 1:
        launcher, mpi = f"mpiexec -n {run.settings.ranks} ", " --mpi"
        if run.settings.workers > 1:
            mpi += f" --workers {run.settings.workers}"
    text = " TEXT" if "-" in current.corpus.files else ""  # which cannot be found by itself
    notice(f"    {launcher}charrnn train{option} --resume{more}{mpi}{text}")
    notice(f"    charrnn sample{option} --temp 0.8")
    notice(f"    charrnn inspect{option} --cell 42")


def advice(current: Session, train_loss: float) -> str:
    """One line on what to change.

    Args:
        current: a run that has ended.
        train_loss: the latest, in nats a character.
    """
    run, counters = current.run, current.run.counters
    model, settings = run.model, run.settings
    train, validation = session.split(current.indices, len(run.learner.validation))
    text = validation if len(validation) else train[-planning.MOST_COUNTED :]
    by_frequencies = planning.loss_by_frequencies(train, text, len(model.vocabulary))
    remedy = planning.remedy(
        model.layer_type,
        model.hidden_size,
        model.num_layers,
        settings.optimizer,
        settings.learning_rate,
        counters.step,
    )
    return planning.advice_after(
        train_loss, counters.best_loss, counters.best_step, counters.step, by_frequencies, remedy
    )
