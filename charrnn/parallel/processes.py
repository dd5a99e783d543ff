"""A team of processes on one machine: common memory, and a pipe from the first to each other.

NumPy does all but the products on one core, so processes with one thread each are faster than
one process whose products have several. Whoever dies closes its end of a pipe, and whoever
waits at the other end learns that at once, so nobody waits for ever.

Such teams on several machines make a larger one: their first members are each in a team
*outside*, too, and what concerns all goes through them.
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

from charrnn.errors import TrainingError
from charrnn.parallel.memory import Memory, in_file, reserve
from charrnn.parallel.signals import IGNORED, held
from charrnn.parallel.team import Order, Team, portion
from charrnn.parallel.threads import cores, one_thread_within
from charrnn.parameters import Array, Mode, Shape, Text

#: Seconds a member has to leave when it is dismissed, before it is stopped.
GRACE = 5.0
#: With fewer streams a worker, one more worker gains little: products get too slender for BLAS.
LEAST_STREAMS = 8
#: What a pipe raises when there is nobody at its other end.
GONE = (EOFError, ConnectionError)


def fitting(batch_size: int) -> int:
    """How many workers suit a batch: one a core, but none with too few streams."""
    return max(1, min(cores(), batch_size // LEAST_STREAMS))


def team_of(workers: int, outside: Team | None = None) -> Team:
    """A team of so many processes, this one among them, in one outside that has as many such."""
    outside = outside or Team()
    return Leader(workers, outside) if workers > 1 else outside


def lead(outside: Team, workers: int, work: Callable[..., None], *arguments: Any) -> None:
    """What a member outside does that has workers, as the first one there has: their part of the
    work, as one of them.
    """
    with team_of(workers, outside) as team:
        work(team, *arguments)


@dataclass
class Failure:
    """What a member says of an error that ended it."""

    trace: str
    #: What it lacked, where that is no bug.
    lack: str = ""


class Place(NamedTuple):
    """Which worker of how many, on which rank of how many outside."""

    worker: int
    workers: int
    rank: int = 0
    ranks: int = 1


class Processes(Team):
    """What all members of such a team do alike.

    Args:
        place: of this one.
    """

    def __init__(self, place: Place) -> None:
        self.place = place
        self.rank = place.rank * place.workers + place.worker
        self.size = place.ranks * place.workers
        self._rows: Array | None = None

    def own(self, size: int, dtype: DTypeLike) -> Array:
        self._rows = self._array((self.place.workers, size), dtype)
        row: Array = self._rows[self.place.worker]
        return row

    def reduce(self, own: Array) -> None:
        worker, workers, _, ranks = self.place
        self._meet()  # until all have written theirs
        assert self._rows is not None
        mine = portion(own.size, worker, workers)
        for other, row in enumerate(self._rows):
            if other != worker:
                own[mine] += row[mine]
        if ranks > 1:
            whole, part = self._rows[0], self.part(own.size)
            whole[mine] = own[mine]
            self._meet(whole)
            own[part] = whole[part]

    @abstractmethod
    def _array(self, shape: Shape, dtype: DTypeLike) -> Array:
        """Zeros in the memory that the processes have in common."""

    @abstractmethod
    def _meet(self, whole: Array | None = None) -> None:
        """Wait until all are here; then for the first to add up a vector outside, if any."""

    @abstractmethod
    def read(self, text: Text | None, places: Array, mode: Mode) -> Array:
        """What stands at each member's places of a text that the first has from outside."""


class Leader(Processes):
    """The first member, which makes the memory and the other members.

    Args:
        size: how many members, this one among them.
        outside: the team whose member this is for all of these; alone unless given.
    """

    def __init__(self, size: int, outside: Team | None = None) -> None:
        self.outside = outside or Team()
        super().__init__(Place(0, size, self.outside.rank, self.outside.size))
        self._context = multiprocessing.get_context("spawn")
        self._memories: list[Memory | int] = []
        self._pipes: list[Connection] = []
        self._processes: list[SpawnProcess] = []
        # At its end, a program waits for the processes it started: who forgot to close must not
        # wait for ever.
        Finalize(self, dismiss, (self._pipes, self._processes), exitpriority=0)

    def common(self, shape: Shape, dtype: DTypeLike) -> Array:
        return self.outside.share(self._array(shape, dtype))

    def _array(self, shape: Shape, dtype: DTypeLike) -> Array:
        return self._remember(reserve(shape, dtype))

    def constant(self, array: Text) -> Text:
        text = self.outside.constant(array)
        if not isinstance(text, np.ndarray):
            self._memories.append(len(text))
            return Relayed(self, len(text), text)
        file = in_file(text)
        if file:
            return self._remember(file)
        copy = self._array(text.shape, text.dtype)
        copy[...] = text
        return copy

    def _remember(self, memory: Memory) -> Array:
        self._memories.append(memory)
        return memory.array()

    def start(self, work: Callable[..., None], *arguments: Any) -> None:
        self.outside.start(lead, self.place.workers, work, *arguments)
        with one_thread_within(os.environ):
            for worker in range(1, self.place.workers):
                with held():  # one by one: a signal takes effect before the next is started
                    self._start_one(worker, work, arguments)

    def _start_one(self, worker: int, work: Callable[..., None], arguments: Any) -> None:
        ours, theirs = self._context.Pipe()
        follower = self.place._replace(worker=worker), self._memories, theirs
        process = self._context.Process(target=follow, args=(follower, work, arguments))
        try:
            process.start()
        except OSError as error:
            raise TrainingError(
                f"{self._name(worker)} cannot be started ({error.strerror}): train with "
                "fewer --workers"
            ) from error
        theirs.close()  # so that the follower's end is the only one
        self._pipes.append(ours)
        self._processes.append(process)

    def order(self, name: str, *arguments: Any) -> None:
        self.outside.order(name, *arguments)
        self._tell((name, arguments))

    def orders(self) -> Iterator[Order]:
        return self.outside.orders()

    def sum(self, numbers: Sequence[float]) -> list[float]:
        totals = list(numbers)
        for said in self._hear():
            totals = [total + number for total, number in zip(totals, said)]
        totals = self.outside.sum(totals)
        self.signal = self.outside.signal
        self._tell(totals)
        return totals

    def _meet(self, whole: Array | None = None) -> None:
        self._hear()
        if whole is not None:
            self.outside.reduce(whole)
        self._tell(None)

    def gather(self, vector: Array) -> None:
        self._hear()
        self.outside.gather(vector)

    def spread(self, *arrays: Array) -> None:
        self.outside.spread(*arrays)

    def collect(self, *arrays: Array) -> None:
        self.outside.collect(*arrays)

    def compare(self, array: Array) -> None:
        self.outside.compare(array)

    def read(self, text: Text | None, places: Array, mode: Mode) -> Array:
        assert text is not None
        asked = [places, *self._hear()]
        edges = list(accumulate(each.shape[1] for each in asked[:-1]))
        mine, *others = np.split(text.take(np.hstack(asked), mode=mode), edges, axis=1)
        for pipe, theirs in zip(self._pipes, others):
            with suppress(*GONE):
                pipe.send(theirs)
        return mine

    def _tell(self, message: object) -> None:
        for pipe in self._pipes:
            with suppress(*GONE):  # it will be missed when it is to be heard
                pipe.send(message)

    def _hear(self) -> list[Any]:
        """What each follower says.

        Raises:
            TrainingError: where one is gone.
            MemoryError: where one had too little memory.
            RuntimeError: with its traceback, where one failed.
        """
        return [self._hear_of(worker) for worker in range(1, self.place.workers)]

    def _hear_of(self, worker: int) -> Any:
        try:
            said = self._pipes[worker - 1].recv()
        except GONE as error:
            process = self._processes[worker - 1]
            process.join(GRACE)
            code = process.exitcode
            how = f"exit code {code}"
            if code and code < 0:
                hint = ", perhaps for want of memory" if code == -9 else ""
                how = f"killed by signal {-code}{hint}"
            raise TrainingError(
                f"{self._name(worker)} is gone ({how}): go on from the last save with --resume"
            ) from error
        if isinstance(said, Failure):
            if said.lack:
                raise MemoryError(said.lack)
            raise RuntimeError(f"{self._name(worker)} failed:\n{said.trace}")
        return said

    def _name(self, worker: int) -> str:
        _, workers, rank, ranks = self.place
        return f"worker {worker + 1} of {workers}" + (f" on rank {rank}" if ranks > 1 else "")

    def close(self, failed: bool = False) -> None:
        self.outside.close(failed)
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

    def __init__(self, place: Place, memories: list[Memory | int], pipe: Connection) -> None:
        super().__init__(place)
        self._memories = iter(memories)
        self._pipe = pipe

    def common(self, shape: Shape, dtype: DTypeLike) -> Array:
        return self._array(shape, dtype)

    def _array(self, shape: Shape, dtype: DTypeLike) -> Array:
        memory = next(self._memories)
        assert isinstance(memory, Memory)
        return memory.array()

    def constant(self, array: Text | None) -> Text:
        memory = next(self._memories)
        return Relayed(self, memory) if isinstance(memory, int) else memory.array()

    def orders(self) -> Iterator[Order]:
        while True:
            try:
                order: Order = self._pipe.recv()
            except GONE:
                return
            yield order

    def sum(self, numbers: Sequence[float]) -> list[float]:
        totals: list[float] = self._ask(numbers)
        return totals

    def _meet(self, whole: Array | None = None) -> None:
        self._ask(None)

    def gather(self, vector: Array) -> None:
        self._pipe.send(None)

    def read(self, text: Text | None, places: Array, mode: Mode) -> Array:
        read: Array = self._ask(places)
        return read

    def _ask(self, what: object) -> Any:
        """What the first member answers once all have asked."""
        self._pipe.send(what)
        return self._pipe.recv()

    def fail(self, error: BaseException) -> None:
        """Tell the first member of an error."""
        lack = f"worker {self.place.worker + 1}: {error}" if isinstance(error, MemoryError) else ""
        self._pipe.send(Failure("".join(traceback.format_exception(error)), lack))


class Relayed:
    """A text from outside: each asks the first member for what it reads, all at the same time.

    Args:
        team: this member.
        length: of the text.
        text: itself, with the first member.
    """

    def __init__(self, team: Processes, length: int, text: Text | None = None) -> None:
        self._team, self._length, self._text = team, length, text

    def __len__(self) -> int:
        return self._length

    def take(self, places: Array, *, mode: Mode = "raise") -> Array:
        """The indices at places, (T, B), for the same T with all."""
        return self._team.read(self._text, places, mode)


def follow(
    follower: tuple[Place, list[Memory | int], Connection],
    work: Callable[..., None],
    arguments: tuple[Any, ...],
) -> None:
    """The whole life of a follower's process: do the work, or say why not."""
    for number in IGNORED:
        signal.signal(number, signal.SIG_IGN)
    team = Follower(*follower)
    with suppress(*GONE):  # the first member is gone: so is this one, without a word
        try:
            work(team, *arguments)
        except GONE:
            raise
        except BaseException as error:
            team.fail(error)
