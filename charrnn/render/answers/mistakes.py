"""What kinds of errors a network makes, in words and bars."""

from __future__ import annotations

from charrnn.inspection.mistakes import KNOWN, REACHES, Mistakes
from charrnn.render.figures import Answer, Figure, Series
from charrnn.render.wording import share


def answer(result: Mistakes) -> Answer:
    """How many errors there are, and what would have helped against how many of them."""
    if not result.errors:
        return Answer(f"It makes no errors: every character has p ≥ {KNOWN}.", ())
    # The last kind has no reason in common, so that it is the largest would say nothing.
    ngram, *others, _ = result.kinds
    seen, others = others[: len(REACHES)], others[len(REACHES) :]
    largest = max(others, key=lambda kind: kind.count)
    sentence = (
        f"{share(result.errors / result.characters)} of the characters are errors (p < {KNOWN}). "
        f"Of these an n-gram knows {share(ngram.share)} and the last {REACHES[-1]:,} characters "
        f"{share(sum(kind.share for kind in seen))}"
    )
    if largest.count:
        name = "in rare words" if largest.name == "rare words" else largest.name
        sentence += f"; {share(largest.share)} are {name}"
    return Answer(f"{sentence}.", (_shares(result), _bits(result)))


def _shares(result: Mistakes) -> Figure:
    names = [kind.name for kind in result.kinds]
    shares = [100 * kind.share for kind in result.kinds]
    return Figure(
        title="Errors, each of the first kind that explains it",
        x_label="",
        y_label="% of the errors",
        series=(Series("", names, shares, "bars"),),
    )


def _bits(result: Mistakes) -> Figure:
    names = [kind.name for kind in result.kinds]
    return Figure(
        title="How far off errors are",
        x_label="",
        y_label="bits each",
        series=(Series("", names, [kind.bits for kind in result.kinds], "bars"),),
    )
