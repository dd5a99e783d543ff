"""The checkpoint: one file that holds a model and all that is needed to go on with its training."""

from charrnn.checkpoint.checkpoint import (
    FORMAT,
    LONGEST,
    Checkpoint,
    load,
    nothing_yet,
    packed,
    read,
    save,
    unpacked,
)

__all__ = [
    "FORMAT",
    "LONGEST",
    "Checkpoint",
    "load",
    "nothing_yet",
    "packed",
    "read",
    "save",
    "unpacked",
]
