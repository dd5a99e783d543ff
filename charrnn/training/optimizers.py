"""Rules that turn a gradient into a step of the parameters, over flat vectors."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from math import isfinite, sqrt

import numpy as np
from numpy.typing import DTypeLike

from charrnn.arrays import Array, Shape
from charrnn.network.parameters import Parameters

#: Elements that are updated together: the five or so arrays of an update stay in the cache.
BLOCK = 16_384


class Optimizer(ABC):
    """A rule and its slots.

    Args:
        parameters: the parameters to train.
        decay: each step subtracts learning rate · decay · W from every weight matrix W (decoupled
            weight decay: Loshchilov, Hutter 2019). Biases do not decay.
        momentum: the momentum of `SGD`; the others have their own.
        part: the part of the flat vector to update, where other members update the rest.
        zeros: allocates a slot.

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
    ) -> None:
        size, dtype = parameters.flat.size, parameters.flat.dtype
        start, stop, _ = part.indices(size)
        self.part = part
        self.flat = parameters.flat[part]
        spans = [span for name, span in parameters.spans.items() if parameters[name].ndim > 1]
        self.matrices = [
            self.flat[max(first - start, 0) : max(min(last, stop) - start, 0)]
            for first, last in spans
        ]
        self.decay = decay
        self.momentum = momentum
        self.slots = {name: zeros((size,), dtype) for name in self.names}
        self.steps = 0
        self._scratch = np.empty(BLOCK, dtype)

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
        for start in range(0, self.flat.size, BLOCK):
            block = slice(start, min(start + BLOCK, self.flat.size))
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
