r"""The line ends of Windows (\r\n) and of old Macs (\r)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

#: The treatments of line ends: \n for each of them, or none.
NEWLINES = ("lf", "keep")


@dataclass
class LineEnds:
    r"""The line ends of a text.

    Attributes:
        crlf: the number of \r\n.
        cr: the number of \r alone.
        crcrlf: the number of \r\r\n, which arises where \n becomes \r\n twice.
        lf: there is a \n alone.
    """

    crlf: int = 0
    cr: int = 0
    crcrlf: int = 0
    lf: bool = False

    @property
    def others(self) -> int:
        r"""The number of line ends that are not \n alone."""
        return self.crlf + self.cr + self.crcrlf

    @property
    def usual(self) -> str:
        """The most frequent line end."""
        if self.others == 0 or self.lf:
            return "\n"
        return "\r\n" if self.crlf >= self.cr else "\r"

    def kinds(self) -> list[str]:
        r"""The kinds that occur, with the numbers of those that are not \n alone."""
        numbers = {r"\r\n": self.crlf, r"\r": self.cr, r"\r\r\n": self.crcrlf}
        return [f"{number:,} {kind}" for kind, number in numbers.items() if number]

    def __add__(self, other: LineEnds) -> LineEnds:
        return LineEnds(
            self.crlf + other.crlf,
            self.cr + other.cr,
            self.crcrlf + other.crcrlf,
            self.lf or other.lf,
        )


def with_line_ends(pieces: Iterable[str], newlines: str, found: LineEnds) -> Iterator[str]:
    r"""Count the line ends of a text in pieces, and yield the text with the line ends asked for.

    A line end may begin in one piece and end in the next: the last two characters of a piece are
    held back if they are \r.

    Args:
        pieces: of the text.
        newlines: one of `NEWLINES`.
        found: counts the line ends.
    """
    held = ""
    for piece in pieces:
        if held or "\r" in piece:
            whole = held + piece
            end = whole[-2:]
            held = end[len(end.rstrip("\r")) :]
            yield from _converted(whole[: len(whole) - len(held)], newlines, found)
        else:
            # The first line end decides: no text without \r is searched any further.
            found.lf = found.lf or "\n" in piece
            yield piece
    yield from _converted(held, newlines, found)


def _converted(piece: str, newlines: str, found: LineEnds) -> Iterator[str]:
    r"""Count and convert the line ends of a text that ends between two of them."""
    if not piece:
        return
    crcrlf = piece.count("\r\r\n")
    crlf = piece.count("\r\n") - crcrlf
    found.crcrlf += crcrlf
    found.crlf += crlf
    found.cr += piece.count("\r") - crlf - 2 * crcrlf
    found.lf = found.lf or piece.count("\n") > crlf + crcrlf
    if newlines == "lf":
        if crcrlf:  # in \r\r\r\n, what stays of one replacement would begin another one
            piece = re.sub("\r\r\n|\r\n|\r", "\n", piece)
        else:
            piece = piece.replace("\r\n", "\n").replace("\r", "\n")
    yield piece


def converted(text: str, newlines: str) -> str:
    """A text in memory with the line ends asked for.

    Args:
        text: the text.
        newlines: one of `NEWLINES`.
    """
    return "".join(with_line_ends([text], newlines, LineEnds()))
