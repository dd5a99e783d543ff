"""The default settings with each layer type: 1 to 3 layers of 128 and 256 cells.

    make data/shakespeare.txt && python benchmarks/layers.py

`charrnn train` trains each network on tiny Shakespeare with its default settings, except for one
worker and `--steps`, to which the learning-rate schedule is fitted. The table has the learning
rate, the loss of the first step, the highest training loss after step 10 and the lowest validation
loss, in nats a character. Guessing costs ln V; the loss of a network that diverges climbs above it.
"""

from __future__ import annotations

import json
import tempfile
from itertools import product
from math import log
from pathlib import Path

from common import Options, Result, Table, alone, without_text
from watching import charrnn, watch

LAYER_TYPES = ("vanilla", "vanilla-relu", "gru", "lstm")
HIDDEN_SIZES, LAYERS = (128, 256), (1, 2, 3)
#: The first steps, which are left out of the highest loss.
FIRST = 10


def measure(options: Options) -> Result:
    """Train a network of each layer type, width and depth."""
    if left_out := without_text(options):
        return left_out
    steps = 20 if options.quick else options.steps
    V = len(set(options.text.read_text(encoding="utf-8")))
    print(f"{steps:,} steps; nats a character; ln V = {log(V):.3f}\n")
    columns = ("layer type  ", "layers", "cells", "rate", "first step", "highest", "validation")
    figures, rows = Table(*columns), []
    with tempfile.TemporaryDirectory() as name:
        for layer_type, hidden_size, layers in product(LAYER_TYPES, HIDDEN_SIZES, LAYERS):
            row = run(options.text, Path(name), layer_type, layers, hidden_size, steps)
            rows.append(row)
            losses = (f"{row[loss]:.3f}" for loss in ("first_loss", "highest_loss", "val_loss"))
            figures.row(layer_type, layers, hidden_size, f"{row['learning_rate']:.4f}", *losses)
    return {"text": options.text.name, "steps": steps, "ln_V": log(V), "rows": rows}


def run(
    text: Path, folder: Path, layer_type: str, layers: int, hidden_size: int, steps: int
) -> Result:
    """Train one network and read its log."""
    path = folder / f"{layer_type}-{layers}-{hidden_size}.npz"
    log_path = path.with_suffix(".jsonl")
    shape = ["--model", layer_type, "--num-layers", str(layers), "--hidden-size", str(hidden_size)]
    asked = ["--steps", str(steps), "--workers", "1", "--log", str(log_path)]
    finished = watch(charrnn("train", str(text), "-c", str(path), *shape, *asked), folder)
    return {
        "layer_type": layer_type,
        "layers": layers,
        "hidden_size": hidden_size,
        "seconds": finished.seconds,
        **losses_of(log_path),
    }


def losses_of(log_path: Path) -> Result:
    """The learning rate and losses in the log of a run."""
    steps = [json.loads(line) for line in log_path.read_text(encoding="utf-8").splitlines()]
    return {
        "learning_rate": max(step["learning_rate"] for step in steps),
        "first_loss": steps[0]["loss"],
        "highest_loss": max(step["loss"] for step in steps[FIRST:]),
        "val_loss": min(step["val_loss"] for step in steps if step["val_loss"] is not None),
    }


if __name__ == "__main__":
    alone(measure, __doc__)
