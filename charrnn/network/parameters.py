"""All weights of a model in one flat vector, with a named and shaped view of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import accumulate, pairwise
from math import prod

import numpy as np
from numpy.typing import DTypeLike

from charrnn.arrays import Array, Shape


class Parameters(Mapping[str, Array]):
    """Named views into one flat vector: writing to either writes to both.

    Clipping, optimizers, checkpoints, gradient checks and sums over processes work on `flat` and
    do not depend on layers; the equations use the views.

    Args:
        shapes: the shape of each parameter by name; the order is the order in `flat`.
        dtype: float32 for training, float64 for gradient checks.
        flat: the vector to view; zeros of the type `dtype` unless given.

    Attributes:
        spans: the start and stop of each parameter in `flat`, by name.
    """

    def __init__(
        self,
        shapes: Mapping[str, Shape],
        dtype: DTypeLike = np.float32,
        flat: Array | None = None,
    ) -> None:
        self.shapes = dict(shapes)
        stops = list(accumulate(map(prod, self.shapes.values()), initial=0))
        self.spans = dict(zip(self.shapes, pairwise(stops)))
        self.flat: Array = np.zeros(stops[-1], dtype) if flat is None else flat
        self._views: dict[str, Array] = {
            name: self.flat[start:stop].reshape(self.shapes[name])
            for name, (start, stop) in self.spans.items()
        }

    def __getitem__(self, name: str) -> Array:
        return self._views[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._views)

    def __len__(self) -> int:
        return len(self._views)

    def part(self, prefix: str) -> dict[str, Array]:
        """The views whose names start with `prefix`, by the rest of their names."""
        return {
            name[len(prefix) :]: view
            for name, view in self._views.items()
            if name.startswith(prefix)
        }

    def zeros_like(self) -> Parameters:
        """Zeros of the same names, shapes and dtype, for a gradient."""
        return Parameters(self.shapes, self.flat.dtype)
