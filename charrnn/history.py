"""The losses at each validation of a training, as a checkpoint keeps them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import ceil, isnan, nan

import numpy as np

from charrnn.parameters import Array

#: The columns of a table: at a validation, the step and the losses in nats a character.
COLUMNS = ("step", "loss", "val_loss")
#: A longer history is thinned: it would take much memory, and no chart could show it.
MAX_POINTS = 5_000

Point = dict[str, float | None]


def thin(table: Array) -> Array:
    """Every n-th row up to the last one, with the lowest n that leaves at most `MAX_POINTS`.

    Args:
        table: as `table_of` gives it, (N, 3).
    """
    n = max(1, ceil(len(table) / MAX_POINTS))
    return table[(len(table) - 1) % n :: n]


def append(history: list[Point], point: Point) -> None:
    """Add a point; where there are too many then, drop one where the points are densest."""
    history.append(point)
    if len(history) > MAX_POINTS:
        steps = np.array([point["step"] for point in history])
        del history[1 + int(np.argmin(steps[2:] - steps[:-2]))]


def table_of(history: Iterable[Mapping[str, float | None]]) -> Array:
    """The points of a history as rows, (n, 3), NaN for None."""
    rows = [
        [nan if (value := point[name]) is None else value for name in COLUMNS] for point in history
    ]
    return np.array(rows, np.float64).reshape(-1, len(COLUMNS))


def points_of(table: Array) -> list[Point]:
    """The points of a history by name, None for NaN, from a table (n, 3)."""
    return [
        {
            "step": int(step),
            "loss": None if isnan(loss) else loss,
            "val_loss": None if isnan(val_loss) else val_loss,
        }
        for step, loss, val_loss in table.tolist()
    ]
