"""Checkpoints that tests begin with, and ways to alter the bytes of one."""

import io
import json
import tempfile
from functools import cache
from pathlib import Path

import numpy as np

from charrnn.checkpoint import Checkpoint, RunState, archive, pack, read, save, unpack
from charrnn.config import ModelConfig, TrainingConfig
from charrnn.errors import CheckpointError
from charrnn.network.model import CharRNN
from charrnn.text.corpus import Corpus
from charrnn.text.corpus_info import CorpusInfo
from charrnn.text.vocabulary import Vocabulary
from charrnn.training import run as runs
from charrnn.training.trainer import train

#: Bytes of memory that reading a checkpoint may take beside twice its size.
READING_BYTES = 16 << 20
#: The text of `trained`.
COUNTED = "".join(f"{number} squared is {number**2}.\n" for number in range(120))

CORPUS = CorpusInfo(
    name="x",
    characters=9,
    sha256="0" * 64,
    files=("-",),
    encoding=None,
    errors="strict",
    binary=False,
    newlines="lf",
    normalize="nfd",
    val_frac=0.1,
    held_out=1,
)
RUN = RunState(
    step=2,
    best_loss=1.5,
    best_step=1,
    stale=0,
    loss_sum=0.5,
    loss_count=1,
    history=[
        {"step": 1, "loss": None, "val_loss": 1.5},
        {"step": 2, "loss": 1.25, "val_loss": None},
    ],
)
#: The settings of a short training.
SETTINGS = TrainingConfig(
    steps=3, batch_size=2, seq_length=2, learning_rate=0.01, warmup_steps=1, val_every=1, workers=1
)


def config_of(model):
    return ModelConfig(**model.configuration)


def made(vocabulary="abc\n", layer_type="gru", hidden_size=4, **more):
    model = CharRNN(Vocabulary(vocabulary), layer_type=layer_type, hidden_size=hidden_size)
    model.initialize(np.random.default_rng(0))
    last = {name: array.copy() for name, array in model.parameters.items()}
    best = {name: array + 1 for name, array in last.items()}
    return Checkpoint(config_of(model), model.vocabulary, best, last, **more)


@cache
def trained():
    """The bytes of a checkpoint after 20 steps on `COUNTED`, read from stdin."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.npz"
        corpus = Corpus("stdin", [[COUNTED]], files=("-",))
        model = ModelConfig("vanilla", hidden_size=3, dropout=0.1)
        settings = TrainingConfig(
            steps=20,
            batch_size=4,
            seq_length=8,
            optimizer="sgd",
            learning_rate=0.015,
            val_every=5,
            workers=1,
        )
        with runs.new(corpus, path, model, settings) as run:
            for _ in train(run.trainer):
                pass
            run.save()
        saved = read(path)
        saved.versions = {"charrnn": "1", "numpy": "2"}  # the bytes are the same on each machine
        save(path, saved)
        return path.read_bytes()


def npz(**arrays):
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def rewritten(path, change):
    """Save a checkpoint with arrays that `change` has changed."""
    resume = {"m": np.zeros(3, np.float32)}
    save(path, made(corpus=CORPUS, settings=SETTINGS, run=RUN, resume=resume))
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files}
    change(arrays)
    path.write_bytes(npz(**arrays))


def with_header(path, change):
    """Save a checkpoint with a header that `change` has changed, or returns."""

    def rewrite(arrays):
        said = json.loads(arrays["header"].tobytes())
        changed = change(said)
        if not isinstance(changed, bytes):
            changed = json.dumps(said if changed is None else changed).encode()
        arrays["header"] = np.frombuffer(changed, np.uint8)

    rewritten(path, rewrite)


def small(path):
    """The bytes of a checkpoint with all its parts."""
    save(path, made(corpus=CORPUS, run=RUN, resume={"m": np.zeros(3, np.float32)}, excerpt="ab"))
    return path.read_bytes()


@cache
def arrays_of(data):
    """The bytes of each array of a file."""
    with np.load(io.BytesIO(data)) as file:
        return {name: file[name].tobytes() for name in file.files}


def refused(data, whole):
    """Return True if bytes are refused; otherwise they must be read as the same checkpoint."""
    try:
        found = unpack(archive.read(io.BytesIO(data)))
    except CheckpointError:
        return True
    again = {name: array.tobytes() for name, array in pack(found).items()}
    assert again == arrays_of(whole)
    return False


def mutated(data, rng):
    """Bytes with random parts changed, left out, repeated or moved."""
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
