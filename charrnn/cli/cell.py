"""`charrnn inspect --cell`: a text coloured by the values of one cell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from math import log
from typing import Any, NamedTuple

import numpy as np

from charrnn.arrays import Array
from charrnn.cli.console import terminal_width
from charrnn.errors import SettingError
from charrnn.inspection.answer import ColoredText
from charrnn.inspection.effect import ENDS, cell_ends
from charrnn.inspection.find.follow import Following, followed_features
from charrnn.inspection.gates import NAMES
from charrnn.inspection.positions import peaks
from charrnn.inspection.reading import Signal, signals_of
from charrnn.inspection.recording import Recording, record
from charrnn.inspection.subject import Subject
from charrnn.inspection.wording import listed, oriented
from charrnn.network.holding import address
from charrnn.network.model import CharRNN
from charrnn.render.cells import colored_text, in_context, key
from charrnn.render.colors import Depth, color_depth
from charrnn.render.escape import one_line
from charrnn.render.shades import largest, shades, stops
from charrnn.render.wrap import wrapped
from charrnn.shell import command_line, words_for

#: The default number of characters to show, and the number of guesses under each.
LENGTH, GUESSES = 2_000, 5
#: Characters of the excerpt that are read to find the features that a cell follows.
READ_LENGTH = 20_000
#: A cell with a smaller strength is said to follow no feature well.
WEAK = 0.4
#: The surprisal, in bits, that has the full colour: p = 1/256.
FULL_COLOR_BITS = 8
#: The key of the surprisal.
SURPRISAL_STOPS = (
    (0.0, "0 bits"),
    (0.5, f"{FULL_COLOR_BITS // 2}"),
    (1.0, f"{FULL_COLOR_BITS} or more"),
)
#: Columns on either side of a peak of a cell, and those of its value and of the character itself,
#: which may be spelled out in brackets, as \u202e.
CONTEXT, BESIDE_CONTEXT = 30, 17
#: How to read a coloured text.
CAPTION = "Each character has the colour of the value of the cell after it has been read."


class CellView(NamedTuple):
    """The values of a cell, for each output."""

    #: as JSON
    result: dict[str, Any]
    #: lines that describe the cell
    description: list[str]
    #: lines that say how to read the text
    how: list[str]
    #: lines of the text
    text: Iterator[str]
    #: lines with the commands that hold the cell
    holding: list[str]
    picture: ColoredText


def inspect_cell(subject: Subject, cell: int, options: dict[str, Any]) -> CellView:
    """A cell's values on a text.

    Raises:
        SettingError: for a cell, layer or signal that the model does not have.
    """
    model = subject.model
    signal = signal_of_cell(model, cell, options)
    length = options["length"] or LENGTH
    text = subject.text if options["text"] else subject.text[: max(length, READ_LENGTH)]
    indices = subject.indices[: len(text)]
    recording = record(model, indices, [signal], guesses=GUESSES if options["predictions"] else 0)
    of_layer = recording.values[signal]
    values = of_layer[:, cell]
    if signal.name == "c":
        values = np.tanh(values)  # as in the output of the cell
    following = followed_features(values, indices, text, options["seed"])
    result = {
        **result_of(recording, text, values, following, length),
        "cell": cell,
        "layer": signal.layer,
        "signal": signal.name,
    }
    holding: list[str] = []
    if signal.name in model.layers[0].state_names:
        low, high = result["ends"] = cell_ends(of_layer[:, cell]).tolist()
        if low < high:
            holding = holding_lines(model, signal, cell, (high, low), options)
    if options["predictions"]:
        result["guesses"] = guesses_of(model, recording, length)
        result["probabilities"] = recording.probabilities[:length]
    if options["neighbours"]:
        result["neighbours"] = {
            "highest": contexts(text, values, peaks(values)),
            "lowest": contexts(text, values, peaks(-values)),
        }
    name = f"cell {cell} of layer {signal.layer}, {signal.name} ({NAMES[signal.name]})"
    gates, end = model.layers[0].gates, largest(of_layer, signal.name)
    shaded = shades(of_layer[:, cell], signal.name, gates, end)
    marks = stops(signal.name, gates, end)
    picture = ColoredText(name.capitalize(), text[:length], shaded[:length], marks, CAPTION)
    depth, width = color_depth(options["color"]), terminal_width()
    if options["neighbours"]:
        below = context_lines(shaded, text, values, depth, width)
    else:
        below = text_lines(model, recording, text[:length], shaded[:length], depth, width)
    description = [
        line for said in describe(name, values, following) for line in wrapped(said, width)
    ]
    how = lines_above(options, marks, depth, width)
    return CellView(result, description, how, below, holding, picture)


def signal_of_cell(model: CharRNN, cell: int, options: dict[str, Any]) -> Signal:
    """The signal of a cell that the options ask for.

    Raises:
        SettingError: as for `inspect_cell`.
    """
    names = options["signal"] or ["h"]
    if len(names) > 1:
        raise SettingError(f"--cell {cell} is coloured by one --signal, not {listed(names)}")
    (signal,) = signals_of(model, options["layer"] or model.num_layers, names)
    if cell >= model.hidden_size:
        raise SettingError(
            f"--cell {cell}: layer {signal.layer} has {model.hidden_size} cells, counted from 0: "
            f"choose one from 0 to {model.hidden_size - 1}"
        )
    return signal


def lines_above(
    options: dict[str, Any], marks: Sequence[tuple[float, str]], depth: Depth, width: int
) -> list[str]:
    """The lines that say how to read the text, with the key of its colours."""
    how = wrapped(how_to_read(options, depth), width)
    # Without colours, neighbours stand in brackets and need no key.
    if depth != "none" or not options["neighbours"]:
        how += key(marks, depth, width)
    return how


def holding_lines(
    model: CharRNN, signal: Signal, cell: int, ends: Sequence[float], options: dict[str, Any]
) -> list[str]:
    """The commands that write with the cell at its ends, the high one and the low one."""
    weights = ["--weights", options["weights"]] if options["weights"] != "best" else []
    words = [*words_for("sample", options["checkpoint"]), *weights, "--hold"]
    layer = None if signal.layer == model.num_layers else signal.layer
    commands = [
        command_line([*words, f"{address(cell, layer, signal.name)}={end:.3g}"]) for end in ends
    ]
    low, high = (f"{100 * end:.0f} %" for end in ENDS)
    how = f"Write with the cell held high (its {high} quantile here) or low ({low}):"
    return [*wrapped(how, terminal_width()), *(f"    {one_line(each)}" for each in commands)]


def result_of(
    recording: Recording, text: str, values: Array, following: list[Following], length: int
) -> dict[str, Any]:
    """The loss of a text and the values of a cell on it, as JSON; `length` values are listed."""
    loss = float(recording.losses.mean()) if len(text) > 1 else None
    return {
        "characters": len(text),
        "loss": loss,
        "bpc": None if loss is None else loss / log(2),
        "lowest": float(values.min()),
        "mean": float(values.mean()),
        "highest": float(values.max()),
        "follows": [asdict(one) for one in following],
        "shown": text[:length],
        "values": values[:length],
    }


def describe(name: str, values: Array, following: list[Following]) -> Iterator[str]:
    """The range of a cell and the feature that it follows best."""
    yield f"{name}: {values.min():.2f} to {values.max():.2f}, mean {values.mean():.2f}"
    if not following:
        yield "the text has no feature to follow"
        return
    best = following[0]
    named = f"{best.feature}, {oriented(best.score, best.measure)} given the current character"
    if best.strength <= best.chance:
        yield "follows no feature better than chance"
    elif best.strength < WEAK:
        yield f"follows no feature well; best: {named}"
    else:
        yield f"follows best: {named}"


def how_to_read(options: dict[str, Any], depth: Depth) -> str:
    """A sentence on the colours, or on the marks of a terminal without colours."""
    if options["neighbours"]:
        marked = "in brackets" if depth == "none" else "in the colour of its value"
        return f"Each line is a position: the value of the cell, and the character {marked}."
    how = CAPTION
    if depth == "none":
        how = "The marks below a line are the values of the cell after each character."
    if options["predictions"]:
        how += f" Below are {GUESSES} guesses for the next character, the likeliest first"
        how += "." if depth == "none" else ", the likelier the redder."
    return how


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


def context_lines(
    shaded: Array, text: str, values: Array, depth: Depth, width: int
) -> Iterator[str]:
    """The contexts of the highest and lowest values; `shaded` are the values from −1 to 1."""
    around = min(CONTEXT, (width - BESIDE_CONTEXT) // 2)
    for name, positions in (("highest", peaks(values)), ("lowest", peaks(-values))):
        yield f"{name}:"
        for position in positions:
            context = in_context(text, position, float(shaded[position]), depth, around)
            yield f"  {values[position]:+.2f}  {context}"


def text_lines(
    model: CharRNN, recording: Recording, text: str, shaded: Array, depth: Depth, width: int
) -> Iterator[str]:
    """A text coloured by values from −1 to 1, with guesses where they were recorded."""
    guesses = guesses_of(model, recording, len(text)) if recording.guesses.shape[1] else None
    probabilities = recording.probabilities if guesses else None
    return colored_text(text, shaded, depth, width, guesses, probabilities)


def guesses_of(model: CharRNN, recording: Recording, length: int) -> list[list[str]]:
    """The guesses after each of the first characters of a text, the likeliest first."""
    chars = model.vocabulary.ix_to_char
    return [[chars[index] for index in row] for row in recording.guesses[:length]]


def surprisal_lines(subject: Subject, bits: Array, options: dict[str, Any]) -> Iterator[str]:
    """A text coloured by the surprisal of each character: the redder, the less expected."""
    text = subject.text[: options["length"] or LENGTH]
    values = np.concatenate([[0.0], bits[: len(text) - 1] / FULL_COLOR_BITS]).clip(0, 1)
    depth, width = color_depth(options["color"]), terminal_width()
    how = "The redder a character, the less the network expected it."
    if depth == "none":
        how = "The marks below a line are the surprisal of its characters: # is the least expected."
    yield from wrapped(how, width)
    yield from key(SURPRISAL_STOPS, depth, width)
    yield ""
    yield from colored_text(text, values, depth, width)
