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
    """Return a function of h (H, B) that computes out ← W·h.

    Args:
        W: (M, H), contiguous; of an ensemble (G·H, H/E), the weights of each row from the cells of
            its own network.
        out: (M, B), contiguous.
        ensemble: E, the number of networks.
    """
    (M, K), B = W.shape, out.shape[1]
    if ensemble == 1:
        rows = (is_divided(M, K, B) and rows_of_block(M, K, B, MIN_ROWS)) or M
        blocks, results = W.reshape(-1, rows, K), out.reshape(-1, rows, B)

        def multiply_blocks(h: Array) -> None:
            np.matmul(blocks, h, out=results)

        return multiply_blocks
    rows = (is_divided(K, K, B) and rows_of_block(K, K, B, MIN_ROWS)) or K
    by_network = W.reshape(-1, ensemble, K // rows, rows, K)
    of_networks = out.reshape(-1, ensemble, K // rows, rows, B)

    def multiply_networks(h: Array) -> None:
        np.matmul(by_network, h.reshape(ensemble, 1, K, B), out=of_networks)

    return multiply_networks


def multiply(W: Array, h: Array, out: Array, ensemble: int = 1) -> None:
    """out ← W·h once; for several streams in blocks.

    Args:
        W, out, ensemble: as for `product`.
        h: (H, B).
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
        W: (G·H, H), contiguous; of an ensemble (G·H, H/E), as for `product`.
        d: (G·H, B), contiguous; read whenever the function is called.
        terms: (G·H, B), contiguous, the memory for the results of the gates.
        ensemble: E, the number of networks.
    """
    (GH, K), B = W.shape, d.shape[1]
    rows = rows_of_block(K, K, B, MIN_TRANSPOSED_ROWS)
    divided = rows and is_divided(GH // ensemble, K, B)
    if ensemble == 1 and not divided:
        WT = W.T

        def multiply_whole(out: Array) -> None:
            np.matmul(WT, d, out=out)

        return multiply_whole
    rows = rows if divided else K
    blocks = W.reshape(-1, ensemble, K, K // rows, rows).transpose(0, 1, 3, 4, 2)
    vectors = d.reshape(-1, ensemble, 1, K, B)
    results = terms.reshape(-1, ensemble, K // rows, rows, B)
    by_gate = terms.reshape(-1, ensemble * K, B)

    def multiply_gates(out: Array) -> None:
        np.matmul(blocks, vectors, out=results)
        np.add.reduce(by_gate, axis=0, out=out)

    return multiply_gates


def recurrent_gradient(d_a: Array, h: Array, out: Array, ensemble: int = 1) -> None:
    """out ← d_a·hᵀ, the gradient of W in the products W·h of N positions.

    Args:
        d_a: (G·H, N), the gradient with respect to the products.
        h: (H, N).
        out: (G·H, H); of an ensemble (G·H, H/E), as for `product`.
        ensemble: E, the number of networks.
    """
    if ensemble == 1:
        np.matmul(d_a, h.T, out=out)
        return
    K, N = out.shape[1], h.shape[1]
    d_a, h = d_a.reshape(-1, ensemble, K, N), h.reshape(ensemble, K, N)
    np.matmul(d_a, h.swapaxes(1, 2), out=out.reshape(-1, ensemble, K, K))


def dense(W: Array, ensemble: int) -> Array:
    """The weights of an ensemble with zeros from one network to another, (G·H, H).

    Args:
        W: (G·H, H/E), as for `product`; returned as it is if E is 1.
        ensemble: E, the number of networks.
    """
    if ensemble == 1:
        return W
    K = W.shape[1]
    found = np.zeros((len(W), ensemble * K), W.dtype)
    own_blocks(found, ensemble)[...] = W.reshape(-1, ensemble, K, K)
    return found


def own_blocks(W: Array, ensemble: int) -> Array:
    """A view of the weights from the cells of each network to its own, (G, E, H/E, H/E).

    Args:
        W: (G·H, H), contiguous, as from `dense`.
        ensemble: E, the number of networks.
    """
    K = W.shape[1] // ensemble
    blocks: Array = np.einsum("geiej->geij", W.reshape(-1, ensemble, K, ensemble, K))
    return blocks


def is_divided(M: int, K: int, B: int) -> bool:
    """A product of (M, K) with (K, B) is faster in blocks."""
    return SMALL_KERNELS and B <= MAX_STREAMS and M * K * B > SMALL


def rows_of_block(M: int, K: int, B: int, least: int) -> int:
    """The most rows of a block, a divisor of M and at least `least`; 0 if there is none."""
    most = min(M, BLOCK // (K * B))
    return next((rows for rows in range(most, least - 1, -1) if M % rows == 0), 0)
