"""Numbers and lists, worded for sentences and tables."""

from __future__ import annotations

from collections.abc import Sequence
from math import floor, isfinite, log10

from charrnn.text.notices import count


def listed(items: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join(filter(None, [", ".join(items[:-1]), *items[-1:]]))


def of_layers(layers: Sequence[int]) -> str:
    """`layer 1`, `layers 1 and 2`."""
    return f"layer{'s' * (len(layers) > 1)} {listed([str(layer) for layer in layers])}"


def characters(number: int) -> str:
    """`1 character`, `1,200 characters`."""
    return count(number, "character")


def unseen(number: int, where: str = "") -> str:
    """`1 character that the model has not seen`; `where`, such as " of the prime", says where."""
    return f"{characters(number)}{where} that the model has not seen"


def rounded(value: float) -> int:
    """Round a positive number to two significant digits, at least 1, for use after "about".

    Raises:
        ValueError: for a value that is not finite.
    """
    if not isfinite(value):
        raise ValueError(f"{value} cannot be rounded")
    digits = 1 - floor(log10(value)) if value >= 1 else 0
    return max(1, round(round(value, digits)))


def share(value: float) -> str:
    """`31 %` for 0.31; `less than 1 %` and `more than 99 %` near, but not at, the ends."""
    if 0 < value < 0.01:
        return "less than 1 %"
    if 0.99 < value < 1:
        return "more than 99 %"
    return f"{100 * value:.0f} %"


def folded(score: float, measure: str) -> float:
    """A score without its direction: an AUC of 0.1 becomes 0.9."""
    return max(score, 1 - score) if measure == "AUC" else abs(score)


def direction(score: float, measure: str) -> str:
    """The value of a cell where its feature holds, or is large: `high` or `low`."""
    return "low" if score < (0.5 if measure == "AUC" else 0) else "high"


def oriented(score: float, measure: str) -> str:
    """A score in words, as `low inside it, AUC 0.90` for an AUC of 0.1."""
    where = "inside it" if measure == "AUC" else "where it is large"
    return f"{direction(score, measure)} {where}, {measure} {folded(score, measure):.2f}"
