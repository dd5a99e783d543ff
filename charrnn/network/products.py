"""The products of a step with the recurrent weights, in the blocks that are fastest.

On processors with AVX-512, OpenBLAS has kernels for small products that copy no operand. With 16
to 64 streams they are up to 45 % faster than the general ones, with fewer streams two to three
times as fast (benchmarks/README.md). Elsewhere nothing is divided.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np

from charrnn.arrays import Array

#: NumPy's names for AVX-512, before version 2.4 and since, and OpenBLAS's kernels for it.
AVX512_NAMES = {"AVX512_SKX", "X86_V4"}
AVX512_KERNELS = {"SKYLAKEX", "COOPERLAKE", "SAPPHIRERAPIDS"}
#: Multiplications up to which the small kernels take a product, and (by experiment) of a block.
SMALL, BLOCK = 10**6, 2**19
#: The most streams for blocks: with more, the general kernels are as fast.
MAX_STREAMS = 64
#: The fewest rows of a block of W and of Wᵀ.
MIN_ROWS, MIN_TRANSPOSED_ROWS = 8, 32


def numpy_config() -> dict[str, Any]:
    """The build of NumPy, and what it found on this machine."""
    config: dict[str, Any] = np.show_config(mode="dicts")  # type: ignore[assignment]
    return config


def vector_instructions() -> list[str]:
    """The vector instructions that NumPy uses, by its own names, the widest last."""
    return list(numpy_config().get("SIMD Extensions", {}).get("found", []))


def blas() -> tuple[str, str]:
    """The name and the version of the library that computes NumPy's products."""
    found = numpy_config().get("Build Dependencies", {}).get("blas", {})
    return str(found.get("name", "unknown")), str(found.get("version", ""))


#: NumPy's functions use AVX-512.
AVX512 = not AVX512_NAMES.isdisjoint(vector_instructions())
#: Products use it, too, by OpenBLAS, unless the environment names one of its other kernels.
SMALL_KERNELS = (
    AVX512
    and "openblas" in blas()[0]
    and os.environ.get("OPENBLAS_CORETYPE", "SkylakeX").upper() in AVX512_KERNELS
)


def product(W: Array, out: Array, ensemble: int = 1) -> Callable[[Array], None]:
    """Return a function of h (K, B) that computes out ← W·h.

    Args:
        W: (M, K), contiguous; of an ensemble (G·H, H), of which the diagonal blocks count.
        out: (M, B), contiguous.
        ensemble: the number of networks of an ensemble.
    """
    (M, H), B = W.shape, out.shape[1]
    K = H // ensemble
    M = M if ensemble == 1 else K  # the rows of a network and gate
    rows = (is_divided(M, K, B) and rows_of_block(M, K, B, MIN_ROWS)) or M
    if ensemble > 1:
        # (G, E, H / E, H / E) → (G, E, blocks, rows, H / E)
        blocks = diagonal_blocks(W, ensemble)
        blocks = blocks.reshape(*blocks.shape[:2], -1, rows, K)
        results = out.reshape(*blocks.shape[:4], B)

        def multiply_networks(h: Array) -> None:
            np.matmul(blocks, h.reshape(ensemble, 1, K, B), out=results)

        return multiply_networks
    blocks, results = W.reshape(-1, rows, K), out.reshape(-1, rows, B)

    def multiply_blocks(h: Array) -> None:
        np.matmul(blocks, h, out=results)

    return multiply_blocks


def multiply(W: Array, h: Array, out: Array, ensemble: int = 1) -> None:
    """out ← W·h once; for several streams in blocks.

    Args:
        W: (M, K), contiguous.
        h: (K, B).
        out: (M, B), contiguous.
        ensemble: the number of networks of an ensemble, of whose W the diagonal blocks count.
    """
    (M, K), B = W.shape, h.shape[1]
    if ensemble > 1 or (B > 1 and is_divided(M, K, B)):
        product(W, out, ensemble)(h)
    else:
        np.matmul(W, h, out=out)


def transposed_product(
    W: Array, d: Array, terms: Array, ensemble: int = 1
) -> Callable[[Array], None]:
    """Return a function of `out` (H, B) that computes out ← Wᵀ·d.

    In blocks, each of the G gates has products of its own, and the results are added up: a block of
    Wᵀ, whose rows are long, would have few rows.

    Args:
        W: (G·H, H), contiguous.
        d: (G·H, B), contiguous; read whenever the function is called.
        terms: (G·H, B), contiguous, the memory for the results of the gates.
        ensemble: the number of networks of an ensemble, of whose W the diagonal blocks count.
    """
    (GH, H), B = W.shape, d.shape[1]
    K = H // ensemble
    rows = rows_of_block(K, K, B, MIN_TRANSPOSED_ROWS)
    divided = rows and is_divided(GH // ensemble, K, B)
    if ensemble == 1 and not divided:
        WT = W.T

        def multiply_whole(out: Array) -> None:
            np.matmul(WT, d, out=out)

        return multiply_whole
    G, rows = GH // H, rows if divided else K
    blocks = diagonal_blocks(W, ensemble).reshape(G, ensemble, K, -1, rows)
    blocks = blocks.transpose(0, 1, 3, 4, 2)  # (G, E, K / rows, rows, K)
    vectors = d.reshape(G, ensemble, 1, K, B)
    results = terms.reshape(G, ensemble, -1, rows, B)
    by_gate = terms.reshape(G, H, B)

    def multiply_gates(out: Array) -> None:
        np.matmul(blocks, vectors, out=results)
        np.add.reduce(by_gate, axis=0, out=out)

    return multiply_gates


def diagonal_blocks(W: Array, ensemble: int) -> Array:
    """A view of the weights from the cells of each network to its own cells, (G, E, H/E, H/E).

    Args:
        W: (G·H, H), contiguous.
        ensemble: E, the number of networks.
    """
    H = W.shape[1]
    K = H // ensemble
    blocks: Array = np.einsum("geiej->geij", W.reshape(-1, ensemble, K, ensemble, K))
    return blocks


def recurrent_gradient(d_a: Array, h: Array, out: Array, ensemble: int = 1) -> None:
    """out ← d_a·hᵀ, the gradient of Wh.

    Args:
        d_a: (G·H, N), the gradient with respect to Wh·h at N positions.
        h: (H, N), the h that Wh reads there.
        out: (G·H, H), contiguous; of an ensemble its diagonal blocks, and the others are kept.
        ensemble: the number of networks.
    """
    if ensemble == 1:
        np.matmul(d_a, h.T, out=out)
        return
    blocks = diagonal_blocks(out, ensemble)
    G, E, K, _ = blocks.shape
    np.matmul(d_a.reshape(G, E, K, -1), h.reshape(E, K, -1).swapaxes(1, 2), out=blocks)


def is_divided(M: int, K: int, B: int) -> bool:
    """A product of (M, K) with (K, B) is faster in blocks."""
    return SMALL_KERNELS and B <= MAX_STREAMS and M * K * B > SMALL


def rows_of_block(M: int, K: int, B: int, least: int) -> int:
    """The most rows of a block, a divisor of M and at least `least`; 0 if there is none."""
    most = min(M, BLOCK // (K * B))
    return next((rows for rows in range(most, least - 1, -1) if M % rows == 0), 0)
