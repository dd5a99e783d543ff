"""The learning rate over the steps of a run, as a share of the highest one."""

from __future__ import annotations

from collections.abc import Callable
from math import cos, pi


def constant(progress: float) -> float:
    """Constant."""
    return 1.0


def linear(progress: float) -> float:
    """Down to 0 in a straight line."""
    return 1 - progress


def cosine(progress: float) -> float:
    """Down to 2 % along half a cosine (Loshchilov, Hutter 2017)."""
    return 0.02 + 0.98 * (1 + cos(pi * progress)) / 2


def step(progress: float) -> float:
    """Halved after each tenth of the run, from the fifth tenth on."""
    return float(0.5 ** max(0, int(progress * 10) - 4))


#: Each maps the progress of a run, 0 to 1, to a share of the learning rate.
SCHEDULES: dict[str, Callable[[float], float]] = {
    "constant": constant,
    "cosine": cosine,
    "linear": linear,
    "step": step,
}


def learning_rate(
    schedule: str, highest: float, step: int, total_steps: int, warmup_steps: int
) -> float:
    """The learning rate of a step.

    Args:
        schedule: a name in `SCHEDULES`, followed after the warm-up.
        highest: the learning rate at the end of the warm-up.
        step: the number of the step, from 0.
        total_steps: the steps of the run.
        warmup_steps: the steps in which the rate rises from near 0 in a straight line, independent
            of `total_steps`.
    """
    if step < warmup_steps:
        return highest * (step + 1) / warmup_steps
    progress = (step - warmup_steps) / max(1, total_steps - warmup_steps)
    return highest * SCHEDULES[schedule](min(progress, 1.0))
