"""The number of threads of a product.

NumPy reads the number of threads when it is imported, so this file does not import NumPy.
"""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager

#: The variables read by OpenBLAS, MKL and Apple's Accelerate, which compute NumPy's products.
NAMES = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def one_thread(environment: MutableMapping[str, str]) -> None:
    """Set the number of threads to 1, unless the environment sets a number already."""
    for name in NAMES:
        environment.setdefault(name, "1")


@contextmanager
def one_thread_within(environment: MutableMapping[str, str]) -> Iterator[None]:
    """Apply `one_thread` to processes started within the context."""
    before = dict(environment)
    one_thread(environment)
    try:
        yield
    finally:
        for name in NAMES:
            environment.pop(name)
        environment.update({name: before[name] for name in NAMES if name in before})
