"""The members that train one model together, with the names of MPI and torch.distributed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from charrnn.arrays import Array, Shape, Text

#: The name of a method to call, and its arguments.
Order = tuple[str, tuple[Any, ...]]


def share_of(count: int, rank: int, size: int) -> slice:
    """The share of `count` things that belongs to member `rank` of `size`."""
    return slice(rank * count // size, (rank + 1) * count // size)


class Group:
    """A group of one member, and the interface of every group.

    All members create the same arrays in the same order and run the same code. All of them call
    each collective: `reduce_scatter`, `all_reduce`, `all_gather`, `complete`, `broadcast`, `gather`
    and `check_equal`. Member 0 leads: it gives an `order`, and the others carry out what `orders`
    yields.

    Attributes:
        rank: the number of this member, from 0; the rank of MPI only where a rank is one process.
        size: the number of members.
        signal: the number of a signal that asked another member to end, or 0; known after
            `all_reduce`.
        writes: of the members that share memory, this one writes what each of them computes.
    """

    rank = 0
    size = 1
    signal = 0
    writes = True

    def part(self, count: int, rank: int | None = None) -> slice:
        """A member's share of `count` things; the shares of all members make up the whole.

        Args:
            count: the number of things.
            rank: the number of the member; this one unless given.
        """
        return share_of(count, self.rank if rank is None else rank, self.size)

    def shared(self, shape: Shape, dtype: DTypeLike) -> Array:
        """Zeros that all members read, and each member writes in part."""
        return self.share(np.zeros(shape, dtype))

    def share(self, array: Array) -> Array:
        """Make an array of zeros a shared one, and return it."""
        return array

    def buffer(self, size: int, dtype: DTypeLike) -> Array:
        """Zeros, (size,), that this member alone writes and `reduce_scatter` adds up."""
        return np.zeros(size, dtype)

    def text(self, text: Text) -> Text:
        """The leader's text, which all members read; the argument of the others is ignored."""
        return text

    def start(self, work: Callable[..., None], *arguments: Any) -> None:
        """Start the other members: each calls `work(group, *arguments)`.

        The leader of the workers of another rank calls `start`, too, with the same arguments, after
        it has created its arrays.
        """

    def order(self, name: str, *arguments: Any) -> None:
        """Give the other members an order; does nothing in a member that does not lead."""

    def orders(self) -> Iterator[Order]:
        """The leader's orders, until it closes the group."""
        return iter(())

    def reduce_scatter(self, buffer: Array) -> None:
        """Replace this member's part of its buffer by the sum of all buffers there.

        Args:
            buffer: a vector from `buffer`; the rest of it is undefined afterwards.
        """

    def all_reduce(self, numbers: Sequence[float]) -> list[float]:
        """The sums of all members' numbers, with the same bits for every member."""
        return list(numbers)

    def all_gather(self, vector: Array) -> None:
        """Complete a shared vector of which each member wrote its part.

        The leader sees the whole vector at once, the other members with the next order.
        """

    def complete(self, vector: Array) -> None:
        """Complete a shared vector as `all_gather` does; all members see the whole at once."""

    def broadcast(self, *arrays: Array) -> None:
        """Copy the leader's arrays to all members."""

    def gather(self, *arrays: Array) -> None:
        """Collect the members' parts, of the last axis of shared arrays, in the leader."""

    def check_equal(self, array: Array) -> None:
        """Check that all members see the same array.

        Raises:
            TrainingError: in the leader, where another member sees something else.
        """

    def close(self, failed: bool = False) -> None:
        """Dismiss the other members.

        Args:
            failed: an error is the reason, so the other members may be anywhere in their work.
        """

    def __enter__(self) -> Group:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close(failed=kind is not None)
