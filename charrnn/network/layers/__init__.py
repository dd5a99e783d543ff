"""Recurrent layers, one file per layer type; `LAYER_TYPES` holds the names for `--model`.

docs/plain_layers.py has the same equations in plain code for one stream.
"""

from __future__ import annotations

from charrnn.network.layers.gru import GRU
from charrnn.network.layers.layer import Layer
from charrnn.network.layers.lstm import LSTM
from charrnn.network.layers.vanilla import Vanilla, VanillaReLU

__all__ = ["LAYER_TYPES", "Layer"]

LAYER_TYPES: dict[str, type[Layer]] = {
    "gru": GRU,
    "lstm": LSTM,
    "vanilla": Vanilla,
    "vanilla-relu": VanillaReLU,
}
