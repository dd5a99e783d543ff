"""How far long work has come: a bar on a terminal, elsewhere a plain line now and then."""

from __future__ import annotations

import sys
import time
from typing import Any

from tqdm import tqdm

from charrnn.cli.options import notice
from charrnn.cli.streams import can_draw

#: Seconds from line to line where there is no bar.
LINE_EVERY = 10


class Bar(tqdm):  # type: ignore[misc]
    """A bar on stderr, or lines.

    Args:
        quiet: whether to say nothing at all.
        more: as `tqdm` has it; lines are only said of a bar with a `desc`, by which they begin.
    """

    #: tqdm would watch over all bars from a thread, by a clock that can be set.
    monitor_interval = 0

    def __init__(self, *, quiet: bool = False, **more: Any) -> None:
        drawn = can_draw(sys.stderr) and not quiet
        # By steps alone, without a watch, a bar that slows down would stand still.
        super().__init__(disable=not drawn, dynamic_ncols=True, miniters=1, **more)
        self.what = None if quiet else more.get("desc")
        self.spoken = time.monotonic()
        if drawn:
            self._time = time.monotonic
            self.start_t = self.last_print_t = self.spoken

    def update(self, n: float | None = 1) -> bool | None:
        """Say that so much more is done."""
        if not self.disable:
            drawn: bool | None = super().update(n)
            return drawn
        self.n += n or 0
        if self.what and self.due():
            notice(f"{self.what}: {self.share()}")
        return None

    def due(self) -> bool:
        """Whether it is time for a line, which then is taken for said."""
        now = time.monotonic()
        if now - self.spoken <= LINE_EVERY:
            return False
        self.spoken = now
        return True

    def share(self) -> str:
        """How much is done: of the whole, where that is known."""
        return f"{self.n / self.total:.0%}" if self.total else tqdm.format_sizeof(self.n)

    def say(self, message: str, *, text: bool = False) -> None:
        """Write a message or a text, as `notice` does, without drawing into the bar."""
        with self.external_write_mode(sys.stderr):
            notice(message, text=text)
