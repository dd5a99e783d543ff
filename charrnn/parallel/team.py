"""What those who train one model together ask of each other. Alone it costs nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from charrnn.parameters import Array, Shape

#: The name of something to do, and its arguments.
Order = tuple[str, tuple[Any, ...]]


class Team:
    """A team of one; what follows is what every team can do.

    All members make the same arrays in the same order, run the same code, and meet in
    `reduce`, `sum` and `gather`, which all of them have to call. The first one leads: it gives
    an `order`, and the others do what comes out of `orders`.

    Attributes:
        rank: which member this is, from 0.
        size: how many there are.
    """

    rank = 0
    size = 1

    def part(self, count: int) -> slice:
        """This member's share of `count` things; the shares of all make up the whole."""
        return slice(self.rank * count // self.size, (self.rank + 1) * count // self.size)

    def common(self, shape: Shape, dtype: DTypeLike) -> Array:
        """Zeros that all members read, and each writes in part."""
        return np.zeros(shape, dtype)

    def own(self, size: int, dtype: DTypeLike) -> Array:
        """Zeros for this member alone to write, (size,), which `reduce` can add up."""
        return np.zeros(size, dtype)

    def constant(self, array: Array) -> Array:
        """The first member's array, for all to read; what the others pass is ignored."""
        return array

    def start(self, work: Callable[..., None], *arguments: Any) -> None:
        """Have the others, which begin here, call `work(team, *arguments)`."""

    def order(self, name: str, *arguments: Any) -> None:
        """Tell the others what to do next; nothing if this is one of them."""

    def orders(self) -> Iterator[Order]:
        """What the first member orders, until it ends."""
        return iter(())

    def reduce(self, own: Array) -> None:
        """Make this member's part of `own` the sum of all members' there.

        Args:
            own: as made by `own`; outside of this member's part it stays as it is.
        """

    def sum(self, numbers: Sequence[float]) -> list[float]:
        """The sums of all members' numbers; every member gets the same bits."""
        return list(numbers)

    def gather(self) -> None:
        """Let the first member see what the others wrote into common arrays; they see what
        was written when the next order comes.
        """

    def close(self) -> None:
        """Dismiss the others."""

    def __enter__(self) -> Team:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
