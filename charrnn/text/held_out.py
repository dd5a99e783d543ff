"""The division of a text into a part to train on and a part that is held out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from charrnn.arrays import Array
from charrnn.text.lines import Lines
from charrnn.text.storage import allocate, concatenate
from charrnn.text.vocabulary import Vocabulary

#: Ways to hold out a part of a text: its end, or blocks from all over it.
WAYS = ("end", "spread")
#: Characters of a block: many times what a network remembers, and many blocks in a tenth.
BLOCK_CHARACTERS = 5_000


@dataclass(frozen=True)
class Division:
    """The choice of the part of a text to hold out.

    Args:
        held_out: the number of characters to hold out. With `lines`, `split` may hold out fewer;
            called with that smaller number, it makes the same division.
        way: one of `WAYS`; of no effect with `lines`.
        lines: the lines are items of their own: whole lines are held out, chosen at random, and
            equal lines stay together.
        seed: of the choice of blocks or lines.
    """

    held_out: int
    way: str = "end"
    lines: bool = False
    seed: int = 0

    @property
    def random(self) -> bool:
        """The seed decides."""
        return self.lines or self.way != "end"

    def split(self, text: Array, vocabulary: Vocabulary) -> tuple[Array, Array]:
        """Divide a text.

        Args:
            text: indices (N,).
            vocabulary: of the text.

        Returns:
            The part to train on, (M,), and the held-out part, (N − M,).

        Raises:
            TextError: if the temporary directory cannot hold the parts of a large text.
        """
        # The 2 keeps the generator apart from those of the weights and of dropout.
        rng = np.random.default_rng([self.seed, 2])
        if self.lines:
            return _split_lines(Lines(text, vocabulary), self.held_out, rng)
        if self.way == "spread":
            return _split_blocks(text, self.held_out, rng)
        cut = len(text) - self.held_out
        return text[:cut], text[cut:]


def _split_lines(lines: Lines, held_out: int, rng: np.random.Generator) -> tuple[Array, Array]:
    if not held_out:
        return lines.text, lines.text[:0]
    parts = []
    for numbers in lines.split(held_out, rng):
        part = allocate((int(lines.lengths[numbers].sum()),), lines.text.dtype)
        lines.copy(numbers, part)
        parts.append(part)
    train, validation = parts
    return train, validation


def _split_blocks(text: Array, held_out: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Hold out blocks of nearly equal length, no two of which overlap."""
    count = -(-held_out // BLOCK_CHARACTERS)
    if not count:
        return text, text[:0]
    bounds = np.arange(count + 1) * held_out // count
    # The characters between the blocks are divided at random; the blocks follow in order.
    free = len(text) - held_out
    starts = np.sort(rng.integers(0, free + 1, count)) + bounds[:-1]
    ends = starts + np.diff(bounds)

    def between() -> Iterator[Array]:
        for start, end in zip([0, *ends], [*starts, len(text)]):
            yield text[start:end]

    blocks = (text[start:end] for start, end in zip(starts, ends))
    return (
        concatenate(between(), free, text.dtype),
        concatenate(blocks, held_out, text.dtype),
    )
