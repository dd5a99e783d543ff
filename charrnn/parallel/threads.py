"""How many threads compute a matrix product. NumPy asks when it is imported, so this does not."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager

#: What the libraries behind NumPy's products read: OpenBLAS, MKL, Apple's Accelerate.
NAMES = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


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
