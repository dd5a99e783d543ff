"""Characters trained a second, beside PyTorch doing the same work in the same run.

    python benchmarks/throughput.py                 # without torch: charrnn alone
    pip install torch==2.13.0 && python benchmarks/throughput.py

Both do the full training step: one-hot input, recurrent layers, softmax, backward pass through
the window, clipping to a norm of 1, Adam; float32, batch 64, window 64, 65 characters, the
state carried. Each library runs in a process of its own with the same number of threads; the
two take turns, a second each after a first step that does not count, so that a machine whose
speed drifts does so for both. The figures are medians over the turns, and the ratio is the median
of the ratios turn by turn.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import multiprocessing
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable
from math import sqrt
from multiprocessing.connection import Connection
from pathlib import Path

BATCH_SIZE = 64
SEQ_LENGTH = 64
VOCABULARY_SIZE = 65
SECONDS_A_TURN = 1.0
SIZES = [(128, 1), (256, 1), (512, 1), (128, 2), (512, 2)]

Step = Callable[[], object]


def charrnn_step(cell: str, hidden_size: int, num_layers: int) -> Step:
    """A training step of charrnn, as a function of nothing."""
    import numpy as np

    from charrnn.model import CharRNN
    from charrnn.optimizers import Adam, clip_by_norm, squared_norm
    from charrnn.text.streams import Streams
    from charrnn.text.vocabulary import Vocabulary

    rng = np.random.default_rng(0)
    vocabulary = Vocabulary(map(chr, range(33, 33 + VOCABULARY_SIZE)))
    model = CharRNN(vocabulary, cell=cell, hidden_size=hidden_size, num_layers=num_layers)
    model.initialize(rng)
    streams = Streams(rng.integers(0, VOCABULARY_SIZE, 1_000_000), BATCH_SIZE, SEQ_LENGTH)
    state = model.state(BATCH_SIZE)
    optimizer = Adam(model.parameters)
    numbers = iter(range(sys.maxsize))

    def step() -> None:
        gradient = model.gradient.flat
        model.loss_and_gradient(streams.window(next(numbers)), state)
        clip_by_norm(gradient, sqrt(squared_norm(gradient)), 1.0)
        optimizer.step(gradient, 2e-3)

    return step


def torch_step(cell: str, hidden_size: int, num_layers: int) -> Step:
    """The same in PyTorch."""
    import torch
    from torch import nn
    from torch.nn import functional

    torch.manual_seed(0)
    kind = {"lstm": nn.LSTM, "gru": nn.GRU, "vanilla": nn.RNN}[cell]
    layers = kind(VOCABULARY_SIZE, hidden_size, num_layers)
    output = nn.Linear(hidden_size, VOCABULARY_SIZE)
    weights = [*layers.parameters(), *output.parameters()]
    optimizer = torch.optim.Adam(weights, lr=2e-3, betas=(0.9, 0.99))
    text = torch.randint(0, VOCABULARY_SIZE, (SEQ_LENGTH + 1, BATCH_SIZE))
    carried: list[object] = [None]

    def step() -> None:
        x = functional.one_hot(text[:-1], VOCABULARY_SIZE).float()
        h, state = layers(x, carried[0])
        logits = output(h).reshape(-1, VOCABULARY_SIZE)
        loss = functional.cross_entropy(logits, text[1:].reshape(-1))
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        loss.item()
        carried[0] = tuple(s.detach() for s in state) if cell == "lstm" else state.detach()

    return step


MAKERS = {"charrnn": charrnn_step, "torch": torch_step}


def work(library: str, threads: int, pipe: Connection) -> None:
    """Serve one library: receive a case, then measure turns of it until the next case."""
    if library == "torch":
        import torch

        torch.set_num_threads(threads)
    while True:
        message = pipe.recv()
        if message != "again":
            step = MAKERS[library](*message)
            step()
        step()  # wakes the threads and fills the caches
        count, start = 0, time.perf_counter()
        while count < 3 or time.perf_counter() - start < SECONDS_A_TURN:
            step()
            count += 1
        pipe.send((time.perf_counter() - start) / count)


class Worker:
    """One library in a process of its own."""

    def __init__(self, library: str, threads: int) -> None:
        # Read when NumPy or PyTorch is imported, which the new process does itself.
        os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = str(threads)
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        context.Process(target=work, args=(library, threads, theirs), daemon=True).start()

    def measure(self, message: object) -> float:
        """Seconds a step, of the case given or, for "again", of the last one."""
        self.pipe.send(message)
        seconds: float = self.pipe.recv()
        time.sleep(0.25)  # until waiting threads of this library sleep, too
        return seconds


def measure(workers: dict[str, Worker], case: tuple[str, int, int], turns: int) -> dict[str, float]:
    """Characters a second of each library, and their ratio."""
    seconds: dict[str, list[float]] = {library: [] for library in workers}
    for worker in workers.values():
        worker.measure(case)
    for _ in range(turns):
        for library, worker in workers.items():
            seconds[library].append(worker.measure("again"))
    characters = BATCH_SIZE * SEQ_LENGTH
    result = {lib: characters / statistics.median(times) for lib, times in seconds.items()}
    if "torch" in seconds:
        pairs = zip(seconds["torch"], seconds["charrnn"])
        result["ratio"] = statistics.median(theirs / ours for theirs, ours in pairs)
    return result


def main() -> None:
    """Print the table, and write it as JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--cells", nargs="+", default=["lstm", "gru", "vanilla"])
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()

    libraries = [name for name in MAKERS if importlib.util.find_spec(name)]
    workers = {library: Worker(library, options.threads) for library in libraries}
    print(f"{platform.machine()}, {options.threads} threads, Python {platform.python_version()}")
    if "torch" not in libraries:
        print("without PyTorch to compare with: pip install torch==2.13.0")
    print(f"{'cell':8} {'H':>4} {'layers':>6} {'characters/s':>13} {'PyTorch':>9} {'ratio':>6}")
    rows = []
    for cell in options.cells:
        for hidden_size, num_layers in SIZES:
            row = measure(workers, (cell, hidden_size, num_layers), options.turns)
            rows.append({"cell": cell, "hidden_size": hidden_size, "num_layers": num_layers, **row})
            theirs = f"{row['torch']:9,.0f} {row['ratio']:6.2f}" if "torch" in row else ""
            print(
                f"{cell:8} {hidden_size:4} {num_layers:6} {row['charrnn']:13,.0f} {theirs}",
                flush=True,
            )
    if options.json:
        options.json.write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
