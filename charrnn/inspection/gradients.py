"""How far back the error of one prediction reaches: the gradient by lag.

The loss of a prediction depends on the state after each of the characters before it. How much,
k characters back, is the norm of ∂L_T/∂h_{T−k}: a product of k Jacobians, which vanishes where
these shrink what they are multiplied with, and explodes where they stretch it (Bengio, Simard,
Frasconi 1994; Pascanu, Mikolov, Bengio 2013).

In training the losses of all steps are added up, so that the gradient at a step is the sum of
many lags and says nothing about any one of them. Here there is a loss at the last step only.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from charrnn.arrays import Array
from charrnn.errors import DivergedError, SettingError, TextError
from charrnn.inspection.places import draw_places, in_double, states_before
from charrnn.inspection.reading import Signal
from charrnn.network.model import CharRNN, cross_entropy

#: Lags and windows looked at unless told otherwise.
LAGS, WINDOWS = 200, 64
#: Numbers that the states of the windows taken together may have, 8 bytes each.
NUMBERS = 8_000_000
#: A gradient that grows more than so many times explodes.
GROWTH = 10
#: What the arrays of a state are called when they are taken as one vector.
WHOLE = "state"


@dataclass(frozen=True)
class GradientByLag:
    """How the gradient of one loss changes on its way back through the text.

    Of each layer there is a curve for each array of its state, named as the cell names it, and
    where it has several, one for all of them as a single vector, named "state".

    Attributes:
        cell: which cell the layers have.
        windows: how many windows the means are over.
        lags: k, from 0 to K, (K + 1,).
        norms: by curve, the geometric mean of ‖∂L_T/∂h_{T−k}‖ over the windows, (K + 1,).
            That of c is zero at lag 0: the prediction sees h_T.
        half, tenth: by curve, the first lag at which the norm has fallen to a half or a tenth
            of what it is at lag 0 (for c at lag 1, where it begins); None if it does not.
        explodes: by curve, whether it grows more than tenfold.
        untrained: the same of the model with random weights in the same windows, if any.
    """

    cell: str
    windows: int
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
    windows: int = WINDOWS,
    rng: np.random.Generator,
    untrained: CharRNN | None = None,
) -> GradientByLag:
    """The gradient of the loss at the last step of random windows, by how far back it is.

    h_{T−k} is taken with all that it does: it goes on to the next step and up to the layer
    above. h and c of an LSTM are taken as what one step hands to the next, each with the other
    held fixed. All is computed in float64, in which no curve of 200 lags comes to its end.

    Args:
        model: the model.
        indices: the text, (N,), at least 4 characters.
        lags: K; at most half of the text.
        windows: how many, at random places of the text; fewer in a short one. The state in
            which a window begins is that of a stream that has read all of the text before.
        rng: draws the places.
        untrained: a model of the same shape with random weights to compare with, if any.

    Raises:
        TextError: for a shorter text.
        SettingError: for fewer than one lag or window.
    """
    if lags < 1:
        raise SettingError(f"the gradient needs at least one lag, not {lags}")
    N = len(indices)
    K = min(lags, (N - 2) // 2)
    if K < 1:
        raise TextError(f"the gradient by lag needs a text of at least 4 characters, not {N}")
    starts = draw_places(0, N - K - 2, windows, rng)  # K + 1 characters are read, one predicted
    twin = None if untrained is None else _curves(untrained, indices, starts, K, None)
    return _curves(model, indices, starts, K, twin)


@np.errstate(over="ignore", invalid="ignore")  # what is not finite counts as infinite
def _curves(
    model: CharRNN, indices: Array, starts: Array, K: int, untrained: GradientByLag | None
) -> GradientByLag:
    try:
        states = states_before(model, indices, starts)
    except DivergedError:
        states = np.full_like(model.state(len(starts)), np.inf)
    norms = {
        signal: geometric_mean(of_windows)
        for signal, of_windows in norms_by_lag(in_double(model), indices, starts, K, states).items()
    }
    return GradientByLag(
        cell=model.cell,
        windows=len(starts),
        lags=np.arange(K + 1),
        norms=norms,
        half={signal: fallen(curve, 1 / 2) for signal, curve in norms.items()},
        tenth={signal: fallen(curve, 1 / 10) for signal, curve in norms.items()},
        explodes={signal: grows(curve) for signal, curve in norms.items()},
        untrained=untrained,
    )


def norms_by_lag(
    model: CharRNN, indices: Array, starts: Array, K: int, states: Array
) -> dict[Signal, Array]:
    """The norms of the gradient in each window, by curve, (K + 1, B).

    Args:
        model: the model, in float64.
        indices: the text, (N,).
        starts: where each window begins, (B,); it reads K + 1 characters and predicts the next.
        K: the last lag.
        states: the states in which the windows begin, (L, S, H, B).
    """
    names = model.layers[0].cell.state_names
    curves = [*names, WHOLE] if len(names) > 1 else list(names)
    signals = [Signal(n, name) for n in range(1, model.num_layers + 1) for name in curves]
    norms = {signal: np.empty((K + 1, len(starts))) for signal in signals}
    together = max(1, NUMBERS // ((K + 1) * model.state().size))
    for begin in range(0, len(starts), together):
        part = slice(begin, begin + together)
        places = starts[part] + np.arange(K + 2)[:, None]
        read = indices[places].astype(np.intp)
        state = states[..., part].astype(model.parameters.flat.dtype)
        for lag, d_state in enumerate(gradients_back(model, read[:-1], read[-1], state)):
            for layer, name in signals:
                d = d_state[layer - 1]
                chosen = d if name == WHOLE else d[names.index(name)]
                norms[Signal(layer, name)][lag, part] = column_norms(chosen)
    return norms


def gradients_back(model: CharRNN, inputs: Array, targets: Array, state: Array) -> Iterator[Array]:
    """∂L_T/∂state_{T−k} of each stream for k = 0, 1, …, (L, S, H, B), which hold until the next.

    The steps are kept as the states before them, and each is taken once more when its turn
    comes: the tapes of hundreds of steps would not fit into memory. From the last step to the
    first, at each of them from the top layer down, what comes from the layer above is added to
    what comes from the step after.

    Args:
        model: the model.
        inputs: character indices (T, B).
        targets: what follows the last of them, (B,).
        state: the state before, (L, S, H, B); overwritten.
    """
    before = np.empty((len(inputs), *state.shape), state.dtype)
    for t, characters in enumerate(inputs):
        before[t] = state
        logits = model.forward(characters[None], state)
    cross_entropy(logits, targets[None], gradient=logits)  # each stream has a loss of its own
    d_h = model.parameters["Wy"].T @ logits[:, 0]
    d_state, nodes = np.zeros_like(state), np.empty_like(state)
    nothing = np.zeros((model.hidden_size, 1, state.shape[-1]), state.dtype)
    for t in reversed(range(len(inputs))):
        model.forward(inputs[t : t + 1], before[t])
        tapes = model.room(1, inputs.shape[1]).tapes
        for number in reversed(range(model.num_layers)):
            cell, weights, gradient = model.layers[number]
            x = inputs[t : t + 1]
            if number:
                x = cell.signal(tapes[number - 1], "h").swapaxes(0, 1)
            d_state[number, 0] += d_h
            nodes[number] = d_state[number]
            d_x = cell.backward(weights, x, nothing, d_state[number], tapes[number], gradient)
            # Below the first layer is the text, and above the last one no further loss.
            d_h = nothing[:, 0] if d_x is None else d_x[:, 0]
        yield nodes


def column_norms(d: Array) -> Array:
    """The norm of each column, (…, B) → (B,); infinite where a component is not finite.

    The columns are scaled first: squares leave the range of a float long before their root.
    """
    columns = np.abs(d.reshape(-1, d.shape[-1]))
    largest = columns.max(axis=0)
    finite = np.isfinite(largest)
    scale = np.where(finite & (largest > 0), largest, 1)
    with np.errstate(over="ignore", invalid="ignore"):
        norms = scale * np.sqrt(np.square(columns / scale).sum(axis=0))
    return np.where(finite, norms, np.inf)


def geometric_mean(norms: Array) -> Array:
    """exp(mean(ln ‖·‖)) over windows, (K + 1, B) → (K + 1,).

    A rectified network can have windows in which the gradient is exactly zero; these have no
    logarithm and are left out, and where they are the majority the mean is zero.
    """
    there = norms > 0
    count = there.sum(axis=1)
    logarithms = np.log(norms, where=there, out=np.zeros(norms.shape))
    means = np.exp(logarithms.sum(axis=1) / np.maximum(count, 1))
    return np.where(2 * count > norms.shape[1], means, 0.0)


def beginning(curve: Array) -> int:
    """The lag at which a curve begins: the first at which it is not zero."""
    return int(np.argmax(curve > 0))


def fallen(curve: Array, share: float) -> int | None:
    """The first lag at which a curve has fallen to a share of its beginning; None if none."""
    first = beginning(curve)
    low = np.flatnonzero(curve[first:] <= share * curve[first])
    return first + int(low[0]) if len(low) else None


def grows(curve: Array) -> bool:
    """Whether a curve grows more than tenfold."""
    return bool(curve.max() > GROWTH * curve[beginning(curve)] or np.isinf(curve).any())
