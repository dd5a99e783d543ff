"""One rank of MPI that trains; `mpi.py` starts several at a time.

ranks.py TYPE CELLS LAYERS STREAMS STEPS WORKERS SECONDS: on the first rank, JSON of milliseconds.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np
from common import VOCABULARY_SIZE

from charrnn.config import TrainingConfig
from charrnn.network.model import CharRNN
from charrnn.parallel.group import Group
from charrnn.parallel.launch import ending_together
from charrnn.parallel.mpi import LeadingRank, OtherRank
from charrnn.parallel.workers import group_of
from charrnn.text.vocabulary import Vocabulary
from charrnn.training.trainer import Trainer

#: The repetitions of a sum alone, and of a sum while a gradient is computed.
TIMES, PAIRS = 20, 4
#: Streams of many ranks together.
MANY = 8192
#: The steps of a run that ends before them.
ENDLESS = 2**50


class Timed:
    """A function that sums the seconds of its calls.

    Args:
        function: the function to call.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function, self.seconds = function, 0.0

    def __call__(self, *arguments: Any, **more: Any) -> Any:
        """Call the function."""
        begun = time.perf_counter()
        result = self.function(*arguments, **more)
        self.seconds += time.perf_counter() - begun
        return result


class MeasuredTrainer(Trainer):
    """A trainer that also measures sums over its members."""

    def sums(self) -> float:
        """The seconds to sum gradients and send weights, without waiting for a member."""
        self.group.order("sums")
        begun = 0.0
        for number in range(TIMES + 1):
            if number == 1:  # the first is slower
                self.group.all_reduce([])
                begun = time.perf_counter()
            self.group.reduce_scatter(self.gradient)
            self.group.all_gather(self.model.parameters.flat)
        return (time.perf_counter() - begun) / TIMES

    def overlap(self) -> tuple[float, float]:
        """The seconds to compute a gradient and sum another: in turn, and at the same time."""
        from mpi4py import MPI

        self.group.order("overlap")
        ranks, group = MPI.COMM_WORLD, self.group
        whole = np.zeros_like(self.gradient)
        part, window = whole[group.part(whole.size)].copy(), self.streams.window(0)
        counts = ranks.allgather(part.size)

        def turn(together: bool) -> float:
            begun = time.perf_counter()
            request = ranks.Ireduce_scatter(whole, part, counts) if together else None
            self.model.loss_and_gradient(window, self.states[..., self.streams.part], None)
            if request:
                request.Wait()
            else:
                ranks.Reduce_scatter(whole, part, counts)
            ranks.Barrier()
            return time.perf_counter() - begun

        turns = [(turn(False), turn(True)) for _ in range(PAIRS + 1)]
        after, during = (median(times) for times in zip(*turns[1:]))  # the first is slower
        return after, during


def make(
    group: Group, layer_type: str, hidden_size: int, layers: int, streams: int, steps: int
) -> MeasuredTrainer:
    """A training on a random text, in the leader of a group."""
    rng = np.random.default_rng(0)
    vocabulary = Vocabulary(map(chr, range(33, 33 + VOCABULARY_SIZE)))
    model = CharRNN(
        vocabulary, layer_type=layer_type, hidden_size=hidden_size, num_layers=layers, dropout=0.1
    )
    model.initialize(rng)
    text = rng.integers(0, VOCABULARY_SIZE, 1_000_000).astype(vocabulary.dtype)
    config = TrainingConfig(
        steps=ENDLESS,
        val_every=ENDLESS,
        batch_size=streams,
        seq_length=steps,
        optimizer="adam",  # Muon also needs all of the momentum in each rank
        learning_rate=1e-3,
        schedule="constant",
        warmup_steps=0,
        workers=1,
        ranks=group.size,
    )
    return MeasuredTrainer(model, text, None, config, group)


def reading(group: Group, steps: int) -> float:
    """The seconds in which the first rank reads the characters of one stream for a step."""
    text = group.text(np.arange(1_000_000) % VOCABULARY_SIZE)
    positions = np.arange(MANY) * (len(text) // MANY) + np.arange(steps + 1)[:, None]
    text.take(positions, mode="wrap")
    begun = time.perf_counter()
    for _ in range(TIMES):
        text.take(positions, mode="wrap")
    return (time.perf_counter() - begun) / TIMES / MANY


def lead(group: Group, case: tuple[Any, ...], seconds: float) -> dict[str, float]:
    """The milliseconds of a step, of its parts, and of a sum without waiting."""
    trainer = make(group, *case)
    names = ("order", "reduce_scatter", "all_reduce", "all_gather")
    meetings = {name: Timed(getattr(group, name)) for name in names}
    for name, timed in meetings.items():
        setattr(group, name, timed)
    meetings["text"] = Timed(trainer.streams.indices.take)
    trainer.streams.indices.take = meetings["text"]  # type: ignore[method-assign]
    for _ in range(2):  # the first ones are slower
        trainer.step()
    for timed in meetings.values():
        timed.seconds = 0.0
    count, begun = 0, time.perf_counter()
    while (passed := time.perf_counter() - begun) < seconds or count < 2:
        trainer.step()
        count += 1
    found = {
        "step": passed / count,
        "meeting": sum(timed.seconds for timed in meetings.values()) / count,
        "parameters": trainer.gradient.size / 1e3,
    }
    if group.size > 1:
        found["sum"] = trainer.sums()
        if type(group) is LeadingRank:
            found["after"], found["during"] = trainer.overlap()
    else:
        found["text"] = reading(group, case[-1])
    return {name: 1e3 * value for name, value in found.items()}


def main() -> None:
    """Lead the ranks in rank 0, or do the work of another rank."""
    from mpi4py import MPI  # not in the processes that ranks start

    layer_type, *numbers, workers, seconds = sys.argv[1:]
    with ending_together():
        if MPI.COMM_WORLD.rank:
            OtherRank(MPI).do_work()
            return
        with group_of(int(workers), LeadingRank(MPI)) as group:
            found = lead(group, (layer_type, *map(int, numbers)), float(seconds))
        print(json.dumps(found))


if __name__ == "__main__":
    main()
