"""The products of a step with the recurrent weights: whole, and in blocks.

charrnn divides them where OpenBLAS has small kernels for AVX-512 (charrnn/network/products.py).
Elsewhere both are the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median

import numpy as np
from common import Options, Result, Table, alone, ratio
from contenders import Step, contenders, interleaved
from products import ROWS

from charrnn.network import products

#: Layer type, cells and streams of one process.
SIZES = (
    ("lstm", 128, 32),
    ("lstm", 256, 32),
    ("lstm", 512, 4),
    ("lstm", 512, 16),
    ("lstm", 512, 32),
    ("gru", 256, 8),
    ("gru", 256, 16),
    ("gru", 256, 32),
    ("gru", 256, 64),
    ("gru", 384, 16),
    ("vanilla", 256, 32),
)
#: Products of a turn, so that a call of the contender counts little.
REPEATS = 20


@contextmanager
def repeated(divided: bool, layer_type: str, H: int, B: int, transposed: bool) -> Iterator[Step]:
    """`REPEATS` products of Wh, (G·H, H), or of its transpose, with vectors of B streams."""
    products.SMALL_KERNELS = products.SMALL_KERNELS and divided
    rng, rows = np.random.default_rng(0), ROWS[layer_type] * H
    W, a, terms = (rng.standard_normal((rows, n), np.float32) for n in (H, B, B))
    h = rng.standard_normal((H, B), np.float32)
    multiply = products.transposed_product(W, a, terms) if transposed else products.product(W, a)

    def step() -> None:
        for _ in range(REPEATS):
            multiply(h)

    yield step


def measure(options: Options) -> Result:
    """Measure both products in every size."""
    print("GFLOP/s of one core; a ratio above 1: blocks are faster.\n")
    rows = []
    head = "W·h", "in blocks", "ratio", "Wᵀ·d", "in blocks", "ratio"
    table = Table("type   ", "cells", "streams", *head)
    for layer_type, H, B in SIZES[:2] if options.quick else SIZES:
        operations = 2 * REPEATS * ROWS[layer_type] * H * H * B
        row = []
        # New processes, since the choice above holds for the whole process.
        with contenders({"whole": 1, "blocks": 1}) as who:
            for transposed in (False, True):
                for name, contender in who.items():
                    contender.prepare(repeated, name == "blocks", layer_type, H, B, transposed)
                times = interleaved(who, options.turns, options.seconds / 4)
                row += [operations / median(times[name]) / 1e9 for name in who]
                row.append(ratio(times["whole"], times["blocks"]))
        rows.append({"type": layer_type, "hidden_size": H, "streams": B, "figures": row})
        table.row(layer_type, H, B, *row)
    return {"divided": products.SMALL_KERNELS, "rows": rows}


if __name__ == "__main__":
    alone(measure, __doc__)
