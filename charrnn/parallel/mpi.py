"""A team of ranks, which MPI starts on any number of machines: what they have in common is sent.

Every rank has all weights. A step sums the gradients so that each rank has the sum of its part
of the flat vector, each updates that part, and all are sent the parts of all: together as much
as a sum that all have, and a rank computes no more than its part of what the optimizer does
(Rajbhandari 2020, stage 1). The text is with the first rank alone, which sends
the others the characters of their own streams, window by window.

Nothing here imports MPI: whoever wants such a team hands its module in.
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
from charrnn.parallel.team import Order, Team

#: What asks a program to end. Which of the ranks it reaches depends on the launcher and the queue.
STOPPING = ("SIGINT", "SIGTERM", "SIGHUP")
#: This asks, too: of all signals, Open MPI's launcher hands on none of those above in time to save.
HANDED_ON = ("SIGUSR1",)


class Ranks(Team):
    """What all ranks do alike.

    Args:
        mpi: the module `mpi4py.MPI`.
        signals: the names of those to take note of; at the next sum the first rank learns of them.
    """

    def __init__(self, mpi: Any, signals: Sequence[str]) -> None:
        self._mpi, self._all = mpi, mpi.COMM_WORLD
        self.rank, self.size = self._all.rank, self._all.size
        self._noted = 0
        self._sum: Array | None = None
        for name in signals:
            number = getattr(signal, name, None)
            # What is ignored stays so, as with nohup.
            if number and signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._note)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._noted = number

    def reduce(self, own: Array) -> None:
        part = self.part(own.size)
        if self._sum is None:
            self._sum = np.zeros_like(own[part])
        self._all.Reduce_scatter(own, self._sum, self._counts(own.size))
        own[part] = self._sum

    def sum(self, numbers: Sequence[float]) -> list[float]:
        # Sent to all and added up by each in the same order, which has the same bits by any MPI.
        row = np.array([*numbers, self._noted], np.float64)
        rows = np.empty((self.size, row.size))
        self._all.Allgather(row, rows)
        *columns, noted = zip(*rows.tolist())
        self.signal = int(max(noted))
        return [sum(column) for column in columns]

    def gather(self, vector: Array) -> None:
        self._all.Allgatherv(self._mpi.IN_PLACE, [vector, self._counts(vector.size)])

    def spread(self, *arrays: Array) -> None:
        for array in arrays:
            self._all.Bcast(array)

    def collect(self, *arrays: Array) -> None:
        for array in arrays:
            parts = self._all.gather(array[..., self.part(array.shape[-1])])
            for rank, part in enumerate(parts or ()):
                array[..., self.part(array.shape[-1], rank)] = part

    def compare(self, array: Array) -> None:
        sums = self._all.gather(blake2b(array.data).digest()) or []
        if others := [str(rank) for rank, found in enumerate(sums) if found != sums[0]]:
            raise TrainingError(
                f"rank {', '.join(others)} of {self.size} came to other weights than rank 0, "
                "which a sound machine does not: go on from the last save with --resume"
            )

    def _counts(self, size: int) -> list[int]:
        """How large the ranks' parts of a vector are."""
        parts = (self.part(size, rank) for rank in range(self.size))
        return [part.stop - part.start for part in parts]


class Leader(Ranks):
    """The first rank.

    Args:
        mpi: the module `mpi4py.MPI`.
    """

    def __init__(self, mpi: Any) -> None:
        super().__init__(mpi, HANDED_ON)  # STOPPING is for the command line to deal with
        self._made: list[Callable[[], object]] = []

    def share(self, array: Array) -> Array:
        self._made.append(lambda: self.spread(array))
        return array

    def constant(self, array: Text) -> Text:
        assert isinstance(array, np.ndarray)
        self._made.append(lambda: self._all.bcast((len(array), array.dtype)))
        return Distant(self._all, len(array), array.dtype, np.asarray(array))

    def start(self, work: Callable[..., None], *arguments: Any) -> None:
        self._all.bcast((work, arguments))
        for send in self._made:  # which the others await in the order in which they make the same
            send()

    def order(self, name: str, *arguments: Any) -> None:
        self._all.bcast((name, arguments))

    def close(self, failed: bool = False) -> None:
        # After an error that the others end is for `ending_together`.
        if not failed and not self._mpi.Is_finalized():
            self._all.bcast(None)
            self._mpi.Finalize()


class Follower(Ranks):
    """Every other rank.

    Args:
        mpi: the module `mpi4py.MPI`.
    """

    def __init__(self, mpi: Any) -> None:
        super().__init__(mpi, STOPPING + HANDED_ON)

    def share(self, array: Array) -> Array:
        self.spread(array)
        return array

    def constant(self, array: Text) -> Text:
        return Distant(self._all, *self._all.bcast(None))

    def orders(self) -> Iterator[Order]:
        while order := self._all.bcast(None):
            yield order

    def follow(self) -> None:
        """Do what the first one has others do, until it takes leave."""
        if said := self._all.bcast(None):
            work, arguments = said
            work(self, *arguments)
        self._mpi.Finalize()


class Distant:
    """A text that the first rank has, and of which each is sent what it reads.

    Args:
        ranks: all of them, as MPI has it.
        length: of the text.
        dtype: of its indices.
        text: itself, if this is the first rank.
    """

    def __init__(
        self, ranks: Any, length: int, dtype: np.dtype[Any], text: Array | None = None
    ) -> None:
        self._all, self._length, self._dtype, self._text = ranks, length, dtype, text
        self._columns: list[int] = []  # of each rank

    def __len__(self) -> int:
        return self._length

    def take(self, places: Array, *, mode: Mode = "raise") -> Array:
        """The indices at places, (T, B), of which those of a column follow each other. All ranks
        have to ask at the same time, for as many steps T, and each always for as many columns.
        """
        T, B = places.shape
        if not self._columns:
            self._columns = self._all.allgather(B)
        starts = np.empty(sum(self._columns) if self._text is not None else 0, np.int64)
        self._all.Gatherv(places[0].astype(np.int64), [starts, self._columns])
        read = None
        if self._text is not None:  # column after column, as each rank's are sent together
            read = self._text.take(starts[:, None] + np.arange(T), mode=mode)
        counts = [columns * T for columns in self._columns]
        mine = np.empty((B, T), self._dtype)
        self._all.Scatterv([read, counts], mine)
        return np.ascontiguousarray(mine.T)
