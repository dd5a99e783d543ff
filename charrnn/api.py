"""The model for users of the Python API: the network, with methods that need more than numbers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from charrnn import checkpoint
from charrnn.checkpoint.checkpoint import Weights
from charrnn.network import model as network
from charrnn.sampling import sample_text


class CharRNN(network.CharRNN):
    """A character model, as `charrnn.network.model.CharRNN`, that can write text."""

    def sample(
        self, length: int, *, prime: str = "", seed: int | None = None, **choice: Any
    ) -> Iterator[str]:
        """Yield the characters of a text as they are drawn: `charrnn.sampling.sample_text`."""
        return sample_text(self, length, prime=prime, seed=seed, **choice)


def load(path: str | Path, weights: Weights = "best") -> CharRNN:
    """Read the model of a checkpoint.

    Args:
        path: of the checkpoint.
        weights: "best" for those with the lowest validation loss, "last" for those of the last
            step.

    Raises:
        CheckpointError: for a file that cannot be read or is no checkpoint.
    """
    return CharRNN.sharing(checkpoint.load(path, weights))
