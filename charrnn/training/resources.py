"""The memory that a training needs, compared with the memory that is available."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, replace
from math import ceil, prod
from pathlib import Path
from typing import NamedTuple

import numpy as np

from charrnn.config import ModelConfig, TrainingConfig
from charrnn.errors import TrainingError
from charrnn.machine import ROOT, address_bytes, available_bytes, in_words
from charrnn.network.layers.inputs import LARGE_VOCABULARY
from charrnn.network.model import build_layers, parameter_shapes
from charrnn.parallel.shared_memory import check_space
from charrnn.training.optimizers import OPTIMIZERS

#: Bytes of a worker without its arrays: 19.4 MB, measured as Pss_Anon in /proc/PID/smaps_rollup.
INTERPRETER_BYTES = 19 * 1_000_000
#: Bytes of a weight, and of an index.
WEIGHT_BYTES, INDEX_BYTES = np.dtype(np.float32).itemsize, np.dtype(np.intp).itemsize
#: An advised size needs at most this share of the available memory.
ADVISED_SHARE = 0.8
#: Advised sizes are multiples of this number of cells.
SIZE_STEP = 16


class Need(NamedTuple):
    """Lower bounds of the memory that the arrays of a training need, in bytes.

    Attributes:
        shared: the arrays that all workers share.
        worker: the arrays of each worker in addition to these.
        leader: the arrays of the first worker in addition to these.
        start: the starting weights, before the rest is there.
        built: the address space of the network as it was built, weights and gradient, which is free
            once the training begins.
    """

    shared: int
    worker: int
    leader: int
    start: int
    built: int

    @property
    def process(self) -> int:
        """The need of the first worker alone."""
        return max(self.start, self.shared + self.worker + self.leader)

    def total(self, workers: int) -> int:
        """The need of this number of workers."""
        return self.process + (workers - 1) * (self.worker + INTERPRETER_BYTES)


@dataclass(frozen=True)
class Sizes:
    """The sizes that decide the memory of a training.

    Args:
        model: the shape of the network.
        V: characters of the vocabulary.
        config: the options of the training.
        text_bytes: bytes of a text in memory, of which workers share a copy; 0 for a text in a
            file.
        drawn: the starting weights are drawn, and not those of a checkpoint.
    """

    model: ModelConfig
    V: int
    config: TrainingConfig
    text_bytes: int = 0
    drawn: bool = True

    def need(self) -> Need:
        """The memory that the training needs."""
        model, config, V = self.model, self.config, self.V
        B, T, H, L = config.batch_size, config.seq_length, model.hidden_size, model.num_layers
        layers = build_layers(V, model.layer_type, H, L, model.ensemble)
        shapes = parameter_shapes(layers, V)
        weights = sum(map(prod, shapes.values()))
        slots = len(OPTIMIZERS[config.optimizer].names)
        states = L * len(layers[0].state_names) * H * B
        # The weights, a gradient for each worker, the optimizer's slots, the carried states.
        shared = WEIGHT_BYTES * ((1 + config.workers + slots) * weights + states)
        if config.workers > 1 and config.ranks == 1:  # with MPI, rank 0 sends what is read
            shared += self.text_bytes

        streams = ceil(B / (config.workers * config.ranks))
        window = T * streams
        tapes = (each.tape_shapes(T, streams) for each in layers)
        numbers = sum(prod(shape) for tape in tapes for shape in tape.values())
        numbers += (V + H) * window  # logits, and the gradient of the last outputs
        # h after dropout; h as each step of a list keeps it, steps first and cells first.
        numbers += (bool(model.dropout) + 2 * model.lines) * L * H * window
        numbers += H * window if L > 1 else 0  # the gradient from layer to layer
        numbers += V * window if V < LARGE_VOCABULARY else 0  # one-hot rows
        update = OPTIMIZERS[config.optimizer].buffers(
            shapes, config.workers * config.ranks, model.ensemble
        )
        worker = WEIGHT_BYTES * (numbers + update) + 2 * INDEX_BYTES * window

        # The best weights, and a copy of them that is saved, when no update needs its buffers.
        leader = WEIGHT_BYTES * (weights + max(0, weights - update))
        # In addition, in float64: a matrix and its scaled copy, or those of an orthogonal one.
        largest, square = max(map(prod, shapes.values())), (H // model.ensemble) ** 2
        start = WEIGHT_BYTES * weights + (8 * max(2 * largest, 5 * square) if self.drawn else 0)
        return Need(shared, worker, leader, start, built=2 * WEIGHT_BYTES * weights)

    def shortage(
        self, freed: int = 0, share: float = 1.0, root: Path = ROOT
    ) -> tuple[int, int] | None:
        """The need and the memory that is available, where the need is larger; else None.

        Args:
            freed: bytes in use now that are free when the training needs the memory.
            share: the share of the available memory that may be used.
            root: the folder that has /proc and /sys.
        """
        need = self.need()
        for bytes_needed, there, more in (
            (need.total(self.config.workers), available_bytes(root), freed),
            (need.process, address_bytes(root), freed + need.built),
        ):
            if there is not None and bytes_needed > share * (there + more):
                return bytes_needed, there + more
        return None

    def space_shortage(self) -> TrainingError | None:
        """The error for shared memory that no folder has room for; else None."""
        return check_space(self.need().shared) if self.config.workers > 1 else None

    def with_workers(self, workers: int) -> Sizes:
        """The same training with another number of workers."""
        return replace(self, config=replace(self.config, workers=workers))


def most_workers(sizes: Sizes, root: Path = ROOT) -> int:
    """The most workers, at most those of the training, for which there is memory; 1 if for none.

    Args:
        sizes: the sizes of the training.
        root: the folder that has /proc and /sys.
    """
    for workers in range(sizes.config.workers, 1, -1):
        fewer = sizes.with_workers(workers)
        if not fewer.shortage(root=root) and not fewer.space_shortage():
            return workers
    return 1


def check_memory(sizes: Sizes, *, freed: int = 0, root: Path = ROOT) -> None:
    """Refuse a training that cannot fit in the memory of this machine, before it begins.

    Args:
        sizes: the sizes of the training.
        freed: bytes in use now that are free when the training needs the memory.
        root: the folder that has /proc and /sys.

    Raises:
        TrainingError: with the sizes, and the options that help.
    """
    if found := sizes.shortage(freed, root=root):
        model, config = sizes.model, sizes.config
        needed, there = map(in_words, found)
        of_workers = f", with {config.workers} workers," if config.workers > 1 else ""
        remedy = advice(sizes, freed, root)
        raise TrainingError(
            f"{model.num_layers} × {model.hidden_size:,} cells and {config.batch_size:,} streams "
            f"of {config.seq_length:,} characters{of_workers} need {needed} of memory, and "
            f"{there} are available: {remedy}"
        )
    if refusal := sizes.space_shortage():
        raise refusal


def advice(sizes: Sizes, freed: int, root: Path) -> str:
    """The options with which a training fits in memory; arguments as for `check_memory`."""
    alone = sizes.with_workers(1)

    def too_large(hidden_size: int) -> bool:
        smaller = replace(alone, model=replace(alone.model, hidden_size=hidden_size))
        return smaller.shortage(freed, ADVISED_SHARE, root) is not None

    workers = " --workers 1" if sizes.config.workers > 1 else ""
    if workers and not too_large(sizes.model.hidden_size):
        return f"try{workers}"
    if sizes.drawn:  # weights of a checkpoint keep their shape
        step = SIZE_STEP * sizes.model.ensemble
        smaller = range(step, sizes.model.hidden_size, step)
        if fitting := bisect_left(smaller, True, key=too_large):
            ensemble = f" --ensemble {sizes.model.ensemble}" if sizes.model.ensemble > 1 else ""
            return f"try --hidden-size {smaller[fitting - 1]}{ensemble}{workers}"
    return "use a machine with more memory"
