"""The values of many cells over a long text, a byte each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

import numpy as np

from charrnn.inspection.reading import Piece, Signal, read_through, readers_for
from charrnn.model import CharRNN
from charrnn.parallel.threads import cores
from charrnn.parameters import Array
from charrnn.text.storage import room

#: Steps of a cell's scale.
LEVELS = 256
#: The scale is found on so many pieces of so many readers, all over the text.
TRIED, TRIED_READERS = 2, 16

#: Told how much of the work is done, from 0 to 1.
Progress = Callable[[float], None]


def nobody(_done: float) -> None:
    """Whom to tell where nobody wants to know."""


@dataclass(frozen=True)
class Levels:
    """What C cells did over N characters: each value as one of 256 steps of the cell's range.

    Ranks need no more than that, and a million characters of 512 cells take half a gigabyte,
    which is in a temporary file.

    Attributes:
        signals: what the cells are of; of each one the H cells of its layer, one after the other.
        bins: (C, N), uint8.
        hidden_size: H.
    """

    signals: tuple[Signal, ...]
    bins: Array
    hidden_size: int

    def cell(self, number: int) -> tuple[Signal, int]:
        """Which signal and which cell of its layer a number from 0 to C − 1 stands for."""
        return self.signals[number // self.hidden_size], number % self.hidden_size

    def of_layer(self, layer: int) -> Array:
        """The numbers of the cells of a layer."""
        wanted = [signal.layer == layer for signal in self.signals]
        return np.flatnonzero(np.repeat(wanted, self.hidden_size))


def take_down(
    model: CharRNN, indices: Array, signals: Sequence[Signal], progress: Progress
) -> Levels:
    """Read a text and take down the levels of cells.

    Args:
        model: the model.
        indices: the text, (N,).
        signals: which cells, as `charrnn.inspection.reading.signals_of` gives them.
        progress: told how much of the text has been read.

    Raises:
        TextError: where the temporary directory cannot hold them.
    """
    N, C = len(indices), len(signals) * model.hidden_size
    tried = islice(read_through(model, indices, signals, readers=min(TRIED_READERS, N)), TRIED)
    ends = [(values.min(axis=(0, 2)), values.max(axis=(0, 2))) for values in map(together, tried)]
    low = np.min([least for least, _ in ends], axis=0)
    high = np.max([most for _, most in ends], axis=0)
    margin = (high - low) / 8  # for what the pieces tried did not show
    low, step = low - margin, (high - low + 2 * margin) / (LEVELS - 1)
    step[step == 0] = 1
    B = readers_for(N)
    part = -(-N // B)
    bins = room((C, B, part), np.uint8)

    def read(own: slice, progress: Progress) -> None:
        reading = read_through(model.shared(), indices, signals, readers=B, only=own)
        for piece in reading:
            values = together(piece)
            values -= low[:, None]
            values /= step[:, None]
            np.clip(values, 0, LEVELS - 1, out=values)
            start = piece.places[0, 0] - own.start * part
            columns = values.astype(np.uint8).transpose(1, 2, 0)  # (C, B, T)
            bins[:, own, start : start + len(values)] = columns
            progress((start + len(values)) / part)

    workers = min(cores(), B)
    edges = np.arange(workers + 1) * B // workers
    with ThreadPoolExecutor(workers) as pool:
        listeners = [progress, *(nobody,) * (workers - 1)]
        list(pool.map(read, map(slice, edges, edges[1:]), listeners))
    return Levels(tuple(signals), bins.reshape(C, B * part)[:, :N], model.hidden_size)


def together(piece: Piece) -> Array:
    """The values of all signals of a piece, (T, C, B), as a copy."""
    return np.concatenate(list(piece.values.values()), axis=1)
