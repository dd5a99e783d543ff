"""Read a text with a network, piece by piece, with the state that a single stream carries."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from charrnn.arrays import Array
from charrnn.errors import DivergedError, SettingError
from charrnn.network.model import CharRNN
from charrnn.parallel.threads import cores
from charrnn.text.storage import room

#: Steps of a piece.
STEPS = 128
#: A long text is divided into parts that streams read side by side, at most this many parts and
#: at least this many characters each: a product of many columns takes little longer than one of
#: few.
PARTS, LEAST_PART = 64, 4_096
#: States agree where each number differs by no more than this, absolutely or relatively.
TOLERANCE = 1e-4
#: After this many rounds one part is read again at a time: the state of such a network depends
#: on all that it has read, so that any further part would be read from a wrong state again.
ROUNDS = 3

#: A callback that receives the share of the work that is done, from 0 to 1.
Progress = Callable[[float], None]


def nobody(_done: float) -> None:
    """Report no progress."""


class Signal(NamedTuple):
    """A quantity that every unit of a layer has."""

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
    """Some steps of B streams of a text of N characters. The arrays hold until the next piece."""

    #: The model that has read it, of which the caller may ask more about the same steps.
    model: CharRNN
    #: Which character of the text each step has read, (T, B); N or more is past the end.
    places: Array
    #: Of each signal asked for, the values after reading it, (T, H, B).
    values: dict[Signal, Array]
    #: The output h of the last layer, (H, T, B), for `CharRNN.logits`.
    hidden: Array

    def put(self, values: Array, out: Array) -> None:
        """Put what belongs to the steps, (T, …, B), where the characters are: (N, …)."""
        within = self.places < len(out)
        out[self.places[within]] = np.moveaxis(values, -1, 1)[within]


class Totals:
    """Sums of signals over a text of N characters, kept by piece: one may be read again.

    Args:
        signals: the signals to add up.
        characters: N.
        units: H.
        dtype: of the sums over a piece; counts of at most `STEPS` fit into a byte.
    """

    def __init__(
        self, signals: Sequence[Signal], characters: int, units: int, dtype: DTypeLike
    ) -> None:
        self.characters = characters
        pieces = -(-characters // STEPS)
        self.sums = {signal: room((pieces, units), dtype) for signal in signals}

    def put(self, piece: Piece, signal: Signal, values: Array) -> None:
        """Keep the sums of the values of a piece, (T, H, B), as far as the text reaches."""
        within = piece.places < self.characters
        there = within[0]
        sums = self.sums[signal]
        added = values.sum(axis=0, dtype=sums.dtype, where=within[:, None])  # (H, B)
        sums[piece.places[0, there] // STEPS] = added.T[there]

    def means(self) -> dict[Signal, Array]:
        """The mean over the text of each signal in each unit, (H,), float64."""
        return {
            signal: sums.sum(axis=0, dtype=np.float64) / self.characters
            for signal, sums in self.sums.items()
        }


class Parts(NamedTuple):
    """A text of N characters, divided for streams that read it side by side."""

    #: B, the number of parts, each read by a stream.
    streams: int
    #: Pieces of `STEPS` characters in each part; the last part may have fewer.
    pieces: int


def divide(characters: int, most: int | None = None) -> Parts:
    """Divide a text.

    Args:
        characters: N, at least 1.
        most: how many parts at most; unless given, as many as are of use.
    """
    wanted = most or max(1, min(PARTS, characters // LEAST_PART))
    pieces = -(-characters // STEPS)
    each = -(-pieces // wanted)
    return Parts(-(-pieces // each), each)


def read_through(
    model: CharRNN,
    indices: Array,
    signals: Sequence[Signal] = (),
    take: Callable[[Piece], None] = lambda piece: None,
    *,
    parts: Parts | None = None,
    progress: Progress = nobody,
) -> Array:
    """Read a text from beginning to end, with the state that a single stream carries.

    The parts of the text are read side by side, at first each from an empty state. A part that
    began with another state than the one in which the part before it ends is then read again
    from there, until its states agree with those that it had, and so on until each part begins
    as the part before it ends. Most networks forget, so that takes little time. A network that
    does not forget is in effect read by one stream. The result depends on the division by no
    more than `TOLERANCE`.

    Args:
        model: the model.
        indices: the text, (N,), at least one character.
        signals: the signals to give to `take`, as `signals_of` names them.
        take: receives each piece, in no particular order and from several threads. A piece that
            is read again is given again; the last time counts.
        parts: the division of the text; as `divide` makes it unless given.
        progress: receives the share of the text that has been read.

    Returns:
        The states before every `STEPS`-th character, (M, L, S, H), M at least N / STEPS; in a
        temporary file where they are large.

    Raises:
        DivergedError: where the state does not stay finite, as a rectified network's may not.
        TextError: where the temporary directory cannot hold the states.
    """
    B, R = parts = parts or divide(len(indices))
    states = room((B * R, *model.state().shape[:3]), model.parameters.flat.dtype)
    states[...] = np.nan  # no part has been read
    arriving = np.zeros((B + 1, *states.shape[1:]), states.dtype)  # where each part has to begin

    def read(streams: Array, progress: Progress) -> None:
        mine, state = model.shared(), columns(arriving[streams])
        for number in range(R):
            rows = streams * R + number
            if agree(states[rows], rows_of(state)).all():
                return
            states[rows] = rows_of(state)
            places = rows * STEPS + np.arange(STEPS)[:, None]
            if B == 1:
                places = places[: len(indices) - number * STEPS]
            take(piece_at(mine, indices, signals, places, state))
            progress((number + 1) / R)
        arriving[streams + 1] = rows_of(state)

    for round in range(B + ROUNDS):
        wrong = np.flatnonzero(~agree(states[::R], arriving[:-1]))
        if not len(wrong):
            break
        in_threads(read, wrong[: None if round < ROUNDS else 1], nobody if round else progress)
    return states


def piece_at(
    model: CharRNN, indices: Array, signals: Sequence[Signal], places: Array, state: Array
) -> Piece:
    """Read the characters at some places, (T, B); `state` (L, S, H, B) is overwritten by the last.

    Past the end of the text its last character is read again.
    """
    inputs = indices.take(places, mode="clip").astype(np.intp)
    with np.errstate(over="ignore", invalid="ignore"):
        hidden = model.hidden(inputs, state)
    check_finite(state[..., places[0] < len(indices)])
    tapes = model.room(*places.shape).tapes
    values = {
        signal: model.layers[0].cell.signal(tapes[signal.layer - 1], signal.name)
        for signal in signals
    }
    return Piece(model, places, values, hidden)


def columns(states: Array) -> Array:
    """States (B, L, S, H) as a model reads them, (L, S, H, B), a copy."""
    return np.ascontiguousarray(np.moveaxis(states, 0, -1))


def rows_of(state: Array) -> Array:
    """A state (L, S, H, B) as it is kept, (B, L, S, H)."""
    return np.moveaxis(state, -1, 0)


def agree(one: Array, other: Array) -> Array:
    """Compare states, (B, L, S, H) each: booleans (B,)."""
    close = np.abs(one - other) <= TOLERANCE * (1 + np.abs(other))
    agreeing: Array = close.all(axis=(1, 2, 3))
    return agreeing


def in_threads(
    work: Callable[[Array, Progress], None], streams: Array, progress: Progress = nobody
) -> None:
    """Divide streams among threads: products run outside of Python's lock.

    Args:
        work: reads some of the streams.
        streams: their numbers, (B,).
        progress: receives the share that the first thread has done.
    """
    shares = np.array_split(streams, min(cores(), len(streams)))
    with ThreadPoolExecutor(len(shares)) as pool:
        list(pool.map(work, shares, [progress, *(nobody,) * (len(shares) - 1)]))


def check_finite(*arrays: Array) -> None:
    """Find out whether what a network has come to can be calculated with.

    Raises:
        DivergedError: where it is not finite.
    """
    if not all(np.isfinite(array).all() for array in arrays):
        raise DivergedError("reads")
