"""Whether the network uses a cell: what it loses when the cell is held still."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from math import log

import numpy as np

from charrnn.arrays import Array
from charrnn.network.model import CharRNN
from charrnn.parallel.threads import cores
from charrnn.sampling import Reader, log_softmax

#: A stretch of text: characters that only lead up to it, and those that are scored.
LEAD, SCORED = 128, 192
#: Stretches for each feature, and of all of them together, but for one of each feature.
EACH, MOST = 4, 24
#: Cells to compare with.
RANDOM = 20


@dataclass(frozen=True)
class Clamp:
    """What holding a cell at its mean changes, in bits a character.

    Attributes:
        ends: where the feature ends: on the character that ends it, the closing quote for
            instance, and on the one after it, which has to be another than within it. NaN for
            a feature that never ends, of which `count` is 0; `random` likewise.
        elsewhere: on all other characters.
        random: where it ends, for other cells, (R,).
        count: how many characters where it ends were looked at.
    """

    ends: float
    elsewhere: float
    random: Array
    count: int


def ends(values: Array) -> Array:
    """Where a feature ends or falls, booleans (F, N), from its values (F, N).

    These are the places after which the network has to foresee the character that ends it, or
    the one that comes next.
    """
    falls = values[:, 1:] < values[:, :-1]
    places = np.zeros(values.shape, bool)
    places[:, :-1] |= falls
    places[:, 1:] |= falls
    return places


def stretches(falls: Array) -> Array:
    """Where to look: the starts of stretches with many ends of each feature, (M,).

    Args:
        falls: as `ends` gives them, (F, N).
    """
    N = falls.shape[1]
    starts = np.arange(0, max(1, N - LEAD), SCORED)
    # The last one is whole, too, if that takes characters that the one before it has.
    starts = np.unique(np.minimum(starts, max(0, N - 1 - LEAD - SCORED)))
    running = np.concatenate([np.zeros((len(falls), 1), int), np.cumsum(falls, axis=1)], axis=1)
    first = np.where(starts, starts + LEAD, 0)  # nothing leads up to the beginning of the text
    counts = running[:, np.minimum(starts + LEAD + SCORED, N)] - running[:, first]  # (F, starts)
    best = np.argsort(-counts, axis=1, kind="stable")[:, :EACH]
    # The best of each feature, then the second best, …, until there are enough.
    chosen = list(dict.fromkeys(best.T.ravel().tolist()))[: max(MOST, len(falls))]
    return starts[sorted(chosen)]


def clamp(
    model: CharRNN,
    indices: Array,
    falls: Array,
    cells: Sequence[tuple[int, int]],
    rng: np.random.Generator,
) -> list[Clamp]:
    """Hold cells at their means, one at a time, and read stretches of text.

    All of a cell's state is held, of an LSTM's h and c, so that neither its memory nor anything
    it says to others moves. Each is compared with random cells of the same layer.

    Args:
        model: the model.
        indices: the text, (N,).
        falls: where the feature of each cell ends, (F, N).
        cells: layer, from 1, and cell, for each of the F features.
        rng: for the random cells.
    """
    starts = stretches(falls)
    steps = np.arange(min(LEAD + SCORED, len(indices) - 1))[:, None]
    places = starts + steps  # (T, M)
    read = indices.take(places, mode="clip").astype(np.intp)
    targets = indices.take(places + 1, mode="clip").astype(np.intp)
    within = ((steps >= LEAD) | (starts == 0)) & (places < len(indices) - 1)
    means, free = read_freely(model, read, targets)
    H = model.hidden_size
    layers = sorted({layer for layer, _ in cells})
    drawn = {layer: rng.choice(H, min(RANDOM, H), replace=False) for layer in layers}
    wanted = [*cells, *((layer, int(cell)) for layer in layers for cell in drawn[layer])]
    held = read_held(model, read, targets, means, wanted)
    lost = (held - free) / log(2)  # (T, cells, M)
    results = []
    for number, cell in enumerate(cells):
        at_ends = within & falls[number].take(places, mode="clip")
        others = [
            mean(lost[:, n], at_ends)
            for n in range(len(cells), len(wanted))
            if wanted[n][0] == cell[0] and wanted[n] != cell
        ]
        own, elsewhere = lost[:, number], within & ~at_ends
        results.append(
            Clamp(mean(own, at_ends), mean(own, elsewhere), np.array(others), int(at_ends.sum()))
        )
    return results


def mean(values: Array, where: Array) -> float:
    """The mean of some of the values; NaN of none."""
    return float(values[where].mean()) if where.any() else float("nan")


def read_freely(model: CharRNN, read: Array, targets: Array) -> tuple[Array, Array]:
    """The mean of each unit's state, (L, S, H), and the losses in nats, (T, 1, M)."""
    reader = Reader(model, read.shape[1])
    losses = np.empty((len(read), 1, read.shape[1]))
    total = np.zeros(reader.state.shape[:3])
    for step in range(len(read)):
        losses[step, 0] = -log_softmax(reader.read(read[step]), targets[step])
        total += reader.state.mean(axis=3)
    return total / len(read), losses


def read_held(
    model: CharRNN, read: Array, targets: Array, means: Array, cells: Sequence[tuple[int, int]]
) -> Array:
    """The losses in nats with each of n cells held, (T, n, M), all of them side by side."""
    T, M = read.shape

    def lose(cells: Sequence[tuple[int, int]]) -> Array:
        reader = Reader(CharRNN.sharing(model), len(cells) * M)
        hold(reader, means, cells, M)
        losses = np.empty((T, len(cells), M))
        for step in range(T):
            logits = reader.read(np.tile(read[step], len(cells)))
            chosen = log_softmax(logits, np.tile(targets[step], len(cells)))
            losses[step] = -chosen.reshape(len(cells), M)
        return losses

    share = -(-len(cells) // cores())
    with ThreadPoolExecutor() as pool:  # products run outside of Python's lock
        shares = [cells[first : first + share] for first in range(0, len(cells), share)]
        return np.concatenate(list(pool.map(lose, shares)), axis=1)


def hold(reader: Reader, means: Array, cells: Sequence[tuple[int, int]], M: int) -> None:
    """Hold each of n cells in M streams of its own; means (L, S, H)."""
    for layer in {layer for layer, _ in cells}:
        own = [(n, cell) for n, (where, cell) in enumerate(cells) if where == layer]
        units = np.repeat([cell for _, cell in own], M)
        streams = np.concatenate([n * M + np.arange(M) for n, _ in own])
        reader.hold(layer, units, streams, means[layer - 1][:, units])
