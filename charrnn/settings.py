"""What a training run is asked to do."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

from charrnn.errors import SettingError
from charrnn.optimizers import OPTIMIZERS
from charrnn.planning import RATE
from charrnn.schedules import SCHEDULES

#: Whole numbers go no further: beyond, some arithmetic cannot take them.
HIGHEST = 2**53


@dataclass(frozen=True)
class Settings:
    """How to train. With the same settings, text and machine every bit comes out the same.

    Args:
        steps: of the whole run, a window each.
        batch_size: B, streams side by side.
        seq_length: T, steps of a window.
        optimizer: a name in `charrnn.optimizers.OPTIMIZERS`.
        learning_rate: the highest of the schedule.
        schedule: a name in `charrnn.schedules.SCHEDULES`.
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
        SettingError: for a value outside of its range.
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
        for name in ("steps", "batch_size", "seq_length", "val_every"):
            if getattr(self, name) < 1:
                raise SettingError(f"{name} is at least 1, not {getattr(self, name)}")
        for name in ("steps", "warmup_steps", "val_every", "patience", "seed"):
            if not 0 <= getattr(self, name) <= HIGHEST:
                raise SettingError(f"{name} is from 0 to {HIGHEST:,}")
        for name in ("learning_rate", "weight_decay", "grad_clip", "grad_clip_value"):
            if not 0 <= getattr(self, name) < inf:
                raise SettingError(f"{name} is at least 0, not {getattr(self, name)}")
        for name, table in (("optimizer", OPTIMIZERS), ("schedule", SCHEDULES)):
            if getattr(self, name) not in table:
                raise SettingError(f"no {name} named {getattr(self, name)!r}: {', '.join(table)}")
        if not 1 <= self.workers <= self.batch_size:
            raise SettingError(
                f"workers is from 1 to batch_size, {self.batch_size}, not {self.workers}: each "
                "reads at least one stream"
            )
        if not 1 <= self.ranks * self.workers <= self.batch_size:
            of_workers = f" of {self.workers} workers" if self.workers > 1 else ""
            raise SettingError(
                f"a batch of {self.batch_size} is too small for {self.ranks} ranks{of_workers}: "
                "each reads at least one stream"
            )
