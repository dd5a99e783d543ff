"""Record what a network does while it reads a text, and export the recording."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from charrnn.arrays import Array
from charrnn.checkpoint import archive
from charrnn.errors import SettingError
from charrnn.files import replacing
from charrnn.inspection.reading import Parts, Piece, Signal, check_finite, read_through
from charrnn.network.loss import cross_entropy
from charrnn.network.model import CharRNN
from charrnn.text.storage import allocate
from charrnn.text.vocabulary import Vocabulary


@dataclass(frozen=True)
class Recording:
    """A recording of N characters. Large arrays are kept in temporary files.

    Attributes:
        values: for each signal, the value of each cell after each character, (N, H).
        losses: −ln p of each character but the first, given those before it, (N − 1,), in nats.
        guesses: the likeliest next characters after each character, indices (N, K), the
            likeliest first.
        probabilities: the probabilities of the guesses, (N, K).
        logits: the logits of every next character after each character, (N, V); None unless
            recorded.
    """

    values: dict[Signal, Array]
    losses: Array
    guesses: Array
    probabilities: Array
    logits: Array | None = None


def record(
    model: CharRNN,
    text: str | Array,
    signals: Sequence[Signal] = (),
    *,
    guesses: int = 0,
    logits: bool = False,
    parts: Parts | None = None,
) -> Recording:
    """Read a text and record signals and predictions.

    Args:
        model: the model.
        text: N characters, at least one; or their indices, (N,).
        signals: the signals to record, as from `charrnn.inspection.reading.signals_of`.
        guesses: K, the number of next characters to record.
        logits: record the logits.
        parts: as for `charrnn.inspection.reading.read_through`.

    Raises:
        UnknownCharacterError: for characters that are not in the model's vocabulary.
        TextError: where the temporary directory cannot hold the values.
        DivergedError: for hidden states or losses that are not finite.
    """
    indices = model.vocabulary.encode(text) if isinstance(text, str) else text
    N, V = len(indices), len(model.vocabulary)
    K = min(guesses, V)
    dtype = model.parameters.flat.dtype
    values = {signal: allocate((N, model.hidden_size), dtype) for signal in signals}
    all_logits = allocate((N, V), dtype) if logits else None
    losses = np.empty(N, np.float64)
    likeliest = np.empty((N, K), np.intp)
    probabilities = np.empty((N, K), np.float64)

    def store(piece: Piece) -> None:
        for signal, of_cells in piece.values.items():
            piece.store(of_cells, values[signal])
        # The target of the last character is unknown; any will do, as its loss is cut off.
        targets = indices.take(piece.positions + 1, mode="clip").astype(np.intp)
        of_piece = piece.model.logits(piece.hidden)  # (V, T, B)
        if all_logits is not None:
            piece.store(of_piece.swapaxes(0, 1), all_logits)
        at_targets = np.take_along_axis(of_piece, targets[None], axis=0)[0]
        order = best = np.empty((*targets.shape, 0))
        if K:
            rows = np.moveaxis(of_piece, 0, -1)  # (T, B, V)
            order = np.argsort(-rows, axis=-1, kind="stable")[..., :K]
            best = np.take_along_axis(rows, order, axis=-1).astype(np.float64)
        scored = cross_entropy(of_piece, targets)
        piece.store(scored, losses)
        piece.store(np.moveaxis(order, 1, -1), likeliest)
        # ln p is the logit less the logarithm of the sum, which the loss contains.
        # The difference of large logits is rounded and may be above 0.
        p = np.exp(np.minimum(best - at_targets[..., None] - scored[..., None], 0))
        piece.store(np.moveaxis(p, 1, -1), probabilities)

    read_through(model, indices, signals, store, parts=parts)
    check_finite(losses[:-1])
    return Recording(values, losses[:-1], likeliest, probabilities, all_logits)


def export(path: str | Path, recording: Recording, indices: Array, vocabulary: Vocabulary) -> None:
    """Write a recording of N characters as an `.npz`, readable by `numpy.load(path)`.

    The arrays are `layer1.h`, … (N, H), the values after each character; `losses` (N − 1,), in
    nats, of each character but the first; `indices` (N,), the text; `characters` (V,), the code
    point of each index; and `logits` (N, V) where they were recorded.

    Raises:
        SettingError: where the file cannot be written.
    """
    arrays = {
        "losses": recording.losses,
        "indices": indices,
        "characters": np.array([ord(character) for character in vocabulary.ix_to_char]),
    }
    if recording.logits is not None:
        arrays["logits"] = recording.logits
    write_arrays(path, recording.values, arrays)


def write_arrays(path: str | Path, values: dict[Signal, Array], more: dict[str, Array]) -> None:
    """Write the values of signals, as `layer1.h` and so on, and more arrays as an `.npz`.

    Raises:
        SettingError: where the file cannot be written.
    """
    arrays = {f"layer{signal.layer}.{signal.name}": array for signal, array in values.items()}
    try:
        with replacing(path) as file:
            archive.write(file, arrays | more)
    except OSError as error:
        raise SettingError(f"{path}: cannot be written: {error.strerror or error}") from error
