"""`charrnn`, but something happens to one member: mishaps.py WHAT RANK STEP train …"""

import os
import signal
import sys
import time

import numpy as np

from charrnn.__main__ import main
from charrnn.network.model import CharRNN
from charrnn.training.learner import Learner


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


def terminate_while_scoring(learner):
    def slow(*arguments, losses=CharRNN.losses):
        if not windows:
            terminate(learner)
        windows.append(1)
        time.sleep(1)
        return losses(*arguments)

    windows = []
    CharRNN.losses = slow


def nothing(learner):
    pass


def step(self, number, rate, before=Learner.step):
    if self.group.rank == rank and number == when:
        happen(self)
    return before(self, number, rate)


# Processes that ranks start run this anew, with the environment as it is then.
what, *numbers = os.environ.setdefault("MISHAP", " ".join(sys.argv[1:4])).split()
happen, rank, when = globals()[what], *map(int, numbers)
Learner.step = step
if __name__ == "__main__":
    del sys.argv[1:4]
    main()
