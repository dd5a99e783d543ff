"""Places in a text, and the states with which a network arrives there."""

from __future__ import annotations

import numpy as np

from charrnn.arrays import Array
from charrnn.errors import SettingError
from charrnn.inspection.reading import STEPS, check_finite, columns, read_through
from charrnn.network.model import CharRNN


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


def states_before(model: CharRNN, indices: Array, places: Array) -> Array:
    """The states with which a stream that reads all of a text arrives at places, (L, S, H, B).

    Args:
        model: the model.
        indices: the text, (N,).
        places: (B,), from 0 to N.

    Raises:
        DivergedError: where the state does not stay finite, as a rectified network's may not.
    """
    last = int(places.max())
    if not last:
        return model.state(len(places))
    pieces = np.minimum(places, last - 1) // STEPS  # at the end there is no state to begin with
    steps = places - pieces * STEPS
    reader = model.reader(len(places))
    reader.state[...] = columns(read_through(model, indices[:last])[pieces])
    states = reader.state.copy()
    for step in range(int(steps.max())):
        read = indices.take(pieces * STEPS + step, mode="clip").astype(np.intp)
        reader.read(read)
        arrived = steps == step + 1
        states[..., arrived] = reader.state[..., arrived]
    check_finite(states)
    return states


def in_double(model: CharRNN) -> CharRNN:
    """The same model with weights in float64, and with tapes and a gradient of its own."""
    double = CharRNN(model.vocabulary, **model.configuration, dtype=np.float64)
    double.parameters.flat[...] = model.parameters.flat
    return double
