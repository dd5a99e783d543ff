"""Ctrl-C and `kill`: once to finish the step and save, twice to stop at once."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType

#: What ends a program without a word: `kill`, and a terminal that closes, which Windows has not.
DEADLY = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]


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
    """Within it, the first SIGINT or SIGTERM is only noted; the second has its usual effect.

    Attributes:
        received: the number of the signal, or 0.
    """

    def __init__(self) -> None:
        self.received = 0
        self._before: dict[int, object] = {}

    def __enter__(self) -> Interrupts:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._restore()

    def _note(self, number: int, frame: FrameType | None) -> None:
        # Nothing is said here: the signal may have come in the middle of saying something, and
        # a stream that is being written to cannot be written to again.
        self.received = number
        self._restore()

    def _restore(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
