"""An answer as lines of text: the sentence, the coloured texts, the table, the charts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import zip_longest

from charrnn.inspection.answer import Answer, ColoredText, Figure, Table
from charrnn.render.cells import colored_text, key
from charrnn.render.chart import chart
from charrnn.render.colors import PLAIN, Style, columns
from charrnn.render.wrap import one_line, padded, wrapped

#: The largest width of a chart, and the smallest height of a chart of lines or points.
MAX_CHART_WIDTH, MIN_CHART_HEIGHT = 160, 10
#: A chart is about this many times as wide as high.
CHART_ASPECT = 8
GAP = "  "
#: Longer words may be broken to make a column of a table narrower.
MAX_WORD = 20
#: A word with its unit, which is not broken.
UNBROKEN = re.compile(r"\S+(?: [%×](?!\S))?")
#: A number, with a comparison before it and a unit after it.
NUMBER = re.compile(r"((less|more) than |[<>~≈] ?)?[-+−]?[\d,]*\.?\d+(e[-+−]?\d+)?( ?[%×])?")
#: Entries without a value, which a list leaves out.
NO_VALUE = ("", "–")
#: How to read a coloured text on a terminal without colours.
MARKED = "The marks below a line are the values of its characters."
#: A space at which a line is not broken.
UNBREAKABLE = "\xa0"


def lines(answer: Answer, width: int = 80, style: Style = PLAIN) -> list[str]:
    """Lay out an answer as lines of text.

    Args:
        answer: the answer.
        width: the width of the terminal in columns, 30 or more, which no line exceeds.
        style: the colours and characters of the terminal.
    """
    texts = [figure for figure in answer.figures if isinstance(figure, ColoredText)]
    charts = [figure for figure in answer.figures if isinstance(figure, Figure)]
    parts = [wrapped(answer.sentence, width)]
    parts += (text_lines(text, width, style) for text in texts)
    if answer.table is not None:
        parts.append(table_lines(answer.table, width))
    parts += (chart_lines(figure, width, style) for figure in charts)
    return [line for part in parts for line in ["", *part]][1:]


def text_lines(picture: ColoredText, width: int, style: Style = PLAIN) -> list[str]:
    """Lay out a coloured text below its title, its caption and the key of its colours."""
    how = MARKED if style.depth == "none" else picture.caption
    head = [line for words in (picture.title, how) for line in wrapped(words, width)]
    body = colored_text(picture.text, picture.shades, style.depth, width)
    return [*head, *key(picture.stops, style.depth, width), "", *body]


def chart_lines(figure: Figure, width: int, style: Style = PLAIN) -> list[str]:
    """Draw a figure in the width of a terminal."""
    width = min(width, MAX_CHART_WIDTH)
    height = max(MIN_CHART_HEIGHT, width // CHART_ASPECT)
    return chart(figure, width=width, height=height, style=style)


def table_lines(table: Table, width: int = 80) -> list[str]:
    """Lay out a table as lines of text: its caption, numbers to the right, a line below headings.

    On a narrow terminal headings are broken into several lines; then the table is cut into two,
    one below the other; then entries are broken; then the table becomes a list.
    """
    rows = [[one_line(entry) for entry in row] for row in (table.headings, *table.rows)]
    caption = [*wrapped(table.caption, width), ""] if table.caption else []
    for parts, broken in (([rows], False), (_halves(rows, width), False), ([rows], True)):
        widths = [_widths(part, width, broken=broken) for part in parts]
        if all(_total(one) <= width for one in widths):
            tables = [_table(part, one) for part, one in zip(parts, widths)]
            return caption + [line for part in tables for line in ["", *part]][1:]
    return caption + _list(rows, width)


def _halves(rows: list[list[str]], width: int) -> list[list[list[str]]]:
    """A table in two parts that both begin with the first column; the first part fills the width.

    A table of fewer than three columns stays in one part.
    """
    if len(rows[0]) < 3:
        return [rows]
    at = 2
    while at < len(rows[0]) - 1:
        more = [row[: at + 1] for row in rows]
        if _total(_widths(more, width, broken=False)) > width:
            break
        at += 1
    return [[row[:at] for row in rows], [[row[0], *row[at:]] for row in rows]]


def _table(rows: list[list[str]], widths: list[int]) -> list[str]:
    """The lines of a table."""
    right = [_of_numbers(entries) for entries in zip(*rows)]
    heading, *body = [_row(row, widths, right) for row in rows]
    rule = GAP.join("-" * column for column in widths)
    # Empty lines separate rows of several lines.
    after = [""] if any(len(row) > 1 for row in body) else []
    drawn = [line for row in body for line in (*row, *after)]
    return [*heading, rule, *drawn[: len(drawn) - len(after)]]


def _list(rows: list[list[str]], width: int) -> list[str]:
    """A table as a list: below the first entry of each row the others with their headings."""
    (_, *headings), *body = rows
    lines = []
    for first, *entries in body:
        named = [
            f"{heading} {entry}".replace(" ", UNBREAKABLE)
            for heading, entry in zip(headings, entries)
            if entry not in NO_VALUE
        ]
        more = wrapped(", ".join(named), width - len(GAP)) if named else []
        lines += [*wrapped(first, width), *(GAP + line.replace(UNBREAKABLE, " ") for line in more)]
    return lines


def _of_numbers(column: Sequence[str]) -> bool:
    """True if most entries of a column below its heading are numbers."""
    entries = [entry for entry in column[1:] if entry]
    return sum(NUMBER.fullmatch(entry) is not None for entry in entries) * 2 > len(entries)


def _widths(rows: list[list[str]], width: int, *, broken: bool) -> list[int]:
    """The width of each column of a table, so that all of them fit into a width if possible.

    Args:
        rows: the headings, and the entries of each row.
        width: the width to fit into.
        broken: break entries into several lines, too, and not only headings.
    """
    widths, unbroken, least = [], [], []
    for heading, *entries in zip(*rows):
        words = max(map(columns, heading.split(" ")))
        widest = max([0, *map(columns, entries)])
        parts = [columns(part) for entry in entries for part in UNBROKEN.findall(entry)]
        widths.append(max(columns(heading), widest))
        unbroken.append(max(words, widest))
        least.append(min(unbroken[-1], max(words, *(min(part, MAX_WORD) for part in parts), 1)))
    for limits in (unbroken, least) if broken else (unbroken,):
        while _total(widths) > width:
            spare = [own if own > limit else 0 for own, limit in zip(widths, limits)]
            if not any(spare):
                break
            widths[spare.index(max(spare))] -= 1
    return widths


def _total(widths: list[int]) -> int:
    """The width of a table in columns."""
    return sum(widths) + len(GAP) * (len(widths) - 1)


def _row(entries: list[str], widths: list[int], right: list[bool]) -> list[str]:
    """The lines of a row."""
    broken = [wrapped(entry, width) for entry, width in zip(entries, widths)]
    return [
        GAP.join(
            padded(part, width, right=numbers) for part, width, numbers in zip(parts, widths, right)
        ).rstrip()
        for parts in zip_longest(*broken, fillvalue="")
    ]
