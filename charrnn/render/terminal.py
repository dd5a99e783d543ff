"""An answer as lines of text: the sentence, the table, the charts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import zip_longest

from charrnn.inspection.answer import Answer, Table
from charrnn.render.chart import chart
from charrnn.render.colors import columns
from charrnn.render.wrap import one_line, padded, wrapped

#: The largest width of a chart: a wider one shows no more.
MAX_CHART_WIDTH = 72
GAP = "  "
#: Longer words may be broken to make a column of a table narrower.
MAX_WORD = 20
#: A word with its unit, which is not broken.
UNBROKEN = re.compile(r"\S+(?: [%×](?!\S))?")
#: A number, with a comparison before it and a unit after it.
NUMBER = re.compile(r"((less|more) than |[<>~≈] ?)?[-+−]?[\d,]*\.?\d+(e[-+−]?\d+)?( ?[%×])?")


def lines(answer: Answer, width: int = 80) -> list[str]:
    """Lay out an answer as lines of text.

    Args:
        answer: the answer.
        width: the width of the terminal in columns, 30 or more. A table of too many columns is
            wider.
    """
    parts = [wrapped(answer.sentence, width)]
    if answer.table is not None:
        parts.append(table_lines(answer.table, width))
    parts += (chart(figure, width=min(width, MAX_CHART_WIDTH)) for figure in answer.figures)
    return [line for part in parts for line in ["", *part]][1:]


def table_lines(table: Table, width: int = 80) -> list[str]:
    """Lay out a table as lines of text: numbers to the right, a line below the headings.

    On a narrow terminal headings, and then entries, are broken into several lines.
    """
    rows = [[one_line(entry) for entry in row] for row in (table.headings, *table.rows)]
    right = [_of_numbers(entries) for entries in zip(*rows)]
    widths = _widths(rows, width)
    heading, *body = [_row(row, widths, right) for row in rows]
    rule = GAP.join("-" * column for column in widths)
    # Empty lines separate rows of several lines.
    after = [""] if any(len(row) > 1 for row in body) else []
    drawn = [line for row in body for line in (*row, *after)]
    return [*heading, rule, *drawn[: len(drawn) - len(after)]]


def _of_numbers(column: Sequence[str]) -> bool:
    """True if most entries of a column below its heading are numbers."""
    entries = [entry for entry in column[1:] if entry]
    return sum(NUMBER.fullmatch(entry) is not None for entry in entries) * 2 > len(entries)


def _widths(rows: list[list[str]], width: int) -> list[int]:
    """The width of each column of a table, so that all of them fit into a width if possible."""
    widths, unbroken, least = [], [], []
    for heading, *entries in zip(*rows):
        words = max(map(columns, heading.split(" ")))
        widest = max([0, *map(columns, entries)])
        parts = [columns(part) for entry in entries for part in UNBROKEN.findall(entry)]
        widths.append(max(columns(heading), widest))
        unbroken.append(max(words, widest))
        least.append(min(unbroken[-1], max(words, *(min(part, MAX_WORD) for part in parts), 1)))
    for limits in (unbroken, least):
        while sum(widths) + len(GAP) * (len(widths) - 1) > width:
            spare = [own if own > limit else 0 for own, limit in zip(widths, limits)]
            if not any(spare):
                break
            widths[spare.index(max(spare))] -= 1
    return widths


def _row(entries: list[str], widths: list[int], right: list[bool]) -> list[str]:
    """The lines of a row."""
    broken = [wrapped(entry, width) for entry, width in zip(entries, widths)]
    return [
        GAP.join(
            padded(part, width, right=numbers) for part, width, numbers in zip(parts, widths, right)
        ).rstrip()
        for parts in zip_longest(*broken, fillvalue="")
    ]
