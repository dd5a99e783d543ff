"""Programs that a launcher of MPI has started, before they know of each other.

Every command looks here, so this imports neither NumPy nor MPI.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

#: Where launchers say which of how many programs this is: Open MPI; MPICH and all that have
#: Hydra from it, Intel MPI among them; Slurm's srun.
LAUNCHERS = (
    ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"),
    ("PMI_RANK", "PMI_SIZE"),
    ("SLURM_PROCID", "SLURM_STEP_NUM_TASKS"),
)

#: Seconds in which a launcher has taken in what a rank said; of one that ends all, it may not.
HEARD = 0.5


def launched(environment: Mapping[str, str] = os.environ) -> tuple[int, int]:
    """Which program this is, from 0, of how many that were started together."""
    for rank, size in LAUNCHERS:
        numbers = environment.get(rank, ""), environment.get(size, "")
        if all(number.isdecimal() for number in numbers):
            return int(numbers[0]), int(numbers[1])
    return 0, 1


def started() -> Any:
    """The module of MPI, where it is at work; else None."""
    mpi = sys.modules.get("mpi4py.MPI")
    return mpi if mpi and mpi.Is_initialized() and not mpi.Is_finalized() else None


@contextmanager
def ending_together() -> Iterator[None]:
    """Within it, what ends this program ends those that are in one MPI with it, too: they would
    wait for it for ever.

    Members who take leave of each other end MPI first; then, and without MPI, this does nothing.
    """
    try:
        yield
    except BaseException as error:
        mpi = started()
        if not mpi or mpi.COMM_WORLD.size == 1:
            raise
        said = error.code if isinstance(error, SystemExit) else 1
        if not isinstance(error, SystemExit):
            print(f"rank {mpi.COMM_WORLD.rank} of {mpi.COMM_WORLD.size}:", file=sys.stderr)
            sys.excepthook(type(error), error, error.__traceback__)
        elif isinstance(said, str):
            print(said, file=sys.stderr)
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        time.sleep(HEARD)
        mpi.COMM_WORLD.Abort(1 if isinstance(said, str) else said or 0)
        raise
