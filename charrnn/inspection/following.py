"""How well a cell follows a property of the text."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from charrnn.inspection.features import FEATURES
from charrnn.parameters import Array

#: A property that holds for fewer characters than this, or for all but so few, is left out.
LEAST = 20


@dataclass(frozen=True)
class Following:
    """How a cell follows a feature.

    Attributes:
        feature: a name in `FEATURES`.
        measure: `AUC` (binary features) or `Spearman` (graded ones).
        score: AUC from 0 to 1, where 0.5 is chance, and 0 is as good as 1 with the sign
            turned; Spearman's correlation from −1 to 1.
    """

    feature: str
    measure: str
    score: float

    @property
    def strength(self) -> float:
        """From 0, chance, to 1, whatever the measure and the sign."""
        return abs(2 * self.score - 1) if self.measure == "AUC" else abs(self.score)


def follow(values: Array, text: str) -> list[Following]:
    """How a cell follows each feature that the text has, the best followed first.

    These are scores on the text at hand without controls: much of them may be explained by
    the current character alone.

    Args:
        values: of one cell after each character, (N,).
        text: of N characters.
    """
    ranks = ranked(values)
    found = []
    for name, feature in FEATURES.items():
        measured = feature.measure(text)
        if feature.binary:
            count = int(measured.sum())
            if LEAST <= count <= len(text) - LEAST:
                found.append(Following(name, "AUC", auc(ranks, measured > 0)))
        elif np.ptp(measured) > 0 and np.ptp(values) > 0:
            score = float(np.corrcoef(ranks, ranked(measured))[0, 1])
            found.append(Following(name, "Spearman", score))
    return sorted(found, key=lambda following: -following.strength)


def auc(ranks: Array, holds: Array) -> float:
    """The probability that a value where a feature holds is above one where it does not.

    The area under the ROC curve, from the ranks (Mann, Whitney 1947; Hanley, McNeil 1982).

    Args:
        ranks: of the values, (N,), as `ranked` gives them.
        holds: booleans, (N,), some true and some not.
    """
    positive = int(holds.sum())
    negative = len(holds) - positive
    above = ranks[holds].sum() - positive * (positive + 1) / 2
    return float(above / (positive * negative))


def ranked(values: Array) -> Array:
    """Ranks from 1, the lowest, (N,); equal values share the mean of their ranks."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    shared: Array = (last - (counts - 1) / 2)[inverse]
    return shared
