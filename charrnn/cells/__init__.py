"""Recurrent layers, one a file; `CELLS` names them for `--model`."""

from __future__ import annotations

from charrnn.cells.cell import Cell
from charrnn.cells.gru import GRU
from charrnn.cells.lstm import LSTM
from charrnn.cells.vanilla import Vanilla, VanillaReLU

__all__ = ["CELLS", "Cell"]

CELLS: dict[str, type[Cell]] = {
    "gru": GRU,
    "lstm": LSTM,
    "vanilla": Vanilla,
    "vanilla-relu": VanillaReLU,
}
