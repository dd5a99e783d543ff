"""What a training run is asked to do."""

from __future__ import annotations

from dataclasses import dataclass
from math import nextafter

import numpy as np

from charrnn.errors import SettingError
from charrnn.training.optimizers import OPTIMIZERS
from charrnn.training.planning import RATE
from charrnn.training.schedules import SCHEDULES

#: Whole numbers go no further: beyond, some arithmetic cannot take them.
HIGHEST = 2**53
#: The largest number of the weights' type, and the largest below 1.
LARGEST, BELOW_ONE = float(np.finfo(np.float32).max), nextafter(1.0, 0.0)
#: The lowest and the highest value of each number in `Settings`.
RANGES: dict[str, tuple[float, float]] = {
    "steps": (1, HIGHEST),
    "batch_size": (1, HIGHEST),
    "seq_length": (1, HIGHEST),
    "learning_rate": (0, LARGEST),
    "warmup_steps": (0, HIGHEST),
    "momentum": (0, BELOW_ONE),
    "weight_decay": (0, LARGEST),
    "grad_clip": (0, LARGEST),
    "grad_clip_value": (0, LARGEST),
    "val_every": (1, HIGHEST),
    "patience": (0, HIGHEST),
    "seed": (0, HIGHEST),
    "workers": (1, HIGHEST),
    "ranks": (1, HIGHEST),
}
#: The values of each name in `Settings`.
CHOICES = {"optimizer": tuple(OPTIMIZERS), "schedule": tuple(SCHEDULES)}


def limits(lowest: float, highest: float) -> str:
    """A range in words."""
    if highest == BELOW_ONE:
        return f"{lowest} to below 1"
    return f"{lowest} to {highest:,}" if isinstance(highest, int) else f"{lowest} to {highest:g}"


@dataclass(frozen=True)
class Settings:
    """How to train. With the same settings, text and machine every bit comes out the same.

    Args:
        steps: of the whole run, a window each.
        batch_size: B, streams side by side.
        seq_length: T, steps of a window.
        optimizer: a name in `charrnn.training.optimizers.OPTIMIZERS`.
        learning_rate: the highest of the schedule.
        schedule: a name in `charrnn.training.schedules.SCHEDULES`.
        warmup_steps: over which the learning rate rises.
        momentum: of `sgd`.
        weight_decay: decoupled, of matrices, times the learning rate a step.
        grad_clip: limit of the gradient's norm; 0 for none.
        grad_clip_value: limit of each component of the gradient; 0 for none.
        val_every: steps from validation to validation.
        patience: validations without a new best after which to stop; 0 to go on.
        seed: of the starting weights and of dropout.
        workers: processes among which the streams are divided; of each rank.
        ranks: those of MPI, on any number of machines.

    Raises:
        SettingError: for a value outer of its range.
    """

    steps: int
    batch_size: int
    seq_length: int
    optimizer: str = "adam"
    learning_rate: float = RATE
    schedule: str = "cosine"
    warmup_steps: int = 100
    momentum: float = 0.9
    weight_decay: float = 0.0
    grad_clip: float = 1.0
    grad_clip_value: float = 0.0
    val_every: int = 500
    patience: int = 0
    seed: int = 0
    workers: int = 1
    ranks: int = 1

    def __post_init__(self) -> None:
        for name, (lowest, highest) in RANGES.items():
            if not lowest <= (value := getattr(self, name)) <= highest:
                raise SettingError(f"{name} is from {limits(lowest, highest)}, not {value}")
        for name, choices in CHOICES.items():
            if getattr(self, name) not in choices:
                raise SettingError(f"no {name} named {getattr(self, name)!r}: {', '.join(choices)}")
        if self.workers > self.batch_size:
            raise SettingError(
                f"workers is from 1 to batch_size, {self.batch_size}, not {self.workers}: each "
                "reads at least one stream"
            )
        if self.ranks * self.workers > self.batch_size:
            of_workers = f" of {self.workers} workers" if self.workers > 1 else ""
            raise SettingError(
                f"a batch of {self.batch_size} is too small for {self.ranks} ranks{of_workers}: "
                "each reads at least one stream"
            )
