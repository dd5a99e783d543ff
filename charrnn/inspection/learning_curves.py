"""The losses of a training run as a figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from charrnn.inspection.answer import Figure, Kind, Series

Point = Mapping[str, float | None]


def learning_curves(
    history: Sequence[Point], beside: Mapping[str, float] = MappingProxyType({})
) -> Figure:
    """The losses of a run over its steps.

    Args:
        history: points as in a checkpoint: `step`, `loss` (the mean since the previous point) and
            `val_loss`, in nats a character; None where not measured. Validations are rarer than
            points.
        beside: further losses by name, such as that of an n-gram model; each is a flat line.
    """
    points = [point for point in history if point["step"]]  # step 0 has no training loss
    steps = [float(point["step"] or 0) for point in points]

    def losses(name: str, key: str, kind: Kind = "line") -> Series:
        known = [
            (step, loss) for step, point in zip(steps, points) if (loss := point[key]) is not None
        ]
        return Series(name, [step for step, _ in known], [loss for _, loss in known], kind)

    return Figure(
        "Loss during training",
        "steps",
        "nats a character",
        (
            losses("training", "loss"),
            losses("held out", "val_loss", "points"),
            *(Series(name, steps, [loss] * len(steps)) for name, loss in beside.items()),
        ),
        caption=(
            "Lower is better; a held-out loss that rises while the training loss falls means "
            "overfitting."
        ),
    )
