"""The share of a training step that its matrix products take, which nothing in NumPy can spare.

As many processes as take the step compute its bare products, each with its share of the streams, in
the same shapes and the same layout of memory, in turns with whole steps. They compute exp and tanh
in the same way, to which NumPy sets the speed.
"""

from __future__ import annotations

from statistics import median

from common import Options, Result, Table, alone, ratio
from contenders import contenders, interleaved
from products import KINDS, REPEATS, operations, step_parts
from steps import charrnn_step
from throughput import BATCH_SIZE, SEQ_LENGTH

from charrnn.parallel.workers import default_workers


def measure(options: Options) -> Result:
    """Measure every layer type with one layer of 256 and of 512 cells."""
    workers = default_workers(BATCH_SIZE)
    print(f"Milliseconds a step of {BATCH_SIZE} × {SEQ_LENGTH} characters, {workers} processes.\n")
    rows = []
    head = "step", "products", "GFLOP/s", "share", "exp, tanh", "share of both"
    table = Table("type   ", "cells", *head)
    with contenders({"step": 1, **dict.fromkeys(KINDS, 1)}) as who:
        for layer_type in options.layer_types:
            for hidden_size in (256,) if options.quick else (256, 512):
                who["step"].prepare(
                    charrnn_step, layer_type, hidden_size, 1, BATCH_SIZE, SEQ_LENGTH, workers
                )
                size = layer_type, hidden_size, BATCH_SIZE, SEQ_LENGTH
                for kind in KINDS:
                    who[kind].prepare(step_parts, kind, *size, workers)
                times = interleaved(who, options.turns, options.seconds)
                products, functions = (
                    [seconds / REPEATS for seconds in times[kind]] for kind in KINDS
                )
                both = [sum(pair) for pair in zip(products, functions)]
                row = {
                    "step": 1000 * median(times["step"]),
                    "products": 1000 * median(products),
                    "gflops": operations(*size) / median(products) / 1e9,
                    "share": ratio(products, times["step"]),
                    "functions": 1000 * median(functions),
                    "share_of_both": ratio(both, times["step"]),
                }
                rows.append({"type": layer_type, "hidden_size": hidden_size, **row})
                table.row(layer_type, hidden_size, *row.values())
    print("\nA share is a part of the whole step: at 1 nothing else could be gained.")
    return {"workers": workers, "rows": rows}


if __name__ == "__main__":
    alone(measure, __doc__)
