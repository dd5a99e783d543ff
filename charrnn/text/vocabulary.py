"""Characters and their indices."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import DTypeLike

from charrnn.arrays import Array
from charrnn.errors import UnknownCharacterError

#: Number of Unicode code points, the size of the tables that map a text without a Python loop.
CODE_POINTS = 0x110000
#: The character that stands for unknown characters.
REPLACEMENT = "\ufffd"


class Vocabulary:
    """The V characters that a model knows, sorted, so that a text has the same indices in each run.

    Characters that are not in the vocabulary are *unknown characters*.

    Args:
        characters: the distinct characters, in any order.
        replaces: read unknown characters as U+FFFD, if U+FFFD is one of `characters`.

    Attributes:
        ix_to_char: the character of each index, a string of V characters.
        replaces: as above; False without U+FFFD.
    """

    def __init__(self, characters: Iterable[str], *, replaces: bool = False) -> None:
        whole = characters if isinstance(characters, str) else "".join(characters)
        self._code_points = np.unique(code_points(whole))
        self.ix_to_char = text_of(self._code_points)
        self.replaces = replaces and REPLACEMENT in self.ix_to_char
        self._table: Array | None = None

    @classmethod
    def of(cls, text: str) -> Vocabulary:
        """The vocabulary of a text."""
        characters = Characters()
        characters.add(text)
        return cls(str(characters))

    @cached_property
    def char_to_ix(self) -> dict[str, int]:
        """The index of each character; built at the first use, because it needs much memory."""
        return {char: ix for ix, char in enumerate(self.ix_to_char)}

    def __len__(self) -> int:
        return len(self.ix_to_char)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Vocabulary) and other.ix_to_char == self.ix_to_char

    def __hash__(self) -> int:
        return hash(self.ix_to_char)

    @property
    def dtype(self) -> np.dtype[np.unsignedinteger]:
        """The smallest integer type that holds every index."""
        return np.min_scalar_type(max(len(self) - 1, 0))

    def unknown(self, text: str) -> str:
        """The distinct unknown characters of `text`, sorted."""
        return text_of(np.setdiff1d(code_points(text), self._code_points))

    def knows(self, text: str) -> Array:
        """Booleans (N,), False for unknown characters of `text`."""
        return self._look_up(text) < len(self)

    def count_unknown(self, text: str) -> int:
        """The number of unknown characters of `text`, with repetitions."""
        return int(np.count_nonzero(~self.knows(text)))

    def encode(self, text: str, *, unknown: str | None = None) -> Array:
        """The indices of the characters of `text`, (N,), in the type `dtype`.

        Args:
            text: the text.
            unknown: the treatment of unknown characters: `error`, `skip` to leave them out, or
                `replace` to read U+FFFD. None for `replace` if the vocabulary `replaces`, else
                for `error`.

        Raises:
            UnknownCharacterError: for unknown characters, if `unknown` is `error`, or `replace` and
                U+FFFD is not in the vocabulary; the message lists them.
        """
        indices = self._look_up(text)
        if len(indices) and indices.max() == len(self):
            treatment = unknown or ("replace" if self.replaces else "error")
            if treatment == "skip":
                indices = indices[indices < len(self)]
            elif treatment == "replace" and REPLACEMENT in self.ix_to_char:
                replacement = self._look_up(REPLACEMENT)[0]
                indices = np.where(indices == len(self), replacement, indices)
            else:
                raise UnknownCharacterError(
                    f"characters not in the vocabulary of the model: {listed(self.unknown(text))}: "
                    "leave them out"
                )
        return indices.astype(self.dtype, copy=False)

    def _look_up(self, text: str) -> Array:
        """The index of each character, (N,); V for unknown ones."""
        if self._table is None:
            self._table = np.full(CODE_POINTS, len(self), np.min_scalar_type(len(self)))
            self._table[self._code_points] = np.arange(len(self))
        if text.isascii() and self._table.itemsize == 1:  # a faster way to the same indices
            found = bytearray(text, "ascii").translate(self._table[:256].tobytes())
            return np.frombuffer(found, np.uint8)
        return self._table.take(code_points(text))

    def decode(self, indices: Array) -> str:
        """The text of indices, (N,); the inverse of `encode`."""
        return text_of(self._code_points[np.asarray(indices, dtype=np.intp)])


class Characters:
    """The distinct characters of a text in pieces; `str` gives the characters, sorted."""

    def __init__(self) -> None:
        self._ascii = b""
        self._seen = np.zeros(CODE_POINTS, bool)

    def add(self, piece: str) -> bool:
        """Add the characters of a piece; returns whether some outside of ASCII were new."""
        # New characters are rare after the first pieces, so test for them before adding.
        if piece.isascii():
            self._ascii += bytes(set(piece.encode().translate(None, self._ascii)))
            return False
        points = code_points(piece)
        if new := not self._seen.take(points).all():
            self._seen[points] = True
        return new

    def have_any(self, characters: str) -> bool:
        """Return whether any of some characters outside of ASCII was in the text."""
        return bool(self._seen.take(code_points(characters)).any())

    def __str__(self) -> str:
        self._seen[list(self._ascii)] = True
        return text_of(np.flatnonzero(self._seen))


def listed(characters: Sequence[str], most: int = 20) -> str:
    """Characters in quotes for an error message, at most `most` of them."""
    more = f" and {len(characters) - most} more" if len(characters) > most else ""
    return " ".join(map(repr, characters[:most])) + more


def code_points(text: str) -> Array:
    """The code point of each character of a text, (N,), uint32."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")


def text_of(points: Array) -> str:
    """The text of code points, (N,); the inverse of `code_points`."""
    return points.astype("<u4").tobytes().decode("utf-32-le", "surrogatepass")


def one_hot(
    indices: Array, size: int, dtype: DTypeLike = np.float32, out: Array | None = None
) -> Array:
    """Indices (N,) as one-hot rows (N, size): zeros except for a one at the index.

    Args:
        indices: (N,), each below `size`; checked unless `out` is given.
        size: the number of columns.
        dtype: the type of the rows.
        out: (N, size), the memory for the rows; a new array by default.
    """
    eye = np.eye(size, dtype=dtype)
    # With mode="raise", take would first write all rows to new memory.
    rows: Array = eye[indices] if out is None else eye.take(indices, axis=0, out=out, mode="clip")
    return rows
