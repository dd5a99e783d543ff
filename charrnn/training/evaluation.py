"""The loss of a model on a text."""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite, sqrt

import numpy as np

from charrnn.arrays import Array, Text
from charrnn.errors import DivergedError
from charrnn.network.loss import cross_entropy
from charrnn.network.model import CharRNN
from charrnn.parallel.group import Group
from charrnn.text.streams import Window
from charrnn.training.optimizers import clip_by_norm, squared_norm

#: Characters that a stream reads before those it scores, so that its state is a carried one.
CONTEXT = 256
ALONE = Group()


class Stopped(Exception):
    """An evaluation ended early, on request."""


def never() -> bool:
    """A request to stop that never comes."""
    return False


def evaluate(
    model: CharRNN,
    indices: Text,
    *,
    batch_size: int = 32,
    seq_length: int = 32,
    group: Group = ALONE,
    stop: Callable[[], object] = never,
) -> float:
    """The mean loss over a text with carried state, in nats a character.

    One stream would take B times as long as B streams side by side, so the text is cut into B
    parts. Every stream except the first starts `CONTEXT` characters early; these are not scored.
    The remaining difference to a single stream is far below the third decimal.

    Args:
        model: the model.
        indices: the text, (N,), at least 2 characters; the first is read and not scored.
        batch_size: B; fewer where the text is short.
        seq_length: T, steps at a time; it changes memory and speed, not the result.
        group: the members that divide the streams.
        stop: called before each window; a true value in any member ends the evaluation in all.

    Raises:
        Stopped: if `stop` returned a true value in a member, or it received a signal to end.
    """
    scored = len(indices) - 1
    B = max(1, min(batch_size, scored // CONTEXT))
    T = seq_length
    part = -(-scored // B)  # characters a stream scores; the last stream may have fewer
    context = -(-CONTEXT // T) * T if B > 1 else 0
    starts = (np.arange(B) * part)[group.part(B)]
    state = model.state(len(starts))
    total = 0.0
    for offset in range(-context, part, T):
        # All members stop before the same window: they may read the text together.
        if any(group.all_reduce([bool(stop() or group.signal)])):
            raise Stopped
        if offset == 0:
            state[..., starts == 0] = 0  # nothing stands before the part of the first stream
        positions = starts + offset + np.arange(T + 1)[:, None]  # (T + 1, B)
        read = indices.take(positions, mode="clip").astype(np.intp)
        if not len(starts):  # more members than streams; but all of them call take
            continue
        losses = model.losses(Window(read[:-1], read[1:]), state)
        within = (positions[:-1] - starts < part) & (positions[:-1] < scored)
        if offset >= 0:
            total += float(losses[within].sum(dtype=np.float64))
    (total,) = group.all_reduce([total])
    return total / scored


def finite(loss: float) -> float:
    """The loss, checked.

    Raises:
        DivergedError: where the loss is not finite.
    """
    if not isfinite(loss):
        raise DivergedError.of_states("reads")
    return loss


@np.errstate(over="ignore", invalid="ignore")  # `finite` finds a loss that is not finite
def evaluate_dynamically(
    model: CharRNN,
    indices: Array,
    *,
    learning_rate: float = 0.2,
    grad_clip: float = 1.0,
    seq_length: int = 32,
) -> float:
    """The mean loss over a text from which the model learns as it goes, in nats a character.

    Dynamic evaluation (Mikolov 2010; Krause 2018): one stream scores a window of T characters,
    then takes one step of gradient descent on this window, and reads on with the new weights and
    the carried state:

        w ← w − η·g·min(1, c/‖g‖)

    for all weights w together, where g is the gradient of the mean loss of the window, η the
    learning rate and c the limit of the norm. There is no dropout, momentum, weight decay, scaling
    by squared gradients, or decay to the trained weights, which Krause 2018 adds to the plain
    rule. Without the limit (c = 0) the rule is plain gradient descent: on text like the training
    text, gated layers score about the same without the limit; a rectified layer can score worse
    than without learning.

    A score of this kind is not comparable with one of `evaluate`.

    Args:
        model: the model; afterwards it is as before.
        indices: the text, (N,), at least 2 characters; the first is read and not scored.
        learning_rate: η; 0 for `evaluate` with a single stream.
        grad_clip: c; 0 for none.
        seq_length: T.

    Raises:
        DivergedError: where the loss is not finite.
    """
    flat, before = model.parameters.flat, model.parameters.flat.copy()
    state = model.state()
    total, scored = 0.0, len(indices) - 1
    try:
        for start in range(0, scored, seq_length):
            read = indices[start : start + seq_length + 1, None].astype(np.intp)
            inputs, targets = read[:-1], read[1:]
            d_logits = model.forward(inputs, state)
            losses = cross_entropy(d_logits, targets, gradient=d_logits, count=targets.size)
            total += float(losses.sum(dtype=np.float64))
            model.backward(inputs, d_logits, np.zeros_like(state))
            gradient = model.gradient.flat
            clip_by_norm(gradient, sqrt(squared_norm(gradient)), grad_clip)
            flat -= learning_rate * gradient
    finally:
        flat[...] = before
    return finite(total / scored)


def evaluate_from_empty(model: CharRNN, indices: Array, *, length: int = 256) -> float:
    """The mean loss in windows of `length`, each from an empty context, in nats a character.

    Transformers with a fixed context are scored in this way, nanoGPT's among them; a model
    that carries its state scores better with `evaluate`.

    Args:
        model: the model.
        indices: the text, (N,), more than `length` characters; the rest that fills no window
            is not scored.
        length: the length of a window, in characters.
    """
    count = (len(indices) - 1) // length
    total = 0.0
    for start in range(0, count, 32):
        B = min(32, count - start)
        positions = (start + np.arange(B)) * length + np.arange(length + 1)[:, None]
        read = indices[positions].astype(np.intp)
        losses = model.losses(Window(read[:-1], read[1:]), model.state(B))
        total += float(losses.sum(dtype=np.float64))
    return total / (count * length)
