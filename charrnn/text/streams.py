"""A text as contiguous streams, read in windows, for truncated backpropagation through time."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from charrnn.parameters import Array, Text


class Window(NamedTuple):
    """T steps of B streams: each target is the character after its input."""

    inputs: Array  # (T, B)
    targets: Array  # (T, B)


class Streams:
    """B readers, evenly spaced in one text, that go through it side by side.

    Each reader goes on where it was in the window before, so the state of the network can be
    carried from window to window. At the end of the text a reader goes on at its beginning,
    as if the text were written in a circle: nothing is left out, every window is full, and
    where the readers are follows from the number of the window alone.

    Args:
        indices: the text, (N,), any integer type.
        batch_size: B, the number of readers, at most N.
        seq_length: T, the steps of a window.
        part: which of the readers windows are wanted of; all unless given.
    """

    def __init__(
        self, indices: Text, batch_size: int, seq_length: int, part: slice = slice(None)
    ) -> None:
        # A plain view: what takes from a memmap would be one, and slower to work with.
        self.indices = np.asarray(indices) if isinstance(indices, np.memmap) else indices
        self.batch_size = batch_size
        self.part = part
        self.starts = (np.arange(batch_size) * len(indices) // batch_size)[part]  # (B,)
        self.steps = np.arange(seq_length + 1)[:, None]  # (T + 1, 1)

    def window(self, number: int) -> Window:
        """The `number`-th window, counted from 0; there is no last one."""
        T = len(self.steps) - 1
        places = self.starts + self.steps
        places += number * T % len(self.indices)
        # take wants the widest integers; without them it would convert at every call.
        read = self.indices.take(places, mode="wrap").astype(np.intp)
        return Window(read[:-1], read[1:])

    def begins(self, number: int) -> Array:
        """Which readers are at the beginning of the text in a window, or came to it in the one
        before, booleans (B,): there the state is emptied, as nothing stands before the text.
        """
        T = len(self.steps) - 1
        N = len(self.indices)
        begins: Array = (self.starts + number * T % N) % N < T
        return begins

    @property
    def windows_per_epoch(self) -> float:
        """How many windows together read as many characters as the text has."""
        T = len(self.steps) - 1
        return len(self.indices) / (T * self.batch_size)
