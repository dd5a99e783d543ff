"""How long a network remembers: what its gates let it keep, and what it makes use of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from charrnn.arrays import Array
from charrnn.errors import SettingError, TextError
from charrnn.inspection.places import draw_places
from charrnn.inspection.reading import Piece, Signal, Totals, read_through
from charrnn.network.layers import Layer
from charrnn.network.loss import cross_entropy
from charrnn.network.model import CharRNN
from charrnn.text.streams import Window

#: Characters of context up to which the loss is looked at, and at how many places of the text.
CONTEXTS, PLACES = 256, 1_000
#: Characters that are read of a longer text.
MOST = 200_000
#: Places at a time, and steps: what they leave on the tapes of a large model takes memory.
TOGETHER, STEPS = 100, 32
#: In nats: a loss so near to that with carried state is the same.
TOLERANCE = 0.01
#: To find out where that begins, the mean over contexts that are off by no more than this share.
REACH = 1 / 8


@dataclass(frozen=True)
class Memory:
    """What a network can keep, and what it uses.

    Attributes:
        cell: which cell the layers have.
        gate: the gate that says how much is kept: f of an LSTM, z of a GRU; None without gates.
        time_constants: by signal, the τ of each unit in characters, (H,): so long until a
            share of 1/e is left of what it holds. Infinite where the gate never moves from 1.
        characters: how many were read.
        places: how many places of the text the losses are means over.
        contexts: n = 1, 2, …, (M,): the characters read since the state was emptied.
        loss: at each n, of the character after them, (M,), in nats: `carried` and the mean of
            what this one character costs more than with carried state. (The plain mean would
            move with how hard the characters at each n happen to be.)
        error: the standard error of that mean, (M,).
        carried: the loss of the same characters with carried state.
        tolerance: in nats, within which a loss counts as the same.
        horizon: the n from which on the loss, smoothed, is within the tolerance of `carried`;
            None if it is not within the contexts looked at.
    """

    cell: str
    gate: str | None
    time_constants: dict[Signal, Array]
    characters: int
    places: int
    contexts: Array
    loss: Array
    error: Array
    carried: float
    tolerance: float
    horizon: int | None


def memory(
    model: CharRNN,
    indices: Array,
    *,
    contexts: int = CONTEXTS,
    places: int = PLACES,
    rng: np.random.Generator,
) -> Memory:
    """How long a network remembers.

    The time constant of a unit is τ = −1/ln(mean forget gate) (Tallec, Ollivier 2018): a memory
    that is multiplied by f at every step has shrunk to 1/e after τ of them. In this GRU,
    h ← (1−z)∘n + z∘h, so z is what f is in the LSTM.

    The loss by context is that of the n-th character after the state was emptied (Khandelwal,
    He, Qi, Jurafsky 2018), at random places of the text, less the loss of the same characters
    with carried state. The horizon is where the mean of that difference over contexts from
    7/8·n to 9/8·n comes within 0.01 nat and stays there.

    Args:
        model: the model.
        indices: the text, (N,), at least 4 characters; of more than 200,000 the first are read.
        contexts: M, up to which context; at most a third of the text.
        places: how many; fewer in a short text.
        rng: draws the places.

    Raises:
        TextError: for a shorter text.
        SettingError: for fewer than one context or place.
    """
    if contexts < 1:
        raise SettingError(f"at least one character of context is needed, not {contexts}")
    indices = indices[:MOST]
    N = len(indices)
    M = min(contexts, (N - 1) // 3)
    if M < 1:
        raise TextError(f"what is remembered shows in a text of 4 characters or more, not {N}")
    # In the first M characters a carried state has not had much more to read than an emptied one.
    starts = draw_places(M, N - 1 - M, places, rng)
    gate = holding_gate(model.layers[0])
    kept, carried = read_carried(model, indices, gate)
    targets = carried[starts + np.arange(M)[:, None]]  # (M, B)
    excess = losses_from_empty(model, indices, starts, M) - targets
    more = excess.mean(axis=1)
    error = excess.std(axis=1, ddof=1) if len(starts) > 1 else np.full(M, np.nan)
    return Memory(
        cell=model.layer_type,
        gate=gate,
        time_constants={signal: time_constants(mean) for signal, mean in kept.items()},
        characters=N,
        places=len(starts),
        contexts=np.arange(1, M + 1),
        loss=targets.mean() + more,
        error=error / np.sqrt(len(starts)),
        carried=float(targets.mean()),
        tolerance=TOLERANCE,
        horizon=horizon(more, TOLERANCE),
    )


def holding_gate(layer: Layer) -> str | None:
    """The gate that multiplies what is carried: f of the LSTM, z of the GRU, None without one."""
    return next((name for name in ("f", "z") if name in layer.gates), None)


def read_carried(
    model: CharRNN, indices: Array, gate: str | None
) -> tuple[dict[Signal, Array], Array]:
    """The mean of a gate in each unit of each layer, (H,), and the losses, both over a text.

    The loss at place n is that of the character n + 1, (N,); the last one has no meaning.
    """
    signals = [Signal(layer, gate) for layer in range(1, model.num_layers + 1) if gate]
    totals = Totals(signals, len(indices), model.hidden_size, np.float64)
    losses = np.empty(len(indices))

    def take(piece: Piece) -> None:
        for signal, values in piece.values.items():
            totals.put(piece, signal, values)
        following = indices.take(piece.places + 1, mode="clip").astype(np.intp)
        piece.put(cross_entropy(piece.model.logits(piece.hidden), following), losses)

    read_through(model, indices, signals, take)
    return totals.means(), losses


def losses_from_empty(model: CharRNN, indices: Array, starts: Array, M: int) -> Array:
    """The loss after n = 1 … M characters, each reader starting empty at its place, (M, B)."""
    losses = np.empty((M, len(starts)))
    for begin in range(0, len(starts), TOGETHER):
        part = slice(begin, begin + TOGETHER)
        state = model.state(len(starts[part]))
        for n in range(0, M, STEPS):
            places = starts[part] + np.arange(n, min(n + STEPS, M) + 1)[:, None]
            read = indices[places].astype(np.intp)
            losses[n : n + STEPS, part] = model.losses(Window(read[:-1], read[1:]), state)
    return losses


def time_constants(mean: Array) -> Array:
    """τ = −1/ln(mean forget gate), in characters; infinite where the mean is one."""
    with np.errstate(divide="ignore"):
        tau: Array = -1 / np.log(np.minimum(mean, 1))
    return np.abs(tau)  # −1/ln(1) is one over minus zero


def horizon(excess: Array, tolerance: float) -> int | None:
    """The context from which on the smoothed excess is within a tolerance; None if it is not.

    Args:
        excess: what is lost at n = 1 … M, (M,), in nats.
        tolerance: in nats.
    """
    M = len(excess)
    n = np.arange(1, M + 1)
    reach = (n * REACH).astype(int)
    before, last = n - 1 - reach, np.minimum(n + reach, M)
    sums = np.concatenate([[0.0], np.cumsum(excess)])
    smooth = (sums[last] - sums[before]) / (last - before)
    above = np.flatnonzero(smooth > tolerance)
    beyond = int(above[-1]) + 1 if len(above) else 0  # the largest n that is not within
    return beyond + 1 if beyond < M else None
