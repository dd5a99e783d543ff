"""`charrnn`, but something happens to one rank: mishaps.py WHAT RANK STEP train …"""

import os
import signal
import sys

import numpy as np

from charrnn.__main__ import main
from charrnn.learner import Learner


def fail(learner):
    raise LookupError("not where it was")


def leave(learner):
    sys.exit(3)


def kill(learner):
    os.kill(os.getpid(), signal.SIGKILL)


def terminate(learner):
    os.kill(os.getpid(), signal.SIGTERM)


def forget(learner):
    learner.state[...] = np.nan


def alter(learner):
    def score(self=learner, before=learner.score):
        self.model.parameters.flat[0] += 1
        return before()

    learner.score = score


def nothing(learner):
    pass


def step(self, number, rate, before=Learner.step):
    if self.team.rank == rank and number == when:
        happen(self)
    return before(self, number, rate)


happen, rank, when = globals()[sys.argv[1]], int(sys.argv[2]), int(sys.argv[3])
del sys.argv[1:4]
Learner.step = step
main()
