"""Character n-gram models with Kneser-Ney smoothing."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from charrnn.arrays import Array
from charrnn.errors import SettingError

#: The most characters that are counted, at the end of the text.
MAX_CHARACTERS = 5_000_000
#: The discount where the counts are too few for an estimate.
DEFAULT_DISCOUNT = 0.5


class Smoothed(NamedTuple):
    """One step of the interpolation: α(w | h) + γ(h)·p(w | shorter h)."""

    #: α of each k-gram hw, (G + 1,); the last is that of unseen ones, 0.
    alpha: Array
    #: γ of each context h, (C + 1,); the last is that of unseen ones, 1.
    gamma: Array


class Level(NamedTuple):
    """All k-grams of a text for one k."""

    #: The code of each k-gram, ascending: the number of its first k − 1 characters among the
    #: (k−1)-grams, times V, plus its last character, (G + 1,); the last is larger than any.
    codes: Array
    #: From the number of occurrences of each k-gram: for the highest order of a model.
    counted: Smoothed
    #: From the number of different characters before each k-gram: for the lower orders.
    continued: Smoothed | None


class NGram:
    """An interpolated n-gram model of characters, of every order up to n at once.

    Kneser-Ney smoothing with three discounts (Kneser, Ney 1995, as modified by Chen, Goodman
    1998): with h the n − 1 characters before w and h′ all of them but the first,

        p(w | h) = (c(hw) − D(c(hw))) / Σ_v c(hv) + γ(h)·p(w | h′)
        γ(h) = Σ_v D(c(hv)) / Σ_v c(hv)

    and p(w | h) = p(w | h′) for an unseen h. c counts occurrences in the model's own order n, and
    in lower orders the different characters before hw, where the beginning of the text counts as
    one; below order 1 p is 1/V. D(0) = 0 and, with n_i the number of n-grams with a count of i,
    estimated separately for each order and kind of count,

        Y = n₁ / (n₁ + 2·n₂)
        D(1) = 1 − 2Y·n₂/n₁    D(2) = 2 − 3Y·n₃/n₂    D(3 or more) = 3 − 4Y·n₄/n₃

    or ½ where the estimate is not above 0 and below 1, 2 and 3.

    Args:
        train: the text to count, indices (N,).
        vocabulary_size: V.
        order: n; the model of order 1 knows the frequencies of characters.
        max_characters: at most this many characters are counted, at the end of `train`.

    Attributes:
        trained: the number of characters counted.

    Raises:
        SettingError: for an order or a vocabulary below 1.
    """

    def __init__(
        self,
        train: Array,
        vocabulary_size: int,
        order: int = 9,
        *,
        max_characters: int = MAX_CHARACTERS,
    ) -> None:
        if order < 1 or vocabulary_size < 1:
            raise SettingError(
                "order and vocabulary_size of an n-gram model are at least 1, not "
                f"{order} and {vocabulary_size}"
            )
        self.vocabulary_size = vocabulary_size
        self.order = order
        text = train[max(0, len(train) - max_characters) :].astype(np.int64)
        self.trained = len(text)
        self._levels = levels(text, vocabulary_size, order)

    def log_probs(self, indices: Array) -> Array:
        """ln p of each character of a text given those before it in that text, in nats.

        Args:
            indices: (N,), or several texts (…, N).

        Returns:
            (n + 1, …, N): by the models of order 0, where all characters are equally likely, to n.
        """
        p = self._probabilities(indices)
        np.log(p, out=p)  # in place: for a long text two such arrays may not fit into memory
        return p

    def distribution(self, context: Array, order: int | None = None) -> Array:
        """p of each character after a context, (V,).

        Args:
            context: indices (N,); only the last n − 1 matter.
            order: the order of the model, 0 to n; n unless given.
        """
        order = self.order if order is None else order
        V, before = self.vocabulary_size, context[max(0, len(context) - self.order + 1) :]
        texts = np.empty((V, len(before) + 1), np.int64)
        texts[:, :-1], texts[:, -1] = before, np.arange(V)
        p: Array = self._probabilities(texts)[order, :, -1]
        return p

    def _probabilities(self, indices: Array) -> Array:
        """p of each character by the models of order 0 to n, (n + 1, …, N)."""
        V = self.vocabulary_size
        p = np.empty((self.order + 1, *indices.shape))
        p[0] = shorter = np.full(indices.shape, 1 / V)
        # The number of the k − 1 characters before each one: −1, the last row of a table, if
        # unseen. For order 1 there are none before, so all have the same number.
        context = np.zeros(indices.shape, np.int64)
        for k, level in enumerate(self._levels, start=1):
            codes = context * V + indices
            grams = np.searchsorted(level.codes, codes)
            grams[level.codes[grams] != codes] = -1
            p[k] = level.counted.alpha[grams] + level.counted.gamma[context] * shorter
            if level.continued is not None:
                shorter = level.continued.alpha[grams] + level.continued.gamma[context] * shorter
            context[..., 1:] = grams[..., :-1]
            context[..., :1] = -1
        return p


def levels(text: Array, V: int, order: int) -> list[Level]:
    """The k-grams of a text, (N,), for k = 1 to an order."""
    found: list[Level] = []
    grams = context = np.zeros(len(text), np.int64)
    contexts = [1]  # their number for each k: a 1-gram has the empty context only
    for k in range(1, order + 1):
        # Each character with the number of its context is a k-gram.
        shorter, of_each = grams, context * V + text[k - 1 :]
        codes, counts, positions, grams = numbered(of_each)
        if found:
            continued = followers(shorter, positions, contexts[-1])
            of = found[-1].codes[:-1] // V
            found[-1] = found[-1]._replace(continued=smoothed(continued, of, contexts[-2]))
        counted = smoothed(counts, codes // V, contexts[-1])
        found.append(Level(np.append(codes, np.iinfo(np.int64).max), counted, None))
        context = grams[:-1]
        contexts.append(len(codes))
    return found


def numbered(values: Array) -> tuple[Array, Array, Array, Array]:
    """The different values, ascending, their counts, and one position of each, (G,) each; and the
    number of each value among the different ones, (M,).

    This takes half the time of `np.unique`, which sorts stably to find first positions.
    """
    order = np.argsort(values)
    ascending = values[order]
    new = np.ones(len(values), bool)
    np.not_equal(ascending[1:], ascending[:-1], out=new[1:])
    starts = np.flatnonzero(new)
    numbers = np.empty(len(values), np.int64)
    numbers[order] = np.cumsum(new) - 1
    return ascending[starts], np.diff(starts, append=len(values)), order[starts], numbers


def followers(grams: Array, positions: Array, number: int) -> Array:
    """The number of different characters before each (k−1)-gram, (number,).

    Args:
        grams: the number of the (k−1)-gram that begins at each position of the text, (M,).
        positions: a position where each different k-gram begins, (G,); its last k − 1 characters
            begin one position later.
        number: the number of different (k−1)-grams.
    """
    count: Array = np.bincount(grams[positions + 1], minlength=number)
    count[grams[:1]] += 1  # the first one follows the beginning of the text
    return count


def smoothed(counts: Array, contexts: Array, number: int) -> Smoothed:
    """Discount counts, and give the discounts to shorter contexts.

    Args:
        counts: the count of each n-gram, at least 1, (G,).
        contexts: the context of each n-gram, (G,), from 0.
        number: C, the number of contexts; some may have no n-gram.
    """
    discount = discounts(counts)[np.minimum(counts, 3)]
    total = np.bincount(contexts, counts, minlength=number)
    freed = np.bincount(contexts, discount, minlength=number)
    alpha = np.append((counts - discount) / total[contexts], 0.0)
    gamma = np.ones(number + 1)
    np.divide(freed, total, out=gamma[:-1], where=total > 0)
    return Smoothed(alpha, gamma)


def discounts(counts: Array) -> Array:
    """D(0), D(1), D(2) and D(3 or more) from the counts of all n-grams, (G,)."""
    n = np.bincount(np.minimum(counts, 5), minlength=6).astype(float)
    D = np.array([0, DEFAULT_DISCOUNT, DEFAULT_DISCOUNT, DEFAULT_DISCOUNT])
    for c in (1, 2, 3):
        if n[1] and n[c]:
            estimated = c - (c + 1) * n[1] / (n[1] + 2 * n[2]) * n[c + 1] / n[c]
            if 0 < estimated < c:
                D[c] = estimated
    return D
