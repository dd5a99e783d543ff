"""`charrnn inspect --cell`: a text coloured by the values of one cell."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import asdict
from math import log
from typing import Any

import numpy as np

from charrnn.arrays import Array
from charrnn.errors import SettingError
from charrnn.inspection.find.follow import Following, followed_features
from charrnn.inspection.positions import peaks
from charrnn.inspection.reading import Signal, signals_of
from charrnn.inspection.recording import Recording, record
from charrnn.inspection.subject import Subject
from charrnn.inspection.wording import listed, signed
from charrnn.network.model import CharRNN
from charrnn.render.cells import colored_text, in_context
from charrnn.render.colors import Depth, color_depth
from charrnn.render.shades import largest, shades

#: The default number of characters to show, and the number of guesses under each.
LENGTH, GUESSES = 2_000, 5
#: Characters of the excerpt that are read to find the features that a cell follows.
READ_LENGTH = 20_000
#: A cell with a smaller strength is said to follow no feature well.
WEAK = 0.4
#: The surprisal, in bits, that has the full colour: p = 1/256.
FULL_COLOR_BITS = 8
#: Characters shown on either side of a peak of a cell.
CONTEXT = 30


def inspect_cell(
    subject: Subject, cell: int, options: dict[str, Any]
) -> tuple[dict[str, Any], Iterator[str], Iterator[str]]:
    """A cell's values as JSON, the lines that describe the cell, and the lines of the text.

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
    text = subject.text if options["text"] else subject.text[: max(length, READ_LENGTH)]
    indices = subject.indices[: len(text)]
    recording = record(model, indices, [signal], guesses=GUESSES if options["predictions"] else 0)
    of_layer = recording.values[signal]
    values = of_layer[:, cell]
    if signal.name == "c":
        values = np.tanh(values)  # as in the output of the cell
    following = followed_features(values, indices, text)
    result: dict[str, Any] = {
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
        result["guesses"] = guesses_of(model, recording, length)
        result["probabilities"] = recording.probabilities[:length]
    depth = color_depth(options["color"])
    gates = model.layers[0].gates
    shaded = shades(of_layer[:, cell], signal.name, gates, largest(of_layer, signal.name))
    if options["neighbours"]:
        result["neighbours"] = {
            "highest": contexts(text, values, peaks(values)),
            "lowest": contexts(text, values, peaks(-values)),
        }
        below = context_lines(shaded, text, values, depth)
    else:
        below = text_lines(model, recording, text[:length], shaded[:length], depth)
    return result, description_lines(signal, cell, values, following), below


def description_lines(
    signal: Signal, cell: int, values: Array, following: list[Following]
) -> Iterator[str]:
    """The range of a cell and the feature that it follows best."""
    yield (
        f"layer {signal.layer}, cell {cell}, {signal.name}: {values.min():.2f} to "
        f"{values.max():.2f}, mean {values.mean():.2f}"
    )
    if not following:
        yield "the text has no feature to follow"
        return
    best = following[0]
    score = f"{best.measure} {signed(best.score, best.measure)} given the current character"
    named = f"{best.feature} ({score})"
    if best.strength <= best.chance:
        yield "follows no feature better than chance"
    elif best.strength < WEAK:
        yield f"follows no feature well; best: {named}"
    else:
        yield f"follows best: {named}"


def contexts(text: str, values: Array, positions: list[int]) -> list[dict[str, Any]]:
    """The characters at some positions, with their contexts, as JSON."""
    return [
        {
            "position": position,
            "value": float(values[position]),
            "before": text[max(0, position - CONTEXT) : position],
            "character": text[position],
            "after": text[position + 1 : position + 1 + CONTEXT],
        }
        for position in positions
    ]


def context_lines(shaded: Array, text: str, values: Array, depth: Depth) -> Iterator[str]:
    """The contexts of the highest and lowest values; `shaded` are the values from −1 to 1."""
    for name, positions in (("highest", peaks(values)), ("lowest", peaks(-values))):
        yield f"{name}:"
        for position in positions:
            context = in_context(text, position, float(shaded[position]), depth, CONTEXT)
            yield f"  {values[position]:+.2f}  {context}"


def text_lines(
    model: CharRNN, recording: Recording, text: str, shaded: Array, depth: Depth
) -> Iterator[str]:
    """A text coloured by values from −1 to 1, with guesses where they were recorded."""
    guesses = guesses_of(model, recording, len(text)) if recording.guesses.shape[1] else None
    probabilities = recording.probabilities if guesses else None
    width = shutil.get_terminal_size().columns
    return colored_text(text, shaded, depth, width, guesses, probabilities)


def guesses_of(model: CharRNN, recording: Recording, length: int) -> list[list[str]]:
    """The guesses after each of the first characters of a text, the likeliest first."""
    chars = model.vocabulary.ix_to_char
    return [[chars[index] for index in row] for row in recording.guesses[:length]]


def surprisal_lines(subject: Subject, bits: Array, options: dict[str, Any]) -> Iterator[str]:
    """A text coloured by the surprisal of each character: the redder, the less expected."""
    text = subject.text[: options["length"] or LENGTH]
    values = np.concatenate([[0.0], bits[: len(text) - 1] / FULL_COLOR_BITS]).clip(0, 1)
    depth = color_depth(options["color"])
    return colored_text(text, values, depth, shutil.get_terminal_size().columns)
