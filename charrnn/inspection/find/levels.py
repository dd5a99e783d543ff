"""The values of many cells over a long text, one byte each."""

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
    no_progress,
    read_piece,
    read_through,
)
from charrnn.network.model import CharRNN
from charrnn.text.storage import allocate

#: Levels of a cell's values.
LEVELS = 256
#: Steps of the finer scale that holds the values while the text is read.
SCALE_STEPS = 1 << 16
#: The scale of each cell is fitted to this many pieces from all over the text.
FITTED_PIECES = 64


@dataclass(frozen=True)
class Levels:
    """The values of C cells after each of N characters, each as one of 256 levels.

    The levels are quantiles of the cell's values, so ranks are equally exact for any distribution
    of the values. 100,000 characters of 512 cells take 50 MB, and three times that while they are
    read; large arrays are in temporary files.

    Attributes:
        signals: the signals; the C cells are the H cells of the first, then of the second, ….
        bins: the levels, (C, N), uint8.
        hidden_size: H.
    """

    signals: tuple[Signal, ...]
    bins: Array
    hidden_size: int

    def cell(self, number: int) -> tuple[Signal, int]:
        """The signal and the cell of its layer for a number from 0 to C − 1."""
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
        values: some values of each cell, (C, n).
    """

    def __init__(self, values: Array) -> None:
        quartiles = np.quantile(values, (0.25, 0.5, 0.75), axis=1).astype(values.dtype)
        low, self.middle, high = quartiles
        # The quartiles of a cell that rarely moves are equal: use its deviation instead.
        self.spread = np.where(high > low, high - low, values.std(axis=1))
        self.spread[self.spread == 0] = 1

    def steps(self, values: Array) -> Array:
        """The steps, uint16, of values (T, C, B), which are overwritten."""
        values -= self.middle[:, None]
        values /= self.spread[:, None]
        values /= 1 + np.abs(values)
        values *= SCALE_STEPS / 2 - 1
        values += SCALE_STEPS / 2
        return values.astype(np.uint16)


def quantiles(ranks: Array, count: int) -> Array:
    """The levels of ranks from 1 to `count`, where ties share their mean rank."""
    return ((ranks - 0.5) * (LEVELS / count)).astype(np.uint8)


def read_levels(
    model: CharRNN, indices: Array, signals: Sequence[Signal], progress: Progress = no_progress
) -> Levels:
    """Read a text and record the levels of cells.

    Args:
        model: the model.
        indices: the text, (N,).
        signals: the signals of the cells, as from `charrnn.inspection.reading.signals_of`.
        progress: receives the share of the text that has been read.

    Raises:
        TextError: where the temporary directory cannot hold them.
        DivergedError: where the state does not stay finite.
    """
    N, C = len(indices), len(signals) * model.hidden_size
    parts = divide(N)
    scale = Scale(some_values(model, indices, signals))
    steps = allocate((C, parts.streams * parts.pieces * STEPS), np.uint16)

    def store(piece: Piece) -> None:
        of_streams = scale.steps(all_values(piece)).transpose(2, 1, 0)  # (B, C, T)
        for first, of_stream in zip(piece.positions[0], of_streams):
            steps[:, first : first + len(piece.positions)] = of_stream

    read_through(model, indices, signals, store, parts=parts, progress=progress)
    bins = allocate((C, N), np.uint8)

    def store_levels(cells: Array, _progress: Progress) -> None:
        for cell in cells:
            counts = np.bincount(steps[cell, :N], minlength=SCALE_STEPS)
            table = quantiles(np.cumsum(counts) - (counts - 1) / 2, N)
            table.take(steps[cell, :N], out=bins[cell])

    in_threads(store_levels, np.arange(C))
    return Levels(tuple(signals), bins, model.hidden_size)


def some_values(model: CharRNN, indices: Array, signals: Sequence[Signal]) -> Array:
    """The values of C cells in some pieces from all over a text, (C, n)."""
    pieces = max(1, len(indices) // STEPS)
    rows = np.unique(np.linspace(0, pieces - 1, FITTED_PIECES).astype(np.intp))
    steps = np.arange(min(STEPS, len(indices)))[:, None]
    state = model.state(len(rows))
    for lead in (1, 0):  # the piece before each one replaces the empty state by a carried one
        positions = np.maximum(rows - lead, 0) * STEPS + steps
        piece = read_piece(model, indices, signals, positions, state)
    return all_values(piece).swapaxes(0, 1).reshape(len(signals) * model.hidden_size, -1)


def all_values(piece: Piece) -> Array:
    """A copy of the values of all signals of a piece, (T, C, B)."""
    return np.concatenate(list(piece.values.values()), axis=1)
