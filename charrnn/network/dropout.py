"""Dropout (Srivastava 2014): one mask per window, layer and stream."""

from __future__ import annotations

import numpy as np

from charrnn.arrays import Array


def draw_masks(
    shape: tuple[int, int, int],
    dropout: float,
    rng: np.random.Generator,
    part: slice = slice(None),
) -> Array:
    """Random factors of the h of all cells, (L, H, 1, B): 0 or 1 / (1 − dropout).

    The kept values are scaled up, so that the expected sums stay the same as without dropout.
    The masks for a part of the streams are a part of the masks for all streams, drawn without
    drawing the others.

    Args:
        shape: (L, H, B), with all streams.
        dropout: the share of zeros.
        rng: the source of randomness, with NumPy's default bit generator.
        part: the streams that masks are returned for.
    """
    L, H, B = shape
    start, stop, _ = part.indices(B)
    # Drawn stream by stream, so that the generator can advance to the first one of the part; one
    # draw of the generator gives two numbers.
    draws = (L * H + 1) // 2
    rng.bit_generator.advance(start * draws)  # type: ignore[attr-defined]
    drawn = rng.random((stop - start, 2 * draws), np.float32)[:, : L * H]
    kept = np.ascontiguousarray((drawn >= dropout).T)
    return kept.reshape(L, H, 1, -1) / np.float32(1 - dropout)
