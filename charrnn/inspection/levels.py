"""The values of many cells over a long text, a byte each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from charrnn.arrays import Array
from charrnn.inspection.reading import (
    STEPS,
    Piece,
    Progress,
    Signal,
    divide,
    in_threads,
    nobody,
    piece_at,
    read_through,
)
from charrnn.network.model import CharRNN
from charrnn.text.storage import room

#: Levels of a cell's values.
LEVELS = 256
#: Steps of the finer scale on which values are kept while the text is read.
STEPS_OF_SCALE = 1 << 16
#: The scale of each cell is found on this many pieces from all over the text.
TRIED = 64


@dataclass(frozen=True)
class Levels:
    """The values of C cells after each of N characters, each as one of 256 levels.

    The levels are quantiles of the cell's values, so that ranks are equally exact whatever the
    distribution of the values. A hundred thousand characters of 512 cells take 50 MB, and three
    times that while they are read; what is large is in a temporary file.

    Attributes:
        signals: the signals of the cells; of each one the H cells of its layer, one after the
            other.
        bins: (C, N), uint8.
        hidden_size: H.
    """

    signals: tuple[Signal, ...]
    bins: Array
    hidden_size: int

    def cell(self, number: int) -> tuple[Signal, int]:
        """The signal and the cell of its layer of a number from 0 to C − 1."""
        return self.signals[number // self.hidden_size], number % self.hidden_size

    def of_layer(self, layer: int) -> Array:
        """The numbers of the cells of a layer."""
        wanted = [signal.layer == layer for signal in self.signals]
        return np.flatnonzero(np.repeat(wanted, self.hidden_size))


class Scale:
    """A monotone map from the values of each of C cells to 65,536 steps.

    A value v becomes w = (v − median) / spread, and then w / (1 + |w|), which is between −1 and
    1 for any v and nearly linear where most of the values are.

    Args:
        tried: some values of each cell, (C, n).
    """

    def __init__(self, tried: Array) -> None:
        low, self.middle, high = np.quantile(tried, (0.25, 0.5, 0.75), axis=1).astype(tried.dtype)
        # The quartiles of a cell that rarely moves are equal: then its deviation is the spread.
        self.spread = np.where(high > low, high - low, tried.std(axis=1))
        self.spread[self.spread == 0] = 1

    def steps(self, values: Array) -> Array:
        """The steps, uint16, of values (T, C, B), which are overwritten."""
        values -= self.middle[:, None]
        values /= self.spread[:, None]
        values /= 1 + np.abs(values)
        values *= STEPS_OF_SCALE / 2 - 1
        values += STEPS_OF_SCALE / 2
        return values.astype(np.uint16)


def quantiles(ranks: Array, count: int) -> Array:
    """Levels of ranks from 1 to `count`, ties sharing their mean rank."""
    return ((ranks - 0.5) * (LEVELS / count)).astype(np.uint8)


def take_levels(
    model: CharRNN, indices: Array, signals: Sequence[Signal], progress: Progress = nobody
) -> Levels:
    """Read a text and keep the levels of cells.

    Args:
        model: the model.
        indices: the text, (N,).
        signals: which cells, as `charrnn.inspection.reading.signals_of` gives them.
        progress: receives the share of the text that has been read.

    Raises:
        TextError: where the temporary directory cannot hold them.
        DivergedError: where the state does not stay finite.
    """
    N, C = len(indices), len(signals) * model.hidden_size
    parts = divide(N)
    scale = Scale(tried_values(model, indices, signals))
    steps = room((C, parts.streams * parts.pieces * STEPS), np.uint16)

    def take(piece: Piece) -> None:
        of_streams = scale.steps(together(piece)).transpose(2, 1, 0)  # (B, C, T)
        for first, of_stream in zip(piece.places[0], of_streams):
            steps[:, first : first + len(piece.places)] = of_stream

    read_through(model, indices, signals, take, parts=parts, progress=progress)
    bins = room((C, N), np.uint8)

    def put_levels(cells: Array, _progress: Progress) -> None:
        for cell in cells:
            counts = np.bincount(steps[cell, :N], minlength=STEPS_OF_SCALE)
            table = quantiles(np.cumsum(counts) - (counts - 1) / 2, N)
            table.take(steps[cell, :N], out=bins[cell])

    in_threads(put_levels, np.arange(C))
    return Levels(tuple(signals), bins, model.hidden_size)


def tried_values(model: CharRNN, indices: Array, signals: Sequence[Signal]) -> Array:
    """Values of C cells in some pieces from all over a text, (C, n); each begins after another."""
    pieces = max(1, len(indices) // STEPS)
    rows = np.unique(np.linspace(0, pieces - 1, TRIED).astype(np.intp))
    steps = np.arange(min(STEPS, len(indices)))[:, None]
    state = model.state(len(rows))
    for lead in (1, 0):  # from an empty state, so that the second piece shows carried ones
        places = np.maximum(rows - lead, 0) * STEPS + steps
        piece = piece_at(model, indices, signals, places, state)
    return together(piece).swapaxes(0, 1).reshape(len(signals) * model.hidden_size, -1)


def together(piece: Piece) -> Array:
    """The values of all signals of a piece, (T, C, B), as a copy."""
    return np.concatenate(list(piece.values.values()), axis=1)
