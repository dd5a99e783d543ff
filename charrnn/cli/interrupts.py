"""Let SIGTERM and SIGHUP end a command with cleanup, as Ctrl-C does."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

#: Signals that end a process without cleanup: of `kill`, and of a terminal that closes (not on
#: Windows).
DEADLY = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]


@contextmanager
def unwinding() -> Iterator[None]:
    """Within the context, raise an exception for the signals in `DEADLY`, as for Ctrl-C.

    The exception removes temporary files and ends workers on its way.
    """

    def leave(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    # A signal that is ignored, as with nohup, stays ignored.
    mine = [number for number in DEADLY if signal.getsignal(number) is signal.SIG_DFL]
    for number in mine:
        signal.signal(number, leave)
    try:
        yield
    finally:
        for number in mine:
            signal.signal(number, signal.SIG_DFL)
