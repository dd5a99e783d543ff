"""A time to train for, which becomes a number of steps."""

from __future__ import annotations

import time
from collections.abc import Callable
from math import ceil

import numpy as np

from charrnn.config import HIDDEN_SIZE
from charrnn.network.model import CharRNN
from charrnn.text.streams import Window
from charrnn.text.vocabulary import Vocabulary
from charrnn.training import planning
from charrnn.training.trainer import Trainer

#: The first steps are measured for this share of the time, but at most for this many seconds, so
#: that the plan exists before the first save, and at most until the end of the warm-up.
MEASURED_SHARE, MAX_MEASURED_SECONDS = 0.05, 20
#: The fewest steps to measure, all of them within the warm-up.
MIN_WARMUP = 5
#: The steps of a complete run, as a share of the run, in which its learning rate stays near the
#: lowest one while further steps are measured.
PROVISIONAL_SHARE = 0.02
#: The window with which `machine_speed` measures, characters of its vocabulary, and repetitions.
TRIAL_STREAMS, TRIAL_STEPS, TRIAL_VOCABULARY, TRIALS = 16, 32, 64, 5
#: Characters a second of a process in this trial on the machine of `planning.SIZES`.
TRIAL_SPEED = 43_000


def machine_speed(processes: int, clock: Callable[[], float] = time.monotonic) -> float:
    """The speed of this machine, divided by that of two cores of the machine of `planning.SIZES`.

    Measured in about 50 ms, with the windows of a network that is thrown away.

    Args:
        processes: the processes that will train.
        clock: returns seconds.
    """
    model = CharRNN(Vocabulary(map(chr, range(TRIAL_VOCABULARY))), hidden_size=HIDDEN_SIZE)
    rng = np.random.default_rng(0)
    model.initialize(rng)
    read = rng.integers(0, TRIAL_VOCABULARY, (TRIAL_STEPS + 1, TRIAL_STREAMS))
    window, times = Window(read[:-1], read[1:]), []
    for _ in range(TRIALS + 1):  # the first one allocates memory
        start = clock()
        model.loss_and_gradient(window, model.state(TRIAL_STREAMS))
        times.append(clock() - start)
    return read[1:].size / max(min(times[1:]), 1e-9) / TRIAL_SPEED * processes / 2


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
        taken = step - self._step
        if taken == 1:  # slower than the others: memory is allocated
            self._first = self._clock() - self._since
            self._since += self._first
            return None
        self._measured += 1
        enough = min(MEASURED_SHARE * self.seconds, MAX_MEASURED_SECONDS)
        # A validation would follow the last step.
        last = config.steps - 1 if self._step else min(config.warmup_steps, config.steps - 1)
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
        per_step = (now - self._since) / self._measured if self._measured else self._first
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
        return (
            f"{measured}; to repeat this run: "
            f"--steps {config.steps} --val-every {config.val_every} --warmup "
            f"{config.warmup_steps} --hidden-size {model.hidden_size} --num-layers "
            f"{model.num_layers} --dropout {model.dropout:g} --workers {config.workers}"
        ) + (" --mpi" if config.ranks > 1 else "")
