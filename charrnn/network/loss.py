"""The loss of a character model: cross-entropy."""

from __future__ import annotations

import numpy as np

from charrnn.arrays import Array


def cross_entropy(
    logits: Array, targets: Array, gradient: Array | None = None, count: int = 1
) -> Array:
    """−ln softmax(logits) at the targets, (T, B), in nats.

    The gradient of the sum of the losses divided by `count`, with respect to the logits, is

        (softmax(logits) − one-hot(targets)) / count

    Args:
        logits: (V, T, B); overwritten.
        targets: character indices (T, B).
        gradient: if given, overwritten by the gradient, (V, T, B); it may be `logits` itself.
        count: divisor of the sum of the losses in the gradient.
    """
    V, n = len(logits), targets.size
    rows = logits.reshape(V, n)
    at_targets = targets.reshape(n), np.arange(n)
    rows -= rows.max(axis=0)  # so that exp cannot overflow, and one of the terms is 1
    chosen = rows[at_targets]
    np.exp(rows, out=rows)
    total = rows.sum(axis=0)
    if gradient is not None:
        d_rows = gradient.reshape(V, n)
        np.multiply(rows, 1 / (count * total), out=d_rows)
        d_rows[at_targets] -= 1 / count
    losses: Array = (np.log(total) - chosen).reshape(targets.shape)
    return losses
