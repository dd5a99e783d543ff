"""What those who train one model together ask of each other. Alone it costs nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from charrnn.arrays import Array, Shape, Text

#: The name of something to do, and its arguments.
Order = tuple[str, tuple[Any, ...]]


def portion(count: int, rank: int, size: int) -> slice:
    """The part of `count` things that is the `rank`-th one's of so many."""
    return slice(rank * count // size, (rank + 1) * count // size)


class Team:
    """A team of one; what follows is what every team can do.

    All members make the same arrays in the same order, run the same code, and meet in `reduce`,
    `sum`, `gather`, `spread`, `collect` and `compare`, which all of them have to call. The first
    one leads: it gives an `order`, and the others do what comes out of `orders`.

    Attributes:
        rank: which member this is, from 0.
        size: how many there are.
        signal: the number of one that asked another member to end, or 0; known after a `sum`.
    """

    rank = 0
    size = 1
    signal = 0

    def part(self, count: int, rank: int | None = None) -> slice:
        """A member's share of `count` things; the shares of all make up the whole.

        Args:
            count: how many things.
            rank: which member's; this one's unless given.
        """
        return portion(count, self.rank if rank is None else rank, self.size)

    def common(self, shape: Shape, dtype: DTypeLike) -> Array:
        """Zeros that all members read, and each writes in part."""
        return self.share(np.zeros(shape, dtype))

    def share(self, array: Array) -> Array:
        """Make common what is zeros with each, and give it back."""
        return array

    def own(self, size: int, dtype: DTypeLike) -> Array:
        """Zeros for this member alone to write, (size,), which `reduce` can add up."""
        return np.zeros(size, dtype)

    def constant(self, array: Text) -> Text:
        """The first member's array, for all to read, together; what the others pass is ignored."""
        return array

    def start(self, work: Callable[..., None], *arguments: Any) -> None:
        """Have the others, which begin here, call `work(team, *arguments)`.

        Who follows calls it, too, with the same, once it has made all arrays: for those that it
        leads in turn.
        """

    def order(self, name: str, *arguments: Any) -> None:
        """Tell the others what to do next; nothing if this is one of them."""

    def orders(self) -> Iterator[Order]:
        """What the first member orders, until it ends."""
        return iter(())

    def reduce(self, own: Array) -> None:
        """Make this member's part of `own` the sum of all members' there.

        Args:
            own: as made by `own`; what is in it outside of this member's part is of no use then.
        """

    def sum(self, numbers: Sequence[float]) -> list[float]:
        """The sums of all members' numbers; every member gets the same bits."""
        return list(numbers)

    def gather(self, vector: Array) -> None:
        """Let the first member see a common vector of which each wrote its part; the others see
        what was written when the next order comes.
        """

    def spread(self, *arrays: Array) -> None:
        """Let the others see what the first wrote into common arrays since they began."""

    def collect(self, *arrays: Array) -> None:
        """Let the first see common arrays of which each wrote its part of the last axis."""

    def compare(self, array: Array) -> None:
        """Make sure that all see the same.

        Raises:
            TrainingError: by the first member, where another sees something else.
        """

    def close(self, failed: bool = False) -> None:
        """Dismiss the others.

        Args:
            failed: whether an error is why, after which they may be anywhere.
        """

    def __enter__(self) -> Team:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close(failed=kind is not None)
