"""Mixtures of the probabilities of a network and of n-gram models."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np

from charrnn.arrays import Array

#: The fewest predicted characters that are divided into halves, one to fit and one to score.
MIN_CHARACTERS = 1_000
#: The half that is scored is cut into this many blocks, whose differences give standard errors.
BLOCKS = 20
#: A gain is clear if it is larger than this many standard errors, and than this many bits, which
#: two decimals show.
CLEAR, MIN_BITS = 2, 0.005
#: The weight is found by this many bisections: to within 1e-6.
BISECTIONS = 20
#: Points of the curve of the bits by weight.
POINTS = 21


@dataclass(frozen=True)
class Gain:
    """The bits a character that a mixture needs less than one of its models alone.

    Attributes:
        bits: the mean; below zero where the model alone is better.
        error: the standard error of the mean, from the means of 20 blocks of the text.
    """

    bits: float
    error: float

    @property
    def clear(self) -> bool:
        """True for a gain above 2 standard errors that is not rounded to 0.00."""
        return self.bits > max(CLEAR * self.error, MIN_BITS)


@dataclass(frozen=True)
class Mixture:
    """The mixture w·p(network) + (1 − w)·p(n-gram) of a network and an n-gram model.

    n and w are chosen on the first half of the characters. All bits are those of the second half.

    Attributes:
        order: n, with the fewest bits on the first half.
        weight: w, with the fewest bits of the mixture on the first half.
        characters: the number of characters in the second half.
        network, ngram, mixed: the bits a character of the network alone, of the n-gram model alone
            and of the mixture.
        over_network, over_ngram: the gain of the mixture over each of them.
        weights: 0, 0.05, …, 1, (21,).
        bits: the bits a character of the mixture with each of these weights, (21,).
    """

    order: int
    weight: float
    characters: int
    network: float
    ngram: float
    mixed: float
    over_network: Gain
    over_ngram: Gain
    weights: Array
    bits: Array


def mix(network: Array, ngrams: Array) -> Mixture | None:
    """Fit a mixture to the first half of some characters, and score it on the second half.

    Args:
        network: the bits of the network for each character, (M,).
        ngrams: the same for the n-gram models of order 1, 2, …, (n, M).

    Returns:
        The mixture; None for fewer than 1,000 characters.
    """
    M = len(network)
    if M < MIN_CHARACTERS:
        return None
    fitted, scored = slice(M // 2), slice(M // 2, M)
    best = int(ngrams[:, fitted].mean(axis=1).argmin())
    weight = best_weight(network[fitted], ngrams[best, fitted])
    one, other = network[scored], ngrams[best, scored]
    mixed = mixed_bits(one, other, weight)
    weights = np.linspace(0, 1, POINTS)
    return Mixture(
        order=best + 1,
        weight=weight,
        characters=len(mixed),
        network=float(one.mean()),
        ngram=float(other.mean()),
        mixed=float(mixed.mean()),
        over_network=gain(one, mixed),
        over_ngram=gain(other, mixed),
        weights=weights,
        bits=np.array([mixed_bits(one, other, w).mean() for w in weights.tolist()]),
    )


def mixed_bits(one: Array, other: Array, weight: float) -> Array:
    """−log2(w·p + (1 − w)·q) of each character, (M,).

    Args:
        one, other: −log2 p and −log2 q of each character, (M,) each.
        weight: w, from 0 to 1.
    """
    with np.errstate(divide="ignore"):  # log2(0) is −∞, and that model does not count
        bits: Array = -np.logaddexp2(np.log2(weight) - one, np.log2(1 - weight) - other)
    return bits


def best_weight(one: Array, other: Array) -> float:
    """The weight w from 0 to 1 with the lowest mean of −log2(w·p + (1 − w)·q), to within 1e-6.

    The mean log-likelihood is concave in w. Its slope, the mean of (p − q) / (w·p + (1 − w)·q),
    falls from 0 to 1, so bisection finds where the slope is zero.

    Args:
        one, other: −log2 p and −log2 q of each character, (M,) each; finite.
    """
    difference = other - one  # log2(p/q)
    # Both p and q are divided by the larger of them, so that neither overflows.
    ratio = np.exp2(-np.abs(difference))
    first_larger = difference > 0
    numerator = np.where(first_larger, 1 - ratio, ratio - 1)
    low, high = 0.0, 1.0
    for _ in range(BISECTIONS):
        w = (low + high) / 2
        of_larger = np.where(first_larger, w, 1 - w)
        slope = (numerator / (of_larger + (1 - of_larger) * ratio)).mean()
        low, high = (w, high) if slope > 0 else (low, w)
    # The bisection does not reach the ends. Where two weights are equally good, the network alone
    # is simpler.
    weights = 1.0, (low + high) / 2, 0.0
    return min(weights, key=lambda w: float(mixed_bits(one, other, w).mean()))


def gain(alone: Array, mixed: Array) -> Gain:
    """The gain of a mixture over a model, from the bits of each character, (M,) each."""
    saved = alone - mixed
    means = [float(block.mean()) for block in np.array_split(saved, BLOCKS)]
    return Gain(float(saved.mean()), float(np.std(means, ddof=1)) / sqrt(BLOCKS))
