"""A time to train for, which becomes a number of steps."""

from __future__ import annotations

import time
from collections.abc import Callable

from charrnn.training import planning
from charrnn.training.trainer import Trainer

#: The first steps are measured for this share of the time, but at most for this many seconds, so
#: that the plan exists before the first save, and at most until the end of the warm-up.
MEASURED_SHARE, MAX_MEASURED_SECONDS = 0.05, 20
#: The fewest steps to measure, all of them within the warm-up.
MIN_WARMUP = 5


class Budget:
    """Measures the first steps of a training, and plans the number of steps from them.

    The learning rate of the measured steps does not depend on the plan: it still warms up.

    Args:
        trainer: before its first step. Its validation is measured here and now.
        seconds: to train for, from now on.
        val_every: steps from validation to validation; None to choose.
        clock: returns seconds.
    """

    def __init__(
        self,
        trainer: Trainer,
        seconds: float,
        val_every: int | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.trainer, self.seconds, self.val_every = trainer, seconds, val_every
        self._clock = clock
        self._start = clock()
        trainer.evaluate()
        self._since = clock()
        self._per_validation = self._since - self._start
        #: Seconds of the first step, and the number of steps measured after it.
        self._first, self._measured = 0.0, 0
        self._planned = False

    def measure(self) -> str | None:
        """Count a step that was just taken, and plan once enough steps are measured.

        Returns:
            The plan in words, if this step completed the measurement.
        """
        if self._planned:
            return None
        step, config = self.trainer.counters.step, self.trainer.config
        if step == 1:  # slower than the others: memory is allocated
            self._first = self._clock() - self._since
            self._since += self._first
            return None
        self._measured += 1
        enough = min(MEASURED_SHARE * self.seconds, MAX_MEASURED_SECONDS)
        if step < MIN_WARMUP or (
            # A validation would follow the last step.
            step < min(config.warmup_steps, config.steps - 1)
            and self._clock() - self._since < enough
        ):
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
        per_step = (now - self._since) / self._measured if self._measured else self._first
        left = self.seconds - (now - self._start)
        taken = trainer.counters.step
        trainer.plan(
            *planning.steps_in(left, per_step, self._per_validation, taken, self.val_every)
        )
        model, config = trainer.model, trainer.config
        return (
            f"{1000 * per_step:.1f} ms a step, so {config.steps:,} steps: the same again with "
            f"--steps {config.steps} --val-every {config.val_every} --warmup "
            f"{config.warmup_steps} --hidden-size {model.hidden_size} --num-layers "
            f"{model.num_layers} --dropout {model.dropout:g} --workers {config.workers}"
        ) + (" --mpi" if config.ranks > 1 else "")
