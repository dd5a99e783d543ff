"""All operations of a group of MPI ranks, and the result in each member, as JSON.

collectives.py WORKERS: the workers of each rank.
"""

import json
import sys
from pathlib import Path

import numpy as np

from charrnn.parallel.launch import ending_together
from charrnn.parallel.mpi import LeadingRank, OtherRank
from charrnn.parallel.workers import group_of

#: The length of the vectors, which is no multiple of any number of members.
SIZE = 7
TEXT = np.arange(100, 150, dtype=np.uint16)


class Table:
    """The arrays of a member, and the operations as methods."""

    def __init__(self, group, text):
        self.group = group
        self.vector = group.shared((SIZE,), np.float32)
        if group.rank == 0:
            self.vector[...] = np.arange(SIZE)
        self.state = group.shared((2, SIZE), np.float32)
        self.own = group.buffer(SIZE, np.float32)
        self.texts = {mode: group.text(text) for mode in ("wrap", "clip")}

    def all(self, name, *arguments):
        self.group.order(name, *arguments)
        return getattr(self, name)(*arguments)

    def results(self, found):
        """The results of all members, in the leader."""
        files = [Path(f"{rank} of {self.group.size}") for rank in range(self.group.size)]
        files[self.group.rank].write_text(json.dumps(found))
        self.meet()
        answers = [json.loads(path.read_text()) for path in files] if self.group.rank == 0 else []
        self.meet()
        return answers

    def meet(self):
        self.group.all_reduce([])

    def fill(self, array):
        """Fill an array with NaN before any member overwrites it."""
        array[...] = np.nan
        self.meet()

    def begin(self):
        return self.results(self.vector.tolist())

    def all_reduce(self, numbers):
        return self.results(self.group.all_reduce(numbers[self.group.rank]))

    def reduce_scatter(self, vectors):
        self.own[...] = vectors[self.group.rank]
        self.group.reduce_scatter(self.own)
        return self.results(self.own.tolist())

    def all_gather(self):
        self.fill(self.vector)
        self.vector[self.group.part(SIZE)] = self.group.rank
        self.group.all_gather(self.vector)
        self.meet()
        return self.results(self.vector.tolist())

    def complete(self):
        self.fill(self.vector)
        self.vector[self.group.part(SIZE)] = self.group.rank
        self.group.complete(self.vector)
        return self.results(self.vector.tolist())

    def broadcast(self):
        self.fill(self.vector)
        if self.group.rank == 0:
            self.vector[...] = 5
        self.group.broadcast(self.vector, self.state)
        self.meet()
        return self.results(self.vector.tolist())

    def gather(self):
        self.fill(self.state)
        self.state[:, self.group.part(SIZE)] = [[self.group.rank], [self.group.rank + 10]]
        self.meet()
        self.group.gather(self.state)
        return self.results(self.state.tolist())

    def take(self, starts, mode):
        mine = np.array(starts[self.group.rank], int)
        text = self.texts[mode]
        found = text.take(mine + np.arange(3)[:, None], mode=mode)
        assert found.dtype == TEXT.dtype
        return self.results([len(text), found.T.tolist()])


def work(group, *arguments):
    """Execute the operations in a member that does not lead."""
    assert arguments == ("an argument", 2)
    table = Table(group, None)
    group.start(work, *arguments)
    for name, arguments in group.orders():
        table.all(name, *arguments)


def lead(group):
    """Order the operations in the leader; returns the results by name."""
    table = Table(group, TEXT)
    group.start(work, "an argument", 2)
    size = group.size
    return {
        "begin": table.all("begin"),
        "all_reduce": table.all(
            "all_reduce", [[0.1, 1e16], [0.2, 1.0], [0.3, -1e16], *[[0.4, 1.0]] * 3][:size]
        ),
        "infinite": table.all(
            "all_reduce", [*[[1.0]] * 4, [float("inf")], [float("-inf")]][-size:]
        ),
        "reduce_scatter": table.all(
            "reduce_scatter", [[10.0**rank] * SIZE for rank in range(size)]
        ),
        "all_gather": table.all("all_gather"),
        "complete": table.all("complete"),
        "broadcast": table.all("broadcast"),
        "gather": table.all("gather"),
        "wrap": table.all("take", [[0, 10], [49], [], [7], [], [8]][:size], "wrap"),
        "clip": table.all("take", [[-2], [], [48], [7], [], [8]][:size], "clip"),
    }


def main():
    """Lead the ranks in rank 0, or do the work of another rank."""
    from mpi4py import MPI  # not in the processes that ranks start

    workers = int(sys.argv[1])
    with ending_together():
        if MPI.COMM_WORLD.rank:
            OtherRank(MPI).do_work()
        else:
            with group_of(workers, LeadingRank(MPI)) as group:
                answers = lead(group)
            print(json.dumps(answers))


if __name__ == "__main__":
    main()
