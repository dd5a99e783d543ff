"""The memory of a network: the context it uses, and the time constants of its gates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from charrnn.arrays import Array
from charrnn.errors import SettingError, TextError
from charrnn.inspection.answer import Answer, Figure, Series
from charrnn.inspection.positions import draw_positions
from charrnn.inspection.reading import Piece, Signal, Totals, read_through
from charrnn.inspection.subject import Subject
from charrnn.inspection.wording import characters, rounded
from charrnn.network.loss import cross_entropy
from charrnn.network.model import CharRNN
from charrnn.text.streams import Window

HELP = "The context that is used, and the time constants of cells."
HEADING = "Memory"

#: Default numbers of contexts, in characters, and of positions of the text.
CONTEXTS, POSITIONS = 256, 1_000
#: The default number of characters that are read of a longer text.
MAX_CHARACTERS = 200_000
#: Positions and steps at a time: the tapes of a large model take memory.
POSITIONS_AT_A_TIME, STEPS_AT_A_TIME = 100, 32
#: In nats: a loss this near to that with carried state counts as the same.
TOLERANCE = 0.01
#: The excess at a context is averaged over contexts that differ by at most this share.
SMOOTHING = 1 / 8


@dataclass(frozen=True)
class Memory:
    """The context that a network uses, and the time constants of its cells.

    Attributes:
        layer_type: the type of the layers.
        gate: the gate that controls forgetting: f of an LSTM, z of a GRU; None without gates.
        time_constants: for each signal, the time constant τ of each cell in characters, (H,):
            after τ characters a share of 1/e of its value is left. Infinite where the gate is
            always 1.
        characters: the number of characters read.
        positions: the number of positions of the text that the losses are means over.
        contexts: n = 1, 2, …, (M,): the characters read since the state was empty.
        loss: the loss of the next character at each n, (M,), in nats: `carried` plus the mean
            excess over the loss of the same character with carried state. (The plain mean
            would vary with the difficulty of the characters at each n.)
        error: the standard error of the mean excess, (M,).
        carried: the mean loss of all these characters with carried state.
        tolerance: the difference, in nats, within which two losses count as the same.
        horizon: the n from which the smoothed loss stays within the tolerance of `carried`;
            None if there is none up to M.
    """

    layer_type: str
    gate: str | None
    time_constants: dict[Signal, Array]
    characters: int
    positions: int
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
    positions: int = POSITIONS,
    max_characters: int = MAX_CHARACTERS,
    rng: np.random.Generator,
) -> Memory:
    """The context that a network uses, and the time constants of its cells.

    The time constant of a cell is τ = −1/ln(mean forget gate) (Tallec, Ollivier 2018): a memory
    that is multiplied by f at every step has shrunk to 1/e after τ steps. In this GRU,
    h ← (1−z)∘n + z∘h, so z has the role of f in the LSTM.

    The excess at context n is the loss of the n-th character after an empty state (Khandelwal,
    He, Qi, Jurafsky 2018), at random positions of the text, less the loss of the same character
    with carried state. The horizon is the n from which the mean excess over contexts from
    7/8·n to 9/8·n stays below 0.01 nat.

    Args:
        model: the model.
        indices: the text, (N,), at least 4 characters.
        contexts: M, the longest context; at most a third of the text.
        positions: the number of positions; fewer in a short text.
        max_characters: only the first this many characters of a longer text are read.
        rng: the source of randomness.

    Raises:
        TextError: for a shorter text.
        SettingError: for fewer than one context or position.
    """
    if contexts < 1:
        raise SettingError(f"at least one character of context is needed, not {contexts}")
    indices = indices[:max_characters]
    N = len(indices)
    M = min(contexts, (N - 1) // 3)
    if M < 1:
        raise TextError(f"memory is measured on a text of at least 4 characters, not {N}")
    # In the first M characters a carried state has read little more than an empty one.
    starts = draw_positions(M, N - 1 - M, positions, rng)
    gate = model.layers[0].forget_gate
    kept, carried = read_carried(model, indices, gate)
    targets = carried[starts + np.arange(M)[:, None]]  # (M, B)
    excess = losses_from_empty(model, indices, starts, M) - targets
    more = excess.mean(axis=1)
    error = excess.std(axis=1, ddof=1) if len(starts) > 1 else np.full(M, np.nan)
    return Memory(
        layer_type=model.layer_type,
        gate=gate,
        time_constants={signal: time_constants(mean) for signal, mean in kept.items()},
        characters=N,
        positions=len(starts),
        contexts=np.arange(1, M + 1),
        loss=targets.mean() + more,
        error=error / np.sqrt(len(starts)),
        carried=float(targets.mean()),
        tolerance=TOLERANCE,
        horizon=horizon(more, TOLERANCE),
    )


def analyse(subject: Subject) -> Memory:
    """The memory of a subject."""
    return memory(subject.model, subject.indices, rng=subject.rng)


def read_carried(
    model: CharRNN, indices: Array, gate: str | None
) -> tuple[dict[Signal, Array], Array]:
    """The mean of a gate over a text in each cell of each layer, (H,), and the losses, (N,).

    The loss at position n is that of character n + 1; the last loss has no meaning.
    """
    signals = [Signal(layer, gate) for layer in range(1, model.num_layers + 1) if gate]
    totals = Totals(signals, len(indices), model.hidden_size, np.float64)
    losses = np.empty(len(indices))

    def store(piece: Piece) -> None:
        for signal, values in piece.values.items():
            totals.store(piece, signal, values)
        targets = indices.take(piece.positions + 1, mode="clip").astype(np.intp)
        piece.store(cross_entropy(piece.model.logits(piece.hidden), targets), losses)

    read_through(model, indices, signals, store)
    return totals.means(), losses


def losses_from_empty(
    model: CharRNN,
    indices: Array,
    starts: Array,
    M: int,
    *,
    positions_at_a_time: int = POSITIONS_AT_A_TIME,
    steps_at_a_time: int = STEPS_AT_A_TIME,
) -> Array:
    """The loss after n = 1 … M characters from an empty state at each start, (M, B)."""
    losses = np.empty((M, len(starts)))
    for begin in range(0, len(starts), positions_at_a_time):
        part = slice(begin, begin + positions_at_a_time)
        state = model.state(len(starts[part]))
        for n in range(0, M, steps_at_a_time):
            end = min(n + steps_at_a_time, M)
            positions = starts[part] + np.arange(n, end + 1)[:, None]
            read = indices[positions].astype(np.intp)
            losses[n:end, part] = model.losses(Window(read[:-1], read[1:]), state)
    return losses


def time_constants(mean: Array) -> Array:
    """τ = −1/ln(mean forget gate), in characters; infinite where the mean is one."""
    with np.errstate(divide="ignore"):
        tau: Array = -1 / np.log(np.minimum(mean, 1))
    return np.abs(tau)  # −1/ln(1) is −1/0 = −∞


def horizon(excess: Array, tolerance: float) -> int | None:
    """The context from which the smoothed excess stays within a tolerance; None if there is none.

    Args:
        excess: the mean excess at n = 1 … M, (M,), in nats.
        tolerance: in nats.
    """
    M = len(excess)
    n = np.arange(1, M + 1)
    reach = (n * SMOOTHING).astype(int)
    before, last = n - 1 - reach, np.minimum(n + reach, M)
    sums = np.concatenate([[0.0], np.cumsum(excess)])
    smooth = (sums[last] - sums[before]) / (last - before)
    above = np.flatnonzero(smooth > tolerance)
    last_above = int(above[-1]) + 1 if len(above) else 0
    return last_above + 1 if last_above < M else None


def answer(result: Memory) -> Answer:
    """Say how much context is used, and how long the slowest cells remember."""
    if result.horizon is None:
        sentence = f"It uses more than {characters(int(result.contexts[-1]))} of context"
    else:
        sentence = f"It uses about {characters(rounded(result.horizon))} of context"
    slowest = max((float(tau.max()) for tau in result.time_constants.values()), default=None)
    if slowest is not None:
        sentence += f"; {_of_slowest(slowest)}"
    figures = [_loss_figure(result)]
    if result.time_constants:
        figures.append(_time_constants_figure(result))
    return Answer(f"{sentence}.", tuple(figures))


def _of_slowest(slowest: float) -> str:
    if np.isinf(slowest):
        return "its slowest cells never forget"
    return f"its slowest cells remember for about {characters(rounded(slowest))}"


def _loss_figure(result: Memory) -> Figure:
    contexts = result.contexts.tolist()
    return Figure(
        title="Loss by context",
        x_label="characters since the empty state",
        y_label="nats a character",
        series=(
            Series("with carried state", contexts, [result.carried] * len(contexts)),
            Series("from an empty state", contexts, result.loss.tolist()),
        ),
        log_x=True,
        caption="Where the falling line meets the flat one, more context no longer helps.",
    )


def _time_constants_figure(result: Memory) -> Figure:
    series = []
    for signal, tau in result.time_constants.items():
        ordered = np.sort(tau)[::-1]
        ordered[np.isinf(ordered)] = np.nan
        ranks = list(range(1, len(tau) + 1))
        series.append(Series(f"layer {signal.layer}", ranks, ordered.tolist()))
    return Figure(
        title=f"Time constants by the mean of gate {result.gate}",
        x_label="cells, the slowest first",
        y_label="characters",
        series=tuple(series),
        log_y=True,
        caption=(
            "After so many characters about a third (1/e) of the value of a cell is left: the "
            "higher, the longer the memory."
        ),
    )
