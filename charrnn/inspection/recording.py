"""What a network does while it reads a text."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from charrnn.errors import SettingError
from charrnn.model import CharRNN, cross_entropy
from charrnn.parameters import Array

#: Characters read at a time.
CHUNK = 256


@dataclass(frozen=True)
class Recording:
    """One signal of one layer over a text of N characters.

    Attributes:
        values: of each unit after each character, (N, H); the LSTM's c as tanh(c).
        losses: −ln p of each character but the first, given those before it, (N − 1,), in nats.
        guesses: the likeliest next characters after each one, indices (N, K), the likeliest
            first.
        probabilities: of the guesses, (N, K).
    """

    values: Array
    losses: Array
    guesses: Array
    probabilities: Array


def record(
    model: CharRNN, indices: Array, *, layer: int = 1, signal: str = "h", guesses: int = 5
) -> Recording:
    """Read a text and take down one signal.

    Args:
        model: the model.
        indices: the text, (N,), at least one character.
        layer: counted from 1.
        signal: a name in the cell's `signals`.
        guesses: K, how many successors to keep.

    Raises:
        SettingError: for a layer or signal that the model does not have.
    """
    if not 1 <= layer <= model.num_layers:
        raise SettingError(f"layer {layer}: the model has layers 1 to {model.num_layers}")
    cell = model.layers[layer - 1].cell
    if signal not in cell.signals:
        raise SettingError(f"signal {signal}: the {model.cell} has {', '.join(cell.signals)}")
    N, K = len(indices), min(guesses, len(model.vocabulary))
    read = indices.astype(np.intp)
    values = np.empty((N, model.hidden_size), model.parameters.flat.dtype)
    losses = np.empty(N, np.float64)
    likeliest = np.empty((N, K), np.intp)
    probabilities = np.empty((N, K), np.float64)
    state = model.state()
    for start in range(0, N, CHUNK):
        here = slice(start, min(start + CHUNK, N))
        inputs = read[here, None]  # (T, 1)
        logits = model.forward(inputs, state)
        tape = model.room(len(inputs), 1).tapes[layer - 1]
        values[here] = cell.signal(tape, signal)[:, :, 0]
        # The target of the last character of all is unknown; any will do, and it is cut off.
        targets = read[start + 1 : here.stop + 1]
        targets = np.append(targets, read[: len(inputs) - len(targets)])
        rows = logits[:, :, 0].T  # (T, V)
        order = np.argsort(-rows, axis=1, kind="stable")[:, :K]
        best = np.take_along_axis(rows, order, axis=1).astype(np.float64)
        chosen = rows[np.arange(len(rows)), targets].astype(np.float64)
        losses[here] = cross_entropy(logits, targets[:, None])[:, 0]
        likeliest[here] = order
        # ln p is the logit less the logarithm of the sum, which the loss has already.
        probabilities[here] = np.exp(best - chosen[:, None] - losses[here, None])
    return Recording(values, losses[:-1], likeliest, probabilities)
