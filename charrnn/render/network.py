"""A network in a page: its weights and the beginning of its samples, for assets/model.js."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from charrnn.arrays import Array
from charrnn.network.model import CharRNN
from charrnn.sampling import Start
from charrnn.text.vocabulary import REPLACEMENT

#: Weights of more bytes than this are written in half precision.
MAX_FULL_BYTES = 4_000_000
#: The most parameters of a network that runs in a page: 64 MB in half precision.
MAX_PARAMETERS = 32_000_000
#: The largest number in half precision.
MAX_HALF = 65_504


@dataclass(frozen=True)
class Network:
    """A network that runs in the page.

    Attributes:
        model: the network.
        start: the state in which samples begin, as from `charrnn.sampling.beginning`.
        normalize: the Unicode normal form of its text; None for none.
        binary: each byte is a character.
        command: the first words of the command with which the network writes.
    """

    model: CharRNN
    start: Start
    normalize: str | None = None
    binary: bool = False
    command: tuple[str, ...] = ("charrnn", "sample")

    @cached_property
    def half(self) -> bool:
        """True where the weights are written in half precision (11 bits)."""
        flat = self.model.parameters.flat
        return 4 * flat.size > MAX_FULL_BYTES and bool(np.abs(flat).max() <= MAX_HALF)


def network_data(network: Network) -> dict[str, Any]:
    """The network as JSON, without its numbers."""
    model = network.model
    characters = model.vocabulary.ix_to_char
    return {
        "layerType": model.layer_type,
        "cells": model.hidden_size,
        "layers": model.num_layers,
        "states": list(model.layers[0].state_names),
        "lines": model.lines,
        "half": network.half,
        "weights": [[name, array.size] for name, array in model.parameters.items()],
        "normalize": network.normalize,
        "binary": network.binary,
        "command": list(network.command),
        "replacement": characters.find(REPLACEMENT) if model.vocabulary.replaces else -1,
    }


def packed_weights(network: Network) -> str:
    """All weights, one array after the other in the order of `network_data`."""
    return _packed(network.model.parameters.flat, "<f2" if network.half else "<f4")


def packed_start(network: Network) -> str:
    """The state in which samples begin, (L, S, H), then the logits of the first character, (V,)."""
    state, logits = network.start
    return _packed(np.concatenate([state.ravel(), logits]), "<f4")


def _packed(numbers: Array, dtype: str) -> str:
    """Numbers in base64; weights do not deflate."""
    return base64.b64encode(numbers.astype(dtype).tobytes()).decode()
