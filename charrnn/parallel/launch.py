"""Programs started by an MPI launcher, before they use MPI.

Every command imports this file, so the file imports neither NumPy nor MPI.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

#: The variables of the rank and of the number of ranks in Open MPI; in MPICH and others with its
#: launcher Hydra, such as Intel MPI; in Slurm's srun.
LAUNCHERS = (
    ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"),
    ("PMI_RANK", "PMI_SIZE"),
    ("SLURM_PROCID", "SLURM_STEP_NUM_TASKS"),
)

#: Seconds for a launcher to forward the output of a rank: after an abort it may drop the rest.
FORWARDING_SECONDS = 0.5


def launched(environment: Mapping[str, str] = os.environ) -> tuple[int, int]:
    """The rank of this program, from 0, and the number of programs started together."""
    for rank, size in LAUNCHERS:
        numbers = environment.get(rank, ""), environment.get(size, "")
        if all(number.isdecimal() for number in numbers):
            return int(numbers[0]), int(numbers[1])
    return 0, 1


def started() -> Any:
    """The module of MPI if MPI is in use, else None."""
    mpi = sys.modules.get("mpi4py.MPI")
    return mpi if mpi and mpi.Is_initialized() and not mpi.Is_finalized() else None


@contextmanager
def ending_together() -> Iterator[None]:
    """End all ranks if an exception ends this one: they would wait for it without end.

    Does nothing without MPI, or after the ranks have finalized MPI together.
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
        time.sleep(FORWARDING_SECONDS)
        mpi.COMM_WORLD.Abort(1 if isinstance(said, str) else said or 0)
        raise
