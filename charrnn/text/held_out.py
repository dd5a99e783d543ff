"""The division of a text into a part to train on and a part that is held out."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from charrnn.arrays import Array
from charrnn.text.lines import Lines
from charrnn.text.storage import allocate, concatenate
from charrnn.text.vocabulary import Vocabulary

#: Ways to hold out a part of a text: its end, or blocks from all over it.
WAYS = ("end", "spread")
#: Characters of a block: many times what a network remembers, and many blocks in a tenth.
BLOCK_CHARACTERS = 5_000


def split(
    text: Array, held_out: int, *, way: str = "end", lines: Vocabulary | None = None, seed: int = 0
) -> tuple[Array, Array]:
    """Divide a text.

    Args:
        text: indices (N,).
        held_out: the number of characters to hold out; whole lines may have a few more.
        way: one of `WAYS`; of no effect with `lines`.
        lines: the vocabulary of a text whose lines are items of their own: whole lines are held
            out, chosen at random, and equal lines stay together. None for a running text.
        seed: of the choice of blocks or lines.

    Returns:
        The part to train on, (M,), and the held-out part, (N − M,).

    Raises:
        TextError: if the temporary directory cannot hold the parts of a large text.
    """
    rng = np.random.default_rng([seed, 2])  # the 2 keeps it apart from the weights and dropout
    if lines:
        return _split_lines(Lines(text, lines), held_out, rng)
    if way == "spread":
        return _split_blocks(text, held_out, rng)
    cut = len(text) - held_out
    return text[:cut], text[cut:]


def _split_lines(lines: Lines, held_out: int, rng: np.random.Generator) -> tuple[Array, Array]:
    parts = []
    for numbers in lines.split(held_out, rng):
        part = allocate((int(lines.lengths[numbers].sum()),), lines.text.dtype)
        lines.copy(numbers, part)
        parts.append(part)
    train, validation = parts
    return train, validation


def _split_blocks(text: Array, held_out: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Hold out blocks of equal length, no two of which overlap."""
    count = -(-held_out // BLOCK_CHARACTERS)
    if not count:
        return text, text[:0]
    length = held_out // count
    # The characters between the blocks are divided at random; the blocks follow in order.
    free = len(text) - count * length
    starts = np.sort(rng.integers(0, free + 1, count)) + np.arange(count) * length
    ends = starts + length

    def between() -> Iterator[Array]:
        for start, end in zip([0, *ends], [*starts, len(text)]):
            yield text[start:end]

    blocks = (text[start:end] for start, end in zip(starts, ends))
    return (
        concatenate(between(), free, text.dtype),
        concatenate(blocks, count * length, text.dtype),
    )
