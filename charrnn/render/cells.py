"""A text coloured by the values of one cell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from charrnn.arrays import Array
from charrnn.render.colors import Depth, columns, paint
from charrnn.render.escape import printable

TAB = 8
#: Without colours: marks under the text, from low to high; the middle is empty.
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
        text: of N characters.
        values: (N,), from −1 to 1.
        depth: the colours of the terminal; without any, a line of marks is put under each.
        width: of the terminal, in columns.
        guesses: for each character the likeliest next ones; shown under it, a line a guess.
        probabilities: of the guesses, (N, K): the likelier the redder; no colours without them.
    """
    line: list[tuple[str, float]] = []
    below: list[list[tuple[str, float]]] = []
    used = 0
    for number, character in enumerate(text):
        # A newline is a place for its colour.
        shown = " " if character == "\n" else printable(character)
        if line and used + columns(shown.expandtabs(1)) > width:
            yield from _finish(line, below, depth)
            line, below, used = [], [], 0
        if character == "\t":
            shown = min(TAB - used % TAB, width - used) * " "  # it goes no further than the edge
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


def fitted(guess: str, place: int) -> str:
    """A guess in a place of so many columns: one that does not fit would move all that follow."""
    if guess and not 0 < columns(guess) <= place:
        guess = "?"[:place]
    return guess + (place - columns(guess)) * " "


#: How white space is shown where it would not be seen.
VISIBLE = {"\n": "¶", " ": "·", "\t": "»"}


def mark(value: float) -> str:
    """A character for a value from −1 to 1."""
    position = (max(-1.0, min(1.0, value)) + 1) / 2  # 0 to 1
    return MARKS[min(int(position * len(MARKS)), len(MARKS) - 1)]


def in_context(text: str, place: int, value: float, depth: Depth, around: int) -> str:
    """A character of a text on the background of its value, amid what stands around it.

    Args:
        text: the text.
        place: of the character.
        value: from −1 to 1.
        depth: the colours of the terminal; without any, the character is put into brackets.
        around: characters on either side.
    """
    start = max(0, place - around)
    before, character = text[start:place], text[place]
    after = text[place + 1 : place + 1 + around]
    shown = [visible(part) for part in (before, character, after)]
    shown[1] = f"[{shown[1]}]" if depth == "none" else paint([(shown[1], value)], depth)
    return (around - place + start) * " " + "".join(shown)


def visible(text: str) -> str:
    """A text in one line, with what would break it, or not be seen, made visible."""
    return "".join(VISIBLE.get(c, printable(c)) if c != " " else c for c in text)
