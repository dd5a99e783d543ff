"""What a checkpoint keeps of how the training went."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import isnan, nan
from typing import Any

import numpy as np

from charrnn.parameters import Array

#: What is known at each validation; the losses in nats a character.
COLUMNS = ("step", "loss", "val_loss")


class History(Sequence[Any]):
    """The points of a table, each made when it is asked for: all of them would take ten times
    the room.

    Args:
        table: a row a point, (n, 3), as `table_of` gives it.
    """

    def __init__(self, table: Array) -> None:
        self._table = table

    def __len__(self) -> int:
        return len(self._table)

    def __getitem__(self, place: Any) -> Any:
        """A point by name, None for what there is not; a list of them for a slice."""
        if isinstance(place, slice):
            return [self[number] for number in range(len(self))[place]]
        step, *losses = self._table[place].tolist()
        loss, val_loss = (None if isnan(value) else value for value in losses)
        return {"step": int(step), "loss": loss, "val_loss": val_loss}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)


def table_of(history: Iterable[Mapping[str, float | None]]) -> Array:
    """The points of a history as rows, (n, 3), NaN for None."""
    rows = [
        [nan if (value := point[name]) is None else value for name in COLUMNS] for point in history
    ]
    return np.array(rows, np.float64).reshape(-1, len(COLUMNS))
