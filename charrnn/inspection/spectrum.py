"""What one step does to what is remembered: eigenvalues of the recurrence.

A small change of the state s_{t−1} of a layer becomes J·(a small change) in s_t, with the
Jacobian J = ∂s_t/∂s_{t−1}. Eigenvalues inside of the unit circle let it fade from step to step,
those outside let it grow (Pascanu, Mikolov, Bengio 2013). From the equations of the cells
(gates after squashing, ∘ and diag element by element; W_f is the part of Wh that belongs to f):

    vanilla       ∂h/∂h₋₁ = diag(1−h²)·Wh
    vanilla-relu  ∂h/∂h₋₁ = diag(h > 0)·Wh
    GRU           ∂h/∂h₋₁ = diag(z) + diag((h₋₁−n)∘z∘(1−z))·W_z
                            + diag((1−z)∘(1−n²))·(diag(r)·W_n + diag(q∘r∘(1−r))·W_r)
    LSTM          ∂c/∂c₋₁ = diag(f)
                  ∂c/∂h₋₁ = diag(c₋₁∘f∘(1−f))·W_f + diag(g∘i∘(1−i))·W_i + diag(i∘(1−g²))·W_g
                  ∂h/∂s₋₁ = diag(o∘(1−tanh²c))·∂c/∂s₋₁, and for h₋₁ + diag(tanh c∘o∘(1−o))·W_o

The state of an LSTM is h and c together, (2·H). No formula is computed here: the backward pass
of the cell gives a row of J for every stream, so that one step of as many streams as the state
has numbers gives all of it.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass

import numpy as np

from charrnn.arrays import Array
from charrnn.errors import TextError
from charrnn.inspection.places import states_before
from charrnn.inspection.reading import check_finite
from charrnn.network.layers import Layer
from charrnn.network.model import CharRNN

#: Places of the text that the Jacobian is averaged over, unless told otherwise: many, but no
#: more multiplications than so many, as they grow with the cube of the size, and not too few.
PLACES, MULTIPLICATIONS, LEAST = 64, 64 * 512**3, 16
#: What eigenvalues are of.
RECURRENT, JACOBIAN = "Wh", "mean Jacobian"


@dataclass(frozen=True)
class Eigenvalues:
    """The eigenvalues of one matrix of a layer, the largest first.

    Attributes:
        layer: from 1.
        matrix: "Wh" or "mean Jacobian".
        trained: of the trained model, complex (M,).
        untrained: of the model with random weights, if any.
        radius, untrained_radius: the largest absolute value among them.
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
        cell: which cell the layers have.
        places: how many places of the text the mean Jacobians are of.
        eigenvalues: of the mean Jacobian of each layer; of a layer without gates first those
            of Wh.
    """

    cell: str
    places: int
    eigenvalues: tuple[Eigenvalues, ...]


def spectrum(
    model: CharRNN, untrained: CharRNN | None, indices: Array, *, places: int | None = None
) -> Spectrum:
    """The eigenvalues of the recurrence of every layer.

    Args:
        model: the model.
        untrained: a model of the same shape with random weights to compare with, if any.
        indices: the text, (N,), at least one character.
        places: how many, evenly spaced in the text, the Jacobian is averaged over; 64 unless
            given, of large layers fewer, 16 at least.

    Raises:
        TextError: for an empty text.
        TrainingError: where the state does not stay finite, as a rectified network's may not.
    """
    if not len(indices):
        raise TextError("the Jacobian is averaged over a text, and this one is empty")
    M = model.state()[0].size
    places = places or max(LEAST, min(PLACES, MULTIPLICATIONS // M**3))
    where = np.unique(-(-np.arange(1, places + 1) * len(indices) // places) - 1)
    trained = matrices(model, indices, where)
    twins = {} if untrained is None else matrices(untrained, indices, where)
    found = tuple(
        _eigenvalues(*key, eigenvalues(matrix), eigenvalues(twins[key]) if twins else None)
        for key, matrix in trained.items()
    )
    return Spectrum(model.layer_type, len(where), found)


def _eigenvalues(layer: int, matrix: str, trained: Array, untrained: Array | None) -> Eigenvalues:
    radius = float(abs(trained[0]))
    untrained_radius = None if untrained is None else float(abs(untrained[0]))
    return Eigenvalues(layer, matrix, trained, untrained, radius, untrained_radius)


def matrices(model: CharRNN, indices: Array, places: Array) -> dict[tuple[int, str], Array]:
    """What eigenvalues are wanted of, by layer and name, (M, M) each in float64.

    Args:
        model: the model.
        indices: the text, (N,).
        places: the steps that Jacobians are taken of, (P,).
    """
    state = states_before(model, indices, places)
    read = indices[places][None].astype(np.intp)  # (1, P)
    after = state.copy()
    with np.errstate(over="ignore", invalid="ignore"):
        model.forward(read, after)
    check_finite(after)
    tapes = model.workspace(*read.shape).tapes
    h = [layer.signal(tape, "h").swapaxes(0, 1) for layer, tape in zip(model.layers, tapes)]
    found: dict[tuple[int, str], Array] = {}
    for number, (layer, x) in enumerate(zip(model.layers, [read, *h])):
        if not layer.gates:
            found[number + 1, RECURRENT] = layer.weights["Wh"].astype(np.float64)
        steps = [(x[..., p : p + 1], state[number, ..., p : p + 1]) for p in range(len(places))]
        found[number + 1, JACOBIAN] = mean_jacobian(layer, steps)
    return found


def mean_jacobian(layer: Layer, steps: list[tuple[Array, Array]]) -> Array:
    """The mean of ∂s_t/∂s_{t−1} over steps, (S·H, S·H), float64.

    Args:
        layer: the layer, which is left as it is.
        steps: for each what enters, an index (1, 1) or reals (D, 1, 1), and the state before,
            (S, H, 1).
    """
    S, H, _ = steps[0][1].shape
    M, dtype = S * H, layer.weights["Wh"].dtype
    tape, layer = layer.tape(1, M, dtype), copy(layer)
    layer.attach(layer.weights, {name: np.empty_like(W) for name, W in layer.weights.items()})
    nothing = np.zeros((H, 1, M), dtype)
    total = np.zeros((M, M))
    for x, before in steps:
        # Stream m starts like all the others, and asks what number m of the new state is due to.
        inputs, state = np.repeat(x, M, axis=-1), np.repeat(before, M, axis=-1)
        with np.errstate(over="ignore"):  # see charrnn.network.layers.activations.sigmoid
            layer.forward(inputs, state, tape)
        d_state = np.eye(M, dtype=state.dtype).reshape(S, H, M)
        layer.backward(inputs, nothing, d_state, tape)
        total += d_state.reshape(M, M).T
    mean: Array = total / len(steps)
    return mean


def eigenvalues(matrix: Array) -> Array:
    """The eigenvalues of a matrix, complex (M,), the largest first."""
    values = np.linalg.eigvals(matrix).astype(np.complex128)
    ordered: Array = values[np.argsort(-np.abs(values), kind="stable")]
    return ordered
