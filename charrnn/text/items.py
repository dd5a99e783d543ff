"""The lines of a text as items: no empty ones, and each with a newline at its end."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator


class Items:
    """The treatment of a text in pieces whose lines are items.

    Attributes:
        empty: the number of empty lines that the last iteration left out.
        unfinished: the last iteration added a newline at the end.
    """

    def __init__(self) -> None:
        self.empty, self.unfinished = 0, False

    def of(self, pieces: Iterable[str]) -> Iterator[str]:
        """Yield the text of the pieces without its empty lines, and with a newline at its end."""
        self.empty, self.unfinished = 0, False
        at_start = True  # of a line
        for piece in pieces:
            whole = piece.lstrip("\n") if at_start else piece
            if "\n\n" in whole:
                whole = re.sub("\n\n+", "\n", whole)
            self.empty += len(piece) - len(whole)
            if whole:
                at_start = whole[-1] == "\n"
                yield whole
        if not at_start:
            self.unfinished = True
            yield "\n"

    def notices(self, name: str) -> Iterator[str]:
        """Yield the messages about the last iteration over the text of this name."""
        if self.empty:
            lines = "line" if self.empty == 1 else "lines"
            yield f"{name}: left out {self.empty:,} empty {lines}"
        if self.unfinished:
            yield f"{name}: added the newline that its last line lacks"
