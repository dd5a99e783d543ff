"""The checkpoint: one file with a model and everything that resumes its training."""

from charrnn.checkpoint.checkpoint import (
    FORMAT,
    MAX_EXCERPT,
    Checkpoint,
    pack,
    read,
    refuse_replacing,
    save,
    save_weights,
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
    "refuse_replacing",
    "save",
    "save_weights",
    "unpack",
]
