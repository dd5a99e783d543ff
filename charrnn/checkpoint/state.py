"""The numbers of a training: its step, its best loss, and its history."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from math import isnan, nan

import numpy as np

from charrnn.arrays import Array
from charrnn.config import MAX_FLOAT32, MAX_INTEGER, TrainingConfig, number

#: The columns of a history in a file: the step, and losses in nats a character.
COLUMNS = ("step", "loss", "val_loss")
#: Points of a history: enough for any chart, and few enough for any memory.
MAX_POINTS = 5_000

Point = dict[str, float | None]


@dataclass
class RunState:
    """The state of a training as numbers. The arrays of a checkpoint complete it.

    Attributes:
        step: steps taken.
        best_loss: the lowest validation loss, in nats a character; None before the first.
        best_step: the step of that loss; before the first validation, of the best weights.
        stale: validations since then.
        loss_sum, loss_count: sum and number of the training losses since the last point of the
            history.
        diverged: the step at which the training diverged; 0 for none.
        restart: the step after which the optimizer began anew; 0 for the start of the run.
        history: points with step, loss (mean since the point before) and val_loss, which is None
            without a validation; losses in nats a character.
    """

    step: int = number(0, 0)
    best_loss: float | None = number(None, 0, MAX_FLOAT32)
    best_step: int = number(0, 0)
    stale: int = number(0, 0)
    loss_sum: float = number(0.0, 0, MAX_FLOAT32 * MAX_INTEGER)
    loss_count: int = number(0, 0)
    diverged: int = number(0, 0)
    restart: int = number(0, 0)
    history: list[Point] = field(default_factory=list)

    def add_point(self, val_loss: float | None = None, most: int = MAX_POINTS) -> float | None:
        """Append a point for the last step, and begin a new mean of the training losses.

        If there are more than `most` points, remove one where they are densest.

        Args:
            val_loss: in nats a character; None without a validation.
            most: points of a history.

        Returns:
            The mean training loss since the point before, in nats a character; None if there is
            none.
        """
        mean = self.loss_sum / self.loss_count if self.loss_count else None
        self.loss_sum, self.loss_count = 0.0, 0
        self.history.append({"step": self.step, "loss": mean, "val_loss": val_loss})
        if len(self.history) > most:
            steps = np.array([point["step"] for point in self.history])
            del self.history[1 + int(np.argmin(steps[2:] - steps[:-2]))]
        return mean

    def train_loss(self, config: TrainingConfig) -> float | None:
        """The mean training loss of the steps between the last two validations.

        Steps count as validations where a held-out text would have been scored.

        Args:
            config: of the training.

        Returns:
            The loss, in nats a character; None before the first validation.
        """
        every = config.val_every
        ends = [
            step
            for point in self.history
            if (step := int(point["step"] or 0)) % every == 0
            or step == config.steps
            or point["val_loss"] is not None
        ]
        if not ends:
            return None
        end = ends[-1]
        start = max([step for step in ends[:-1] if step < end], default=0)
        total, count, before = 0.0, 0, start
        for point in self.history:
            step, loss = int(point["step"] or 0), point["loss"]
            if loss is not None and start < step <= end:
                total, count = total + loss * (step - before), count + step - before
                before = step
        return total / count if count else None

    def rewound(self) -> RunState:
        """The state at the best step of a training that diverged after that step."""
        best = self.best_step
        return replace(
            self,
            step=best,
            stale=0,
            loss_sum=0.0,
            loss_count=0,
            diverged=0,
            restart=best,
            history=[point for point in self.history if (point["step"] or 0) <= best],
        )


def table_of(history: Iterable[Mapping[str, float | None]]) -> Array:
    """Return a history as a table (N, 3), with NaN for None."""
    rows = [
        [nan if (value := point[name]) is None else value for name in COLUMNS] for point in history
    ]
    return np.array(rows, np.float64).reshape(-1, len(COLUMNS))


def history_of(table: Array) -> list[Point]:
    """Return the history in a table (N, 3), with None for NaN."""
    return [
        {
            "step": int(step),
            "loss": None if isnan(loss) else loss,
            "val_loss": None if isnan(val_loss) else val_loss,
        }
        for step, loss, val_loss in table.tolist()
    ]
