"""How many threads compute, and how many could.

NumPy asks how many are to compute a product when it is imported, so this does not import it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager

#: What the libraries behind NumPy's products read: OpenBLAS, MKL, Apple's Accelerate.
NAMES = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def one_thread(environment: MutableMapping[str, str]) -> None:
    """Ask for one thread, where the environment does not ask for a number already."""
    for name in NAMES:
        environment.setdefault(name, "1")


@contextmanager
def one_thread_within(environment: MutableMapping[str, str]) -> Iterator[None]:
    """The same for processes that are started within."""
    before = dict(environment)
    one_thread(environment)
    try:
        yield
    finally:
        for name in NAMES:
            environment.pop(name)
        environment.update({name: before[name] for name in NAMES if name in before})
