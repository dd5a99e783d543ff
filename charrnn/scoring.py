"""Score texts: the bits that a model needs for each character.

A text begins as a sample does: the model has read a newline, if it knows one, from an empty state.
So the first character is scored, too, and the bits of a text are −log₂ of the probability that the
model writes the text.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import log

import numpy as np

from charrnn.arrays import Array
from charrnn.errors import DivergedError
from charrnn.network.loss import cross_entropy
from charrnn.network.model import CharRNN

#: Streams and steps of a window: wide products, in buffers of some megabytes.
STREAMS, STEPS = 64, 64


def beginning(model: CharRNN) -> tuple[Array, Array]:
    """The state (L, S, H, 1) in which a text begins, and the logits (V,) of its first character.

    The logits are zeros for a model that does not know newlines: all characters are equally likely.
    """
    state = model.state(1)
    if model.vocabulary.unknown("\n"):
        return state, np.zeros(len(model.vocabulary), state.dtype)
    newline = model.vocabulary.encode("\n").astype(np.intp)
    return state, model.forward(newline[:, None], state)[:, 0, 0].copy()


@np.errstate(over="ignore", invalid="ignore")  # non-finite losses are found below
def score(model: CharRNN, items: Sequence[Array]) -> list[Array]:
    """The bits of each character of texts that are independent of each other.

    Texts of similar length are read side by side.

    Args:
        model: the model.
        items: indices (n,) each.

    Returns:
        For each text its bits, −log₂ p of each character, (n,), float64.

    Raises:
        DivergedError: where the loss is not finite.
    """
    state, logits = beginning(model)
    first = cross_entropy(
        np.repeat(logits[:, None, None], len(logits), axis=2), np.arange(len(logits))[None]
    )[0]  # −ln p of each first character, (V,)
    scores = [np.empty(len(item)) for item in items]
    order = sorted(range(len(items)), key=lambda number: -len(items[number]))
    for start in range(0, len(order), STREAMS):
        numbers = [number for number in order[start : start + STREAMS] if len(items[number])]
        for number in numbers:
            scores[number][0] = first[items[number][0]]
        _score_together(
            model, [items[number] for number in numbers], state, [scores[n] for n in numbers]
        )
    if not all(np.isfinite(each).all() for each in scores):
        raise DivergedError.of_states("reads")
    for each in scores:
        each /= log(2)
    return scores


def _score_together(
    model: CharRNN, items: list[Array], beginning: Array, scores: list[Array]
) -> None:
    """Read texts side by side, the longest one first, and store −ln p of all but the first
    character of each.

    Args:
        model: the model.
        items: indices (n,) each.
        beginning: the state before the first character, (L, S, H, 1).
        scores: (n,) each.
    """
    state, B = np.repeat(beginning, len(items), axis=-1), len(items)
    for start in range(0, len(items[0]) - 1 if items else 0, STEPS):
        while len(items[B - 1]) <= start + 1:  # the shortest texts have ended
            B -= 1
        T = min(STEPS, len(items[0]) - 1 - start)
        window = np.zeros((T + 1, B), np.intp)
        for column, item in enumerate(items[:B]):
            part = item[start : start + T + 1]
            window[: len(part), column] = part
        state = np.ascontiguousarray(state[..., :B])
        losses = cross_entropy(model.forward(window[:-1], state), window[1:])
        for column, (item, of_item) in enumerate(zip(items[:B], scores)):
            size = min(T, len(item) - 1 - start)
            of_item[start + 1 : start + 1 + size] = losses[:size, column]
