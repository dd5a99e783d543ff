"""Where a cell goes farthest."""

from __future__ import annotations

import numpy as np

from charrnn.arrays import Array


def highest(values: Array, count: int = 5, apart: int = 40) -> list[int]:
    """The places of the highest values, the highest first; of the lowest for `-values`.

    Args:
        values: of a cell after each character, (N,).
        count: how many.
        apart: characters between any two of them: the neighbours of a high value are high.
    """
    places: list[int] = []
    for place in np.argsort(-values, kind="stable").tolist():
        if all(abs(place - other) >= apart for other in places):
            places.append(place)
            if len(places) == count:
                break
    return places
