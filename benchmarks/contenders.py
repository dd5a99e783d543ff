"""Contenders: programs that are compared. Each has a process of its own, and they take turns.

The speed of a machine drifts. Turns spread the drift over all contenders. Between turns a
contender waits at a pipe. After each turn there is a pause, in which threads that wait by spinning,
such as those of OpenMP, go to sleep. The processor time that a contender uses while others have
their turn is measured as `idle`.
"""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from multiprocessing.connection import Connection

from watching import processor_seconds

from charrnn.parallel.threads import NAMES

#: Seconds until waiting threads sleep.
PAUSE = 0.25
#: A warning is printed for a larger share of a core, used out of turn.
DISTURBING = 0.02

Step = Callable[[], object]
#: Returns a context with the step to measure; at the top level of a module, so that another
#: process finds it.
Maker = Callable[..., AbstractContextManager[Step]]
Times = dict[str, list[float]]


class Contender:
    """A process that repeats a step whenever it has its turn.

    Args:
        threads: the number of threads of its matrix products.
    """

    def __init__(self, threads: int) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=serve, args=(theirs,))
        # Read when NumPy or PyTorch is imported, which the new process does itself.
        with environment({name: str(threads) for name in NAMES}):
            self.process.start()
        theirs.close()
        self.before = 0.0, 0.0
        self.idle = 0.0

    def prepare(self, make: Maker, *arguments: object) -> None:
        """Choose the step to repeat from now on, and take the first one, which is slower."""
        self.pipe.send((make, arguments))
        self.pipe.recv()
        self._rest()

    def turn(self, seconds: float) -> float:
        """Repeat the step for at least this many seconds; returns the seconds of one step."""
        now, used = time.monotonic(), processor_seconds(self.process.pid)
        self.idle = max(self.idle, (used - self.before[1]) / (now - self.before[0]))
        self.pipe.send(seconds)
        each: float = self.pipe.recv()
        self._rest()
        return each

    def _rest(self) -> None:
        time.sleep(PAUSE)
        self.before = time.monotonic(), processor_seconds(self.process.pid)

    def close(self) -> None:
        """End the process."""
        self.pipe.close()
        self.process.join()


def serve(pipe: Connection) -> None:
    """Serve a contender in its process until the pipe is closed."""
    with suppress(EOFError):
        message = pipe.recv()
        while True:
            make, arguments = message
            with make(*arguments) as step:
                step()
                pipe.send(None)
                while isinstance(message := pipe.recv(), float):
                    pipe.send(measured(step, message))


def measured(step: Step, seconds: float) -> float:
    """The seconds of a step, the mean over steps that take at least `seconds` together."""
    step()  # wakes the threads and fills the caches
    count, start = 0, time.perf_counter()
    while (passed := time.perf_counter() - start) < seconds or count < 2:
        step()
        count += 1
    return passed / count


@contextmanager
def environment(variables: dict[str, str]) -> Iterator[None]:
    """A context with environment variables for the processes that are started in it."""
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextmanager
def contenders(threads: dict[str, int]) -> Iterator[dict[str, Contender]]:
    """A context with contenders by name, which warns of those that used a core out of turn.

    Args:
        threads: the number of threads of each contender, by its name.
    """
    with ExitStack() as stack:
        result = {}
        for name, number in threads.items():
            result[name] = Contender(number)
            stack.callback(result[name].close)
        yield result
        for name, contender in result.items():
            if contender.idle > DISTURBING:
                print(f"NOT QUIET: {name} used {contender.idle:.0%} of a core out of its turn")


def interleaved(who: dict[str, Contender], turns: int, seconds: float) -> Times:
    """The seconds of a step of each contender in each of its turns."""
    times: Times = {name: [] for name in who}
    for _ in range(turns):
        for name, contender in who.items():
            times[name].append(contender.turn(seconds))
    return times
