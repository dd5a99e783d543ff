"""Signals: the first one finishes the step and saves, the second one stops at once."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType

#: The signal of a closed terminal; Windows has none.
HANGUP = getattr(signal, "SIGHUP", None)
#: Signals that end a Python program without an exception.
ENDING_SIGNALS = [signal.SIGTERM] + ([HANGUP] if HANGUP else [])


@contextmanager
def unwinding() -> Iterator[None]:
    """Turn SIGTERM and SIGHUP into `SystemExit` within the context, as Ctrl-C is an exception.

    So temporary files are removed and workers end.
    """

    def leave(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    # An ignored signal stays ignored, as with nohup.
    handled = [n for n in ENDING_SIGNALS if signal.getsignal(n) is signal.SIG_DFL]
    for number in handled:
        signal.signal(number, leave)
    try:
        yield
    finally:
        for number in handled:
            signal.signal(number, signal.SIG_DFL)


class Interrupts:
    """A context that only notes the first SIGINT, SIGTERM or SIGHUP.

    A second SIGINT or SIGTERM has its usual effect. SIGHUP stays noted: a terminal that closes may
    send it more than once.

    Attributes:
        received: the number of the signal, or 0.
    """

    def __init__(self) -> None:
        self.received = 0
        self._before: dict[int, object] = {}

    def __enter__(self) -> Interrupts:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._note)
        # An ignored signal stays ignored, as with nohup.
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
        # Writes nothing: the signal may interrupt a write to the same stream, which cannot nest.
        self.received = self.received or number
        self._restore(signal.SIGINT, signal.SIGTERM)

    def _restore(self, *numbers: int) -> None:
        for number in numbers:
            signal.signal(number, self._before[number])  # type: ignore[arg-type]
