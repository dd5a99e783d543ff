"""The eigenvalues of the recurrence: growth and decay of a change of the state.

A small change of the state s_{t−1} of a layer changes s_t by J times that change, with the
Jacobian J = ∂s_t/∂s_{t−1}. Eigenvalues inside the unit circle let the change fade from step to
step, those outside let it grow (Pascanu, Mikolov, Bengio 2013). From the equations of the layers
(gates after squashing, ∘ and diag element by element; W_f is the part of Wh that belongs to f):

    vanilla       ∂h/∂h₋₁ = diag(1−h²)·Wh
    vanilla-relu  ∂h/∂h₋₁ = diag(h > 0)·Wh
    GRU           ∂h/∂h₋₁ = diag(z) + diag((h₋₁−n)∘z∘(1−z))·W_z
                            + diag((1−z)∘(1−n²))·(diag(r)·W_n + diag(q∘r∘(1−r))·W_r)
    LSTM          ∂c/∂c₋₁ = diag(f)
                  ∂c/∂h₋₁ = diag(c₋₁∘f∘(1−f))·W_f + diag(g∘i∘(1−i))·W_i + diag(i∘(1−g²))·W_g
                  ∂h/∂s₋₁ = diag(o∘(1−tanh²c))·∂c/∂s₋₁, and for h₋₁ + diag(tanh c∘o∘(1−o))·W_o

The state of an LSTM is h and c together, (2·H). The code uses none of these formulas: the
backward pass of a layer gives one row of J for each stream, so one step with as many streams as
the state has numbers gives all of J.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from math import log

import numpy as np

from charrnn.arrays import Array
from charrnn.errors import TextError
from charrnn.inspection.answer import Answer, Figure, Series
from charrnn.inspection.positions import states_before
from charrnn.inspection.reading import check_finite
from charrnn.inspection.subject import Subject
from charrnn.inspection.wording import listed, of_layers, rounded
from charrnn.network.layers import Layer
from charrnn.network.model import CharRNN
from charrnn.network.products import dense

HELP = "The eigenvalues of the recurrence, also with random weights."
HEADING = "Spectrum"

#: The default number of positions. Large layers have fewer, as the work grows with the cube of
#: the size of the state: at most this many multiplications, but at least `MIN_POSITIONS`.
POSITIONS, MAX_MULTIPLICATIONS, MIN_POSITIONS = 64, 64 * 512**3, 16
#: The matrices whose eigenvalues are computed.
RECURRENT, JACOBIAN = "Wh", "mean Jacobian"
#: From this spectral radius on, the sentence does not say that changes of the state fade.
LASTING = 0.999


@dataclass(frozen=True)
class Eigenvalues:
    """The eigenvalues of one matrix of a layer, the largest absolute value first.

    Attributes:
        layer: from 1.
        matrix: "Wh" or "mean Jacobian".
        trained: the eigenvalues of the trained model, complex (M,).
        untrained: the eigenvalues of the model with random weights, if any.
        radius, untrained_radius: the largest absolute values.
    """

    layer: int
    matrix: str
    trained: Array
    untrained: Array | None
    radius: float
    untrained_radius: float | None


@dataclass(frozen=True)
class Spectrum:
    """The eigenvalues of every layer.

    Attributes:
        layer_type: the type of the layers.
        positions: the number of positions of the text in the mean Jacobians.
        eigenvalues: those of the mean Jacobian of each layer; for a layer without gates, those
            of Wh before them.
    """

    layer_type: str
    positions: int
    eigenvalues: tuple[Eigenvalues, ...]


def spectrum(
    model: CharRNN, untrained: CharRNN | None, indices: Array, *, positions: int | None = None
) -> Spectrum:
    """The eigenvalues of the recurrence of every layer.

    Args:
        model: the model.
        untrained: a model of the same shape with random weights to compare with, if any.
        indices: the text, (N,), at least one character.
        positions: the number of positions, evenly spaced in the text, over which the Jacobian
            is averaged; by default 64, for large layers fewer, but at least 16.

    Raises:
        TextError: for an empty text.
        DivergedError: where the state does not stay finite.
    """
    if not len(indices):
        raise TextError("the spectrum is measured on a text of at least 1 character, not 0")
    M = model.state()[0].size
    P = positions or max(MIN_POSITIONS, min(POSITIONS, MAX_MULTIPLICATIONS // M**3))
    steps = np.unique(-(-np.arange(1, P + 1) * len(indices) // P) - 1)
    trained = matrices(model, indices, steps)
    twins = {} if untrained is None else matrices(untrained, indices, steps)
    found = tuple(
        _eigenvalues(*key, eigenvalues(matrix), eigenvalues(twins[key]) if twins else None)
        for key, matrix in trained.items()
    )
    return Spectrum(model.layer_type, len(steps), found)


def analyse(subject: Subject) -> Spectrum:
    """The spectrum of a subject, and that of random weights."""
    return spectrum(subject.model, subject.untrained, subject.indices)


def _eigenvalues(layer: int, matrix: str, trained: Array, untrained: Array | None) -> Eigenvalues:
    radius = float(abs(trained[0]))
    untrained_radius = None if untrained is None else float(abs(untrained[0]))
    return Eigenvalues(layer, matrix, trained, untrained, radius, untrained_radius)


def matrices(model: CharRNN, indices: Array, positions: Array) -> dict[tuple[int, str], Array]:
    """The matrices whose eigenvalues are computed, by layer and name, (M, M) each in float64.

    Args:
        model: the model.
        indices: the text, (N,).
        positions: the positions at which the Jacobians are taken, (P,).
    """
    state = states_before(model, indices, positions)
    read = indices[positions][None].astype(np.intp)  # (1, P)
    after = state.copy()
    with np.errstate(over="ignore", invalid="ignore"):
        model.forward(read, after)
    check_finite(after)
    tapes = model.workspace(*read.shape).tapes
    h = [layer.signal(tape, "h").swapaxes(0, 1) for layer, tape in zip(model.layers, tapes)]
    found: dict[tuple[int, str], Array] = {}
    for number, (layer, x) in enumerate(zip(model.layers, [read, *h])):
        if not layer.gates:
            found[number + 1, RECURRENT] = dense(
                layer.weights["Wh"].astype(np.float64), layer.ensemble
            )
        steps = [(x[..., p : p + 1], state[number, ..., p : p + 1]) for p in range(len(positions))]
        found[number + 1, JACOBIAN] = mean_jacobian(layer, steps)
    return found


def mean_jacobian(layer: Layer, steps: list[tuple[Array, Array]]) -> Array:
    """The mean of ∂s_t/∂s_{t−1} over steps, (S·H, S·H), float64.

    Args:
        layer: the layer, which is left as it is.
        steps: for each step the input, an index (1, 1) or reals (D, 1, 1), and the state
            before, (S, H, 1).
    """
    S, H, _ = steps[0][1].shape
    M, dtype = S * H, layer.weights["Wh"].dtype
    tape, layer = layer.tape(1, M, dtype), copy(layer)
    layer.attach(layer.weights, {name: np.empty_like(W) for name, W in layer.weights.items()})
    zeros = np.zeros((H, 1, M), dtype)
    total = np.zeros((M, M))
    for x, before in steps:
        # All streams start alike; stream m computes the gradient of number m of the new state.
        inputs, state = np.repeat(x, M, axis=-1), np.repeat(before, M, axis=-1)
        with np.errstate(over="ignore"):  # see charrnn.network.layers.activations.sigmoid
            layer.forward(inputs, state, tape)
        d_state = np.eye(M, dtype=state.dtype).reshape(S, H, M)
        layer.backward(inputs, zeros, d_state, tape)
        total += d_state.reshape(M, M).T
    mean: Array = total / len(steps)
    return mean


def eigenvalues(matrix: Array) -> Array:
    """The eigenvalues of a matrix, complex (M,), the largest first."""
    values = np.linalg.eigvals(matrix).astype(np.complex128)
    ordered: Array = values[np.argsort(-np.abs(values), kind="stable")]
    return ordered


def answer(result: Spectrum) -> Answer:
    """Say the spectral radius, trained and with random weights, with all eigenvalues."""
    steps = [found for found in result.eigenvalues if found.matrix == JACOBIAN]
    recurrent = [found for found in result.eigenvalues if found.matrix == RECURRENT]
    where = of_layers([found.layer for found in steps])
    if recurrent:
        sentence = (
            f"Wh of {where} has spectral radius {_radii(recurrent)}; the mean Jacobian has "
            f"{listed([f'{found.radius:.2f}' for found in steps])}"
        )
    else:
        sentence = f"The mean Jacobian of {where} has spectral radius {_radii(steps)}"
    return Answer(f"{sentence}: {_meanings(steps)}.", tuple(map(_figure, result.eigenvalues)))


def _radii(found: list[Eigenvalues]) -> str:
    radii = listed([f"{x.radius:.2f}" for x in found])
    before = [x.untrained_radius for x in found if x.untrained_radius is not None]
    return radii + (f" (random weights {listed([f'{r:.2f}' for r in before])})" if before else "")


def _meanings(steps: list[Eigenvalues]) -> str:
    """The fate of a change of the state if each step has the mean Jacobian, in words."""
    radii = [found.radius for found in steps]
    if max(radii) >= LASTING:
        return "some changes of the state last"
    if min(radii) <= 0:
        return "no change of the state lasts"
    fading = [f"{rounded(log(10) / -log(radius)):,}" for radius in radii]
    return f"the slowest change of the state fades to a tenth in about {listed(fading)} characters"


def _figure(found: Eigenvalues) -> Figure:
    series = [_points("trained", found.trained)]
    if found.untrained is not None:
        series.insert(0, _points("random weights", found.untrained))
    return Figure(
        title=f"Eigenvalues of {found.matrix}, layer {found.layer}",
        x_label="real part",
        y_label="imaginary part",
        series=tuple(series),
        equal=True,
        caption=(
            "The circle has radius 1: along an eigenvalue inside it a change of the state fades, "
            "on it a change lasts, outside it a change grows."
        ),
    )


def _points(name: str, values: Array) -> Series:
    return Series(name, np.real(values).tolist(), np.imag(values).tolist(), "points")
