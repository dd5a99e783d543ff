"""A team of processes on one machine: common memory, and a pipe from the first to each other.

NumPy does all but the products on one core, so processes with one thread each are faster than
one process whose products have several. Whoever dies closes its end of a pipe, and whoever
waits at the other end learns that at once, so nobody waits for ever. The memory has no name in
the file system and is gone with the last process that uses it.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from ctypes import c_ubyte
from dataclasses import dataclass
from math import prod
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from multiprocessing.util import Finalize
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from charrnn.errors import TrainingError
from charrnn.parallel.team import Order, Team
from charrnn.parallel.threads import cores, one_thread_within
from charrnn.parameters import Array, Shape, Text

#: Seconds a member has to leave when it is dismissed, before it is stopped.
GRACE = 5.0
#: With fewer streams a worker, one more worker gains little: products get too slender for BLAS.
LEAST_STREAMS = 8
#: What reaches a whole group of processes, where it is for the first member to end well.
STOPPING = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]
#: What a pipe raises when there is nobody at its other end.
GONE = (EOFError, ConnectionError)


def fitting(batch_size: int) -> int:
    """How many workers suit a batch: one a core, but none with too few streams."""
    return max(1, min(cores(), batch_size // LEAST_STREAMS))


def team_of(workers: int) -> Team:
    """A team of so many processes, this one among them."""
    return Leader(workers) if workers > 1 else Team()


@dataclass
class Memory:
    """An array that processes have in common: room, or a file to read; and how to see it."""

    room: Any  # a ctypes array, or the path of a file
    shape: Shape
    dtype: np.dtype[Any]
    offset: int = 0

    def array(self) -> Array:
        """The array."""
        if isinstance(self.room, str):
            return np.memmap(self.room, self.dtype, "r", self.offset, self.shape)
        flat: Array = np.frombuffer(self.room, self.dtype, prod(self.shape))
        return flat.reshape(self.shape)


def in_file(array: Text) -> Memory | None:
    """Where an array stands that is part of a file; None for one that is not, or only in bits."""
    if not isinstance(array, np.memmap) or array.filename is None or array.mode == "c":
        return None
    if not (array.size and array.flags.c_contiguous):
        return None
    whole = array
    while isinstance(whole.base, np.memmap):
        whole = whole.base
    # The offset that a view has is that of the whole.
    offset = whole.offset + array.ctypes.data - whole.ctypes.data
    return Memory(str(array.filename), array.shape, array.dtype, offset)


@dataclass
class Failure:
    """What a member says of an error that ended it."""

    trace: str
    #: What it lacked, where that is no bug.
    lack: str = ""


class Processes(Team):
    """What all members of such a team do alike."""

    def __init__(self, rank: int, size: int) -> None:
        self.rank, self.size = rank, size
        self._rows: Array | None = None

    def own(self, size: int, dtype: DTypeLike) -> Array:
        self._rows = self.common((self.size, size), dtype)
        row: Array = self._rows[self.rank]
        return row

    def reduce(self, own: Array) -> None:
        self.sum([])  # until all have written theirs
        assert self._rows is not None
        part = self.part(own.size)
        for rank in range(self.size):
            if rank != self.rank:
                own[part] += self._rows[rank, part]


class Leader(Processes):
    """The first member, which makes the memory and the other members.

    Args:
        size: how many members, this one among them.
    """

    def __init__(self, size: int) -> None:
        super().__init__(0, size)
        self._context = multiprocessing.get_context("spawn")
        self._memories: list[Memory] = []
        self._pipes: list[Connection] = []
        self._processes: list[SpawnProcess] = []
        # At its end, a program waits for the processes it started: who forgot to close must not
        # wait for ever.
        Finalize(self, dismiss, (self._pipes, self._processes), exitpriority=0)

    def common(self, shape: Shape, dtype: DTypeLike) -> Array:
        wanted = np.dtype(dtype)
        room = self._context.RawArray(c_ubyte, max(1, prod(shape) * wanted.itemsize))
        return self._remember(Memory(room, shape, wanted))

    def constant(self, array: Text) -> Array:
        file = in_file(array)
        if file:
            return self._remember(file)
        assert isinstance(array, np.ndarray)
        copy = self.common(array.shape, array.dtype)
        copy[...] = array
        return copy

    def _remember(self, memory: Memory) -> Array:
        self._memories.append(memory)
        return memory.array()

    def start(self, work: Callable[..., None], *arguments: Any) -> None:
        with one_thread_within(os.environ), signals_held():
            for rank in range(1, self.size):
                ours, theirs = self._context.Pipe()
                follower = rank, self.size, self._memories, theirs
                process = self._context.Process(target=follow, args=(follower, work, arguments))
                try:
                    process.start()
                except OSError as error:
                    raise TrainingError(
                        f"worker {rank + 1} of {self.size} cannot be started ({error.strerror}): "
                        "train with fewer --workers"
                    ) from error
                theirs.close()  # so that the follower's end is the only one
                self._pipes.append(ours)
                self._processes.append(process)

    def order(self, name: str, *arguments: Any) -> None:
        self._tell((name, arguments))

    def sum(self, numbers: Sequence[float]) -> list[float]:
        totals = list(numbers)
        for rank in range(1, self.size):
            totals = [total + number for total, number in zip(totals, self._hear(rank))]
        self._tell(totals)
        return totals

    def gather(self, vector: Array) -> None:
        for rank in range(1, self.size):
            self._hear(rank)

    def _tell(self, message: object) -> None:
        for pipe in self._pipes:
            with suppress(*GONE):  # it will be missed when it is to be heard
                pipe.send(message)

    def _hear(self, rank: int) -> Sequence[float]:
        """What a follower says.

        Raises:
            TrainingError: where it is gone.
            MemoryError: where it had too little memory.
            RuntimeError: with its traceback, where it failed.
        """
        try:
            said = self._pipes[rank - 1].recv()
        except GONE as error:
            process = self._processes[rank - 1]
            process.join(GRACE)
            code = process.exitcode
            how = f"exit code {code}"
            if code and code < 0:
                hint = ", perhaps for want of memory" if code == -9 else ""
                how = f"killed by signal {-code}{hint}"
            raise TrainingError(
                f"worker {rank + 1} of {self.size} is gone ({how}): go on from the last save with "
                "--resume"
            ) from error
        if isinstance(said, Failure):
            if said.lack:
                raise MemoryError(said.lack)
            raise RuntimeError(f"worker {rank + 1} of {self.size} failed:\n{said.trace}")
        numbers: Sequence[float] = said
        return numbers

    def close(self) -> None:
        dismiss(self._pipes, self._processes)


def dismiss(pipes: list[Connection], processes: list[SpawnProcess]) -> None:
    """Let processes end, whose pipes these are, or make them; the lists are empty thereafter."""
    for pipe in pipes:
        pipe.close()
    grace = GRACE
    while processes:
        process = processes[-1]
        process.join(grace)
        if process.is_alive():
            grace = 0.0  # for all others had the same time
            process.kill()
            process.join()
        processes.pop().close()
    pipes.clear()


class Follower(Processes):
    """Every other member, in a process of its own."""

    def __init__(self, rank: int, size: int, memories: list[Memory], pipe: Connection) -> None:
        super().__init__(rank, size)
        self._memories = iter(memories)
        self._pipe = pipe

    def common(self, shape: Shape, dtype: DTypeLike) -> Array:
        return next(self._memories).array()

    def constant(self, array: Text | None) -> Array:
        return next(self._memories).array()

    def orders(self) -> Iterator[Order]:
        while True:
            try:
                order: Order = self._pipe.recv()
            except GONE:
                return
            yield order

    def sum(self, numbers: Sequence[float]) -> list[float]:
        self._pipe.send(numbers)
        totals: list[float] = self._pipe.recv()
        return totals

    def gather(self, vector: Array) -> None:
        self._pipe.send([])

    def fail(self, error: BaseException) -> None:
        """Tell the first member of an error."""
        lack = f"worker {self.rank + 1}: {error}" if isinstance(error, MemoryError) else ""
        self._pipe.send(Failure("".join(traceback.format_exception(error)), lack))


def follow(
    follower: tuple[int, int, list[Memory], Connection],
    work: Callable[..., None],
    arguments: tuple[Any, ...],
) -> None:
    """The whole life of a follower's process: do the work, or say why not."""
    for number in STOPPING:
        signal.signal(number, signal.SIG_IGN)
    team = Follower(*follower)
    with suppress(*GONE):  # the first member is gone: so is this one, without a word
        try:
            work(team, *arguments)
        except GONE:
            raise
        except BaseException as error:
            team.fail(error)


@contextmanager
def signals_held() -> Iterator[None]:
    """Within it, Ctrl-C and `kill` wait. Processes that are started within begin so, and never
    see those that come before they ignore them.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # when it starts it lets go what is held
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
