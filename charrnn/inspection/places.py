"""Places in a text, and the state of a network that has read what stands before them."""

from __future__ import annotations

import numpy as np

from charrnn.errors import SettingError
from charrnn.model import CharRNN
from charrnn.parameters import Array

#: Characters that are read before a place, so that the state there is a carried one.
CONTEXT = 256


def draw_places(first: int, last: int, count: int, rng: np.random.Generator) -> Array:
    """Random places of a text, all different and in order, (B,).

    Args:
        first, last: the range they are in, both included.
        count: how many; fewer where the range has fewer.
        rng: draws them.

    Raises:
        SettingError: for a count below 1.
    """
    if count < 1:
        raise SettingError(f"at least one place in the text is needed, not {count}")
    available = last - first + 1
    drawn = rng.choice(available, size=min(count, available), replace=False, shuffle=False)
    places: Array = first + np.sort(drawn)
    return places


def state_before(model: CharRNN, indices: Array, places: Array, context: int = CONTEXT) -> Array:
    """The state with which a reader comes to each place, (L, S, H, B).

    Args:
        model: the model.
        indices: the text, (N,).
        places: (B,), from 0.
        context: characters before a place that are read, from an empty state; all there are
            where they are fewer. A rectified network's state may come to be not finite.
    """
    reader = model.reader(len(places))
    with np.errstate(over="ignore", invalid="ignore"):
        for offset in range(-min(context, int(places.max())), 0):
            reading = places + offset
            reader.read(indices.take(reading, mode="clip").astype(np.intp))
            reader.state[..., reading < 0] = 0  # for these the text has not begun
    return reader.state


def in_double(model: CharRNN) -> CharRNN:
    """The same model with weights in float64, and with tapes and a gradient of its own."""
    double = CharRNN(model.vocabulary, **model.configuration, dtype=np.float64)
    double.parameters.flat[...] = model.parameters.flat
    return double
