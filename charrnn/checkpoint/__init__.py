"""The checkpoint: one file with a model and everything that resumes its training."""

from charrnn.checkpoint.checkpoint import (
    FORMAT,
    MAX_EXCERPT,
    Checkpoint,
    load,
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
    "load",
    "pack",
    "read",
    "save",
    "unpack",
]
