"""Progress of long work: a bar on a terminal, otherwise a line every ten seconds."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from tqdm import tqdm

from charrnn.cli.console import can_draw, notice

#: Seconds between two lines where no bar is drawn.
LINE_EVERY = 10
#: The form of a bar with figures, of a bar without, and of progress of which the end is unknown.
BESIDE_FIGURES = "{percentage:3.0f}%|{bar}| "
ALONE = "{desc}: {percentage:3.0f}%|{bar}| {remaining} left"
ENDLESS = "{desc}: {n_fmt}{unit}"
#: Figures are left out for a bar of this many columns, but for the first figures.
MIN_BAR, KEPT_FIGURES = 10, 2


class Bar(tqdm):  # type: ignore[misc]
    """A progress bar on stderr, or lines.

    Args:
        quiet: show neither a bar nor lines.
        figures: returns the figures beside the bar, the most important first, which may have fields
            of `tqdm`; the last ones are left out where the terminal is too narrow.
        more: arguments of `tqdm`. Lines begin with `desc`; without it there are none.
    """

    #: Without it, tqdm starts a thread that watches all bars by a clock that can be set.
    monitor_interval = 0

    def __init__(
        self,
        *,
        quiet: bool = False,
        figures: Callable[[], Sequence[str]] | None = None,
        **more: Any,
    ) -> None:
        drawn = can_draw(sys.stderr) and not quiet
        self.figures = figures
        more.setdefault("bar_format", ENDLESS if more.get("total") is None else ALONE)
        # miniters=1: tqdm skips updates by their past rate, and a bar that slows down would freeze.
        super().__init__(disable=not drawn, dynamic_ncols=True, miniters=1, **more)
        self.title = None if quiet else more.get("desc")
        self.line_at = time.monotonic()
        if drawn:  # tqdm reads a clock that can be set
            self._time = time.monotonic
            self.start_t = self.last_print_t = self.line_at

    def update(self, n: float | None = 1) -> bool | None:
        """Add to the work done, and draw the bar or write a line if one is due."""
        if not self.disable:
            drawn: bool | None = super().update(n)
            return drawn
        self.n += n or 0
        if self.title and self.due():
            notice(f"{self.title}: {self.share()}")
        return None

    def __str__(self) -> str:
        """The line that is drawn."""
        known = self.format_dict
        figures = list(self.figures() if self.figures else ())
        while figures:
            known["bar_format"] = BESIDE_FIGURES + ", ".join(figures)
            beside = known["bar_format"].replace("{bar}", "")
            used = len(self.format_meter(**{**known, "bar_format": beside, "ncols": None}))
            if len(figures) <= KEPT_FIGURES or used + MIN_BAR <= (known["ncols"] or math.inf):
                break
            figures.pop()
        line: str = self.format_meter(**known)
        return line

    def due(self) -> bool:
        """Return whether a line is due; if so, the next one is due `LINE_EVERY` seconds later."""
        now = time.monotonic()
        if now - self.line_at <= LINE_EVERY:
            return False
        self.line_at = now
        return True

    def share(self) -> str:
        """Return the share of the work that is done, or its amount if the total is unknown."""
        return f"{self.n / self.total:.0%}" if self.total else tqdm.format_sizeof(self.n)

    def say(self, message: str, *, text: bool = False) -> None:
        """Write a message as `notice` does, above the bar."""
        with self.external_write_mode(sys.stderr):
            notice(message, text=text)


@contextmanager
def bar_of_share(title: str) -> Iterator[Callable[[float], None]]:
    """A bar from 0 to 1, and a callback that receives the share that is done."""
    form = "{desc} {percentage:3.0f}%|{bar}| {remaining} left"
    with Bar(total=1.0, desc=title, bar_format=form, leave=False, delay=0.5) as bar:

        def report(done: float) -> None:
            bar.update(max(0.0, done - bar.n))

        yield report
