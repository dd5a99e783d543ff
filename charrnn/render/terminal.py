"""An answer on a terminal: the sentence, the table, the charts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import zip_longest

from charrnn.inspection.answer import Answer, Table
from charrnn.render.chart import chart
from charrnn.render.colors import columns
from charrnn.render.wrap import one_line, padded, wrapped

#: A wider chart says no more.
WIDEST = 72
GAP = "  "
#: A longer word may be broken to make a column of a table narrower.
WORD = 20
#: What a line of a cell is not broken within: a word, with its unit.
UNBROKEN = re.compile(r"\S+(?: [%×](?!\S))?")
#: A number, with what may stand before and after it.
NUMBER = re.compile(r"((less|more) than |[<>~≈] ?)?[-+−]?[\d,]*\.?\d+(e[-+−]?\d+)?( ?[%×])?")


def lines(answer: Answer, width: int = 80) -> list[str]:
    """An answer as lines of text.

    Args:
        answer: what to show.
        width: of the terminal, in columns, 30 or more. A table of too many columns is wider.
    """
    parts = [wrapped(answer.sentence, width)]
    if answer.table is not None:
        parts.append(table_lines(answer.table, width))
    parts += (chart(figure, width=min(width, WIDEST)) for figure in answer.figures)
    return [line for part in parts for line in ["", *part]][1:]


def table_lines(table: Table, width: int = 80) -> list[str]:
    """A table as lines of text: columns of numbers to the right, a line below the headings.

    In a terminal too narrow for it headings, and then cells of words, are broken into several
    lines.
    """
    rows = [[one_line(cell) for cell in row] for row in (table.headings, *table.rows)]
    right = [_of_numbers(cells) for cells in zip(*rows)]
    places = _places(rows, width)
    heading, *body = [_row(row, places, right) for row in rows]
    rule = GAP.join("-" * place for place in places)
    # Rows of several lines are told apart by empty ones.
    after = [""] if any(len(row) > 1 for row in body) else []
    drawn = [line for row in body for line in (*row, *after)]
    return [*heading, rule, *drawn[: len(drawn) - len(after)]]


def _of_numbers(column: Sequence[str]) -> bool:
    """Whether most cells of a column, its heading aside, are numbers."""
    cells = [cell for cell in column[1:] if cell]
    return sum(NUMBER.fullmatch(cell) is not None for cell in cells) * 2 > len(cells)


def _places(rows: list[list[str]], width: int) -> list[int]:
    """How many columns of the terminal each column of a table gets."""
    places, unbroken, least = [], [], []
    for heading, *cells in zip(*rows):
        words = max(map(columns, heading.split(" ")))
        widest = max([0, *map(columns, cells)])
        parts = [columns(part) for cell in cells for part in UNBROKEN.findall(cell)]
        places.append(max(columns(heading), widest))
        unbroken.append(max(words, widest))
        least.append(min(unbroken[-1], max(words, *(min(part, WORD) for part in parts), 1)))
    for limits in (unbroken, least):
        while sum(places) + len(GAP) * (len(places) - 1) > width:
            spare = [place if place > limit else 0 for place, limit in zip(places, limits)]
            if not any(spare):
                break
            places[spare.index(max(spare))] -= 1
    return places


def _row(cells: list[str], places: list[int], right: list[bool]) -> list[str]:
    """The lines of a row; a cell that needs fewer than others ends above."""
    broken = [wrapped(cell, place) for cell, place in zip(cells, places)]
    return [
        GAP.join(
            padded(part, place, right=numbers) for part, place, numbers in zip(parts, places, right)
        ).rstrip()
        for parts in zip_longest(*broken, fillvalue="")
    ]
