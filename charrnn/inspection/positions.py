"""Positions in a text: random ones, those where a cell peaks, and the states before and at them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from charrnn.arrays import Array
from charrnn.errors import SettingError
from charrnn.inspection.reading import (
    STEPS,
    Progress,
    check_finite,
    columns,
    no_progress,
    read_through,
)
from charrnn.network.holding import Held
from charrnn.network.model import CharRNN
from charrnn.sampling import Reader, Start


def draw_positions(first: int, last: int, count: int, rng: np.random.Generator) -> Array:
    """Random positions of a text, all different and in order, (B,).

    Args:
        first, last: the range of the positions, both included.
        count: the number of positions; fewer where the range has fewer.
        rng: the source of randomness.

    Raises:
        SettingError: for a count below 1.
    """
    if count < 1:
        raise SettingError(f"at least one position in the text is needed, not {count}")
    available = last - first + 1
    drawn = rng.choice(available, size=min(count, available), replace=False, shuffle=False)
    positions: Array = first + np.sort(drawn)
    return positions


def peaks(values: Array, count: int = 5, apart: int = 40) -> list[int]:
    """The positions of the highest values, the highest first; pass `-values` for the lowest.

    Args:
        values: the values of a cell after each character, (N,).
        count: the number of positions.
        apart: the least distance between two positions: neighbours of a high value are high.
    """
    found: list[int] = []
    for position in np.argsort(-values, kind="stable").tolist():
        if all(abs(position - other) >= apart for other in found):
            found.append(position)
            if len(found) == count:
                break
    return found


def states_before(
    model: CharRNN,
    indices: Array,
    positions: Array,
    *,
    start: Array | None = None,
    progress: Progress = no_progress,
) -> Array:
    """The states before some positions of a stream that reads all of a text, (L, S, H, B).

    Args:
        model: the model.
        indices: the text, (N,).
        positions: (B,), from 0 to N.
        start, progress: as for `charrnn.inspection.reading.read_through`.

    Raises:
        DivergedError: where a state is not finite, as that of a rectified network may become.
    """
    last = int(positions.max())
    if not last:
        empty = model.state(len(positions))
        return empty if start is None else empty + start[..., None]
    pieces = np.minimum(positions, last - 1) // STEPS  # no piece begins at the end of the text
    steps = positions - pieces * STEPS
    reader = Reader(model, len(positions))
    reader.state[...] = columns(
        read_through(model, indices[:last], start=start, progress=progress)[pieces]
    )
    states = reader.state.copy()
    for step in range(int(steps.max())):
        reader.read(indices.take(pieces * STEPS + step, mode="clip").astype(np.intp))
        arrived = steps == step + 1
        states[..., arrived] = reader.state[..., arrived]
    check_finite(states)
    return states


def read_on(
    model: CharRNN,
    start: Start,
    indices: Array,
    progress: Progress = no_progress,
    hold: Sequence[Held] = (),
) -> Start:
    """The state after a text, such as the prime of samples.

    A long text is read in parts side by side, see `charrnn.inspection.reading.read_through`; with
    held cells, it is read one character after the other.

    Args:
        model: the model.
        start: the state before the text.
        indices: the text, (N,); `start` comes back if there is none.
        progress: receives the share of the text that has been read.
        hold: cells that are held while the text is read.

    Raises:
        DivergedError: where a state is not finite.
    """
    if not len(indices):
        return start
    reader, before = Reader(model), len(indices) - 1
    if hold:
        reader.state[...] = start.state[..., None]
        reader.hold(hold)
        for number in range(before):
            reader.read(indices[number : number + 1].astype(np.intp))
            if number % STEPS == 0:
                progress(number / before)
    else:
        positions = np.array([before])
        reader.state[...] = states_before(
            model, indices, positions, start=start.state, progress=progress
        )
    reader.read(indices[-1:].astype(np.intp))
    check_finite(reader.state, *([reader.logits] if hold else []), held=bool(hold))
    return Start(reader.state[..., 0], reader.logits[:, 0])


def in_double(model: CharRNN) -> CharRNN:
    """A copy of a model with weights, workspace and gradient of its own in float64."""
    double = CharRNN(model.vocabulary, **model.configuration, dtype=np.float64)
    double.parameters.flat[...] = model.parameters.flat
    return double
