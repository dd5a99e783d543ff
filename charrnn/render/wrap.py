"""Text in lines and columns of a terminal, whatever it was taken from."""

from __future__ import annotations

from collections.abc import Iterator

from charrnn.render.colors import columns
from charrnn.render.escape import printable

CUT = "..."
SPELLED_OUT = {"\n": r"\n", "\t": r"\t", "\ufffe": r"\ufffe", "\uffff": r"\uffff"}


def one_line(text: str) -> str:
    r"""A text harmless to a terminal and without a break: newline and tab are spelled out too.

    So are the two that are no characters, which may not stand in XML.
    """
    return "".join(SPELLED_OUT.get(character, character) for character in printable(text))


def padded(text: str, places: int, *, right: bool = False) -> str:
    """A text in so many columns, at their left or right end; too long a text stays as it is."""
    space = (places - columns(text)) * " "
    return space + text if right else text + space


def cut(text: str, places: int) -> str:
    """A text in at most so many columns; dots for what is left out."""
    if columns(text) <= places:
        return text
    while text and columns(text) > places - len(CUT):
        text = text[:-1]
    return text + CUT[:places]


def wrapped(text: str, width: int) -> list[str]:
    """A text in lines of at most so many columns, broken at spaces where there are any."""
    lines: list[str] = []
    for piece in _pieces(one_line(text), width):
        joined = f"{lines[-1]} {piece}" if lines else piece
        if lines and columns(joined) <= width:
            lines[-1] = joined
        else:
            lines.append(piece)
    return lines


def _pieces(text: str, width: int) -> Iterator[str]:
    """The words of a text, too long ones in parts."""
    for word in text.split(" "):
        part = ""
        for character in word:
            if part and columns(part + character) > width:
                yield part
                part = ""
            part += character
        yield part
