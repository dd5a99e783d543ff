"""Fit text into lines and columns of a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from charrnn.render.colors import columns
from charrnn.render.escape import printable

CUT = "..."
SPELLED_OUT = {"\n": r"\n", "\t": r"\t", "\ufffe": r"\ufffe", "\uffff": r"\uffff"}


def one_line(text: str) -> str:
    r"""A printable text in one line: newline and tab are spelled out, too.

    So are U+FFFE and U+FFFF, which XML does not allow.
    """
    return "".join(SPELLED_OUT.get(character, character) for character in printable(text))


def padded(text: str, width: int, *, right: bool = False) -> str:
    """A text padded to a width, at the left or right end; a longer text stays as it is."""
    space = (width - columns(text)) * " "
    return space + text if right else text + space


def cut(text: str, width: int) -> str:
    """A text shortened to a width, with dots for the rest."""
    if columns(text) <= width:
        return text
    while text and columns(text) > width - len(CUT):
        text = text[:-1]
    return text + CUT[:width]


def wrapped(text: str, width: int) -> list[str]:
    """The lines of a text of at most a width, broken at spaces where possible."""
    lines: list[str] = []
    for piece in _pieces(one_line(text), width):
        joined = f"{lines[-1]} {piece}" if lines else piece
        if lines and columns(joined) <= width:
            lines[-1] = joined
        else:
            lines.append(piece)
    return lines


def broken(text: str, width: int) -> Iterator[str]:
    """The parts of a text of at most a width, at least one, broken anywhere."""
    part = ""
    for character in text:
        if part and columns(part + character) > width:
            yield part
            part = ""
        part += character
    yield part


def _pieces(text: str, width: int) -> Iterator[str]:
    """The words of a text, with long words in parts."""
    for word in text.split(" "):
        yield from broken(word, width)
