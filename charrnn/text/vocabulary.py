"""Characters and their indices."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import DTypeLike

from charrnn.arrays import Array
from charrnn.errors import UnknownCharacterError

#: Unicode ends here; a table over all code points maps a text without a loop in Python.
CODE_POINTS = 0x110000


class Vocabulary:
    """The characters that a model knows, in sorted order.

    Sorted, so that the same text gives the same indices in every run.

    Args:
        characters: the distinct characters, in any order.

    Attributes:
        ix_to_char: the character of each index, a string of V characters.
    """

    def __init__(self, characters: Iterable[str]) -> None:
        whole = characters if isinstance(characters, str) else "".join(characters)
        self._code_points = np.unique(code_points(whole))
        self.ix_to_char = text_of(self._code_points)
        self._table: Array | None = None

    @classmethod
    def of(cls, text: str) -> Vocabulary:
        """The vocabulary of a text."""
        characters = Characters()
        characters.add(text)
        return cls(str(characters))

    @cached_property
    def char_to_ix(self) -> dict[str, int]:
        """The index of each character; made when it is asked for, since it takes much room."""
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
        """The distinct characters of `text` that are not in the vocabulary, sorted."""
        return text_of(np.setdiff1d(code_points(text), self._code_points))

    def encode(self, text: str, *, unknown: str = "error") -> Array:
        """The indices of the characters of `text`, (N,), in the type `dtype`.

        Args:
            text: the text.
            unknown: what to do with characters that are not in the vocabulary: `error`, or
                `skip` to leave them out.

        Raises:
            UnknownCharacterError: with the characters, if there are any and `unknown` is `error`.
        """
        indices = self._look_up(text)
        if len(indices) and indices.max() == len(self):
            if unknown != "skip":
                raise UnknownCharacterError(
                    f"not in the vocabulary of the model: {listed(self.unknown(text))}"
                )
            indices = indices[indices < len(self)]
        return indices.astype(self.dtype, copy=False)

    def _look_up(self, text: str) -> Array:
        """The index of each character, (N,); V for those not in the vocabulary."""
        if self._table is None:
            self._table = np.full(CODE_POINTS, len(self), np.min_scalar_type(len(self)))
            self._table[self._code_points] = np.arange(len(self))
        if text.isascii() and self._table.itemsize == 1:  # the same, and several times as fast
            found = bytearray(text, "ascii").translate(self._table[:256].tobytes())
            return np.frombuffer(found, np.uint8)
        return self._table.take(code_points(text))

    def decode(self, indices: Array) -> str:
        """The text of indices, (N,); the opposite of `encode`."""
        return text_of(self._code_points[np.asarray(indices, dtype=np.intp)])


class Characters:
    """The distinct characters of a text that comes in pieces; `str` gives them, sorted."""

    def __init__(self) -> None:
        self._ascii = b""
        self._seen = np.zeros(CODE_POINTS, bool)

    def add(self, piece: str) -> None:
        """Take in the characters of a piece."""
        # Soon there is nothing new in a piece, and to find that out is quicker than to note
        # what it has: nothing is left of ASCII without what is known, or all has been seen.
        if piece.isascii():
            self._ascii += bytes(set(piece.encode().translate(None, self._ascii)))
            return
        points = code_points(piece)
        if not self._seen.take(points).all():
            self._seen[points] = True

    def __str__(self) -> str:
        self._seen[list(self._ascii)] = True
        return text_of(np.flatnonzero(self._seen))


def listed(characters: Sequence[str], most: int = 20) -> str:
    """Characters as an error shows them: in quotes, and not too many."""
    more = f" and {len(characters) - most} more" if len(characters) > most else ""
    return " ".join(map(repr, characters[:most])) + more


def code_points(text: str) -> Array:
    """The code point of each character of a text, (N,), uint32."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")


def text_of(points: Array) -> str:
    """The text of code points, (N,); the opposite of `code_points`."""
    return points.astype("<u4").tobytes().decode("utf-32-le", "surrogatepass")


def one_hot(
    indices: Array, size: int, dtype: DTypeLike = np.float32, out: Array | None = None
) -> Array:
    """Indices (N,) as one-hot rows (N, size): all zero but a one at the index.

    Args:
        indices, size: as above.
        dtype: of the rows.
        out: where to put them, of that type, for indices that are known to be below `size`; new
            memory unless given.
    """
    eye = np.eye(size, dtype=dtype)
    # To check an index, take would first put all rows into new memory.
    rows: Array = eye[indices] if out is None else eye.take(indices, axis=0, out=out, mode="clip")
    return rows
