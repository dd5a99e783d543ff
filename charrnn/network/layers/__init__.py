"""Recurrent layers, one a file; `CELLS` names them for `--model`."""

from __future__ import annotations

from charrnn.network.layers.gru import GRU
from charrnn.network.layers.layer import Cell
from charrnn.network.layers.lstm import LSTM
from charrnn.network.layers.vanilla import Vanilla, VanillaReLU

__all__ = ["CELLS", "Cell"]

CELLS: dict[str, type[Cell]] = {
    "gru": GRU,
    "lstm": LSTM,
    "vanilla": Vanilla,
    "vanilla-relu": VanillaReLU,
}
