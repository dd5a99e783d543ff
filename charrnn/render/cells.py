"""A text coloured by the values of one cell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from charrnn.arrays import Array
from charrnn.render.colors import Depth, columns, paint
from charrnn.render.escape import printable
from charrnn.render.wrap import wrapped

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
    for line in rows_of(text, width):
        painted = [(shown, float(values[number])) for number, shown in line]
        yield paint(painted, depth).rstrip(" ") if depth == "none" else paint(painted, depth)
        if depth == "none":
            yield "".join(mark(value) * columns(shown) for shown, value in painted).rstrip()
        if guesses is not None:
            yield from _guess_lines(line, guesses, probabilities, depth)


def rows_of(text: str, width: int) -> Iterator[list[tuple[int, str]]]:
    """The lines of a text on a terminal: the position of each character, and its appearance."""
    line: list[tuple[int, str]] = []
    used = 0
    for number, character in enumerate(text):
        # A newline is shown as a space, for its colour.
        shown = " " if character == "\n" else printable(character)
        if line and used + columns(shown.expandtabs(1)) > width:
            yield line
            line, used = [], 0
        if character == "\t":
            shown = min(TAB - used % TAB, width - used) * " "  # up to the edge of the terminal
        line.append((number, shown))
        used += columns(shown)
        if character == "\n":
            yield line
            line, used = [], 0
    if line:
        yield line


def _guess_lines(
    line: list[tuple[int, str]],
    guesses: Sequence[Sequence[str]],
    probabilities: Array | None,
    depth: Depth,
) -> Iterator[str]:
    """The guesses below a line, a line for each rank."""
    for rank in range(max(len(guesses[number]) for number, _ in line)):
        row = []
        for number, shown in line:
            guess = guesses[number][rank] if rank < len(guesses[number]) else ""
            likely = 0.0
            if guess and probabilities is not None:
                likely = float(probabilities[number, rank])
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


def key(stops: Sequence[tuple[float, str]], depth: Depth, width: int) -> list[str]:
    """The key of the colours, or of the marks on a terminal without colours.

    Args:
        stops: some shades, from −1 to 1, each with the value that it stands for.
        depth: the colours of the terminal.
        width: the width of the terminal in columns.
    """
    if depth == "none":
        marks = [f"{mark(shade).replace(' ', 'blank')} {label}" for shade, label in stops]
        return wrapped(f"key: {'; '.join(marks)}", width)
    lines: list[list[tuple[str, float]]] = [[("key:", 0.0)]]
    for shade, label in stops:
        if sum(columns(piece) for piece, _ in lines[-1]) + columns(label) + 3 > width:
            lines.append([])
        lines[-1] += [(" ", 0.0), (f" {label} ", shade)]
    return [paint(line, depth) for line in lines]


def in_context(text: str, position: int, value: float, depth: Depth, around: int) -> str:
    """A character of a text on the background of its value, within its context.

    Args:
        text: the text.
        position: the position of the character.
        value: from −1 to 1.
        depth: the colours of the terminal; without any, the character is put into brackets.
        around: columns of the context on either side.
    """
    before = visible(text[max(0, position - around) : position])
    after = visible(text[position + 1 : position + 1 + around])
    while columns(before) > around:
        before = before[1:]
    while columns(after) > around:
        after = after[:-1]
    character = visible(text[position])
    shown = f"[{character}]" if depth == "none" else paint([(character, value)], depth)
    return (around - columns(before)) * " " + before + shown + after


def visible(text: str) -> str:
    """A text in one line, with white space other than spaces made visible."""
    return "".join(VISIBLE.get(c, printable(c)) if c != " " else c for c in text)
