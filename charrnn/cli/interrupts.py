"""Signals that would end a command in silence end it as Ctrl-C does."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

#: A terminal that closes; Windows has none.
HANGUP = getattr(signal, "SIGHUP", None)
#: What ends a program without a word: that and `kill`.
DEADLY = [signal.SIGTERM] + ([HANGUP] if HANGUP else [])


@contextmanager
def unwinding() -> Iterator[None]:
    """Within it, what would end the program without a word ends it by an exception, as Ctrl-C
    does: so temporary files are removed, and workers dismissed.
    """

    def leave(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    # What is ignored stays so, as with nohup.
    mine = [number for number in DEADLY if signal.getsignal(number) is signal.SIG_DFL]
    for number in mine:
        signal.signal(number, leave)
    try:
        yield
    finally:
        for number in mine:
            signal.signal(number, signal.SIG_DFL)
