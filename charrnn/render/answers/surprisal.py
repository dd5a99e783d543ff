"""Which characters surprise a network, in words and pictures."""

from __future__ import annotations

from charrnn.inspection.surprisal import Surprisal
from charrnn.render.figures import Answer, Figure, Series

#: The sentence is about classes that so large a share of the characters belongs to.
LARGE = 0.01


def answer(result: Surprisal) -> Answer:
    """Which characters are hardest, and how hard most others are."""
    large = [one for one in result.classes if one.count >= LARGE * len(result.bits)]
    hardest = max(large, key=lambda one: one.bits)
    name = hardest.name.capitalize()
    others = [one for one in large if one is not hardest]
    if others:
        usual = max(others, key=lambda one: one.count)
        verb = "is" if hardest.name == "indentation" else "are"
        sentence = (
            f"{name} {verb} hardest: {hardest.bits:.1f} bits, against {usual.bits:.1f} of "
            f"{usual.name}."
        )
    else:
        sentence = f"{name}, which is what there is, surprise by {hardest.bits:.1f} bits each."
    figures = [_means(result), _shares(result)]
    if len(result.by_position):
        figures.append(_positions(result))
    return Answer(sentence, tuple(figures))


def _means(result: Surprisal) -> Figure:
    names = [one.name for one in result.classes]
    return Figure(
        title="Surprise by class of character",
        x_label="",
        y_label="bits a character",
        series=(Series("", names, [one.bits for one in result.classes], "bars"),),
    )


def _shares(result: Surprisal) -> Figure:
    names = [one.name for one in result.classes]
    characters = [100 * one.count / len(result.bits) for one in result.classes]
    surprise = [100 * one.share for one in result.classes]
    return Figure(
        title="Shares of the text and of its surprise",
        x_label="",
        y_label="%",
        series=(
            Series("of the characters", names, characters, "bars"),
            Series("of the surprise", names, surprise, "bars"),
        ),
    )


def _positions(result: Surprisal) -> Figure:
    places = list(range(1, len(result.by_position) + 1))
    return Figure(
        title="Surprise by position in the word",
        x_label="character of the word",
        y_label="bits a character",
        series=(Series("", places, result.by_position.tolist()),),
    )
