"""The numbers of a training: its step, its best loss, and its history."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import isnan, nan

import numpy as np

from charrnn.arrays import Array
from charrnn.config import MAX_FLOAT32, MAX_INTEGER, number

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
        best_step: the step of that loss.
        stale: validations since then.
        loss_sum, loss_count: sum and number of the training losses since the last point of the
            history.
        history: a point for each validation: step, loss (mean since the point before), val_loss.
    """

    step: int = number(0, 0)
    best_loss: float | None = number(None, 0, MAX_FLOAT32)
    best_step: int = number(0, 0)
    stale: int = number(0, 0)
    loss_sum: float = number(0.0, 0, MAX_FLOAT32 * MAX_INTEGER)
    loss_count: int = number(0, 0)
    history: list[Point] = field(default_factory=list)

    def add_point(self, point: Point, most: int = MAX_POINTS) -> None:
        """Append a point; if there are more than `most`, remove one where they are densest."""
        self.history.append(point)
        if len(self.history) > most:
            steps = np.array([point["step"] for point in self.history])
            del self.history[1 + int(np.argmin(steps[2:] - steps[:-2]))]


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
