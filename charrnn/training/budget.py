"""A time to train for, which becomes a number of steps."""

from __future__ import annotations

import time
from collections.abc import Callable
from math import ceil

from charrnn.training import planning
from charrnn.training.trainer import Trainer

#: The first steps are measured for this share of the time, but at most for this many seconds, so
#: that the plan exists before the first save, and at most until the end of the warm-up.
MEASURED_SHARE, MAX_MEASURED_SECONDS = 0.05, 20
#: The fewest steps to measure, all of them within the warm-up.
MIN_WARMUP = 5
#: The first steps are slower: memory is allocated, and Muon renews its factors in each. They are
#: not measured if they take little of the time, and if as many others are in the warm-up. The very
#: first step never is.
SLOW = 10
#: The steps of a complete run, as a share of the run, in which its learning rate stays near the
#: lowest one while further steps are measured.
PROVISIONAL_SHARE = 0.02


def provisional_steps(step: int, steps: int) -> int:
    """The steps of a run that goes on for a time, until the first of them are measured.

    Args:
        step: the last step taken.
        steps: the steps of the run as it was planned.
    """
    return max(steps, step + max(MIN_WARMUP + 2, ceil(PROVISIONAL_SHARE * step)))


class Budget:
    """Measures the first steps of a training, and plans the number of steps from them.

    The learning rate of the measured steps of a new run does not depend on the plan: it still warms
    up. A run that goes on takes them by its old plan, or near its lowest rate.

    Args:
        trainer: before its first step, or before the first one after a break. Its validation is
            measured here and now.
        seconds: the time to train for, from now on.
        val_every: the steps between validations; None to choose, or to keep those of a run
            that goes on.
        clock: returns seconds.
    """

    def __init__(
        self,
        trainer: Trainer,
        seconds: float,
        val_every: int | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.trainer, self.seconds = trainer, seconds
        self._step = trainer.counters.step
        self.val_every = val_every or (trainer.config.val_every if self._step else None)
        self._clock = clock
        self._start = clock()
        trainer.evaluate()
        self._since = self._begun = clock()
        self._per_validation = self._since - self._start
        #: Seconds of the last slow step, and the number of steps measured after the slow ones.
        self._slow, self._measured = 0.0, 0
        self._planned = False

    def measure(self) -> str | None:
        """Count a step that was just taken, and plan once enough steps are measured.

        Returns:
            The plan in words, if this step completed the measurement.
        """
        if self._planned:
            return None
        step, config = self.trainer.counters.step, self.trainer.config
        taken = step - self._step
        # A validation would follow the last step.
        last = config.steps - 1 if self._step else min(config.warmup_steps, config.steps - 1)
        enough = min(MEASURED_SHARE * self.seconds, MAX_MEASURED_SECONDS)
        few = last - self._step >= 2 * SLOW and self._clock() - self._begun < enough
        if taken == 1 or (taken <= SLOW and few):
            self._slow = self._clock() - self._since
            self._since += self._slow
            return None
        self._measured += 1
        if taken < MIN_WARMUP or (step < last and self._clock() - self._since < enough):
            return None
        return self.plan()

    def plan(self) -> str | None:
        """Plan now, from the steps measured so far.

        Returns:
            The plan in words; None if there is a plan already.
        """
        if self._planned:
            return None
        self._planned = True
        trainer, now = self.trainer, self._clock()
        per_step = (now - self._since) / self._measured if self._measured else self._slow
        left = self.seconds - (now - self._start)
        taken, rate = trainer.counters.step, trainer.learning_rate if self._step else 0.0
        trainer.plan(
            *planning.steps_in(left, per_step, self._per_validation, taken, self.val_every)
        )
        model, config = trainer.model, trainer.config
        measured = f"{1000 * per_step:.1f} ms a step, so {config.steps:,} steps"
        if self._step:
            before, after = f"{rate:.2g}", f"{trainer.learning_rate:.2g}"
            change = f"; learning rate {after}, was {before}" if before != after else ""
            return f"{measured} in all{change}"
        ensemble = f" --ensemble {model.ensemble}" if model.ensemble > 1 else ""
        return (
            f"{measured}; to repeat this run: "
            f"--steps {config.steps} --val-every {config.val_every} --warmup "
            f"{config.warmup_steps} --hidden-size {model.hidden_size} --num-layers "
            f"{model.num_layers}{ensemble} --dropout {model.dropout:g} --workers {config.workers}"
        ) + (" --mpi" if config.ranks > 1 else "")
