"""A text as a list of lines: their division into training and validation, and their order."""

from __future__ import annotations

import numpy as np

from charrnn.arrays import Array
from charrnn.text.hashes import Hasher
from charrnn.text.vocabulary import Vocabulary

#: Characters that are searched or copied at a time, which take 8 bytes each meanwhile.
BLOCK = 1 << 20


class Lines:
    """The lines of a text whose last character is a newline. A line includes its newline.

    Args:
        text: indices (N,).
        vocabulary: of the text, with a newline.

    Attributes:
        text: the text.
        starts: the position of each line, (n,).
        lengths: the characters of each line, (n,).
    """

    def __init__(self, text: Array, vocabulary: Vocabulary) -> None:
        self.text, self._vocabulary = text, vocabulary
        newline = vocabulary.char_to_ix["\n"]
        ends = [
            np.flatnonzero(text[start : start + BLOCK] == newline) + (start + 1)
            for start in range(0, len(text), BLOCK)
        ]
        bounds = np.concatenate([np.zeros(1, np.intp), *ends])
        self.starts, self.lengths = bounds[:-1], np.diff(bounds)

    def __len__(self) -> int:
        return len(self.starts)

    def hashes(self) -> Array:
        """The hash of each line, without its newline, (n,), uint64."""
        return Hasher(self._vocabulary).lines(self.text, self.starts, self.lengths - 1)

    def copy(self, order: Array, out: Array) -> None:
        """Copy lines to `out`, one after the other.

        Args:
            order: the numbers of the lines, (m,).
            out: as long as the lines together.
        """
        lengths = self.lengths[order]
        ends = np.cumsum(lengths)
        first = done = 0
        while first < len(order):
            last = max(first + 1, int(np.searchsorted(ends, done + BLOCK, side="right")))
            block = lengths[first:last]
            end = int(ends[last - 1])
            # A position in `out`, plus the shift of its line, is a position in the text.
            shifts = self.starts[order[first:last]] - (ends[first:last] - block)
            out[done:end] = self.text[np.repeat(shifts, block) + np.arange(done, end)]
            first, done = last, end

    def shuffle(self, rng: np.random.Generator, out: Array) -> None:
        """Copy all lines in a random order to `out`, (N,)."""
        self.copy(rng.permutation(len(self)), out)

    def split(self, characters: int, rng: np.random.Generator) -> tuple[Array, Array]:
        """Divide the lines at random. Equal lines stay together.

        Lines are taken in a random order, except those that are too long for what is left. The
        second part may have fewer characters than asked for; called with that smaller number,
        `split` makes the same division.

        Args:
            characters: the most characters of the second part.
            rng: the source of randomness.

        Returns:
            The numbers of the lines of each part, ascending.
        """
        _, groups = np.unique(self.hashes(), return_inverse=True)
        sizes = np.bincount(groups, weights=self.lengths)
        second = np.zeros(len(sizes), bool)
        left, least = characters, sizes.min(initial=np.inf)
        for group in rng.permutation(len(sizes)):
            if left < least:
                break
            if sizes[group] <= left:
                second[group] = True
                left -= sizes[group]
        in_second = second[groups]
        return np.flatnonzero(~in_second), np.flatnonzero(in_second)
