"""Peak memory of `charrnn train` at its default sizes, with one worker and with one per core.

The parts that cannot be spared stand beside the peak: an interpreter with NumPy for each worker;
the parameters (weights, best weights, two numbers of the optimizer for each, and a gradient for
each worker); and the buffers of a window. The rest is overhead. The memory of several processes is
the sum of their proportional set sizes (PSS): shared memory is divided among all programs that use
it, so the sum is lower while other Python programs run. On systems other than Linux only the peak
of the first process is known.
"""

from __future__ import annotations

import random
import sys
import tempfile
from pathlib import Path
from string import ascii_letters

from common import VOCABULARY_SIZE, Options, Result, alone, table
from watching import charrnn, watch

from charrnn.config import HIDDEN_SIZE, ModelConfig, TrainingConfig
from charrnn.parallel.threads import NAMES
from charrnn.parallel.workers import default_workers

#: The defaults of `charrnn train`.
LAYER_TYPE = ModelConfig.layer_type
BATCH_SIZE, SEQ_LENGTH = TrainingConfig.batch_size, TrainingConfig.seq_length
CHARACTERS = 1_000_000
ONE_THREAD = dict.fromkeys(NAMES, "1")
#: A program that runs N interpreters with NumPy imported at the same time.
IDLE = """
import subprocess, sys, time, numpy
number = int(sys.argv[1])
if number > 1:
    subprocess.Popen([sys.executable, *sys.orig_argv[1:-1], str(number - 1)])
time.sleep(2)
"""


#: The lines of the table, by the names in the results.
LINES = {
    "peak_resident": "first process, peak RSS",
    "idle_resident": "an interpreter with NumPy, peak RSS",
    "peak": "all processes, peak PSS",
    "peak_held": "of which not mapped from files",
    "idle": "as many interpreters with NumPy",
    "parameters": "parameters, gradients, Adam, best",
    "buffers": "buffers of a window",
    "overhead_resident": "overhead by RSS",
    "overhead": "overhead by PSS",
}


def measure(options: Options) -> Result:
    """Measure with one worker and with one per core."""
    print(f"Megabytes, {LAYER_TYPE} {HIDDEN_SIZE}, {BATCH_SIZE} × {SEQ_LENGTH}.\n")
    characters = (ascii_letters + " \n0123456789.")[:VOCABULARY_SIZE]
    counts = list(dict.fromkeys((1, default_workers(BATCH_SIZE))))
    with tempfile.TemporaryDirectory() as name:
        text = Path(name) / "text.txt"
        text.write_text("".join(random.Random(0).choices(characters, k=CHARACTERS)))
        rows = [run(options, text, workers, len(characters)) for workers in counts]
    columns = (f"{workers} worker{'s' * (workers > 1)}" for workers in counts)
    table(
        ("what".ljust(35), *columns),
        [[title, *(in_megabytes(row[key]) for row in rows)] for key, title in LINES.items()],
    )
    print("\nOverhead: the peak without interpreters, parameters and buffers.")
    return {"rows": rows}


def run(options: Options, text: Path, workers: int, vocabulary_size: int) -> Result:
    """The figures of one number of workers, in bytes; None for unknown ones."""
    steps = "20" if options.quick else "200"
    train = "train", str(text), "--model", LAYER_TYPE, "--steps", steps, "--val-every", steps
    trained = watch(charrnn(*train, "--overwrite", "--workers", str(workers)), text.parent)
    idle = watch([sys.executable, "-c", IDLE, str(workers)], text.parent, ONE_THREAD)
    parameters, buffers = needed(workers, vocabulary_size)
    beyond = trained.peak_resident - idle.peak_resident - parameters - buffers
    beyond_all = trained.peak.total - idle.peak.total - parameters - buffers
    return {
        "workers": workers,
        "text": CHARACTERS,
        "peak_resident": trained.peak_resident,
        "idle_resident": idle.peak_resident,
        "peak": trained.peak.total or None,
        "peak_held": trained.peak.held or None,
        "idle": idle.peak.total or None,
        "parameters": parameters,
        "buffers": buffers,
        # The first of several processes does not have all parameters and buffers.
        "overhead_resident": beyond if workers == 1 else None,
        "overhead": beyond_all if trained.peak.total else None,
    }


def in_megabytes(size: int | None) -> float | None:
    """A size in megabytes of 1,000,000 bytes."""
    return None if size is None else size / 1e6


def needed(workers: int, vocabulary_size: int) -> tuple[int, int]:
    """The bytes of the parameters with the vectors beside them, and of the buffers of a window.

    The buffers are those of a step of the whole batch; the parts of a batch need as much together.
    """
    import numpy as np

    from charrnn.network.model import CharRNN
    from charrnn.text.streams import Window
    from charrnn.text.vocabulary import Vocabulary

    vocabulary = Vocabulary(map(chr, range(33, 33 + vocabulary_size)))
    model = CharRNN(vocabulary, layer_type=LAYER_TYPE, hidden_size=HIDDEN_SIZE, dropout=0.1)
    rng = np.random.default_rng(0)
    indices = rng.integers(0, vocabulary_size, (SEQ_LENGTH, BATCH_SIZE))
    masks = model.draw_masks(BATCH_SIZE, rng)
    model.loss_and_gradient(Window(indices, indices), model.state(BATCH_SIZE), masks)
    tapes, logits, d_h = model.workspace(SEQ_LENGTH, BATCH_SIZE)
    arrays = [logits, d_h, *(array for tape in tapes for array in tape.values())]
    weights, best, adam = 1, 1, 2
    vectors = weights + best + adam + workers
    return vectors * model.parameters.flat.nbytes, sum(array.nbytes for array in arrays)


if __name__ == "__main__":
    alone(measure, __doc__)
