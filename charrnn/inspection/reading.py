"""A text on its way through a network, a piece at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from charrnn.errors import SettingError, Unbounded
from charrnn.model import CharRNN
from charrnn.parameters import Array

#: Steps of a piece.
STEPS = 128
#: A long text is divided among so many readers side by side, each with so many characters at
#: least: a product of many columns takes little longer than one of few.
READERS, LEAST_PART = 64, 4_096
#: Characters that a reader reads before its own part, so that its state is a carried one.
CONTEXT = 512


class Signal(NamedTuple):
    """What is looked at in the units of a layer."""

    layer: int  # from 1
    name: str  # one of the cell's `signals`


def signals_of(
    model: CharRNN, layer: int | None = None, names: Sequence[str] | None = None
) -> list[Signal]:
    """The signals of a layer or of all.

    Args:
        model: the model.
        layer: counted from 1; None for all layers.
        names: of the cell's `signals`; None for what is carried from step to step, h and c.

    Raises:
        SettingError: for a layer or a signal that the model does not have.
    """
    if layer is not None and not 1 <= layer <= model.num_layers:
        raise SettingError(f"layer {layer}: the model has layers 1 to {model.num_layers}")
    cell = model.layers[0].cell
    for name in names or ():
        if name not in cell.signals:
            raise SettingError(f"signal {name}: the {model.cell} has {', '.join(cell.signals)}")
    layers = range(1, model.num_layers + 1) if layer is None else (layer,)
    return [Signal(number, name) for number in layers for name in names or cell.state_names]


class Piece(NamedTuple):
    """Some steps of B readers of a text of N characters. It holds until the next piece."""

    #: Which character of the text each step has read, (T, B); N or more is past the end.
    places: Array
    #: Of each signal asked for, the values after reading it, (T, H, B).
    values: dict[Signal, Array]
    #: What the last layer says, (H, T, B), for `CharRNN.logits`.
    hidden: Array

    def put(self, values: Array, out: Array) -> None:
        """Put what belongs to the steps, (T, …, B), where the characters are: (N, …)."""
        within = self.places < len(out)
        out[self.places[within]] = np.moveaxis(values, -1, 1)[within]


def readers_for(characters: int) -> int:
    """How many readers to divide a text of so many characters among."""
    return max(1, min(READERS, characters // LEAST_PART))


def read_through(
    model: CharRNN,
    indices: Array,
    signals: Sequence[Signal] = (),
    *,
    readers: int | None = None,
    only: slice = slice(None),
) -> Iterator[Piece]:
    """Read a text from beginning to end, with the state carried.

    Args:
        model: the model.
        indices: the text, (N,), at least one character.
        signals: what to take down, as `signals_of` gives them.
        readers: B. Each but the first reads the `CONTEXT` characters before its part first,
            which makes it nearly, and not exactly, one reader of the whole. As `readers_for`
            has it unless given.
        only: those of the readers that are wanted; all unless given.

    Raises:
        TrainingError: where the state does not stay finite, as a rectified network's may not.
    """
    N = len(indices)
    B = readers or readers_for(N)
    part = -(-N // B)  # characters a reader
    starts = (np.arange(B) * part)[only]
    state = model.state(len(starts))
    context = -(-min(CONTEXT, part) // STEPS) * STEPS if B > 1 else 0
    for offset in range(-context, part, STEPS):
        if offset == 0:
            state[..., starts == 0] = 0  # nothing stands before the part of the first reader
        steps = np.arange(offset, min(offset + STEPS, part))
        places = starts + steps[:, None]
        inputs = indices.take(places, mode="clip").astype(np.intp)
        with np.errstate(over="ignore", invalid="ignore"):
            hidden = model.hidden(inputs, state)
        check_finite(state)
        if offset < 0:
            continue
        tapes = model.room(*inputs.shape).tapes
        values = {
            signal: model.layers[0].cell.signal(tapes[signal.layer - 1], signal.name)
            for signal in signals
        }
        yield Piece(places, values, hidden)


def check_finite(*arrays: Array) -> None:
    """Find out whether what a network has come to can be calculated with.

    Raises:
        Unbounded: where it is not finite.
    """
    if not all(np.isfinite(array).all() for array in arrays):
        raise Unbounded("reads")
