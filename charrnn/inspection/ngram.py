"""A character n-gram model: what a network has to beat."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from charrnn.arrays import Array
from charrnn.errors import SettingError

#: Of a longer text the last so many characters are counted.
MOST = 5_000_000
#: A discount where there is too little to estimate it from.
DISCOUNT = 0.5


class Smoothed(NamedTuple):
    """One step of the interpolation: α(w | h) + γ(h)·p(w | shorter h)."""

    #: α of each k-gram hw, (G + 1,); last the one of those not seen, 0.
    alpha: Array
    #: γ of each context h, (C + 1,); last the one of those not seen, 1.
    gamma: Array


class Level(NamedTuple):
    """All k-grams of a text for one k."""

    #: Of each k-gram, ascending: the number of its first k − 1 characters among the (k−1)-grams,
    #: times V, plus its last character, (G + 1,); last one that is larger than any.
    codes: Array
    #: By how often each k-gram occurs: for the longest of a model.
    counted: Smoothed
    #: By how many different characters stand before it: for those that are backed off to.
    continued: Smoothed | None


class NGram:
    """An interpolated n-gram model of characters, of every order up to n at once.

    Kneser-Ney smoothing with three discounts (Kneser, Ney 1995, as modified by Chen, Goodman
    1998): with h the n − 1 characters before w and h′ all of them but the first,

        p(w | h) = (c(hw) − D(c(hw))) / Σ_v c(hv) + γ(h)·p(w | h′)
        γ(h) = Σ_v D(c(hv)) / Σ_v c(hv)

    and p(w | h) = p(w | h′) for an h that has not been seen. c counts occurrences in the model's
    own order n, and below that the different characters that stand before hw, where the beginning
    of the text counts for one; below order 1 p is 1/V. D(0) = 0 and, with n_i for how many n-grams
    have a count of i, estimated for each order and kind of count by itself,

        Y = n₁ / (n₁ + 2·n₂)
        D(1) = 1 − 2Y·n₂/n₁    D(2) = 2 − 3Y·n₃/n₂    D(3 or more) = 3 − 4Y·n₄/n₃

    or ½ where that is not above 0 and below 1, 2 and 3.

    Args:
        train: the text to count, indices (N,); of one longer than `most` its end.
        vocabulary_size: V.
        order: n; the model of order 1 knows how frequent characters are.
        most: so many characters are counted.

    Attributes:
        trained: how many characters were counted.

    Raises:
        SettingError: for an order or a vocabulary below 1.
    """

    def __init__(
        self, train: Array, vocabulary_size: int, order: int = 9, *, most: int = MOST
    ) -> None:
        if order < 1 or vocabulary_size < 1:
            raise SettingError(
                "order and vocabulary_size of an n-gram model are at least 1, not "
                f"{order} and {vocabulary_size}"
            )
        self.vocabulary_size = vocabulary_size
        self.order = order
        text = train[max(0, len(train) - most) :].astype(np.int64)
        self.trained = len(text)
        self._levels = levels(text, vocabulary_size, order)

    def log_probs(self, indices: Array) -> Array:
        """ln p of each character of a text given those before it in that text, in nats.

        Args:
            indices: (N,), or several texts (…, N).

        Returns:
            (n + 1, …, N): by the models of order 0, where all characters are equal, to n.
        """
        p = self._probabilities(indices)
        np.log(p, out=p)  # a long text has no room for both
        return p

    def distribution(self, context: Array, order: int | None = None) -> Array:
        """p of each character after a context, (V,).

        Args:
            context: indices (N,), of which the last n − 1 count.
            order: of the model, 0 to n; n unless given.
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
        # The number of the characters before each one, as many as the order has: −1 if unseen,
        # which is the last of a table; before order 1 it is none, which is always the same.
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
    contexts = [1]  # how many there are for each k: nothing stands before a 1-gram
    for k in range(1, order + 1):
        # Each character with the number of what stands before it is a k-gram.
        shorter, of_each = grams, context * V + text[k - 1 :]
        codes, counts, places, grams = numbered(of_each)
        if found:
            continued = followers(shorter, places, contexts[-1])
            of = found[-1].codes[:-1] // V
            found[-1] = found[-1]._replace(continued=smoothed(continued, of, contexts[-2]))
        counted = smoothed(counts, codes // V, contexts[-1])
        found.append(Level(np.append(codes, np.iinfo(np.int64).max), counted, None))
        context = grams[:-1]
        contexts.append(len(codes))
    return found


def numbered(values: Array) -> tuple[Array, Array, Array, Array]:
    """Different values, ascending, (G,); how often each occurs and one place where it does, (G,)
    each; and of each value, (M,), its number among the different ones.

    What `np.unique` gives, in half the time: it sorts stably, for the first place of each.
    """
    order = np.argsort(values)
    ascending = values[order]
    new = np.ones(len(values), bool)
    np.not_equal(ascending[1:], ascending[:-1], out=new[1:])
    starts = np.flatnonzero(new)
    numbers = np.empty(len(values), np.int64)
    numbers[order] = np.cumsum(new) - 1
    return ascending[starts], np.diff(starts, append=len(values)), order[starts], numbers


def followers(grams: Array, places: Array, number: int) -> Array:
    """Of each (k−1)-gram how many different characters it follows, (number,).

    Args:
        grams: the number of the (k−1)-gram that begins at each place of the text, (M,).
        places: one where each different k-gram begins, (G,); one later, the (k−1)-gram that it
            ends with does.
        number: of different (k−1)-grams.
    """
    count: Array = np.bincount(grams[places + 1], minlength=number)
    count[grams[:1]] += 1  # the one that follows the beginning of the text
    return count


def smoothed(counts: Array, contexts: Array, number: int) -> Smoothed:
    """What is left of the counts by discounting, and what goes to shorter contexts.

    Args:
        counts: of each n-gram, at least 1, (G,).
        contexts: the context of each, (G,), from 0.
        number: C, of contexts; not all need to have n-grams.
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
    D = np.array([0, DISCOUNT, DISCOUNT, DISCOUNT])
    for c in (1, 2, 3):
        if n[1] and n[c]:
            estimated = c - (c + 1) * n[1] / (n[1] + 2 * n[2]) * n[c + 1] / n[c]
            if 0 < estimated < c:
                D[c] = estimated
    return D
