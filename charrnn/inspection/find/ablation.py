"""The use that a network makes of a cell: the increase of the loss if it is held at its mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log

import numpy as np

from charrnn.arrays import Array
from charrnn.inspection.reading import Progress, in_threads
from charrnn.network.holding import Held
from charrnn.network.model import CharRNN
from charrnn.sampling import Reader, log_softmax

#: Characters of an excerpt that only warm up the state, and characters that are scored.
WARM_UP, SCORED = 128, 192
#: Excerpts per feature; in total at most this many, or one per feature if there are more features.
EXCERPTS_OF_FEATURE, MAX_EXCERPTS = 4, 24
#: Random cells to compare with.
RANDOM_CELLS = 20


@dataclass(frozen=True)
class Ablation:
    """The increase of the loss from holding a cell at its mean, in bits a character.

    Attributes:
        ends: the increase where the feature ends: on the character that ends it, such as a closing
            quote, and on the next one. NaN for a feature that never ends, with `count` 0.
        elsewhere: the increase on all other characters.
        random: the increase where the feature ends for random other cells, (R,).
        count: the number of characters where the feature ends.
    """

    ends: float
    elsewhere: float
    random: Array
    count: int


def ends(values: Array) -> Array:
    """The positions before which a feature ends or falls, booleans (F, N), from its values (F, N).

    After these positions the network has to predict the character that ends the feature, or the
    one after it.
    """
    falls = values[:, 1:] < values[:, :-1]
    positions = np.zeros(values.shape, bool)
    positions[:, :-1] |= falls
    positions[:, 1:] |= falls
    return positions


def excerpts(falls: Array) -> Array:
    """The starts of excerpts with many ends of each feature, (M,).

    Args:
        falls: the ends of each feature, (F, N), as from `ends`.
    """
    N = falls.shape[1]
    starts = np.arange(0, max(1, N - WARM_UP), SCORED)
    # The last excerpt is moved back to be complete; it then overlaps the one before.
    starts = np.unique(np.minimum(starts, max(0, N - 1 - WARM_UP - SCORED)))
    running = np.concatenate([np.zeros((len(falls), 1), int), np.cumsum(falls, axis=1)], axis=1)
    first = np.where(starts, starts + WARM_UP, 0)  # the beginning of the text needs no warm-up
    counts = running[:, np.minimum(starts + WARM_UP + SCORED, N)] - running[:, first]  # (F, starts)
    best = np.argsort(-counts, axis=1, kind="stable")[:, :EXCERPTS_OF_FEATURE]
    # The best excerpt of each feature, then the second best, …, until there are enough.
    chosen = list(dict.fromkeys(best.T.ravel().tolist()))[: max(MAX_EXCERPTS, len(falls))]
    return starts[sorted(chosen)]


def ablate(
    model: CharRNN,
    indices: Array,
    falls: Array,
    cells: Sequence[tuple[int, int]],
    rng: np.random.Generator,
) -> list[Ablation]:
    """Hold cells at their means, one at a time, while excerpts of the text are read.

    All of a cell's state is held, h and c of an LSTM, so that neither its memory nor its output
    changes. Each cell is compared with random cells of the same layer.

    Args:
        model: the model.
        indices: the text, (N,).
        falls: the ends of the feature of each cell, (F, N), as from `ends`.
        cells: the layer, from 1, and the cell for each of the F features.
        rng: the source of randomness for the random cells.
    """
    starts = excerpts(falls)
    steps = np.arange(min(WARM_UP + SCORED, len(indices) - 1))[:, None]
    positions = starts + steps  # (T, M)
    read = indices.take(positions, mode="clip").astype(np.intp)
    targets = indices.take(positions + 1, mode="clip").astype(np.intp)
    within = ((steps >= WARM_UP) | (starts == 0)) & (positions < len(indices) - 1)
    means, free = read_freely(model, read, targets)
    H = model.hidden_size
    layers = sorted({layer for layer, _ in cells})
    drawn = {layer: rng.choice(H, min(RANDOM_CELLS, H), replace=False) for layer in layers}
    held_cells = [*cells, *((layer, int(cell)) for layer in layers for cell in drawn[layer])]
    held = read_held(model, read, targets, means, held_cells)
    lost = (held - free) / log(2)  # (T, cells, M)
    results = []
    for number, cell in enumerate(cells):
        at_ends = within & falls[number].take(positions, mode="clip")
        others = [
            mean(lost[:, n], at_ends)
            for n in range(len(cells), len(held_cells))
            if held_cells[n][0] == cell[0] and held_cells[n] != cell
        ]
        own, elsewhere = lost[:, number], within & ~at_ends
        results.append(
            Ablation(mean(own, at_ends), mean(own, elsewhere), np.array(others), int(at_ends.sum()))
        )
    return results


def mean(values: Array, where: Array) -> float:
    """The mean of the values where `where` is True; NaN where it never is."""
    return float(values[where].mean()) if where.any() else float("nan")


def read_freely(model: CharRNN, read: Array, targets: Array) -> tuple[Array, Array]:
    """The mean state of each cell, (L, S, H), and the losses in nats, (T, 1, M)."""
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
    """The losses in nats with each of n cells held, (T, n, M), in streams side by side.

    Args:
        model: the model.
        read: the characters of M excerpts, (T, M).
        targets: the characters after them, (T, M).
        means: the values at which cells are held, (L, S, H).
        cells: the layer, from 1, and the cell of each.
    """
    (T, M), names = read.shape, model.layers[0].state_names

    losses = np.empty((T, len(cells), M))

    def read_held(numbers: Array, _progress: Progress) -> None:
        reader = Reader(CharRNN.sharing(model), len(numbers) * M)
        held = [
            Held(layer, cell, name, float(means[layer - 1, array, cell]))
            for layer, cell in (cells[number] for number in numbers)
            for array, name in enumerate(names)
        ]
        reader.hold(held, [n * M + np.arange(M) for n in range(len(numbers)) for _ in names])
        for step in range(T):
            logits = reader.read(np.tile(read[step], len(numbers)))
            chosen = log_softmax(logits, np.tile(targets[step], len(numbers)))
            losses[step, numbers] = -chosen.reshape(len(numbers), M)

    in_threads(read_held, np.arange(len(cells)))
    return losses
