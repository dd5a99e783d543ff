"""Signals that kill silently end a command as Ctrl-C does."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

#: A terminal that closes; Windows has none.
HANGUP = getattr(signal, "SIGHUP", None)
#: Signals that kill silently: those of `kill` and of a terminal that closes.
DEADLY = [signal.SIGTERM] + ([HANGUP] if HANGUP else [])


@contextmanager
def unwinding() -> Iterator[None]:
    """A context in which signals that kill silently raise an exception, as Ctrl-C does.

    So temporary files are removed, and workers dismissed.
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
