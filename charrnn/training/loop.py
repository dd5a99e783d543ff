"""A run from its first step to its last save: the loop of the command and of the Python API."""

from __future__ import annotations

from collections.abc import Callable

from charrnn.errors import CheckpointError, DivergedError
from charrnn.parallel.signals import Interrupts
from charrnn.training.budget import Budget
from charrnn.training.run import Run
from charrnn.training.saving import Saver
from charrnn.training.trainer import Progress, train


def train_and_save(
    run: Run,
    progress: Callable[[Progress], object],
    notice: Callable[[str], object],
    budget: Budget | None = None,
    planned: Callable[[str], object] = lambda plan: None,
) -> int:
    """Train until the end, and save at intervals and at the end.

    Once the first step is taken, a first Ctrl-C or `kill` ends the training after the step or the
    validation window in progress, and the run is saved; a second one ends the program. Before,
    there is nothing to save, and a signal ends the program at once.

    Args:
        run: the run to train.
        progress: called after each step.
        notice: called with messages for the user.
        budget: plans the number of steps from a time.
        planned: called with the plan, in words.

    Returns:
        The number of the signal that ended the training, or 0.

    Raises:
        DivergedError: where the training diverges; the last and the best weights are saved.
        WorkerError: where a worker has ended; the run is saved.
        CheckpointError: where the last save fails.
    """
    trainer, signal = run.trainer, 0
    counters, before = trainer.counters, trainer.counters.step
    # The lambda holds the counters only: a cycle through the trainer would keep the text in memory.
    interrupts = Interrupts(lambda: counters.step > before)
    trainer.stop = lambda: interrupts.received
    saver = Saver(run, notice)
    try:
        with interrupts:
            for figures in train(trainer):
                progress(figures)
                if budget and (plan := budget.measure()):
                    planned(plan)
                saver.save_if_due()
                signal = interrupts.received or trainer.group.signal
                if signal:
                    if run.path:
                        notice("saving (Ctrl-C again stops without saving)")
                    break
            if budget and (plan := budget.plan()):  # training may end before measuring did
                planned(plan)
            saver.save_at_end()
    except DivergedError as error:
        raise saver.save_diverged(error) from error
    except CheckpointError:  # of the last save
        raise
    except Exception as error:
        rescued = saver.save_after(error)
        if rescued is error:
            raise
        raise rescued from error
    except BaseException:
        if interrupts.received and run.path:  # a second signal
            notice(saver.standing)
        raise
    return signal
