"""The loss of a character model: cross-entropy."""

from __future__ import annotations

import numpy as np

from charrnn.arrays import Array

#: Characters from which a vocabulary is large: a window then has few of them, and its logits do not
#: fit in the cache.
LARGE_VOCABULARY = 256
#: Logits of a large vocabulary that are worked on at a time: they stay in the cache.
BLOCK = 1 << 17


def logits_like(V: int, T: int, B: int, dtype: np.dtype[np.generic]) -> Array:
    """Memory for logits (V, T, B); with a large V each column is contiguous."""
    if V < LARGE_VOCABULARY:
        return np.empty((V, T, B), dtype)
    return np.empty((T, B, V), dtype).transpose(2, 0, 1)


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
    rows, flat = logits.reshape(V, n), targets.reshape(n)
    d_rows = None if gradient is None else gradient.reshape(V, n)
    width = n if V < LARGE_VOCABULARY else max(1, BLOCK // V)
    losses = np.empty(n, logits.dtype)
    for start in range(0, n, width):
        part = slice(start, start + width)
        d_part = None if d_rows is None else d_rows[:, part]
        losses[part] = of_columns(rows[:, part], flat[part], d_part, count)
    return losses.reshape(targets.shape)


def of_columns(rows: Array, targets: Array, d_rows: Array | None, count: int) -> Array:
    """The same of n columns of logits (V, n): the losses (n,); `d_rows` (V, n) is overwritten."""
    at_targets = targets, np.arange(len(targets))
    rows -= rows.max(axis=0)  # so that exp cannot overflow, and one of the terms is 1
    chosen = rows[at_targets]
    np.exp(rows, out=rows)
    total = rows.sum(axis=0)
    if d_rows is not None:
        np.multiply(rows, 1 / (count * total), out=d_rows)
        d_rows[at_targets] -= 1 / count
    losses: Array = np.log(total) - chosen
    return losses
