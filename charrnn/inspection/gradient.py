"""The gradient of one loss by lag: how far back the error of a prediction reaches.

The loss of a prediction depends on the state after each of the characters before it. The norm of
∂L_T/∂h_{T−k} measures the influence of the state k characters back. The gradient is a product of k
Jacobians, which vanishes where these shrink what they are multiplied with, and explodes where they
stretch it (Bengio, Simard, Frasconi 1994; Pascanu, Mikolov, Bengio 2013).

In training the losses of all steps are added up, so that the gradient at a step is a sum over
many lags and says nothing about a single one. Here there is a loss at the last step only.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite

import numpy as np

from charrnn.arrays import Array
from charrnn.errors import DivergedError, SettingError, TextError
from charrnn.inspection.answer import Answer, Figure, Series
from charrnn.inspection.positions import draw_positions, in_double, states_before
from charrnn.inspection.reading import Signal
from charrnn.inspection.subject import Subject
from charrnn.inspection.wording import characters, listed, of_layers
from charrnn.network.loss import cross_entropy
from charrnn.network.model import CharRNN

HELP = "The gradient by lag, also with random weights."
HEADING = "Gradients"

#: Default numbers of lags and passages.
LAGS, PASSAGES = 200, 64
#: States of this many numbers, 8 bytes each, are held at a time.
MAX_STATE_NUMBERS = 8_000_000
#: A gradient that grows more than this many times explodes.
EXPLOSION = 10
#: The name of all arrays of a state as one vector.
WHOLE = "state"
#: A growth of more than this many times is worded instead of printed.
MAX_PRINTED_GROWTH = 1_000_000


@dataclass(frozen=True)
class GradientByLag:
    """The norm of the gradient of one loss on its way back through the text.

    Each layer has a curve for each array of its state, such as h and c, and where there are
    several, one for all of them as a single vector, named "state".

    Attributes:
        layer_type: the type of the layers.
        passages: the number of passages.
        lags: k, from 0 to K, (K + 1,).
        norms: for each curve, the geometric mean of ‖∂L_T/∂h_{T−k}‖ over the passages, (K + 1,).
            That of c is zero at lag 0: the prediction sees h_T.
        half, tenth: for each curve, the first lag at which the norm has fallen to a half or a
            tenth of its value at lag 0 (for c at lag 1, where it begins); None if never.
        explodes: for each curve, True if it grows more than tenfold.
        untrained: the result of a model with random weights on the same passages, if any.
    """

    layer_type: str
    passages: int
    lags: Array
    norms: dict[Signal, Array]
    half: dict[Signal, int | None]
    tenth: dict[Signal, int | None]
    explodes: dict[Signal, bool]
    untrained: GradientByLag | None


def gradient_by_lag(
    model: CharRNN,
    indices: Array,
    *,
    lags: int = LAGS,
    passages: int = PASSAGES,
    rng: np.random.Generator,
    untrained: CharRNN | None = None,
) -> GradientByLag:
    """The gradient of the loss at the last step of random passages, by lag.

    The gradient with respect to h_{T−k} includes both its uses: by the next step and by the
    layer above. h and c of an LSTM are treated as the two arrays that one step passes to the
    next, each with the other fixed. Everything is computed in float64, in which no curve of 200
    lags underflows.

    Args:
        model: the model.
        indices: the text, (N,), at least 4 characters.
        lags: K; at most half of the text.
        passages: the number of passages, at random positions; fewer in a short text. A passage
            begins with the state of a stream that has read all of the text before.
        rng: the source of randomness.
        untrained: a model of the same shape with random weights to compare with, if any.

    Raises:
        TextError: for a shorter text.
        SettingError: for fewer than one lag or passage.
    """
    if lags < 1:
        raise SettingError(f"the gradient needs at least one lag, not {lags}")
    N = len(indices)
    K = min(lags, (N - 2) // 2)
    if K < 1:
        raise TextError(f"the gradient by lag needs a text of at least 4 characters, not {N}")
    starts = draw_positions(0, N - K - 2, passages, rng)  # K + 1 characters are read, one predicted
    twin = None if untrained is None else _curves(untrained, indices, starts, K, None)
    return _curves(model, indices, starts, K, twin)


def analyse(subject: Subject) -> GradientByLag:
    """The gradient by lag of a subject, and that of random weights."""
    return gradient_by_lag(
        subject.model, subject.indices, rng=subject.rng, untrained=subject.untrained
    )


@np.errstate(over="ignore", invalid="ignore")  # a value that is not finite counts as infinite
def _curves(
    model: CharRNN, indices: Array, starts: Array, K: int, untrained: GradientByLag | None
) -> GradientByLag:
    try:
        states = states_before(model, indices, starts)
    except DivergedError:
        states = np.full_like(model.state(len(starts)), np.inf)
    norms = {
        signal: geometric_mean(of_passages)
        for signal, of_passages in norms_by_lag(
            in_double(model), indices, starts, K, states
        ).items()
    }
    return GradientByLag(
        layer_type=model.layer_type,
        passages=len(starts),
        lags=np.arange(K + 1),
        norms=norms,
        half={signal: first_fallen(curve, 1 / 2) for signal, curve in norms.items()},
        tenth={signal: first_fallen(curve, 1 / 10) for signal, curve in norms.items()},
        explodes={signal: grows(curve) for signal, curve in norms.items()},
        untrained=untrained,
    )


def norms_by_lag(
    model: CharRNN,
    indices: Array,
    starts: Array,
    K: int,
    states: Array,
    *,
    max_numbers: int = MAX_STATE_NUMBERS,
) -> dict[Signal, Array]:
    """The norms of the gradient in each passage for each curve, (K + 1, B).

    Args:
        model: the model, in float64.
        indices: the text, (N,).
        starts: the first position of each passage, (B,); a passage reads K + 1 characters and
            predicts the next.
        K: the last lag.
        states: the states in which the passages begin, (L, S, H, B).
        max_numbers: states of this many numbers are held at a time.
    """
    names = model.layers[0].state_names
    curves = [*names, WHOLE] if len(names) > 1 else list(names)
    signals = [Signal(n, name) for n in range(1, model.num_layers + 1) for name in curves]
    norms = {signal: np.empty((K + 1, len(starts))) for signal in signals}
    at_a_time = max(1, max_numbers // ((K + 1) * model.state().size))
    for begin in range(0, len(starts), at_a_time):
        part = slice(begin, begin + at_a_time)
        positions = starts[part] + np.arange(K + 2)[:, None]
        read = indices[positions].astype(np.intp)
        state = states[..., part].astype(model.parameters.flat.dtype)
        for lag, d_state in enumerate(gradients_back(model, read[:-1], read[-1], state)):
            for layer, name in signals:
                d = d_state[layer - 1]
                chosen = d if name == WHOLE else d[names.index(name)]
                norms[Signal(layer, name)][lag, part] = column_norms(chosen)
    return norms


def gradients_back(model: CharRNN, inputs: Array, targets: Array, state: Array) -> Iterator[Array]:
    """∂L_T/∂state_{T−k} of each stream for k = 0, 1, …, (L, S, H, B). Each array is overwritten
    by the next.

    The steps are kept as the states before them and computed once more on the way back: the
    tapes of hundreds of steps would not fit into memory. From the last step to the first, and
    at each step from the top layer down, the gradient from the layer above is added to that
    from the step after.

    Args:
        model: the model.
        inputs: character indices (T, B).
        targets: the next characters, (B,).
        state: the state before, (L, S, H, B); overwritten.
    """
    before = np.empty((len(inputs), *state.shape), state.dtype)
    for t in range(len(inputs)):
        before[t] = state
        logits = model.forward(inputs[t : t + 1], state)
    cross_entropy(logits, targets[None], gradient=logits)  # a loss for each stream
    d_h = model.parameters["Wy"].T @ logits[:, 0]
    d_state, nodes = np.zeros_like(state), np.empty_like(state)
    zeros = np.zeros((model.hidden_size, 1, state.shape[-1]), state.dtype)
    for t in reversed(range(len(inputs))):
        model.forward(inputs[t : t + 1], before[t])
        tapes = model.workspace(1, inputs.shape[1]).tapes
        for number in reversed(range(model.num_layers)):
            layer = model.layers[number]
            x = inputs[t : t + 1]
            if number:
                x = layer.signal(tapes[number - 1], "h").swapaxes(0, 1)
            d_state[number, 0] += d_h
            nodes[number] = d_state[number]
            d_x = layer.backward(x, zeros, d_state[number], tapes[number])
            # Below the first layer is only the text, and only the last step has a loss.
            d_h = zeros[:, 0] if d_x is None else d_x[:, 0]
        yield nodes


def column_norms(d: Array) -> Array:
    """The norm of each column, (…, B) → (B,); infinite where a component is not finite.

    The columns are scaled first, since the squares may overflow where the norm does not.
    """
    columns = np.abs(d.reshape(-1, d.shape[-1]))
    largest = columns.max(axis=0)
    finite = np.isfinite(largest)
    scale = np.where(finite & (largest > 0), largest, 1)
    with np.errstate(over="ignore", invalid="ignore"):
        norms = scale * np.sqrt(np.square(columns / scale).sum(axis=0))
    return np.where(finite, norms, np.inf)


def geometric_mean(norms: Array) -> Array:
    """exp(mean(ln ‖·‖)) over passages, (K + 1, B) → (K + 1,).

    A rectified network can have passages in which the gradient is exactly zero. They have no
    logarithm and are left out; where they are the majority, the mean is zero.
    """
    positive = norms > 0
    count = positive.sum(axis=1)
    logarithms = np.log(norms, where=positive, out=np.zeros(norms.shape))
    means = np.exp(logarithms.sum(axis=1) / np.maximum(count, 1))
    return np.where(2 * count > norms.shape[1], means, 0.0)


def beginning(curve: Array) -> int:
    """The first lag at which a curve is not zero."""
    return int(np.argmax(curve > 0))


def first_fallen(curve: Array, share: float) -> int | None:
    """The first lag at which a curve has fallen to a share of its beginning; None if never."""
    first = beginning(curve)
    low = np.flatnonzero(curve[first:] <= share * curve[first])
    return first + int(low[0]) if len(low) else None


def grows(curve: Array) -> bool:
    """True if a curve grows more than tenfold."""
    return bool(curve.max() > EXPLOSION * curve[beginning(curve)] or np.isinf(curve).any())


def answer(result: GradientByLag) -> Answer:
    """Say when the gradient falls to a tenth, with a figure for each layer.

    The sentence is about c where there is one, otherwise about h.
    """
    layers = sorted({signal.layer for signal in result.norms})
    chosen = [
        [signal for signal in result.norms if signal.layer == layer and signal.name != WHOLE][-1]
        for layer in layers
    ]
    sentence = f"Gradients {_fates(result, chosen)}"
    if result.untrained and len(layers) == 1:
        sentence += f"; with random weights they {_fate(result.untrained, chosen[0])}"
    elif result.untrained:
        sentence += f"; with random weights they {_fates(result.untrained, chosen)}"
    return Answer(f"{sentence}.", tuple(_figure(result, layer) for layer in layers))


def _fates(result: GradientByLag, signals: list[Signal]) -> str:
    """The fate of the gradients of some layers, in words."""
    tenths = [result.tenth[signal] for signal in signals]
    if any(result.explodes[signal] for signal in signals) or None in tenths:
        return listed([f"{_fate(result, signal)} {_of([signal])}" for signal in signals])
    after = f"{listed([f'{tenth:,}' for tenth in tenths])} character{'s' * (tenths != [1])}"
    return f"fall to a tenth after {after} {_of(signals)}"


def _fate(result: GradientByLag, signal: Signal) -> str:
    curve, tenth = result.norms[signal], result.tenth[signal]
    if result.explodes[signal]:
        lag = int(curve.argmax())
        if not isfinite(curve[0]):
            return "explode: they are infinite from the first character on"
        times = float(curve[lag] / curve[curve > 0][0])
        factor = (
            f"{times:,.0f} times" if times <= MAX_PRINTED_GROWTH else "more than a million times"
        )
        return f"explode: {characters(int(result.lags[lag]))} back they are {factor} as large"
    if tenth is None:
        return f"do not fall to a tenth within {characters(int(result.lags[-1]))}"
    return f"fall to a tenth after {characters(tenth)}"


def _of(signals: list[Signal]) -> str:
    """`(layers 1 and 2, c)`."""
    return f"({of_layers([signal.layer for signal in signals])}, {signals[0].name})"


def _figure(result: GradientByLag, layer: int) -> Figure:
    series = []
    for curves, suffix in ((result.untrained, ", random weights"), (result, "")):
        if curves is not None:
            series += [
                Series(signal.name + suffix, curves.lags.tolist(), curve.tolist())
                for signal, curve in curves.norms.items()
                if signal.layer == layer and signal.name != WHOLE
            ]
    return Figure(
        title=f"The gradient of one loss on its way back, layer {layer}",
        x_label="characters back",
        y_label="norm of the gradient",
        series=tuple(series),
        log_y=True,
        caption=(
            "A curve that falls fast means that a prediction teaches the network little about "
            "characters so far back."
        ),
    )
