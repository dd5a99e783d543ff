"""Recorded values as a file for use elsewhere: a text as vectors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from charrnn.arrays import Array
from charrnn.errors import SettingError
from charrnn.files import replacing
from charrnn.inspection.recording import Recording
from charrnn.text.vocabulary import Vocabulary


def export(path: str | Path, recording: Recording, indices: Array, vocabulary: Vocabulary) -> None:
    """Write what was recorded over a text of N characters as an `.npz`.

    It holds `layer1.h`, … (N, H), the values after each character; `losses` (N − 1,), in nats, of
    each character but the first; `indices` (N,), the text; `characters` (V,), the code point of
    each index; and `logits` (N, V) where they were recorded: all of it readable by
    `numpy.load(path)` alone.

    Raises:
        SettingError: where it cannot be written.
    """
    arrays: dict[str, Any] = {
        f"layer{signal.layer}.{signal.name}": values for signal, values in recording.values.items()
    }
    arrays["losses"] = recording.losses
    arrays["indices"] = indices
    arrays["characters"] = np.array([ord(character) for character in vocabulary.ix_to_char])
    if recording.logits is not None:
        arrays["logits"] = recording.logits
    try:
        with replacing(path) as file:
            np.savez(file, **arrays)
    except OSError as error:
        raise SettingError(f"{path}: cannot be written: {error.strerror or error}") from error
