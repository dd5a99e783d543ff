"""A time to train for, which becomes a number of steps."""

from __future__ import annotations

import time
from collections.abc import Callable

from charrnn.training import planning
from charrnn.training.trainer import Run

#: Steps are measured for this share of the time, but for so many seconds at most, so that what
#: is saved has its plan; or for the warm-up.
MEASURED, LONGEST = 0.05, 20
#: But for at least so many steps, which have to be within the warm-up.
LEAST_WARMUP = 5


class Budget:
    """Measures the first steps of a run as they are taken, and plans from them how many there
    will be.

    The learning rate of these steps does not depend on how many there will be: it still warms up.

    Args:
        run: which has not begun. Its validation is measured here and now.
        seconds: that it may take, from now on.
        val_every: steps from validation to validation; None to choose.
        clock: seconds.
    """

    def __init__(
        self,
        run: Run,
        seconds: float,
        val_every: int | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.run, self.seconds, self.val_every = run, seconds, val_every
        self._clock = clock
        self._begun = clock()
        run.learner.score()
        self._since = clock()
        self._per_validation = self._since - self._begun
        #: Seconds of the first step, and how many were taken after it.
        self._first, self._measured = 0.0, 0
        self._planned = False

    def measure(self) -> str | None:
        """Take note of a step that was taken just now, and plan once enough were.

        Returns:
            The plan, for people, where this was the step that it waited for.
        """
        if self._planned:
            return None
        counters, settings = self.run.counters, self.run.settings
        if counters.step == 1:  # the first is slower: memory is allocated
            self._first = self._clock() - self._since
            self._since += self._first
            return None
        self._measured += 1
        long_enough = min(MEASURED * self.seconds, LONGEST)
        if counters.step < LEAST_WARMUP or (
            # The last step of what is not planned yet would be validated.
            counters.step < min(settings.warmup_steps, settings.steps - 1)
            and self._clock() - self._since < long_enough
        ):
            return None
        return self.plan()

    def plan(self) -> str | None:
        """Plan now, from the steps that were measured so far.

        Returns:
            The plan, for people; None where there is one already.
        """
        if self._planned:
            return None
        self._planned = True
        run, now = self.run, self._clock()
        per_step = (now - self._since) / self._measured if self._measured else self._first
        left = self.seconds - (now - self._begun)
        taken = run.counters.step
        run.plan(*planning.steps_in(left, per_step, self._per_validation, taken, self.val_every))
        model, settings = run.model, run.settings
        return (
            f"{1000 * per_step:.1f} ms a step, so {settings.steps:,} steps: the same again with "
            f"--steps {settings.steps} --val-every {settings.val_every} --warmup "
            f"{settings.warmup_steps} --hidden-size {model.hidden_size} --num-layers "
            f"{model.num_layers} --dropout {model.dropout:g} --workers {settings.workers}"
        ) + (" --mpi" if settings.ranks > 1 else "")
