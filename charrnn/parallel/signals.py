"""Signals that are for the first of several processes, and reach all."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker

#: What reaches a whole group of processes, where it is for the first member to end well.
IGNORED = [
    getattr(signal, name)
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1")
    if hasattr(signal, name)
]


@contextmanager
def held() -> Iterator[None]:
    """Within it, Ctrl-C and `kill` wait. Processes that are started within begin so, and never
    see those that come before they ignore them.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # when it starts it lets go what is held
    before = signal.pthread_sigmask(signal.SIG_BLOCK, IGNORED)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
