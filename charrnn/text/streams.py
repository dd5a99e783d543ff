"""Batches for truncated backpropagation through time (BPTT): windows of contiguous streams.

The state is carried from window to window. The gradient is not: `CharRNN.loss_and_gradient` cuts it
at the ends of a window.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from charrnn.arrays import Array, Text

#: The state of a stream is reset to zeros after about this many characters, and after no fewer than
#: this many windows. Without resets the state can grow during the text, and the network comes to
#: rely on that (LSTMs of 2 layers of 256 cells did, see benchmarks/README.md); but samples and
#: validations start from zeros.
RESET_CHARACTERS, MIN_RESET_WINDOWS = 2_048, 16


class Window(NamedTuple):
    """T steps of B streams; each target is the character after its input."""

    inputs: Array  # character indices (T, B)
    targets: Array  # character indices (T, B)


class Streams:
    """B streams that start evenly spaced in one text and are read side by side.

    Each stream continues in a window at the position at which the previous window ended, so the
    state of the network can be carried from window to window. At the end of the text a stream
    continues at its beginning. Therefore the streams read every character, every window is full,
    and the positions of the streams depend only on the number of the window.

    Args:
        indices: the text, (N,), of any integer type.
        batch_size: B, at most N.
        seq_length: T, the steps of a window.
        part: the streams of a worker; all by default. B below is the number of streams in `part`.
    """

    def __init__(
        self, indices: Text, batch_size: int, seq_length: int, part: slice = slice(None)
    ) -> None:
        # A plain view: indexing a memmap gives another memmap, which is slower to work with.
        self.indices = np.asarray(indices) if isinstance(indices, np.memmap) else indices
        self.batch_size = batch_size
        self.part = part
        self.starts = (np.arange(batch_size) * len(indices) // batch_size)[part]  # (B,)
        self.steps = np.arange(seq_length + 1)[:, None]  # (T + 1, 1)
        self.reset_windows = max(MIN_RESET_WINDOWS, -(-RESET_CHARACTERS // seq_length))
        # The streams take turns, so that few of them start anew at a time.
        self.turns = (np.arange(batch_size) * self.reset_windows // batch_size)[part]  # (B,)

    def window(self, number: int) -> Window:
        """The window with this number, from 0 without an upper limit: two arrays (T, B)."""
        T = len(self.steps) - 1
        positions = self.starts + self.steps  # (T + 1, B)
        positions += number * T % len(self.indices)
        # np.take needs intp indices, and would convert any other type at every call.
        read = self.indices.take(positions, mode="wrap").astype(np.intp)
        return Window(read[:-1], read[1:])

    def resets(self, number: int) -> Array:
        """The streams whose states to reset before a window, booleans (B,).

        These are the streams that are at the beginning of the text, which no text precedes, and
        those whose turn it is: every `reset_windows` windows.
        """
        turn: Array = self.turns == number % self.reset_windows
        return self.begins(number) | (turn if number else False)

    def begins(self, number: int) -> Array:
        """The streams that are at the beginning of the text, booleans (B,).

        A stream is there if it starts at the beginning in this window or reached the beginning
        during the previous one.
        """
        T = len(self.steps) - 1
        N = len(self.indices)
        begins: Array = (self.starts + number * T % N) % N < T
        return begins

    @property
    def windows_per_epoch(self) -> float:
        """The number of windows that together have as many characters as the text."""
        T = len(self.steps) - 1
        return len(self.indices) / (T * self.batch_size)
