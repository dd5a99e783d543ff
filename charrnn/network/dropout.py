"""What dropout leaves out (Srivastava 2014): one mask a window, layer and stream."""

from __future__ import annotations

import numpy as np

from charrnn.arrays import Array


def draw(
    shape: tuple[int, int, int],
    dropout: float,
    rng: np.random.Generator,
    part: slice = slice(None),
) -> Array:
    """Masks of layers, units and streams, (L, H, 1, B), of 0 and of 1 / (1 − dropout).

    What is kept is scaled up, so that sums stay what they are without dropout. Whoever asks for
    part of the streams gets what all of them would have been drawn, without drawing the others.

    Args:
        shape: (L, H, B).
        dropout: the share to leave out.
        rng: of NumPy's default kind.
        part: which of the streams.
    """
    L, H, B = shape
    start, stop, _ = part.indices(B)
    # Stream after stream, so that the generator can be taken to the first of them; a draw of the
    # generator is good for two numbers.
    draws = (L * H + 1) // 2
    rng.bit_generator.advance(start * draws)  # type: ignore[attr-defined]
    drawn = rng.random((stop - start, 2 * draws), np.float32)[:, : L * H]
    kept = np.ascontiguousarray((drawn >= dropout).T)
    return kept.reshape(L, H, 1, -1) / np.float32(1 - dropout)
