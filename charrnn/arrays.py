"""The types of arrays in signatures."""

from __future__ import annotations

from typing import Any, Literal, Protocol, TypeAlias

from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]
Shape: TypeAlias = tuple[int, ...]
#: What to do with places outside of a text, as NumPy names it.
Mode: TypeAlias = Literal["raise", "wrap", "clip"]


class Text(Protocol):
    """Indices of characters, (N,): an array, or what can be read like one."""

    def __len__(self) -> int: ...

    def take(self, places: Array, /, *, mode: Mode) -> Array:
        """The indices at places, in their shape."""
