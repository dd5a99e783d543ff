"""How far one is: in the line, in the word, in the sentence, from the last quote; (N,) each."""

from __future__ import annotations

import numpy as np

from charrnn.arrays import Array
from charrnn.inspection.parsing.lexing import lexed
from charrnn.inspection.parsing.measures import (
    FARTHEST,
    SPACE,
    UPPER,
    as_spans,
    characters,
    inside,
    latest,
    places_of,
    since,
)
from charrnn.inspection.parsing.prose import sentences, words
from charrnn.inspection.parsing.things import in_single_quotes

#: What a tab adds to the indentation, in characters.
TAB = 8


def column(text: str) -> Array:
    """Characters since the line began."""
    return since(places_of("\n", text))


def column_past_line_before(text: str) -> Array:
    """The column less the length of the last line that was not empty; 0 in the first line."""
    places, newlines = np.arange(len(text)), places_of("\n", text)
    lengths = places - last_before(newlines) - 1  # at its end, the length of a line
    end = latest(newlines & (lengths > 0))
    past = since(newlines) - np.where(end < 0, FARTHEST, lengths[end])
    return np.where(end < 0, 0, np.clip(past, -FARTHEST, FARTHEST))


def indentation(text: str) -> Array:
    """How much the line is indented, as far as it has been read.

    The end of a line belongs to the line, and an empty line is indented like the one before.
    """
    newlines, tabs = places_of("\n", text), places_of("\t", text)
    blanks = tabs | places_of(" ", text)
    starts = last_before(newlines) + 1
    margin = blanks & (latest(~blanks & ~newlines) < starts)
    total = np.concatenate([[0], np.cumsum(margin * np.where(tabs, TAB, 1))])
    widths = total[1:] - total[starts]
    empty = newlines & (starts == np.arange(len(text)))
    end = latest(newlines & ~empty)
    return np.where(empty, np.where(end < 0, 0, widths[end]), widths)


def last_before(marks: Array) -> Array:
    """The place of the last mark before each character, (N,); −1 where there is none."""
    last: Array = np.concatenate([[-1], latest(marks)])[:-1]
    return last


def in_paragraph(text: str) -> Array:
    """Characters since the paragraph began: since an empty line."""
    newlines = places_of("\n", text)
    dark = (characters(text) & SPACE) == 0
    return since(newlines & (latest(dark) < last_before(newlines)))


def in_word(text: str) -> Array:
    """The number of the letter in its word, from 1; 0 outside of words."""
    spans, N = words(text), len(text)
    starts = np.zeros(N, bool)
    starts[spans[:, 0]] = True
    return np.where(inside(spans, N), np.minimum(since(starts) + 1, FARTHEST), 0)


def in_sentence(text: str) -> Array:
    """The number of the character in its sentence, from 1, up to the next sentence; 0 in code."""
    starts, code = np.zeros(len(text), bool), places_of("\0", lexed(text).prose)
    starts[words(text)[sentences(text), 0]] = True
    before = np.maximum(latest(starts) - 1, latest(code))
    place: Array = np.minimum(np.arange(len(text)) - before, FARTHEST)
    return place


def since_quote(text: str) -> Array:
    """Characters since the last quote, a double one or a single one that is no apostrophe."""
    single = inside(as_spans(in_single_quotes(text)), len(text))
    marks = np.diff(single, prepend=False)
    for mark in '"“”„«»':
        marks |= places_of(mark, text)
    return since_any(marks)


def since_capital(text: str) -> Array:
    """Characters since the last capital."""
    return since_any((characters(text) & UPPER) > 0)


def since_any(marks: Array) -> Array:
    """As `since`, but 0 where there is no mark at all."""
    distance: Array = since(marks) * marks.any()
    return distance
