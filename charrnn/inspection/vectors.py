"""Texts as vectors: the state of a network after it has read a text, such as a line.

A text begins as a sample does (see `charrnn.sampling.beginning`), as in scoring.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from charrnn.arrays import Array
from charrnn.errors import TextError
from charrnn.inspection.reading import Piece, Signal, signals_of
from charrnn.inspection.recording import write_arrays
from charrnn.inspection.scoring import Block, blocks, known_indices
from charrnn.inspection.side_by_side import read_texts
from charrnn.network.model import CharRNN
from charrnn.text.storage import allocate
from charrnn.text.vocabulary import Vocabulary


class Vectors(NamedTuple):
    """The last states of n lines. Large arrays are kept in temporary files."""

    #: The number of each line, from 1, ascending, (n,).
    lines: Array
    #: The value of each cell after the last character of each line, (n, H).
    values: dict[Signal, Array]
    #: Empty lines, and lines of unknown characters alone.
    left_out: int
    #: Characters that are not in the vocabulary of the model.
    unknown: int


def line_vectors(
    model: CharRNN,
    read: Callable[[], Iterable[str]],
    start: Array,
    done: Callable[[int], object] = lambda characters: None,
) -> Vectors:
    """Read each line of a text of any size.

    The newline is not read: a model of lines forgets the line there.

    Args:
        model: the model.
        read: returns the text in pieces; called to count the lines, and again to read them.
        start: the state before each line, (L, S, H).
        done: called with the number of characters of each block that has been read.

    Raises:
        DivergedError: where a state is not finite.
        TextError: where the temporary directory cannot hold the values, or the text has changed.
    """
    most = 1 + sum(piece.count("\n") for piece in read())
    signals, dtype = signals_of(model), model.parameters.flat.dtype
    values = {signal: allocate((most, model.hidden_size), dtype) for signal in signals}
    lines = allocate((most,), np.int64)
    number = n = unknown = 0
    for found in _read_lines(model, _with_last_newline(read()), start, done):
        end = n + len(found.filled)
        if end > most:
            raise TextError("the text changed while it was read: try again")
        lines[n:end] = number + 1 + np.array(found.filled, np.int64)
        rows = found.states.reshape(end - n, len(signals), model.hidden_size)
        for column, signal in enumerate(signals):
            values[signal][n:end] = rows[:, column]
        number, n, unknown = number + found.lines, end, unknown + found.unknown
    kept = {signal: rows[:n] for signal, rows in values.items()}
    return Vectors(lines[:n], kept, number - n, unknown)


class _Found(NamedTuple):
    """The lines that end in a block."""

    lines: int
    #: Those with a known character, counted from 0.
    filled: list[int]
    #: The states after these, (n, L, S, H).
    states: Array
    unknown: int  # characters


def _read_lines(
    model: CharRNN, pieces: Iterable[str], start: Array, done: Callable[[int], object]
) -> Iterator[_Found]:
    """Read the lines of a text that ends with a newline, block by block."""
    begun, characters, unknown = start, 0, 0  # of a line that is longer than a block
    for block in blocks(pieces, "line"):
        texts, of_block = _lines_of(model.vocabulary, block)
        (begun,) = last_states(model, texts[:1], begun)
        characters, unknown = characters + len(texts[0]), unknown + of_block
        if len(block.ends):
            filled = [number for number in range(1, len(texts)) if len(texts[number])]
            states = last_states(model, [texts[number] for number in filled], start)
            if characters:
                filled, states = [0, *filled], np.concatenate([begun[None], states])
            yield _Found(len(texts), filled, states, unknown)
            begun, characters, unknown = start, 0, 0
        done(len(block.text))


def last_states(model: CharRNN, texts: Sequence[Array], start: Array) -> Array:
    """The states after texts that are independent of each other, (n, L, S, H).

    Args:
        model: the model.
        texts: indices (N,) each; the state after an empty text is `start`.
        start: the state before each text, (L, S, H).

    Raises:
        DivergedError: where a state is not finite.
    """
    states = np.empty((len(texts), *start.shape), start.dtype)
    states[...] = start
    ends = np.cumsum([len(text) for text in texts], dtype=np.intp)
    ending = np.full(sum(map(len, texts)) + 1, -1)  # the text that ends at each position
    filled = [number for number, text in enumerate(texts) if len(text)]
    ending[ends[filled] - 1] = filled
    names = model.layers[0].state_names

    def store(piece: Piece) -> None:
        numbers = ending[piece.positions]  # (T, B)
        t, b = np.nonzero(numbers >= 0)
        for (layer, name), values in piece.values.items():
            states[numbers[t, b], layer - 1, names.index(name)] = values[t, :, b]

    read_texts(model, texts, store, start=start, signals=signals_of(model))
    return states


def _lines_of(vocabulary: Vocabulary, block: Block) -> tuple[list[Array], int]:
    """The indices of each line without its newline, and the number of unknown characters.

    A block without a newline is a part of a line.
    """
    indices, known = known_indices(vocabulary, block.text)
    newlines = block.ends - 1
    counted = np.concatenate([[0], np.cumsum(known | vocabulary.replaces)])
    ends = counted[newlines] if len(newlines) else counted[-1:]
    firsts = np.concatenate([[0], counted[block.ends[:-1]]])
    unknown = int(np.count_nonzero(~known) - np.count_nonzero(~known[newlines]))
    return [indices[first:end] for first, end in zip(firsts, ends)], unknown


def _with_last_newline(pieces: Iterable[str]) -> Iterator[str]:
    """Yield the pieces of a text, and a newline if the last line lacks one."""
    last = "\n"
    for piece in pieces:
        last = piece[-1:] or last
        yield piece
    if last != "\n":
        yield "\n"


def export_vectors(path: str | Path, vectors: Vectors) -> None:
    """Write the vectors of n lines as an `.npz`, readable by `numpy.load(path)`.

    The arrays are `layer1.h`, … (n, H), the values after the last character of each line; and
    `line` (n,), the number of each line, from 1.

    Raises:
        SettingError: where the file cannot be written.
    """
    write_arrays(path, vectors.values, {"line": vectors.lines})
