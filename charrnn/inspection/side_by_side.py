"""Read many texts that are independent of each other, such as lines, side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from charrnn.arrays import Array
from charrnn.inspection.reading import (
    Piece,
    Progress,
    Signal,
    in_threads,
    read_piece,
    read_through,
)
from charrnn.machine import cores
from charrnn.network.model import CharRNN

#: Texts are read side by side in batches and windows of these sizes, the smallest that fits. There
#: are few sizes, because a model keeps the buffers of each.
STREAMS, STEPS = (64, 16, 4, 1), (32, 16, 8, 4)
#: Texts of this many characters or more are read one after the other, each in parts side by side.
LONG = 8_192


def read_texts(
    model: CharRNN,
    texts: Sequence[Array],
    use: Callable[[Piece], None],
    *,
    start: Array,
    signals: Sequence[Signal] = (),
) -> None:
    """Read texts, each from the same state; those of similar length are read side by side.

    Args:
        model: the model.
        texts: indices (n,) each.
        use: receives pieces, in no particular order and from several threads. Their positions are
            those in the joined texts, (N,); N is past the end of a text.
        start: the state before each text, (L, S, H).
        signals: the signals to pass to `use`.

    Raises:
        DivergedError: where a state does not stay finite.
    """
    lengths = np.array([len(text) for text in texts], np.intp)
    joined = np.concatenate([*texts, np.empty(0, model.vocabulary.dtype)])
    firsts = np.cumsum(lengths) - lengths
    order = np.argsort(-lengths, kind="stable")
    for number in order[lengths[order] >= LONG]:
        first, length = firsts[number], lengths[number]

        def shifted(piece: Piece, first: int = first, length: int = length) -> None:
            within = piece.positions < length
            use(piece._replace(positions=np.where(within, first + piece.positions, len(joined))))

        read_through(model, texts[number], signals, shifted, start=start)
    short = order[(lengths[order] < LONG) & (lengths[order] > 0)]
    batches = [short[first : first + STREAMS[0]] for first in range(0, len(short), STREAMS[0])]

    def read(numbers: Array, _progress: Progress) -> None:
        mine = CharRNN.sharing(model)
        for batch in (batches[number] for number in numbers):
            _read_batch(mine, joined, firsts[batch], lengths[batch], use, start, signals)

    if batches:
        # The longest texts are in the first batches: each thread gets some of them.
        in_threads(read, np.argsort(np.arange(len(batches)) % cores(), kind="stable"))


def _read_batch(
    model: CharRNN,
    joined: Array,
    firsts: Array,
    lengths: Array,
    use: Callable[[Piece], None],
    start: Array,
    signals: Sequence[Signal],
) -> None:
    """Read texts side by side, the longest one first.

    Args:
        model, use, start, signals: as for `read_texts`.
        joined: the joined texts, (N,).
        firsts, lengths: the position of the first character and the length of each text, (n,).
    """
    state = np.repeat(start[..., None], _smallest(STREAMS, len(lengths)), axis=-1)
    done = 0
    while done < lengths[0]:
        streams = int(np.count_nonzero(lengths > done))  # the shortest texts have ended
        T, B = _smallest(STEPS, int(lengths[0]) - done), _smallest(STREAMS, streams)
        steps = done + np.arange(T)[:, None]
        positions = np.full((T, B), len(joined))
        within = steps < lengths[:streams]
        positions[:, :streams] = np.where(within, firsts[:streams] + steps, len(joined))
        state = np.ascontiguousarray(state[..., :B])
        use(read_piece(model, joined, signals, positions, state))
        done += T


def _smallest(sizes: Sequence[int], number: int) -> int:
    """The smallest of some sizes that is at least a number; the largest size where none is."""
    return min((size for size in sizes if size >= number), default=max(sizes))
