"""Read a text with a network, piece by piece, with the states of a single stream."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from charrnn.arrays import Array
from charrnn.errors import DivergedError, SettingError
from charrnn.machine import cores
from charrnn.network.model import CharRNN
from charrnn.text.storage import allocate

#: Characters of a piece.
STEPS = 128
#: A long text is divided into parts that streams read side by side: at most this many parts, of
#: at least this many characters. A product of many columns takes little longer than one of few.
MAX_PARTS, MIN_PART_CHARACTERS = 64, 1_024
#: States agree where each number differs by no more than this, absolutely or relatively.
TOLERANCE = 1e-4
#: A network that never forgets would start every later part from a wrong state, so after this many
#: rounds parts are read one at a time.
PARALLEL_ROUNDS = 3

#: A callback that receives the share of the work that is done, from 0 to 1.
Progress = Callable[[float], None]


def no_progress(_done: float) -> None:
    """Report no progress."""


class Signal(NamedTuple):
    """A quantity that every cell of a layer has."""

    layer: int  # from 1
    name: str  # one of the `signals` of the layer type


def signals_of(
    model: CharRNN, layer: int | None = None, names: Sequence[str] | None = None
) -> list[Signal]:
    """The signals of one layer or of all layers.

    Args:
        model: the model.
        layer: the number of the layer, from 1; None for all layers.
        names: some of the `signals` of the layer type; None for the state, h and c.

    Raises:
        SettingError: for a layer or a signal that the model does not have.
    """
    if layer is not None and not 1 <= layer <= model.num_layers:
        known = "layer 1 alone" if model.num_layers == 1 else f"layers 1 to {model.num_layers}"
        raise SettingError(f"layer {layer}: the model has {known}")
    first = model.layers[0]
    for name in names or ():
        if name not in first.signals:
            known = ", ".join(first.signals)
            raise SettingError(f"signal {name}: the {model.layer_type} has {known}")
    layers = range(1, model.num_layers + 1) if layer is None else (layer,)
    return [Signal(number, name) for number in layers for name in names or first.state_names]


class Piece(NamedTuple):
    """T steps of B streams of a text of N characters. The arrays hold until the next piece."""

    #: The model that has read the piece, to ask more about the same steps.
    model: CharRNN
    #: The position of the character that each step has read, (T, B); N or more is past the end.
    positions: Array
    #: The values of each signal after each step, (T, H, B).
    values: dict[Signal, Array]
    #: The output h of the last layer, (H, T, B), for `CharRNN.logits`.
    hidden: Array

    def store(self, values: Array, out: Array) -> None:
        """Store the values of the steps, (T, …, B), at their positions in `out`, (N, …)."""
        within = self.positions < len(out)
        out[self.positions[within]] = np.moveaxis(values, -1, 1)[within]


class Totals:
    """Sums of signals over a text of N characters, kept per piece, because one may be read again.

    Args:
        signals: the signals to add up.
        characters: N.
        hidden_size: H.
        dtype: the type of the sum of a piece; counts of at most `STEPS` fit into a byte.
    """

    def __init__(
        self, signals: Sequence[Signal], characters: int, hidden_size: int, dtype: DTypeLike
    ) -> None:
        self.characters = characters
        pieces = -(-characters // STEPS)
        self.sums = {signal: allocate((pieces, hidden_size), dtype) for signal in signals}

    def store(self, piece: Piece, signal: Signal, values: Array) -> None:
        """Store the sums of the values of a piece, (T, H, B), within the text."""
        within = piece.positions < self.characters
        there = within[0]
        sums = self.sums[signal]
        added = values.sum(axis=0, dtype=sums.dtype, where=within[:, None])  # (H, B)
        sums[piece.positions[0, there] // STEPS] = added.T[there]

    def means(self) -> dict[Signal, Array]:
        """The mean over the text of each signal in each cell, (H,), float64."""
        return {
            signal: sums.sum(axis=0, dtype=np.float64) / self.characters
            for signal, sums in self.sums.items()
        }


class Parts(NamedTuple):
    """The division of a text among streams that read it side by side."""

    #: B, the number of parts, one for each stream.
    streams: int
    #: Pieces of `STEPS` characters in each part; the last part may have fewer.
    pieces: int


def divide(characters: int, max_parts: int | None = None) -> Parts:
    """Divide a text.

    Args:
        characters: N, at least 1.
        max_parts: the largest number of parts; None for as many as save time.
    """
    wanted = max_parts or max(1, min(MAX_PARTS, characters // MIN_PART_CHARACTERS))
    pieces = -(-characters // STEPS)
    each = -(-pieces // wanted)
    return Parts(-(-pieces // each), each)


def read_through(
    model: CharRNN,
    indices: Array,
    signals: Sequence[Signal] = (),
    use: Callable[[Piece], None] = lambda piece: None,
    *,
    parts: Parts | None = None,
    start: Array | None = None,
    progress: Progress = no_progress,
) -> Array:
    """Read a text from beginning to end, with the states of a single stream.

    The parts of the text are read side by side. Each part is first read from an empty state. If
    that differs from the final state of the part before, the part is read again from that state,
    until its states match those of the last reading. This repeats until all parts match. Most
    networks forget, so this takes little time; a network that does not forget is in effect read
    by one stream. The result depends on the division by no more than `TOLERANCE`.

    Args:
        model: the model.
        indices: the text, (N,), at least one character.
        signals: the signals to pass to `use`, as from `signals_of`.
        use: receives each piece, in no particular order and from several threads. A piece that
            is read again is passed again; the last time counts.
        parts: the division of the text; as `divide` makes it unless given.
        start: the state before the first character, (L, S, H); an empty one unless given.
        progress: receives the share of the text that has been read.

    Returns:
        The states before every `STEPS`-th character, (M, L, S, H), M at least N / STEPS; in a
        temporary file where they are large.

    Raises:
        DivergedError: where the state does not stay finite, as a rectified network's may not.
        TextError: where the temporary directory cannot hold the states.
    """
    B, R = parts = parts or divide(len(indices))
    states = allocate((B * R, *model.state().shape[:3]), model.parameters.flat.dtype)
    states[...] = np.nan  # no part has been read
    arriving = np.zeros((B + 1, *states.shape[1:]), states.dtype)  # where each part has to begin
    if start is not None:
        arriving[0] = start

    @np.errstate(over="ignore", invalid="ignore")  # `check_finite` finds what is not finite
    def read(streams: Array, progress: Progress) -> None:
        mine, state = CharRNN.sharing(model), columns(beginning[streams])
        for number in range(R):
            rows = streams * R + number
            if agree(states[rows], rows_of(state)).all():
                return
            states[rows] = rows_of(state)
            positions = rows * STEPS + np.arange(STEPS)[:, None]
            if B == 1:
                positions = positions[: len(indices) - number * STEPS]
            use(read_piece(mine, indices, signals, positions, state))
            progress((number + 1) / R)
        arriving[streams + 1] = rows_of(state)

    for round in range(B + PARALLEL_ROUNDS):
        beginning = arriving.copy()  # a thread that ends early does not change those of others
        wrong = np.flatnonzero(~agree(states[::R], beginning[:-1]))
        if not len(wrong):
            break
        in_threads(
            read,
            wrong[: None if round < PARALLEL_ROUNDS else 1],
            no_progress if round else progress,
        )
    return states


def read_piece(
    model: CharRNN, indices: Array, signals: Sequence[Signal], positions: Array, state: Array
) -> Piece:
    """Read the characters at some positions, (T, B); `state`, (L, S, H, B), is overwritten.

    Past the end of the text its last character is read again.
    """
    inputs = indices.take(positions, mode="clip").astype(np.intp)
    with np.errstate(over="ignore", invalid="ignore"):  # found by `check_finite`
        hidden = model.hidden(inputs, state)
    check_finite(state[..., positions[0] < len(indices)])
    tapes = model.workspace(*positions.shape).tapes
    values = {
        signal: model.layers[0].signal(tapes[signal.layer - 1], signal.name) for signal in signals
    }
    return Piece(model, positions, values, hidden)


def columns(states: Array) -> Array:
    """A copy of states (B, L, S, H) in the order of a model, (L, S, H, B)."""
    return np.ascontiguousarray(np.moveaxis(states, 0, -1))


def rows_of(state: Array) -> Array:
    """States (L, S, H, B) of a model as rows, (B, L, S, H)."""
    return np.moveaxis(state, -1, 0)


def agree(one: Array, other: Array) -> Array:
    """Compare states, (B, L, S, H) each, within `TOLERANCE`: booleans (B,)."""
    close = np.abs(one - other) <= TOLERANCE * (1 + np.abs(other))
    agreeing: Array = close.all(axis=(1, 2, 3))
    return agreeing


def in_threads(
    work: Callable[[Array, Progress], None], streams: Array, progress: Progress = no_progress
) -> None:
    """Divide streams among threads: matrix products release Python's lock.

    Args:
        work: receives the numbers of some streams.
        streams: the numbers of the streams, (B,).
        progress: receives the share that the first thread has done.
    """
    shares = np.array_split(streams, min(cores(), len(streams)))
    with ThreadPoolExecutor(len(shares)) as pool:
        list(pool.map(work, shares, [progress, *(no_progress,) * (len(shares) - 1)]))


def check_finite(*arrays: Array, held: bool = False) -> None:
    """Check that states are finite.

    Args:
        arrays: the states.
        held: cells are held.

    Raises:
        DivergedError: where one is not.
    """
    if not all(np.isfinite(array).all() for array in arrays):
        raise DivergedError.of_states("reads", held=held)
