"""A text coloured by the values of one cell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from charrnn.arrays import Array
from charrnn.render.colors import Depth, columns, paint
from charrnn.render.escape import printable

TAB = 8
#: Marks under the text, from low to high, for a terminal without colours.
MARKS = "=- +#"


def colored_text(
    text: str,
    values: Array,
    depth: Depth,
    width: int,
    guesses: Sequence[Sequence[str]] | None = None,
    probabilities: Array | None = None,
) -> Iterator[str]:
    """Lines of a text, each character on the background of its value.

    Args:
        text: N characters.
        values: (N,), from −1 to 1.
        depth: the colours of the terminal; without any, each line has a line of marks below.
        width: the width of the terminal in columns.
        guesses: the likeliest next characters after each one, K lines below each line.
        probabilities: the probabilities of the guesses, (N, K), shown in red; None for no colours.
    """
    line: list[tuple[str, float]] = []
    below: list[list[tuple[str, float]]] = []
    used = 0
    for number, character in enumerate(text):
        # A newline is shown as a space, for its colour.
        shown = " " if character == "\n" else printable(character)
        if line and used + columns(shown.expandtabs(1)) > width:
            yield from _finish(line, below, depth)
            line, below, used = [], [], 0
        if character == "\t":
            shown = min(TAB - used % TAB, width - used) * " "  # up to the edge of the terminal
        line.append((shown, float(values[number])))
        candidates = guesses[number] if guesses is not None else ()
        likely = probabilities[number] if probabilities is not None else len(candidates) * [0.0]
        below.append(list(zip(candidates, map(float, likely))))
        used += columns(shown)
        if character == "\n":
            yield from _finish(line, below, depth)
            line, below, used = [], [], 0
    if line:
        yield from _finish(line, below, depth)


def _finish(
    line: list[tuple[str, float]], below: list[list[tuple[str, float]]], depth: Depth
) -> Iterator[str]:
    yield paint(line, depth).rstrip(" ") if depth == "none" else paint(line, depth)
    if depth == "none":
        marks = (mark(value) * columns(shown) for shown, value in line)
        yield "".join(marks).rstrip()
    for rank in range(max(map(len, below))):
        row = []
        for (shown, _), candidates in zip(line, below):
            guess, likely = candidates[rank] if rank < len(candidates) else ("", 0.0)
            row.append((fitted(VISIBLE.get(guess, printable(guess)), columns(shown)), likely))
        yield paint(row, depth).rstrip(" ")


def fitted(guess: str, width: int) -> str:
    """A guess padded to a width; `?` for one that does not fit, which would move the others."""
    if guess and not 0 < columns(guess) <= width:
        guess = "?"[:width]
    return guess + (width - columns(guess)) * " "


#: Visible characters for white space.
VISIBLE = {"\n": "¶", " ": "·", "\t": "»"}


def mark(value: float) -> str:
    """A character for a value from −1 to 1."""
    position = (max(-1.0, min(1.0, value)) + 1) / 2  # 0 to 1
    return MARKS[min(int(position * len(MARKS)), len(MARKS) - 1)]


def in_context(text: str, position: int, value: float, depth: Depth, around: int) -> str:
    """A character of a text on the background of its value, within its context.

    Args:
        text: the text.
        position: the position of the character.
        value: from −1 to 1.
        depth: the colours of the terminal; without any, the character is put into brackets.
        around: characters shown on either side.
    """
    start = max(0, position - around)
    before, character = text[start:position], text[position]
    after = text[position + 1 : position + 1 + around]
    shown = [visible(part) for part in (before, character, after)]
    shown[1] = f"[{shown[1]}]" if depth == "none" else paint([(shown[1], value)], depth)
    return (around - position + start) * " " + "".join(shown)


def visible(text: str) -> str:
    """A text in one line, with white space other than spaces made visible."""
    return "".join(VISIBLE.get(c, printable(c)) if c != " " else c for c in text)
