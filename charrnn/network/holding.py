"""Cells that are held at a value, or pushed by one, while a network reads or writes.

In each step a layer first computes its state. Then the cells that are held change, in this order:

    c ← v, or c + v, and h ← o·tanh(c)      the memory of an LSTM; o is the gate of this step
    h ← v, or h + v                         the output

A cell is addressed as `42` (of the last layer), `1.42` (of layer 1) or `1.42.c` (its memory c).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from charrnn.arrays import Array
from charrnn.errors import SettingError
from charrnn.network.layers import Layer
from charrnn.network.model import CharRNN

#: An address and a value: [layer.]cell[.signal]=[+]number.
HELD = re.compile(r"(?:(\d{1,9})\.)?(\d{1,9})(?:\.([a-z]+))?=(\+?)(-?[\d.]+(?:[eE][-+]?\d+)?)")
#: Larger values are mistyped: they would overflow within a few steps.
MAX_VALUE = 1e6
#: The notation of the command, and that of Python.
OF_COMMAND = (
    "write 42=0.9 (to add, 42=+0.5), 1.42=0.9 for layer 1, 1.42.c=0.9 for the memory of an LSTM"
)
OF_PYTHON = (
    'write {(1, 42): 0.9} for cell 42 of layer 1 (to add, {(1, 42): "+0.5"}), {(1, 42, "c"): 0.9} '
    "for the memory of an LSTM"
)


class Held(NamedTuple):
    """A cell that is held; as a string the address and the value, as `parse` reads them."""

    layer: int  # from 1
    cell: int  # from 0
    #: h, or c of an LSTM
    name: str
    value: float
    #: the value is added in each step
    added: bool = False

    @property
    def address(self) -> str:
        """`1.42`, or `1.42.c` for the memory."""
        return address(self.cell, self.layer, self.name)

    def __str__(self) -> str:
        return f"{self.address}={'+' * self.added}{self.value}".removesuffix(".0")


def address(cell: int, layer: int | None, name: str) -> str:
    """The address of a cell, as `1.42.c`; without `layer`, in the last one."""
    first = "" if layer is None else f"{layer}."
    return f"{first}{cell}" + ("" if name == "h" else f".{name}")


def parse_all(
    model: CharRNN, texts: Iterable[str], option: str = "hold", notation: str = OF_COMMAND
) -> list[Held]:
    """The held cells that some texts name, such as `1.42=0.9`.

    Args:
        model: the model.
        texts: an address, `=`, and a number; a number after `+` is added in each step, as in
            `42=+0.5` and `42=+-0.5`.
        option: the name of the option, for messages.
        notation: the advice for another notation.

    Raises:
        SettingError: for a cell that the model does not have, one that is named twice, or another
            notation.
    """
    cells: dict[str, Held] = {}
    for text in texts:
        held = parse(model, text, f"{option} {text}", notation)
        if held.address in cells:
            raise SettingError(
                f"{option} {text}: cell {held.address} is held twice: give one value"
            )
        cells[held.address] = held
    return list(cells.values())


def parse(model: CharRNN, text: str, shown: str, notation: str = OF_COMMAND) -> Held:
    """One held cell; `shown` names the option in messages, see `parse_all`."""
    found = HELD.fullmatch(text)
    try:
        value = float(found[5]) if found else np.nan
    except ValueError:
        value = np.nan
    if not found or not abs(value) <= MAX_VALUE:  # NaN neither
        raise SettingError(f"{shown}: not a cell and a number up to {MAX_VALUE:,.0f}: {notation}")
    layer, cell, name = int(found[1] or model.num_layers), int(found[2]), found[3] or "h"
    if not 1 <= layer <= model.num_layers:
        remedy = "name layer 1" if model.num_layers == 1 else f"choose from 1 to {model.num_layers}"
        raise SettingError(f"{shown}: there is no layer {layer}: {remedy}")
    if cell >= model.hidden_size:
        raise SettingError(
            f"{shown}: layer {layer} has {model.hidden_size} cells, counted from 0: choose one "
            f"from 0 to {model.hidden_size - 1}"
        )
    names = model.layers[0].state_names
    if name not in names:
        raise SettingError(
            f"{shown}: signal {name} of layer type {model.layer_type} cannot be held: hold "
            f"{' or '.join(names)}"
        )
    return Held(layer, cell, name, value, bool(found[4]))


def of_mapping(model: CharRNN, hold: Mapping[Any, float | str] | None) -> list[Held]:
    """The held cells of a mapping from `(1, 42)`, or `(1, 42, "c")`, to a value, or to `"+0.5"`.

    Raises:
        SettingError: as for `parse_all`, and for what is no mapping.
    """
    if not isinstance(hold, Mapping | None):
        raise SettingError(f"hold {hold!r:.80}: not a mapping: {OF_PYTHON}")
    keys = (
        (key if isinstance(key, tuple) else (key,), value) for key, value in (hold or {}).items()
    )
    texts = (f"{'.'.join(map(str, key))}={value}" for key, value in keys)
    return parse_all(model, texts, notation=OF_PYTHON)


def beyond_reach(model: CharRNN, held: Iterable[Held]) -> list[str]:
    """A message for each held value that the cell itself cannot reach."""
    rectified = model.layers[0].rectified
    reach = "0 or more" if rectified else "between -1 and 1"
    return [
        f"{each}: {model.layer_type} cells are {reach} by themselves; the value is used anyway"
        for each in held
        if each.name == "h"
        and not each.added
        and (each.value < 0 if rectified else abs(each.value) > 1)
    ]


class Part(NamedTuple):
    """n cells of which the same array of the state is held, each in one stream."""

    array: int  # the number in `Layer.state_names`
    at: tuple[Array, Array]  # cells (n,), streams (n,)
    values: Array  # (n,)
    added: bool


class Holding:
    """The held cells of one layer.

    Args:
        layer: the layer.
        held: its held cells.
        streams: the streams in which each of them is held, (n,) each.
    """

    def __init__(self, layer: Layer, held: Sequence[Held], streams: Sequence[Array]) -> None:
        self._layer = layer
        self._parts: list[Part] = []
        for array, name in reversed(list(enumerate(layer.state_names))):  # h last
            for added in (False, True):
                own = [
                    (each, columns)
                    for each, columns in zip(held, streams)
                    if (each.name, each.added) == (name, added)
                ]
                if own:
                    counts = [len(columns) for _, columns in own]
                    cells = np.repeat([each.cell for each, _ in own], counts)
                    values = np.repeat([each.value for each, _ in own], counts)
                    at = cells, np.concatenate([columns for _, columns in own])
                    self._parts.append(Part(array, at, values, added))

    def apply(self, state: Array, tape: dict[str, Array]) -> None:
        """Change the state after a step, (S, H, B); `tape` as the step left it."""
        for array, at, values, added in self._parts:
            if added:
                state[array][at] += values
            else:
                state[array][at] = values
            if array:
                self._layer.recompute_h(state, tape, at)


def by_layer(
    layers: Sequence[Layer], held: Sequence[Held], streams: Sequence[Array]
) -> dict[int, Holding]:
    """The held cells of each layer that has some, by the index of the layer, from 0."""
    found = {}
    for index, layer in enumerate(layers):
        own = [pair for pair in zip(held, streams) if pair[0].layer == index + 1]
        if own:
            found[index] = Holding(layer, *zip(*own))
    return found
