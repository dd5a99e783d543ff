"""Hashes of parts of a text: of all spans of one length, and of lines.

The hash of characters x₀ x₁ … is Σ v(xᵢ)·bⁱ modulo 2⁶⁴ (Karp, Rabin 1987), where v(x) are 64 bits
that look random. Sums over the text give the hashes of all its parts at once. The hash of a string
does not depend on the machine, or on the vocabulary. Two different strings have the same hash once
in about 10¹⁹ pairs, unless somebody searches for them.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from charrnn.arrays import Array
from charrnn.text.vocabulary import Vocabulary, code_points

#: b, and the number that b times gives 1 modulo 2⁶⁴.
BASE = 0x9E3779B97F4A7C15
INVERSE = pow(BASE, -1, 1 << 64)
#: Characters that are hashed at a time: their sums stay in the processor's cache.
BLOCK = 1 << 18


def values_of(vocabulary: Vocabulary) -> Array:
    """v(x) of each character of a vocabulary, (V,), uint64: its code point by SplitMix64.

    (Steele, Lea, Flood 2014.)
    """
    v = (code_points(vocabulary.ix_to_char).astype(np.uint64) + np.uint64(1)) * np.uint64(BASE)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        v = (v ^ (v >> np.uint64(shift))) * np.uint64(factor)
    mixed: Array = v ^ (v >> np.uint64(31))
    return mixed


class Hasher:
    """Hashes of the parts of texts of one vocabulary.

    Args:
        vocabulary: the V characters.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._values = values_of(vocabulary)
        self._powers = self._inverses = np.empty(0, np.uint64)

    def _sums(self, text: Array) -> Array:
        """Σ v(xᵢ)·bⁱ of the first 0, 1, … characters of a text (N,): (N + 1,), uint64."""
        if len(text) > len(self._powers):
            self._powers = _powers(BASE, max(BLOCK, len(text)))
            self._inverses = _powers(INVERSE, max(BLOCK, len(text)))
        terms = self._values.take(text)
        terms *= self._powers[: len(text)]
        sums = np.zeros(len(text) + 1, np.uint64)
        np.cumsum(terms, out=sums[1:])
        return sums

    def blocks(self, text: Array, span: int) -> Iterator[tuple[int, Array]]:
        """Yield the position of a block, and the hashes of all spans that begin in it.

        Args:
            text: indices (N,).
            span: the length of the spans, in characters.
        """
        size = max(BLOCK, 2 * span)
        for start in range(0, len(text) - span + 1, size - span + 1):
            sums = self._sums(text[start : start + size])
            hashes = sums[span:] - sums[:-span]
            hashes *= self._inverses[: len(hashes)]
            yield start, hashes

    def spans(self, text: Array, span: int) -> Array:
        """The hashes of all spans of a text (N,): (N − span + 1,), uint64; none if shorter."""
        hashes = [block for _, block in self.blocks(text, span)]
        return np.concatenate(hashes) if hashes else np.empty(0, np.uint64)

    def lines(self, text: Array, starts: Array, lengths: Array) -> Array:
        """The hashes of lines, (n,), uint64.

        Args:
            text: indices (N,).
            starts: the positions of the lines, ascending, (n,).
            lengths: their characters, (n,).
        """
        hashes = np.empty(len(starts), np.uint64)
        ends, first = starts + lengths, 0
        while first < len(starts):
            origin = int(starts[first])
            last = max(first + 1, int(np.searchsorted(ends, origin + BLOCK, side="right")))
            sums = self._sums(text[origin : int(ends[last - 1])])
            begin, end = starts[first:last] - origin, ends[first:last] - origin
            hashes[first:last] = (sums[end] - sums[begin]) * self._inverses.take(begin, mode="clip")
            first = last
        return hashes


def _powers(base: int, count: int) -> Array:
    """1, base, base², … modulo 2⁶⁴, (count,)."""
    factors = np.full(count, base, np.uint64)
    factors[0] = 1
    powers: Array = np.multiply.accumulate(factors)
    return powers
