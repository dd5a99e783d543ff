"""A group of processes on one machine: shared memory, and a pipe from the leader to each worker.

NumPy does all but the products on one core, so processes with one thread each are faster than
one process with products of several threads. A process that dies closes its end of a pipe. A
process that waits at the other end then gets an error, so none waits without end.

With several ranks, each rank has such a group, and its leader is also a member of an *outer* group,
that of the ranks. There the leader exchanges sums, weights and orders for all its workers.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import traceback
from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import accumulate
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from multiprocessing.util import Finalize
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from charrnn.arrays import Array, Mode, Shape, Text
from charrnn.errors import TrainingError, WorkerError
from charrnn.machine import cores
from charrnn.parallel.group import Group, Order, share_of
from charrnn.parallel.shared_memory import Memory, in_file, reserve
from charrnn.parallel.signals import IGNORED, blocked
from charrnn.parallel.threads import one_thread_within

#: Seconds for a dismissed worker to end before it is killed.
GRACE = 5.0
#: With fewer streams per worker, one more worker gains little: matrices get too narrow for BLAS.
MIN_STREAMS = 8
#: The errors of a pipe without a process at its other end.
GONE = (EOFError, ConnectionError)


def default_workers(batch_size: int) -> int:
    """The number of workers for a batch: one per core, but at most one per 8 streams."""
    return max(1, min(cores(), batch_size // MIN_STREAMS))


def group_of(workers: int, outer: Group | None = None) -> Group:
    """The group of this process and of the workers that it starts.

    Args:
        workers: the number of processes of this rank, this one among them.
        outer: the group of ranks; each of its members has as many workers.
    """
    outer = outer or Group()
    return LeadingWorker(workers, outer) if workers > 1 else outer


def lead(outer: Group, workers: int, work: Callable[..., None], *arguments: Any) -> None:
    """Do the work of another rank, as the leader of its workers."""
    with group_of(workers, outer) as group:
        work(group, *arguments)


@dataclass
class Failure:
    """The message of a worker that an error ended.

    Attributes:
        trace: the traceback.
        shortage: the message of a MemoryError, which is no bug; empty for other errors.
    """

    trace: str
    shortage: str = ""


class Seat(NamedTuple):
    """The number of a worker among those of its rank, and of the rank among all."""

    worker: int
    workers: int
    rank: int = 0
    ranks: int = 1


class WorkerGroup(Group):
    """The operations that are the same in all workers.

    Args:
        seat: the seat of this worker.
    """

    def __init__(self, seat: Seat) -> None:
        self.seat = seat
        self.rank = seat.rank * seat.workers + seat.worker
        self.size = seat.ranks * seat.workers
        self.writes = seat.worker == 0
        self._rows: Array | None = None

    def buffer(self, size: int, dtype: DTypeLike) -> Array:
        self._rows = self._array((self.seat.workers, size), dtype)
        row: Array = self._rows[self.seat.worker]
        return row

    def reduce_scatter(self, buffer: Array) -> None:
        worker, workers, _, ranks = self.seat
        self._barrier()  # until all have written theirs
        assert self._rows is not None
        part = share_of(buffer.size, worker, workers)
        for other, row in enumerate(self._rows):
            if other != worker:
                buffer[part] += row[part]
        if ranks > 1:
            total = self._rows[0]
            total[part] = buffer[part]
            self._barrier(total)
            part = self.part(buffer.size)
            buffer[part] = total[part]

    @abstractmethod
    def _array(self, shape: Shape, dtype: DTypeLike) -> Array:
        """Zeros in the memory that the workers share."""

    @abstractmethod
    def _barrier(self, total: Array | None = None) -> None:
        """Wait for all workers, then for the sum of `total` over the ranks, if given."""

    @abstractmethod
    def take(self, text: Text | None, positions: Array, mode: Mode) -> Array:
        """The indices at each worker's positions of a text that the leader reads."""


class LeadingWorker(WorkerGroup):
    """The worker that creates the memory and the other workers.

    Args:
        workers: the number of workers, this one among them.
        outer: the group of ranks, in which this one stands for all workers; alone unless given.
    """

    def __init__(self, workers: int, outer: Group | None = None) -> None:
        self.outer = outer or Group()
        super().__init__(Seat(0, workers, self.outer.rank, self.outer.size))
        self._context = multiprocessing.get_context("spawn")
        self._memories: list[Memory | int] = []
        #: Texts in files, which exist as long as these arrays do.
        self._texts: list[Array] = []
        self._pipes: list[Connection] = []
        self._processes: list[SpawnProcess] = []
        # At its end, a program waits for the processes it started: a group that was never closed
        # must not make it wait without end.
        Finalize(self, dismiss, (self._pipes, self._processes), exitpriority=0)

    def shared(self, shape: Shape, dtype: DTypeLike) -> Array:
        return self.outer.share(self._array(shape, dtype))

    def _array(self, shape: Shape, dtype: DTypeLike) -> Array:
        return self._add(reserve(shape, dtype))

    def text(self, text: Text) -> Text:
        text = self.outer.text(text)
        if not isinstance(text, np.ndarray):
            self._memories.append(len(text))
            return RelayedText(self, len(text), text)
        file = in_file(text)
        if file:
            self._texts.append(text)
            return self._add(file)
        copy = self._array(text.shape, text.dtype)
        copy[...] = text
        return copy

    def _add(self, memory: Memory) -> Array:
        self._memories.append(memory)
        return memory.array()

    def start(self, work: Callable[..., None], *arguments: Any) -> None:
        self.outer.start(lead, self.seat.workers, work, *arguments)
        with one_thread_within(os.environ):
            for worker in range(1, self.seat.workers):
                with blocked():  # one by one: a signal takes effect before the next worker starts
                    self._start_one(worker, work, arguments)

    def _start_one(self, worker: int, work: Callable[..., None], arguments: Any) -> None:
        ours, theirs = self._context.Pipe()
        member = self.seat._replace(worker=worker), self._memories, theirs
        process = self._context.Process(target=worker_main, args=(member, work, arguments))
        try:
            process.start()
        except OSError as error:
            raise TrainingError(
                f"{self._name(worker)} cannot be started ({error.strerror}): train with "
                "fewer --workers"
            ) from error
        theirs.close()  # so that the worker's end is the only one
        self._pipes.append(ours)
        self._processes.append(process)

    def order(self, name: str, *arguments: Any) -> None:
        self.outer.order(name, *arguments)
        self._send((name, arguments))

    def orders(self) -> Iterator[Order]:
        return self.outer.orders()

    def all_reduce(self, numbers: Sequence[float]) -> list[float]:
        totals = list(numbers)
        for received in self._receive():
            totals = [total + number for total, number in zip(totals, received)]
        totals = self.outer.all_reduce(totals)
        self.signal = self.outer.signal
        self._send(totals)
        return totals

    def _barrier(self, total: Array | None = None) -> None:
        self._receive()
        if total is not None:
            self.outer.reduce_scatter(total)
        self._send(None)

    def all_gather(self, vector: Array) -> None:
        self._receive()
        self.outer.all_gather(vector)

    def complete(self, vector: Array) -> None:
        self._receive()
        self.outer.complete(vector)
        self._send(None)

    def broadcast(self, *arrays: Array) -> None:
        self.outer.broadcast(*arrays)

    def gather(self, *arrays: Array) -> None:
        self.outer.gather(*arrays)

    def check_equal(self, array: Array) -> None:
        self.outer.check_equal(array)

    def take(self, text: Text | None, positions: Array, mode: Mode) -> Array:
        assert text is not None
        asked = [positions, *self._receive()]
        edges = list(accumulate(each.shape[1] for each in asked[:-1]))
        mine, *others = np.split(text.take(np.hstack(asked), mode=mode), edges, axis=1)
        for pipe, theirs in zip(self._pipes, others):
            with suppress(*GONE):
                pipe.send(theirs)
        return mine

    def _send(self, message: object) -> None:
        for pipe in self._pipes:
            with suppress(*GONE):  # the next `_receive` reports the worker that is gone
                pipe.send(message)

    def _receive(self) -> list[Any]:
        """A message from each of the other workers.

        Raises:
            WorkerError: where one is gone.
            MemoryError: where one had too little memory.
            RuntimeError: where one failed, with its traceback.
        """
        return [self._receive_from(worker) for worker in range(1, self.seat.workers)]

    def _receive_from(self, worker: int) -> Any:
        try:
            message = self._pipes[worker - 1].recv()
        except GONE as error:
            process = self._processes[worker - 1]
            process.join(GRACE)
            code = process.exitcode
            how = f"exit code {code}"
            if code and code < 0:
                hint = ", perhaps out of memory" if code == -9 else ""
                how = f"killed by signal {-code}{hint}"
            raise WorkerError(f"{self._name(worker)} is gone ({how})") from error
        if isinstance(message, Failure):
            if message.shortage:
                raise MemoryError(message.shortage)
            raise RuntimeError(f"{self._name(worker)} failed:\n{message.trace}")
        return message

    def _name(self, worker: int) -> str:
        _, workers, rank, ranks = self.seat
        return f"worker {worker + 1} of {workers}" + (f" on rank {rank}" if ranks > 1 else "")

    def close(self, failed: bool = False) -> None:
        self.outer.close(failed)
        dismiss(self._pipes, self._processes)


def dismiss(pipes: list[Connection], processes: list[SpawnProcess]) -> None:
    """Close the pipes, wait for the processes, kill those that stay; empties both lists."""
    for pipe in pipes:
        pipe.close()
    grace = GRACE
    while processes:
        process = processes[-1]
        process.join(grace)
        if process.is_alive():
            grace = 0.0  # all others had the same time
            process.kill()
            process.join()
        processes.pop().close()
    pipes.clear()


class OtherWorker(WorkerGroup):
    """Every other worker, in a process of its own."""

    def __init__(self, seat: Seat, memories: list[Memory | int], pipe: Connection) -> None:
        super().__init__(seat)
        self._memories = iter(memories)
        self._pipe = pipe

    def shared(self, shape: Shape, dtype: DTypeLike) -> Array:
        return self._array(shape, dtype)

    def _array(self, shape: Shape, dtype: DTypeLike) -> Array:
        memory = next(self._memories)
        assert isinstance(memory, Memory)
        return memory.array()

    def text(self, text: Text | None) -> Text:
        memory = next(self._memories)
        return RelayedText(self, memory) if isinstance(memory, int) else memory.array()

    def orders(self) -> Iterator[Order]:
        while True:
            try:
                order: Order = self._pipe.recv()
            except GONE:
                return
            yield order

    def all_reduce(self, numbers: Sequence[float]) -> list[float]:
        totals: list[float] = self._ask(numbers)
        return totals

    def _barrier(self, total: Array | None = None) -> None:
        self._ask(None)

    def all_gather(self, vector: Array) -> None:
        self._pipe.send(None)

    def complete(self, vector: Array) -> None:
        self._ask(None)

    def take(self, text: Text | None, positions: Array, mode: Mode) -> Array:
        indices: Array = self._ask(positions)
        return indices

    def _ask(self, message: object) -> Any:
        """The leader's answer, once all workers have sent a message."""
        self._pipe.send(message)
        return self._pipe.recv()

    def fail(self, error: BaseException) -> None:
        """Report an error to the leader."""
        short = isinstance(error, MemoryError)
        shortage = f"worker {self.seat.worker + 1}: {error}" if short else ""
        self._pipe.send(Failure("".join(traceback.format_exception(error)), shortage))


class RelayedText:
    """A text of the outer group: workers ask the leader for what they read, all at the same time.

    Args:
        group: the group of this worker.
        length: the length of the text.
        text: the text itself, in the leader.
    """

    def __init__(self, group: WorkerGroup, length: int, text: Text | None = None) -> None:
        self._group, self._length, self._text = group, length, text

    def __len__(self) -> int:
        return self._length

    def take(self, positions: Array, *, mode: Mode = "raise") -> Array:
        """The indices at positions, (T, B), with the same T in all workers."""
        return self._group.take(self._text, positions, mode)


def worker_main(
    member: tuple[Seat, list[Memory | int], Connection],
    work: Callable[..., None],
    arguments: tuple[Any, ...],
) -> None:
    """Do the work of a worker in its process, or report the error.

    Args:
        member: the arguments of `OtherWorker`.
        work: called with the group and the arguments.
        arguments: the arguments of `work`.
    """
    for number in IGNORED:
        signal.signal(number, signal.SIG_IGN)
    group = OtherWorker(*member)
    with suppress(*GONE):  # the leader is gone: end in silence
        try:
            work(group, *arguments)
        except GONE:
            raise
        except BaseException as error:
            group.fail(error)
