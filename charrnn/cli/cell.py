"""`charrnn inspect --cell`: a text by the values of one hidden unit."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from math import log
from typing import Any, NamedTuple

import numpy as np

from charrnn.arrays import Array
from charrnn.cli.subject import Subject
from charrnn.errors import SettingError
from charrnn.inspection.extremes import highest
from charrnn.inspection.following import Following, follow
from charrnn.inspection.reading import Signal, signals_of
from charrnn.inspection.recording import Recording, record
from charrnn.network.model import CharRNN
from charrnn.render.cells import colored_text, in_context
from charrnn.render.colors import Depth, color_depth
from charrnn.render.shades import largest, shades
from charrnn.render.wording import listed, signed

#: Characters to show, and guesses under each, unless asked otherwise.
LENGTH, GUESSES = 2_000, 5
#: Characters of the excerpt that are read to say what a cell follows.
READ = 20_000
#: A cell that follows a feature less than this is said to follow none.
WEAK = 0.4
#: So many bits, one in 256, are shown as red as it gets.
MOST_BITS = 8
#: Characters on either side of where a cell is highest or lowest.
AROUND = 30


class Shown(NamedTuple):
    """Lines about a cell: what is known of it, and the text."""

    above: Iterable[str]
    below: Iterable[str]


def inspect_cell(
    subject: Subject, cell: int, options: dict[str, Any]
) -> tuple[dict[str, Any], Shown]:
    """What there is to say of a cell, as JSON holds it, and the lines to show.

    Raises:
        SettingError: for a cell, layer or signal that the model does not have.
    """
    model = subject.model
    if cell >= model.hidden_size:
        raise SettingError(f"--cell {cell}: the layers have cells 0 to {model.hidden_size - 1}")
    names = options["signal"] or ["h"]
    if len(names) > 1:
        raise SettingError(f"--cell {cell} is coloured by one --signal, not {listed(names)}")
    (signal,) = signals_of(model, options["layer"] or model.num_layers, names)
    length = options["length"] or LENGTH
    text = subject.text if options["text"] else subject.text[: max(length, READ)]
    indices = subject.indices[: len(text)]
    recording = record(model, indices, [signal], guesses=GUESSES if options["predictions"] else 0)
    values = recording.values[signal][:, cell]
    if signal.name == "c":
        values = np.tanh(values)  # which is what the output sees of it
    following = follow(values, indices, text)
    numbers: dict[str, Any] = {
        "characters": len(text),
        "loss": float(recording.losses.mean()) if len(text) > 1 else None,
        "bpc": float(recording.losses.mean() / log(2)) if len(text) > 1 else None,
        "cell": cell,
        "layer": signal.layer,
        "signal": signal.name,
        "lowest": float(values.min()),
        "mean": float(values.mean()),
        "highest": float(values.max()),
        "follows": [asdict(one) for one in following],
        "shown": text[:length],
        "values": values[:length],
    }
    if options["predictions"]:
        numbers["guesses"] = guesses_of(model, recording, length)
        numbers["probabilities"] = recording.probabilities[:length]
    depth = color_depth(options["color"])
    every = recording.values[signal]
    coloured = shades(
        every[:, cell], signal.name, model.layers[0].gates, largest(every, signal.name)
    )
    if options["neighbours"]:
        numbers["neighbours"] = {
            "highest": places(text, values, highest(values)),
            "lowest": places(text, values, highest(-values)),
        }
        below = neighbours(coloured, text, values, depth)
    else:
        below = show(model, recording, text[:length], coloured[:length], depth)
    return numbers, Shown(above(signal, cell, values, following), below)


def above(signal: Signal, cell: int, values: Array, following: list[Following]) -> Iterator[str]:
    """What is known of the cell."""
    yield (
        f"layer {signal.layer}, cell {cell}, {signal.name}: {values.min():.2f} to "
        f"{values.max():.2f}, mean {values.mean():.2f}"
    )
    if not following:
        yield "the text has no feature to follow"
        return
    best = following[0]
    score = f"{best.measure} {signed(best.score, best.measure)} given the current character"
    said = f"{best.feature} ({score})"
    if best.strength <= best.chance:
        yield "follows no feature better than chance"
    elif best.strength < WEAK:
        yield f"follows no feature well; best: {said}"
    else:
        yield f"follows best: {said}"


def places(text: str, values: Array, found: list[int]) -> list[dict[str, Any]]:
    """Where a cell goes farthest, as JSON holds it."""
    return [
        {
            "place": place,
            "value": float(values[place]),
            "before": text[max(0, place - AROUND) : place],
            "character": text[place],
            "after": text[place + 1 : place + 1 + AROUND],
        }
        for place in found
    ]


def neighbours(coloured: Array, text: str, values: Array, depth: Depth) -> Iterator[str]:
    """Where a cell goes farthest, for people; the values, and the same from −1 to 1."""
    for name, found in (("highest", highest(values)), ("lowest", highest(-values))):
        yield f"{name}:"
        for place in found:
            context = in_context(text, place, float(coloured[place]), depth, AROUND)
            yield f"  {values[place]:+.2f}  {context}"


def show(
    model: CharRNN, recording: Recording, text: str, values: Array, depth: Depth
) -> Iterator[str]:
    """A text coloured by values from −1 to 1, with guesses where they were recorded."""
    guesses = guesses_of(model, recording, len(text)) if recording.guesses.shape[1] else None
    likely = recording.probabilities if guesses else None
    width = shutil.get_terminal_size().columns
    return colored_text(text, values, depth, width, guesses, likely)


def guesses_of(model: CharRNN, recording: Recording, length: int) -> list[list[str]]:
    """The characters guessed after each of the first ones of a text, the likeliest first."""
    chars = model.vocabulary.ix_to_char
    return [[chars[index] for index in row] for row in recording.guesses[:length]]


def surprising(subject: Subject, bits: Array, options: dict[str, Any]) -> Iterator[str]:
    """A text by the surprisal of each character: the redder, the less it was expected."""
    text = subject.text[: options["length"] or LENGTH]
    values = np.concatenate([[0.0], bits[: len(text) - 1] / MOST_BITS]).clip(0, 1)
    depth = color_depth(options["color"])
    return colored_text(text, values, depth, shutil.get_terminal_size().columns)
