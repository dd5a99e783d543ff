"""The features that one cell follows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from charrnn.arrays import Array
from charrnn.inspection.features.features import FEATURES, present
from charrnn.inspection.find.levels import Levels, quantiles
from charrnn.inspection.find.scores import measure, ranked, strength, sums, whole
from charrnn.inspection.reading import Signal

#: Random shifts for the level of chance, and the quantile of their strengths that is the level.
SHIFTS, LEVEL = 100, 0.95


@dataclass(frozen=True)
class Following:
    """The score of a cell for a feature, given the current character.

    Attributes:
        feature: a name in `FEATURES`.
        measure: `AUC` (binary features) or `Spearman` (graded ones).
        score: AUC from 0 to 1, where 0.5 is chance and 0 is as good as 1 with the opposite
            sign; or Spearman's correlation from −1 to 1.
        strength: from 0, chance, to 1, for both measures and signs.
        chance: the strength that is exceeded by chance in 5 of 100 cases.
    """

    feature: str
    measure: str
    score: float
    strength: float
    chance: float


def followed_features(values: Array, indices: Array, text: str, seed: int = 0) -> list[Following]:
    """Score a cell for each feature that the text has, the strongest first.

    Args:
        values: the values of the cell after each character, (N,).
        indices: the text as indices, (N,).
        text: N characters.
        seed: the seed of the shifts for the level of chance.
    """
    found, _ = present(text, FEATURES)
    if not found:
        return []
    levels = Levels((Signal(1, "h"),), quantiles(ranked(values), len(values))[None], 1)
    measured = measure(text, found)
    N = len(text)
    shifts = [0, *np.random.default_rng(seed).integers(N // 20, N - N // 20, SHIFTS).tolist()]
    scores = sums(levels, whole(indices), measured, shifts).scores(measured.binary)[:, :, 0]
    strong = strength(scores, measured.binary)
    chance = np.quantile(strong[:, 1:], LEVEL, axis=1)
    following = [
        Following(
            name,
            "AUC" if measured.binary[row] else "Spearman",
            float(scores[row, 0]),
            float(strong[row, 0]),
            float(chance[row]),
        )
        for row, name in enumerate(measured.names)
    ]
    return sorted(following, key=lambda one: -one.strength)
