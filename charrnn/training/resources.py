"""The memory that a training needs, and the memory of this machine."""

from __future__ import annotations

import os
from math import prod
from pathlib import Path

from charrnn.config import TrainingConfig
from charrnn.network.model import CharRNN
from charrnn.training.optimizers import OPTIMIZERS

#: The file in which Linux gives the available memory.
MEMINFO = Path("/proc/meminfo")


def check_memory(model: CharRNN, config: TrainingConfig) -> None:
    """Refuse a training that cannot fit in the memory of this machine, before it begins.

    Raises:
        MemoryError: with the sizes.
    """
    needed, there = training_bytes(model, config), available_bytes()
    if there is not None and needed > there:
        raise MemoryError(
            f"{config.batch_size:,} streams of {config.seq_length:,} characters and "
            f"{model.num_layers} × {model.hidden_size:,} cells need {needed / 1e9:,.1f} GB, and "
            f"{there / 1e9:,.1f} GB are available"
        )


def training_bytes(model: CharRNN, config: TrainingConfig) -> int:
    """A lower bound of the memory that the arrays of a training need, in bytes.

    Args:
        model: the network; its own weights and gradient are not counted again.
        config: how to train.
    """
    B, T, V = config.batch_size, config.seq_length, len(model.vocabulary)
    flat, H = model.parameters.flat, model.hidden_size
    tapes = sum(prod(shape) for layer in model.layers for shape in layer.tape_shapes(T, B).values())
    states = model.num_layers * len(model.layers[0].state_names) * H * B
    # Flat vectors: a gradient for each worker; shared by all, the optimizer's slots and the best
    # weights.
    vectors = config.workers + len(OPTIMIZERS[config.optimizer].names) + 1
    numbers = tapes + (V + H) * T * B + states + vectors * flat.size
    indices = 2 * T * B * 8
    return numbers * flat.itemsize + indices


def available_bytes() -> int | None:
    """The memory available to this process, in bytes; None where the system does not tell."""
    try:
        for line in MEMINFO.read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        pass
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):  # Windows has no sysconf
        return None
