"""Signals: workers ignore them; the leader remembers the first one and acts after the step."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker
from types import FrameType, TracebackType

#: The signal of a terminal that closes; Windows has none.
HANGUP = getattr(signal, "SIGHUP", None)

#: Signals that a terminal or a job sends to all processes. Workers ignore them: the leader, which
#: receives them, too, ends the workers.
IGNORED = [
    getattr(signal, name)
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1")
    if hasattr(signal, name)
]


@contextmanager
def blocked() -> Iterator[None]:
    """Block Ctrl-C and `kill`. Processes started meanwhile inherit the block, so that no signal
    reaches them before they ignore signals.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # its start would unblock the signals
    before = signal.pthread_sigmask(signal.SIG_BLOCK, IGNORED)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class Interrupts:
    """A context in which the first SIGINT, SIGTERM or SIGHUP is only noted.

    A second SIGINT or SIGTERM has its usual effect. A terminal that closes may send SIGHUP several
    times: each further one is ignored. A signal that was ignored before stays ignored: `nohup`
    ignores SIGHUP, and a shell without job control ignores SIGINT in a command that ends in `&`.
    Outside of the main thread, which alone receives signals, the context does nothing.

    Args:
        ready: called when a signal arrives; while it returns False, every signal has its usual
            effect.

    Attributes:
        received: the number of the signal, or 0.
    """

    def __init__(self, ready: Callable[[], bool] = lambda: True) -> None:
        self.received = 0
        self._ready = ready
        self._before: dict[int, object] = {}

    def __enter__(self) -> Interrupts:
        if threading.current_thread() is not threading.main_thread():
            return self
        for number in (signal.SIGINT, signal.SIGTERM, HANGUP):
            # None is a handler that is not Python's, and that Python cannot restore.
            if number and signal.getsignal(number) not in (signal.SIG_IGN, None):
                self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._restore(*self._before)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if not self._ready():
            self._restore(number)
            signal.raise_signal(number)
            return
        # Writes no message: the signal may interrupt a write to the same stream.
        self.received = self.received or number
        self._restore(signal.SIGINT, signal.SIGTERM)

    def _restore(self, *numbers: int) -> None:
        for number in self._before.keys() & set(numbers):
            signal.signal(number, self._before[number])  # type: ignore[arg-type]
