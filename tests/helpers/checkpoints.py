"""Checkpoints that tests begin with, and what can be done to one."""

import io
import json
import tracemalloc
from functools import cache
from pathlib import Path

import numpy as np

from charrnn.checkpoint import Checkpoint, archive, packed, save, unpacked
from charrnn.errors import CheckpointError
from charrnn.network.model import CharRNN
from charrnn.text.vocabulary import Vocabulary

#: A checkpoint of every format there was, made by the charrnn of its time.
KEPT = sorted((Path(__file__).parents[1] / "checkpoints").glob("format-*.npz"))
#: Memory that reading one may take beside twice its size.
ROOM = 16 << 20
#: What they were trained on, for 20 steps.
COUNTED = "".join(f"{number} squared is {number**2}.\n" for number in range(120))

CORPUS = {
    "name": "x",
    "characters": 9,
    "sha256": "0" * 64,
    "files": ["-"],
    "encoding": None,
    "normalize": "nfd",
    "val_frac": 0.1,
    "held_out": 1,
}
RUN = {
    "step": 2,
    "best_loss": 1.5,
    "best_step": 1,
    "stale": 0,
    "recent": [0.5, 1],
    "history": [
        {"step": 1, "loss": None, "val_loss": 1.5},
        {"step": 2, "loss": 1.25, "val_loss": None},
    ],
}


def made(vocabulary="abc\n", cell="gru", hidden_size=4, **more):
    model = CharRNN(Vocabulary(vocabulary), cell=cell, hidden_size=hidden_size)
    model.initialize(np.random.default_rng(0))
    last = {name: array.copy() for name, array in model.parameters.items()}
    best = {name: array + 1 for name, array in last.items()}
    return Checkpoint(model.configuration, model.vocabulary, best, last, **more)


def npz(**arrays):
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def rewritten(path, change):
    """Save a checkpoint whose arrays went through `change`."""
    save(path, made(corpus=CORPUS, run=RUN, resume={"m": np.zeros(3, np.float32)}))
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files}
    change(arrays)
    path.write_bytes(npz(**arrays))


def with_header(path, change):
    """Save a checkpoint whose header went through `change`."""

    def rewrite(arrays):
        said = json.loads(arrays["header"].tobytes())
        changed = change(said)
        if not isinstance(changed, bytes):
            changed = json.dumps(said if changed is None else changed).encode()
        arrays["header"] = np.frombuffer(changed, np.uint8)

    rewritten(path, rewrite)


def small(path):
    """A checkpoint with everything in it, as bytes."""
    save(path, made(corpus=CORPUS, run=RUN, resume={"m": np.zeros(3, np.float32)}, excerpt="ab"))
    return path.read_bytes()


@cache
def arrays_of(data):
    """The bytes of each array of a file."""
    with np.load(io.BytesIO(data)) as file:
        return {name: file[name].tobytes() for name in file.files}


def refused(data, whole):
    """Whether bytes are refused; if not, they are read as the same checkpoint."""
    try:
        found = unpacked(archive.read(io.BytesIO(data)))
    except CheckpointError:
        return True
    again = {name: array.tobytes() for name, array in packed(found).items()}
    assert again == arrays_of(whole)
    return False


def mutated(data, rng):
    """Bytes that someone has worked on: some changed, left out, repeated, put elsewhere."""
    data = bytearray(data)
    for _ in range(rng.integers(1, 5)):
        if not data:
            break
        start, length = int(rng.integers(len(data))), int(rng.integers(1, 40))
        part, kind = data[start : start + length], rng.integers(5)
        if kind == 0:
            data[start : start + length] = rng.bytes(len(part))
        elif kind == 1:
            del data[start : start + length]
        elif kind == 2:
            data[start:start] = part
        elif kind == 3:
            there = int(rng.integers(len(data)))
            data[there : there + len(part)] = part
        else:  # a number at its limit
            data[start : start + 4] = rng.choice([b"\xff\xff\xff\xff", bytes(4), b"\xff\x7f\0\0"])
    return bytes(data)


def peak(function):
    """The most memory that a function takes. The system's own figure would begin with that of
    the process that tests.
    """
    tracemalloc.start()
    try:
        function()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
