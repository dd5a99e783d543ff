"""Record what a network does while it reads a text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from charrnn.arrays import Array
from charrnn.inspection.reading import Parts, Piece, Signal, check_finite, read_through
from charrnn.network.model import CharRNN, cross_entropy
from charrnn.text.storage import room


@dataclass(frozen=True)
class Recording:
    """What was taken down over a text of N characters.

    Attributes:
        values: by signal, of each unit after each character, (N, H); in a temporary file where
            it is large.
        losses: −ln p of each character but the first, given those before it, (N − 1,), in nats.
        guesses: the likeliest next characters after each one, indices (N, K), the likeliest
            first.
        probabilities: of the guesses, (N, K).
        logits: of every next character after each one, (N, V), in a temporary file where they
            are large; None unless they were asked for.
    """

    values: dict[Signal, Array]
    losses: Array
    guesses: Array
    probabilities: Array
    logits: Array | None = None


def record(
    model: CharRNN,
    text: str | Array,
    signals: Sequence[Signal] = (),
    *,
    guesses: int = 0,
    logits: bool = False,
    parts: Parts | None = None,
) -> Recording:
    """Read a text and record what happens.

    Args:
        model: the model.
        text: of N characters, at least one; or its indices, (N,).
        signals: what to record, as `charrnn.inspection.reading.signals_of` gives them.
        guesses: K, how many successors to keep.
        logits: whether to keep what the network says of every character.
        parts: as for `charrnn.inspection.reading.read_through`.

    Raises:
        UnknownCharacterError: for characters that the model does not know.
        TextError: where the temporary directory cannot hold the values.
        DivergedError: for hidden states or losses that are not finite.
    """
    indices = model.vocabulary.encode(text) if isinstance(text, str) else text
    N, V = len(indices), len(model.vocabulary)
    K = min(guesses, V)
    dtype = model.parameters.flat.dtype
    values = {signal: room((N, model.hidden_size), dtype) for signal in signals}
    every = room((N, V), dtype) if logits else None
    losses = np.empty(N, np.float64)
    likeliest = np.empty((N, K), np.intp)
    probabilities = np.empty((N, K), np.float64)

    def take(piece: Piece) -> None:
        for signal, of_units in piece.values.items():
            piece.put(of_units, values[signal])
        # The target of the last character of all is unknown; any will do, and it is cut off.
        targets = indices.take(piece.places + 1, mode="clip").astype(np.intp)
        said = piece.model.logits(piece.hidden)  # (V, T, B)
        if every is not None:
            piece.put(said.swapaxes(0, 1), every)
        at_targets = np.take_along_axis(said, targets[None], axis=0)[0]
        order = best = np.empty((*targets.shape, 0))
        if K:
            rows = np.moveaxis(said, 0, -1)  # (T, B, V)
            order = np.argsort(-rows, axis=-1, kind="stable")[..., :K]
            best = np.take_along_axis(rows, order, axis=-1).astype(np.float64)
        scored = cross_entropy(said, targets)
        piece.put(scored, losses)
        piece.put(np.moveaxis(order, 1, -1), likeliest)
        # ln p is the logit less the logarithm of the sum, which the loss has already.
        # Of large logits that difference is rounded, and may be above 0.
        p = np.exp(np.minimum(best - at_targets[..., None] - scored[..., None], 0))
        piece.put(np.moveaxis(p, 1, -1), probabilities)

    read_through(model, indices, signals, take, parts=parts)
    check_finite(losses[:-1])
    return Recording(values, losses[:-1], likeliest, probabilities, every)
