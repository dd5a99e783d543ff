"""Rules that turn a gradient into a step of the parameters, over flat vectors."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from math import isfinite, sqrt
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from charrnn.arrays import Array, Shape
from charrnn.network.parameters import Parameters

#: Elements that are updated together: the five or so arrays of an update stay in the cache.
BLOCK = 16_384
#: Steps of Newton and Schulz in `inverse_root`: more of them gained nothing (benchmarks/README.md).
ITERATIONS = 3
#: Below this norm, squares may be too small for float32.
MIN_NORM = 1e-12
#: A momentum below this norm has faded: its gradients have been zero for hundreds of steps.
FADED = 1e-30


class Optimizer(ABC):
    """A rule and its slots.

    Args:
        parameters: the parameters to train.
        decay: each step subtracts learning rate · decay · W from every weight matrix W (decoupled
            weight decay: Loshchilov, Hutter 2019), Muon three times as much from matrices from
            cells to cells. Biases do not decay.
        momentum: the momentum of `SGD`; the others have their own.
        part: the part of the flat vector to update, where other members update the rest.
        zeros: allocates a slot.
        complete: shows all members a slot of which each has written its part (`Group.complete`).
        writes: this member writes to slots what all members compute (`Group.writes`).
        ensemble: the number of networks of an ensemble.

    Attributes:
        slots: the vectors carried from step to step, by name, flat like the parameters.
        steps: the number of steps taken.
    """

    names: tuple[str, ...] = ()

    def __init__(
        self,
        parameters: Parameters,
        decay: float = 0.0,
        momentum: float = 0.9,
        part: slice = slice(None),
        zeros: Callable[[Shape, DTypeLike], Array] = np.zeros,
        complete: Callable[[Array], object] = lambda slot: None,
        writes: bool = True,
        ensemble: int = 1,
    ) -> None:
        size, dtype = parameters.flat.size, parameters.flat.dtype
        self.start, self.stop, _ = part.indices(size)
        self.part = part
        self.flat = parameters.flat[part]
        apart = [name for name in parameters if self.treats_apart(name)]
        #: The elements of `flat` that `update` changes, and the matrices among them.
        self.updated = gaps([self.own(parameters.spans[name]) for name in apart], self.flat.size)
        self.matrices = [
            self.flat[self.own(span)]
            for name, span in parameters.spans.items()
            if parameters[name].ndim > 1 and name not in apart
        ]
        self.decay = decay
        self.momentum = momentum
        self.complete, self.writes, self.ensemble = complete, writes, ensemble
        self.slots = {name: zeros((size,), dtype) for name in self.names}
        self.steps = 0
        self._scratch = np.empty(BLOCK, dtype)

    @staticmethod
    def treats_apart(name: str) -> bool:
        """`step` changes this parameter in another way than by `update`."""
        return False

    @classmethod
    def buffers(cls, shapes: Mapping[str, Shape], members: int, ensemble: int = 1) -> int:
        """The numbers that a step of one of several members needs besides weights and slots."""
        return 0

    def own(self, span: tuple[int, int]) -> slice:
        """The elements of `flat` that lie in a span of all parameters; perhaps none."""
        first, last = (min(max(end, self.start), self.stop) - self.start for end in span)
        return slice(first, last)

    def step(self, gradient: Array, learning_rate: float) -> None:
        """Change the parameters by one step.

        Args:
            gradient: the gradient of the part to update, (N,); may be overwritten.
            learning_rate: the learning rate of this step.
        """
        self.steps += 1
        if self.decay:
            for matrix in self.matrices:
                matrix *= 1 - learning_rate * self.decay
        parts = [slot[self.part] for slot in self.slots.values()]
        for block, scratch in self._blocks():
            slots = [slot[block] for slot in parts]
            self.update(self.flat[block], gradient[block], learning_rate, scratch, *slots)

    def _blocks(self) -> Iterator[tuple[slice, Array]]:
        for first, last in self.updated:
            for start in range(first, last, BLOCK):
                block = slice(start, min(start + BLOCK, last))
                yield block, self._scratch[: block.stop - start]

    @abstractmethod
    def update(self, w: Array, g: Array, rate: float, tmp: Array, *slots: Array) -> None:
        """One step of a block: weights `w`, gradient `g`, buffer `tmp`, and the block's slots."""


class SGD(Optimizer):
    """Gradient descent with momentum (Polyak 1964), without dampening or Nesterov's correction.

    m ← μ·m + g, w ← w − η·m; m starts at zero, so that the first step is η·g.
    """

    names = ("m",)

    def update(self, w: Array, g: Array, rate: float, tmp: Array, *slots: Array) -> None:
        (m,) = slots
        m *= self.momentum
        m += g
        np.multiply(m, rate, out=tmp)
        w -= tmp


class Adagrad(Optimizer):
    """Steps that shrink with the sum of all squared gradients (Duchi 2011).

    v ← v + g², w ← w − η·g/(√v + ε), with ε = 1e-10.
    """

    names = ("v",)
    epsilon = 1e-10

    def update(self, w: Array, g: Array, rate: float, tmp: Array, *slots: Array) -> None:
        (v,) = slots
        np.multiply(g, g, out=tmp)
        v += tmp
        scaled_step(w, g, v, rate, self.epsilon, tmp)


class RMSprop(Optimizer):
    """Steps scaled by an average of recent squared gradients (Tieleman, Hinton 2012).

    v ← ρ·v + (1−ρ)·g², w ← w − η·g/(√v + ε), with ρ = 0.95, ε = 1e-8.
    """

    names = ("v",)
    rho = 0.95
    epsilon = 1e-8

    def update(self, w: Array, g: Array, rate: float, tmp: Array, *slots: Array) -> None:
        (v,) = slots
        np.multiply(g, g, out=tmp)
        blend(v, tmp, self.rho, tmp)
        scaled_step(w, g, v, rate, self.epsilon, tmp)


class Adam(Optimizer):
    """Averages of gradients and of their squares, corrected for their start at zero.

    m ← β₁·m + (1−β₁)·g, v ← β₂·v + (1−β₂)·g², w ← w − η·m̂/(√v̂ + ε), with m̂ = m/(1−β₁ᵗ),
    v̂ = v/(1−β₂ᵗ), t = 1 at the first step, β₁ = 0.9, β₂ = 0.99, ε = 1e-8 (Kingma, Ba 2015,
    algorithm 1; with weight decay AdamW).
    """

    names = ("m", "v")
    beta1 = 0.9
    beta2 = 0.99
    epsilon = 1e-8

    def update(self, w: Array, g: Array, rate: float, tmp: Array, *slots: Array) -> None:
        m, v = slots
        blend(m, g, self.beta1, tmp)
        np.multiply(g, g, out=g)
        blend(v, g, self.beta2, tmp)
        # With c = 1−β₂ᵗ, 1/(√(v/c) + ε) = √c/(√v + ε·√c): numbers take the corrections, not arrays.
        root = sqrt(1 - self.beta2**self.steps)
        corrected = rate * root / (1 - self.beta1**self.steps)
        scaled_step(w, m, v, corrected, self.epsilon * root, tmp)


class Muon(Adam):
    """Adam, but the matrices from cells to cells take orthogonal steps (Jordan 2024).

    For Wh, and for Wx from the second layer on, (R, H), with m as a matrix and its 2-norm |m|:

        m ← β·m + (1−β)·g
        W ← W − 3η·(√(R/H)·(m/|m|)·Q + decay·W)
        Q ≈ ((m/|m|)ᵀ·(m/|m|))^(−1/2)

    with β = 0.95. The singular values of the product with Q are near 1: a step acts on all
    directions of h about equally, while a step of Adam acts mainly on a few. The gates are one
    matrix. Q changes slowly: it is computed in the first ten steps and in every tenth step, from
    the new m (see `inverse_root`).

    The slot v of such a matrix holds Q in its first H rows.

    The networks of an ensemble are independent: each has an m, |m| and Q of its own, and H in these
    equations is the number of its cells. The slot v holds their Q one below the other.
    """

    beta = 0.95
    #: The spectral norm of the step of a square matrix, in learning rates.
    scale = 3.0
    #: Steps from one Q to the next, and the number of first steps with a Q each.
    period = 10

    def __init__(self, parameters: Parameters, *arguments: Any, **more: Any) -> None:
        super().__init__(parameters, *arguments, **more)
        self.between_cells = [
            self._between_cells(parameters.spans[name], parameters.shapes[name])
            for name in parameters
            if self.treats_apart(name)
        ]

    @staticmethod
    def treats_apart(name: str) -> bool:
        layer, _, kind = name.partition(".")
        return kind == "Wh" or (kind == "Wx" and layer != "layer1")

    @classmethod
    def buffers(cls, shapes: Mapping[str, Shape], members: int, ensemble: int = 1) -> int:
        matrices = [shape for name, shape in shapes.items() if cls.treats_apart(name)]
        steps = sum(R * K for R, K in matrices) // members
        # The momentum of a network of an ensemble, the same with norm 1, and five matrices of
        # `inverse_root`.
        copies = 1 if ensemble == 1 else 2
        return steps + max(copies * R * K // ensemble + 5 * K * K for R, K in matrices)

    def _between_cells(self, span: tuple[int, int], shape: Shape) -> BetweenCells:
        (start, stop), (R, K), own = span, shape, self.own(span)
        first, last = (self.start + edge - start for edge in (own.start, own.stop))
        rows = slice(first // K, -(-last // K)) if first < last else slice(0, 0)
        E, Q = self.ensemble, self.slots["v"][start : start + self.ensemble * K * K]
        return BetweenCells(
            own=own,
            M=self.slots["m"][start:stop].reshape(R, K),
            Q=Q.reshape(E, K, K),
            step=np.empty((rows.stop - rows.start, K), self.flat.dtype),
            own_of_step=slice(first - rows.start * K, last - rows.start * K),
            rows=[own_rows(R, K, E, number, rows) for number in range(E)],
        )

    def step(self, gradient: Array, learning_rate: float) -> None:
        renew = self.steps < self.period or self.steps % self.period == 0
        super().step(gradient, learning_rate)
        m, rate = self.slots["m"], self.scale * learning_rate
        for matrix in self.between_cells:
            g = gradient[matrix.own]
            blend(m[self.part][matrix.own], g, self.beta, g)
        self.complete(m)  # norm and Q are those of the whole matrix
        for matrix in self.between_cells:
            for number, (Q, rows) in enumerate(zip(matrix.Q, matrix.rows)):
                if not rows and not self.writes:
                    continue
                M = matrix.of_network(number)
                norm = norm_of(M)
                if renew and norm:
                    Q = inverse_root(M / norm)
                    if self.writes:  # the others read it from the next step on
                        matrix.Q[number] = Q
                factor = rate * sqrt(len(M) / len(Q)) / (norm or 1.0)
                for of_matrix, of_step in rows:
                    step = matrix.step[of_step]
                    np.matmul(matrix.M[of_matrix], Q, out=step)
                    step *= factor
            w = self.flat[matrix.own]
            w *= 1 - rate * self.decay
            w -= matrix.step.ravel()[matrix.own_of_step]


class BetweenCells(NamedTuple):
    """A matrix from cells to cells, (R, K), of which a member updates some elements.

    Attributes:
        own: the elements in this member's part of the flat vector.
        M: the momentum of the whole matrix, (R, K).
        Q: the inverse root of each network of an ensemble of E, (E, K, K).
        step: the buffer for the step of the rows of these elements.
        own_of_step: the elements in the flat step.
        rows: the rows of each network, as from `own_rows`.
    """

    own: slice
    M: Array
    Q: Array
    step: Array
    own_of_step: slice
    rows: list[list[tuple[slice, slice]]]

    def of_network(self, number: int) -> Array:
        """The momentum of a network, (R / E, K), contiguous."""
        E, K, _ = self.Q.shape
        if E == 1:
            return self.M
        gates: Array = self.M.reshape(-1, E, K, K)[:, number]
        return gates.reshape(-1, K)


def own_rows(R: int, K: int, ensemble: int, number: int, rows: slice) -> list[tuple[slice, slice]]:
    """The rows of a network of an ensemble among those that a member updates, in pieces.

    Args:
        R, K: the shape of the matrix.
        ensemble: the number of networks; the gates of a single one are one matrix.
        number: that of the network.
        rows: those that the member updates.

    Returns:
        For each piece its rows in the matrix, and among `rows`.
    """
    height = R if ensemble == 1 else K
    found = []
    for start in range(number * height, R, ensemble * height):
        first, last = max(start, rows.start), min(start + height, rows.stop)
        if first < last:
            found.append((slice(first, last), slice(first - rows.start, last - rows.start)))
    return found


def norm_of(M: Array) -> float:
    """The 2-norm of all elements of a momentum; 0 for one that has faded."""
    norm = sqrt(squared_norm(M.ravel()))
    if not MIN_NORM < norm < 1 / MIN_NORM:  # squares may have left the range of float32
        norm = float(np.linalg.norm(M.astype(np.float64)))
    return 0.0 if norm < FADED else norm


def inverse_root(M: Array) -> Array:
    """Q ≈ (MᵀM)^(−1/2), (H, H): the singular values of M·Q are near 1.

    The steps X ← X·P with P = a·I + b·XᵀX + c·(XᵀX)² of Newton and Schulz move singular values
    between 0 and 1 towards 1. With a, b and c of Jordan 2024 they end between 0.7 and 1.2; but a
    step makes very small ones only 3.4 times as large. Of X = M·Q, Q and G = XᵀX are computed:

        Q ← Q·P,  G ← P·G·P

    with matrices (H, H), whatever the number of rows.

    Args:
        M: (R, H), with a 2-norm of 1.
    """
    G = M.T @ M
    bound = np.linalg.norm(G)  # at least the square of the largest singular value
    G /= bound
    Q = P = polynomial(G)
    for _ in range(ITERATIONS - 1):
        G = P @ G @ P
        P = polynomial(G)
        Q = Q @ P
    Q /= np.sqrt(bound)
    return Q


def polynomial(G: Array) -> Array:
    """The matrix P = a·I + b·G + c·G² of a step of Newton and Schulz, (H, H)."""
    a, b, c = 3.4445, -4.7750, 2.0315
    P: Array = G @ G
    P *= c
    P += b * G
    P.flat[:: len(P) + 1] += a
    return P


def gaps(taken: Iterable[slice], size: int) -> list[tuple[int, int]]:
    """The spans of `range(size)` between slices that are in order, without empty ones."""
    edges = [0, *(edge for each in taken for edge in (each.start, each.stop)), size]
    return [(start, stop) for start, stop in zip(edges[::2], edges[1::2]) if start < stop]


def blend(average: Array, new: Array, keep: float, tmp: Array) -> None:
    """average ← keep·average + (1−keep)·new; `tmp` may be `new`."""
    np.subtract(new, average, out=tmp)
    tmp *= 1 - keep
    average += tmp


def scaled_step(
    w: Array, step: Array, squares: Array, rate: float, epsilon: float, tmp: Array
) -> None:
    """w ← w − rate·step/(√squares + ε)."""
    np.sqrt(squares, out=tmp)
    tmp += epsilon
    np.divide(step, tmp, out=tmp)
    tmp *= rate
    w -= tmp


OPTIMIZERS: dict[str, type[Optimizer]] = {
    "adagrad": Adagrad,
    "adam": Adam,
    "muon": Muon,
    "rmsprop": RMSprop,
    "sgd": SGD,
}


def squared_norm(gradient: Array) -> float:
    """The sum of the squares; not finite if the gradient is not."""
    with np.errstate(over="ignore", invalid="ignore"):
        squares = float(np.dot(gradient, gradient))
        if not isfinite(squares):  # perhaps only the squares were too large for float32
            squares = float(np.square(gradient, dtype=np.float64).sum())
    return squares


def clip_by_norm(gradient: Array, norm: float, limit: float) -> None:
    """Scale the gradient so that its norm is at most `limit` (Pascanu 2013), in place.

    Args:
        gradient: (N,), or a part of one.
        norm: the norm of the whole gradient.
        limit: 0 for none.
    """
    if limit and norm > limit:
        gradient *= limit / norm


def clip_by_value(gradient: Array, limit: float) -> None:
    """Limit each component of the gradient to [−limit, limit], in place; 0 for no limit.

    An infinite component stays infinite, so that the divergence is found.
    """
    if limit:
        np.clip(gradient, -limit, limit, out=gradient, where=np.isfinite(gradient))
