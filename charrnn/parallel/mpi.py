"""A group of MPI ranks, on any number of machines: messages instead of shared memory.

Every rank has all weights. A step sums the gradients so that each rank has the sum of its part
of the flat vector, updates that part, and sends it to all: together as much traffic as an
all-reduce, and a rank computes only its part of the optimizer's work (Rajbhandari 2020, stage 1).
Muon also sends each part of its momentum to all ranks, half as much again.
The text is on rank 0 alone, which sends the other ranks the characters of their streams, window
by window.

This file does not import MPI: its module is an argument.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from hashlib import blake2b
from types import FrameType
from typing import Any

import numpy as np

from charrnn.arrays import Array, Mode, Text
from charrnn.errors import TrainingError
from charrnn.parallel.group import Group, Order

#: Signals that ask a program to end. Launcher and queue decide which ranks receive them.
STOPPING = ("SIGINT", "SIGTERM", "SIGHUP")
#: The only signal to end that Open MPI's launcher forwards in time to save.
FORWARDED = ("SIGUSR1",)


class RankGroup(Group):
    """The operations that are the same on all ranks.

    Args:
        mpi: the module `mpi4py.MPI`.
        signals: the names of signals to note; rank 0 learns of them with the next `all_reduce`.
    """

    def __init__(self, mpi: Any, signals: Sequence[str]) -> None:
        self._mpi, self._world = mpi, mpi.COMM_WORLD
        self.rank, self.size = self._world.rank, self._world.size
        self._noted = 0
        self._sum: Array | None = None
        for name in signals:
            number = getattr(signal, name, None)
            # An ignored signal stays ignored, as with nohup.
            if number and signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._note)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._noted = number

    def reduce_scatter(self, buffer: Array) -> None:
        part = self.part(buffer.size)
        if self._sum is None:
            self._sum = np.zeros_like(buffer[part])
        self._world.Reduce_scatter(buffer, self._sum, self._counts(buffer.size))
        buffer[part] = self._sum

    def all_reduce(self, numbers: Sequence[float]) -> list[float]:
        # Each rank adds all rows in the same order: the same bits with every implementation of MPI.
        row = np.array([*numbers, self._noted], np.float64)
        rows = np.empty((self.size, row.size))
        self._world.Allgather(row, rows)
        *columns, noted = zip(*rows.tolist())
        self.signal = int(max(noted))
        return [sum(column) for column in columns]

    def all_gather(self, vector: Array) -> None:
        self._world.Allgatherv(self._mpi.IN_PLACE, [vector, self._counts(vector.size)])

    complete = all_gather

    def broadcast(self, *arrays: Array) -> None:
        for array in arrays:
            self._world.Bcast(array)

    def gather(self, *arrays: Array) -> None:
        for array in arrays:
            parts = self._world.gather(array[..., self.part(array.shape[-1])])
            for rank, part in enumerate(parts or ()):
                array[..., self.part(array.shape[-1], rank)] = part

    def check_equal(self, array: Array) -> None:
        sums = self._world.gather(blake2b(array.data).digest()) or []
        if others := [str(rank) for rank, found in enumerate(sums) if found != sums[0]]:
            raise TrainingError(
                f"rank {', '.join(others)} of {self.size} has other weights than rank 0, which "
                "points to a faulty machine: go on from the last save with --resume"
            )

    def _counts(self, size: int) -> list[int]:
        """The sizes of the ranks' parts of a vector."""
        parts = (self.part(size, rank) for rank in range(self.size))
        return [part.stop - part.start for part in parts]


class LeadingRank(RankGroup):
    """Rank 0.

    Args:
        mpi: the module `mpi4py.MPI`.
    """

    def __init__(self, mpi: Any) -> None:
        super().__init__(mpi, FORWARDED)  # the command line handles STOPPING
        self._sends: list[Callable[[], object]] = []

    def share(self, array: Array) -> Array:
        self._sends.append(lambda: self.broadcast(array))
        return array

    def text(self, text: Text) -> Text:
        assert isinstance(text, np.ndarray)
        self._sends.append(lambda: self._world.bcast((len(text), text.dtype)))
        return ScatteredText(self._world, len(text), text.dtype, np.asarray(text))

    def start(self, work: Callable[..., None], *arguments: Any) -> None:
        self._world.bcast((work, arguments))
        for send in self._sends:  # in the order in which the other ranks create their arrays
            send()

    def order(self, name: str, *arguments: Any) -> None:
        self._world.bcast((name, arguments))

    def close(self, failed: bool = False) -> None:
        # After an error, `ending_together` ends the other ranks.
        if not failed and not self._mpi.Is_finalized():
            self._world.bcast(None)
            self._mpi.Finalize()


class OtherRank(RankGroup):
    """Every other rank.

    Args:
        mpi: the module `mpi4py.MPI`.
    """

    def __init__(self, mpi: Any) -> None:
        super().__init__(mpi, STOPPING + FORWARDED)

    def share(self, array: Array) -> Array:
        self.broadcast(array)
        return array

    def text(self, text: Text) -> Text:
        return ScatteredText(self._world, *self._world.bcast(None))

    def orders(self) -> Iterator[Order]:
        while order := self._world.bcast(None):
            yield order

    def do_work(self) -> None:
        """Do the work that rank 0 starts, until it closes the group."""
        if message := self._world.bcast(None):
            work, arguments = message
            work(self, *arguments)
        self._mpi.Finalize()


class ScatteredText:
    """A text on rank 0, which sends each rank the characters that the rank reads.

    Args:
        world: the communicator of all ranks.
        length: the length of the text.
        dtype: the type of its indices.
        text: the text itself, on rank 0.
    """

    def __init__(
        self, world: Any, length: int, dtype: np.dtype[Any], text: Array | None = None
    ) -> None:
        self._world, self._length, self._dtype, self._text = world, length, dtype, text
        self._columns: list[int] = []  # of each rank

    def __len__(self) -> int:
        return self._length

    def take(self, positions: Array, *, mode: Mode = "raise") -> Array:
        """The indices at positions, (T, B); those of a column are consecutive.

        All ranks call at the same time, with the same T, and each always with the same B.
        """
        T, B = positions.shape
        if not self._columns:
            self._columns = self._world.allgather(B)
        starts = np.empty(sum(self._columns) if self._text is not None else 0, np.int64)
        self._world.Gatherv(positions[0].astype(np.int64), [starts, self._columns])
        indices = None
        if self._text is not None:  # column after column: those of a rank are sent together
            indices = self._text.take(starts[:, None] + np.arange(T), mode=mode)
        counts = [columns * T for columns in self._columns]
        received = np.empty((B, T), self._dtype)
        self._world.Scatterv([indices, counts], received)
        return np.ascontiguousarray(received.T)
