"""The time to save a run, and to read its checkpoint again.

The checkpoint is that of `charrnn train`: weights, best weights, two numbers of the optimizer for
each, and the carried state. It is flushed to the disk of the temporary directory (`TMPDIR`).
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

from common import ROOT, Options, Result, Table, alone

from charrnn import checkpoint
from charrnn.config import ModelConfig, TrainingConfig
from charrnn.text import corpus
from charrnn.training import run as runs

#: The default network, and a very large one: layer type, cells, layers.
NETWORKS = (("gru", 256, 1), ("lstm", 1024, 2))
CONFIG = TrainingConfig(steps=1)


def measure(options: Options) -> Result:
    """Measure both networks, or with `--quick` the small one."""
    text = corpus.read([str(ROOT / "data" / "lighthouse.txt")])
    rows = []
    table = Table("type", "cells", "layers", "MB", "save, s", "longest", "read, s")
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "charrnn.npz"
        for layer_type, hidden_size, layers in NETWORKS[: 1 if options.quick else None]:
            model = ModelConfig(layer_type, hidden_size=hidden_size, num_layers=layers, dropout=0)
            with runs.new(text, path, model, CONFIG) as run:
                run.trainer.step()
                saves = times(run.save, 2 * options.turns)
            reads = times(lambda: checkpoint.read(path), options.turns)
            figures = {
                "megabytes": path.stat().st_size / 1e6,
                "save": median(saves),
                "longest": max(saves),
                "read": median(reads),
            }
            rows.append(
                {"type": layer_type, "hidden_size": hidden_size, "layers": layers, **figures}
            )
            table.row(layer_type, hidden_size, layers, *figures.values())
    return {"rows": rows}


def times(do: Callable[[], object], turns: int) -> Sequence[float]:
    """The seconds of each of several calls."""
    found = []
    for _ in range(turns):
        begun = time.perf_counter()
        do()
        found.append(time.perf_counter() - begun)
    return found


if __name__ == "__main__":
    alone(measure, __doc__)
