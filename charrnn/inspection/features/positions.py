"""The position of each character in its line, word, sentence and paragraph; (N,) each."""

from __future__ import annotations

import numpy as np

from charrnn.arrays import Array
from charrnn.inspection.character_classes import positions_in_runs
from charrnn.inspection.features.lexing import lexed
from charrnn.inspection.features.spans import (
    MAX_DISTANCE,
    SPACE,
    case_and_space,
    latest,
    positions_of,
    since,
)
from charrnn.inspection.features.words import in_words_of, sentences, words

#: The width of a tab in indentation, in characters.
TAB_WIDTH = 8


def column(text: str) -> Array:
    """Characters since the line began."""
    return since(positions_of("\n", text))


def indentation(text: str) -> Array:
    """The width of the indentation of the line, as far as it has been read.

    The end of a line belongs to the line. An empty line is indented like the one before.
    """
    newlines, tabs = positions_of("\n", text), positions_of("\t", text)
    blanks = tabs | positions_of(" ", text)
    starts = last_before(newlines) + 1
    margin = blanks & (latest(~blanks & ~newlines) < starts)
    total = np.concatenate([[0], np.cumsum(margin * np.where(tabs, TAB_WIDTH, 1))])
    widths = total[1:] - total[starts]
    empty = newlines & (starts == np.arange(len(text)))
    end = latest(newlines & ~empty)
    return np.where(empty, np.where(end < 0, 0, widths[end]), widths)


def last_before(marks: Array) -> Array:
    """The position of the last mark before each character, (N,); −1 where there is none."""
    last: Array = np.concatenate([[-1], latest(marks)])[:-1]
    return last


def in_paragraph(text: str) -> Array:
    """Characters since the last empty line."""
    newlines = positions_of("\n", text)
    dark = (case_and_space(text) & SPACE) == 0
    return since(newlines & (latest(dark) < last_before(newlines)))


def in_word(text: str) -> Array:
    """The number of the letter in its word, from 1; 0 outside words."""
    return np.minimum(positions_in_runs(in_words_of(text)), MAX_DISTANCE)


def in_sentence(text: str) -> Array:
    """The number of the character in its sentence, from 1, up to the next sentence; 0 in code."""
    starts, code = np.zeros(len(text), bool), positions_of("\0", lexed(text).prose)
    starts[words(text)[sentences(text), 0]] = True
    before = np.maximum(latest(starts) - 1, latest(code))
    position: Array = np.minimum(np.arange(len(text)) - before, MAX_DISTANCE)
    return position
