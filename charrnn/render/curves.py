"""How the loss went during training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from charrnn.render.figures import Figure, Series

Point = Mapping[str, float | None]


def learning_curves(
    history: Sequence[Point], beside: Mapping[str, float] = MappingProxyType({})
) -> Figure:
    """The losses of a run over its steps.

    Args:
        history: a point a validation, as a checkpoint has them: `step`, `loss` (the mean since
            the point before) and `val_loss`, in nats a character; None for what there is not.
        beside: other losses to draw a line for, by name: of an n-gram model, for instance.
    """
    points = [point for point in history if point["step"]]  # before the first nothing is learned
    steps = [float(point["step"] or 0) for point in points]

    def losses(key: str) -> list[float]:
        return [float("nan") if (loss := point[key]) is None else loss for point in points]

    return Figure(
        "Loss during training",
        "steps",
        "nats a character",
        (
            Series("training", steps, losses("loss")),
            Series("held out", steps, losses("val_loss"), "points"),
            *(Series(name, steps, [loss] * len(steps)) for name, loss in beside.items()),
        ),
    )
