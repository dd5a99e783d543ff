"""`charrnn` with a mishap of one member: mishaps.py MISHAP MEMBER STEP train …"""

import os
import signal
import sys
import time

import numpy as np

from charrnn.__main__ import main
from charrnn.network.model import CharRNN
from charrnn.training.trainer import Trainer


def fail(trainer):
    raise LookupError("not where it was")


def leave(trainer):
    sys.exit(3)


def kill(trainer):
    os.kill(os.getpid(), signal.SIGKILL)


def terminate(trainer):
    os.kill(os.getpid(), signal.SIGTERM)


def forget(trainer):
    trainer.states[..., trainer.streams.part] = np.nan


def alter(trainer):
    def evaluate(self=trainer, before=trainer.evaluate):
        self.model.parameters.flat[0] += 1
        return before()

    trainer.evaluate = evaluate


def terminate_while_scoring(trainer):
    def slow(*arguments, losses=CharRNN.losses):
        if not windows:
            terminate(trainer)
        windows.append(1)
        time.sleep(0.3)
        return losses(*arguments)

    windows = []
    CharRNN.losses = slow


def nothing(trainer):
    pass


def step(self, before=Trainer.step):
    if self.group.rank == rank and self.counters.step == when:
        happen(self)
    return before(self)


# Worker processes run this file again, and find the arguments in the environment.
what, *numbers = os.environ.setdefault("MISHAP", " ".join(sys.argv[1:4])).split()
happen, rank, when = globals()[what], *map(int, numbers)
Trainer.step = step
if __name__ == "__main__":
    del sys.argv[1:4]
    main()
