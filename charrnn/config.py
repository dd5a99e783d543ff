"""Configuration of a model."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ModelConfig:
    """The shape of a model; with a vocabulary, the keyword arguments of `CharRNN`.

    Args:
        cell: a name in `charrnn.network.layers.CELLS`.
        hidden_size: H, units of a layer.
        num_layers: L.
        dropout: the share of each layer's outputs set to zero in training.
    """

    cell: str = "lstm"
    hidden_size: int = 128
    num_layers: int = 1
    dropout: float = 0.0
