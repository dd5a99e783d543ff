"""What the members of a team of MPI find, as JSON: everything a team can do, with every member.

roundtable.py WORKERS: that each rank has.
"""

import json
import sys
from pathlib import Path

import numpy as np

from charrnn.parallel.launch import ending_together
from charrnn.parallel.mpi import Follower, Leader
from charrnn.parallel.processes import team_of

#: Of the vectors: no multiple of any number of members.
SIZE = 7
TEXT = np.arange(100, 150, dtype=np.uint16)


class Table:
    """What every member has before it, and can do."""

    def __init__(self, team, text):
        self.team = team
        self.vector = team.common((SIZE,), np.float32)
        if team.rank == 0:
            self.vector[...] = np.arange(SIZE)
        self.state = team.common((2, SIZE), np.float32)
        self.own = team.own(SIZE, np.float32)
        self.texts = {mode: team.constant(text) for mode in ("wrap", "clip")}

    def all(self, name, *arguments):
        self.team.order(name, *arguments)
        return getattr(self, name)(*arguments)

    def told(self, found):
        """What each member found, for the first one."""
        said = [Path(f"{rank} of {self.team.size}") for rank in range(self.team.size)]
        said[self.team.rank].write_text(json.dumps(found))
        self.meet()
        answers = [json.loads(path.read_text()) for path in said] if self.team.rank == 0 else []
        self.meet()
        return answers

    def meet(self):
        self.team.sum([])

    def fill(self, array):
        """With what is to be written over, before anybody does."""
        array[...] = np.nan
        self.meet()

    def begin(self):
        return self.told(self.vector.tolist())

    def sum(self, numbers):
        return self.told(self.team.sum(numbers[self.team.rank]))

    def reduce(self, vectors):
        self.own[...] = vectors[self.team.rank]
        self.team.reduce(self.own)
        return self.told(self.own.tolist())

    def gather(self):
        self.fill(self.vector)
        self.vector[self.team.part(SIZE)] = self.team.rank
        self.team.gather(self.vector)
        self.meet()
        return self.told(self.vector.tolist())

    def spread(self):
        self.fill(self.vector)
        if self.team.rank == 0:
            self.vector[...] = 5
        self.team.spread(self.vector, self.state)
        self.meet()
        return self.told(self.vector.tolist())

    def collect(self):
        self.fill(self.state)
        self.state[:, self.team.part(SIZE)] = [[self.team.rank], [self.team.rank + 10]]
        self.meet()
        self.team.collect(self.state)
        return self.told(self.state.tolist())

    def take(self, starts, mode):
        mine = np.array(starts[self.team.rank], int)
        text = self.texts[mode]
        found = text.take(mine + np.arange(3)[:, None], mode=mode)
        assert found.dtype == TEXT.dtype
        return self.told([len(text), found.T.tolist()])


def work(team, *arguments):
    """What all but the first do."""
    assert arguments == ("an argument", 2)
    table = Table(team, None)
    team.start(work, *arguments)
    for name, arguments in team.orders():
        table.all(name, *arguments)


def lead(team):
    """What the first does."""
    table = Table(team, TEXT)
    team.start(work, "an argument", 2)
    size = team.size
    return {
        "begin": table.all("begin"),
        "sum": table.all("sum", [[0.1, 1e16], [0.2, 1.0], [0.3, -1e16], *[[0.4, 1.0]] * 3][:size]),
        "infinite": table.all("sum", [*[[1.0]] * 4, [float("inf")], [float("-inf")]][-size:]),
        "reduce": table.all("reduce", [[10.0**rank] * SIZE for rank in range(size)]),
        "gather": table.all("gather"),
        "spread": table.all("spread"),
        "collect": table.all("collect"),
        "wrap": table.all("take", [[0, 10], [49], [], [7], [], [8]][:size], "wrap"),
        "clip": table.all("take", [[-2], [], [48], [7], [], [8]][:size], "clip"),
    }


def main():
    """Lead or follow, as MPI has it."""
    from mpi4py import MPI  # not in the processes that ranks start

    workers = int(sys.argv[1])
    with ending_together():
        if MPI.COMM_WORLD.rank:
            Follower(MPI).follow()
        else:
            with team_of(workers, Leader(MPI)) as team:
                answers = lead(team)
            print(json.dumps(answers))


if __name__ == "__main__":
    main()
