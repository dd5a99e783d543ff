"""Ctrl-C and `kill`: once to finish the step and save, twice to stop at once."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType

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


class Interrupts:
    """Within it, the first SIGINT, SIGTERM or SIGHUP is only noted; a second SIGINT or SIGTERM
    has its usual effect. A terminal that closes may say so more than once, and means no haste.

    Attributes:
        received: the number of the signal, or 0.
    """

    def __init__(self) -> None:
        self.received = 0
        self._before: dict[int, object] = {}

    def __enter__(self) -> Interrupts:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._note)
        # What is ignored stays so, as with nohup.
        if HANGUP and signal.getsignal(HANGUP) is not signal.SIG_IGN:
            self._before[HANGUP] = signal.signal(HANGUP, self._note)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._restore(*self._before)

    def _note(self, number: int, frame: FrameType | None) -> None:
        # Nothing is said here: the signal may have come in the middle of saying something, and
        # a stream that is being written to cannot be written to again.
        self.received = self.received or number
        self._restore(signal.SIGINT, signal.SIGTERM)

    def _restore(self, *numbers: int) -> None:
        for number in numbers:
            signal.signal(number, self._before[number])  # type: ignore[arg-type]
