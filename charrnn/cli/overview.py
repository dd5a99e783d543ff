"""The messages of `charrnn train` before and after the training."""

from __future__ import annotations

from charrnn.cli.console import notice
from charrnn.cli.reporter import in_bits
from charrnn.inspection.find import MIN_CHARACTERS
from charrnn.shell import command_line, words_for
from charrnn.text.paths import short_name
from charrnn.training import advice, planning
from charrnn.training.run import Run


def introduce(run: Run, timed: bool = False) -> None:
    """Describe the text, the model and the run.

    Args:
        run: the run, before its first step.
        timed: the number of steps is not known yet.
    """
    trainer, corpus = run.trainer, run.corpus
    model, config = trainer.model, trainer.config
    held_out = corpus.held_out
    characters = corpus.characters - held_out
    workers = f"{config.workers} worker{'s' if config.workers > 1 else ''}"
    if config.ranks > 1:
        of_workers = f" of {workers}" if config.workers > 1 else ""
        workers = f"{config.ranks} ranks{of_workers}"
    which = f"the last {held_out:,}"
    if corpus.division.random:
        which = f"{held_out:,} {'in whole lines' if corpus.lines else 'from all over the text'}"
    last = f"; {which} are held out" if held_out else ""
    if corpus.val_file:
        last = f"; {len(run.parts[1]):,} characters of {short_name(corpus.val_file)} to validate on"
    notice(
        f"{corpus.name}: {corpus.characters:,} characters, {len(model.vocabulary)} different{last}"
    )
    notice(
        f"{model.layer_type}, {model.size_in_words}, dropout {model.dropout:g}: "
        f"{model.parameters.flat.size:,} parameters; {workers}"
    )
    epochs = config.steps * config.batch_size * config.seq_length / characters
    of_network = "in each network, " if model.ensemble > 1 else ""
    notice(of_network + advice.before(planning.capacity(model), characters, epochs))
    if trainer.counters.step:
        of = "" if timed else f" of {config.steps:,}"
        notice(f"going on from step {trainer.counters.step:,}{of}")


def conclude(run: Run) -> None:
    """Give the result, advice, and the commands that go on from here."""
    trainer, counters, path = run.trainer, run.trainer.counters, run.path
    assert path
    loss = counters.train_loss(trainer.config)
    notice("")
    if counters.best_loss is not None:
        notice(
            f"{path}: step {counters.step:,}; validation loss {in_bits(counters.best_loss)} at "
            f"step {counters.best_step:,}"
        )
    else:
        notice(f"{path}: step {counters.step:,}")
    if not trainer.done:
        notice(f"{trainer.config.steps - counters.step:,} steps are left")
    elif loss is not None:
        notice(advice.at_end(trainer, *run.parts, run.corpus, loss))
    notice("go on with")
    more: list[str] = []
    if trainer.done:
        all_taken = counters.step >= trainer.config.steps
        more = ["--steps", str(2 * counters.step)] if all_taken else ["--patience", "0"]
    notice(f"    {run.command(*more)}")
    look = ["--find"]
    if len(run.excerpt) < MIN_CHARACTERS:  # too short to search
        look = ["--cell", str(min(42, trainer.model.hidden_size - 1))]
    write = ["--lines", "50"] if trainer.model.lines else ["--temp", "0.8"]
    notice(f"    {command_line([*words_for('sample', path), *write])}")
    notice(f"    {command_line([*words_for('inspect', path), *look])}")
