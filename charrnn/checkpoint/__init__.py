"""The checkpoint: one file with a model and everything that resumes its training."""

from charrnn.checkpoint.checkpoint import (
    FORMAT,
    MAX_EXCERPT,
    Checkpoint,
    pack,
    read,
    save,
    unpack,
)
from charrnn.checkpoint.state import RunState

__all__ = [
    "FORMAT",
    "MAX_EXCERPT",
    "Checkpoint",
    "RunState",
    "pack",
    "read",
    "save",
    "unpack",
]
