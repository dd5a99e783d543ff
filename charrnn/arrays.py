"""The types of arrays in signatures."""

from __future__ import annotations

from typing import Any, Literal, Protocol, TypeAlias

from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]
Shape: TypeAlias = tuple[int, ...]
#: NumPy's names for the treatment of positions outside of a text.
Mode: TypeAlias = Literal["raise", "wrap", "clip"]


class Text(Protocol):
    """Indices of characters, (N,): an array, or an object that can be read like one."""

    def __len__(self) -> int: ...

    def take(self, positions: Array, /, *, mode: Mode) -> Array:
        """The indices at some positions, in the shape of `positions`."""
