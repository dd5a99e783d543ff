"""Characters trained a second, beside PyTorch doing the same work in the same run.

    python benchmarks/throughput.py                 # without torch: charrnn alone
    pip install torch==2.13.0 && python benchmarks/throughput.py

Both take the full training step: one-hot input, recurrent layers, softmax, backward pass through
the window, clipping to a norm of 1, Adam; float32, batch 64, window 64, 65 characters, carried
state. charrnn has a process per core. PyTorch is measured with one thread and with a thread per
core, and the better of the two counts. All take turns.
"""

from __future__ import annotations

from statistics import median

from common import Options, Result, Table, alone, fastest, geometric_mean, ratio
from contenders import Contender, contenders, interleaved
from steps import charrnn_step, torch_step

from charrnn.machine import cores
from charrnn.parallel.workers import default_workers

BATCH_SIZE = SEQ_LENGTH = 64
#: Characters of a large vocabulary.
LARGE_VOCABULARY = 5_000
#: Cells of a layer, and layers.
SIZES = [(128, 1), (256, 1), (512, 1), (128, 2), (512, 2)]
#: The contenders of PyTorch, with their threads.
TORCH = {f"torch, {n} thread{'s' if n > 1 else ''}": n for n in (1, cores())}


def measure(options: Options) -> Result:
    """Measure every layer type in every size."""
    sizes = SIZES[:1] if options.quick else SIZES
    theirs = TORCH if "torch" in options.libraries else {}
    workers = default_workers(BATCH_SIZE)
    print(f"Characters a second; charrnn with {workers} processes, a thread each.\n")
    rows = []
    table = Table("type   ", "cells", "layers", "charrnn", "PyTorch", "threads", "ratio")
    with contenders({"charrnn": 1, **theirs}) as who:
        for layer_type in options.layer_types:
            for hidden_size, layers in sizes:
                row = compare(who, options, layer_type, hidden_size, layers)
                rows.append(
                    {"type": layer_type, "hidden_size": hidden_size, "layers": layers, **row}
                )
                figures = [row.get(name) for name in ("charrnn", "torch", "threads", "ratio")]
                table.row(layer_type, hidden_size, layers, *figures)
    with contenders({"charrnn": 1}) as alone_here:
        large = large_vocabulary(alone_here, options)
    result: Result = {"workers": workers, "rows": rows, "large_vocabulary": large}
    single = [row["ratio"] for row in rows if row["layers"] == 1 and "ratio" in row]
    if single:
        result["geometric_mean_one_layer"] = geometric_mean(single)
        print(f"\nGeometric mean of the {len(single)} ratios with one layer:", end=" ")
        print(f"{result['geometric_mean_one_layer']:.2f}. Above 1 charrnn is faster.")
    print(f"\n{LARGE_VOCABULARY:,} characters, gru 256, 32 × 32: {large:,.0f} characters a second.")
    return result


def large_vocabulary(who: dict[str, Contender], options: Options) -> float:
    """Characters a second of the default model with a large vocabulary."""
    B = T = 32
    (contender,) = who.values()
    workers = default_workers(B)
    contender.prepare(charrnn_step, "gru", 256, 1, B, T, workers, LARGE_VOCABULARY)
    (times,) = interleaved(who, options.turns, options.seconds).values()
    return B * T / median(times)


def compare(
    who: dict[str, Contender], options: Options, layer_type: str, hidden_size: int, layers: int
) -> Result:
    """The characters a second of both libraries, and the ratio."""
    for name, contender in who.items():
        case = layer_type, hidden_size, layers, BATCH_SIZE, SEQ_LENGTH
        if name == "charrnn":
            contender.prepare(charrnn_step, *case, default_workers(BATCH_SIZE))
        else:
            contender.prepare(torch_step, *case)
    times = interleaved(who, options.turns, options.seconds)
    ours = times.pop("charrnn")
    characters = BATCH_SIZE * SEQ_LENGTH
    row: Result = {"charrnn": characters / median(ours), "charrnn_seconds": ours}
    if times:
        best = fastest(times)
        row |= {
            "torch": characters / median(times[best]),
            "threads": TORCH[best],
            "ratio": ratio(times[best], ours),
            "torch_seconds": times,
        }
    return row


if __name__ == "__main__":
    alone(measure, __doc__)
