"""One file that holds a model, what it was trained on, and what is needed to go on.

An `.npz` of plain arrays, uncompressed and without pickles:

- `header`: UTF-8 bytes of a JSON object, see `Checkpoint`;
- `best.NAME`, `last.NAME`: each parameter at the lowest validation loss and at the last step;
- `resume.NAME`: the optimizer's memory and the carried state.
"""

from __future__ import annotations

import json
import platform
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

import charrnn
from charrnn.errors import CheckpointError, SettingError
from charrnn.files import replacing
from charrnn.model import CharRNN
from charrnn.parameters import Array
from charrnn.text.vocabulary import Vocabulary

#: Raised when a reader of an older version would misunderstand what is written.
FORMAT = 1

Weights = Literal["best", "last"]


def versions() -> dict[str, str]:
    """What a checkpoint is made with."""
    return {
        "charrnn": charrnn.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
    }


@dataclass
class Checkpoint:
    """What a file holds.

    Attributes:
        model: the keyword arguments of `CharRNN`.
        vocabulary: the characters, in the order of their indices.
        best, last: the parameters by name, at the lowest validation loss and the last step.
        normalize: the Unicode normal form the text was brought into; None for none.
        corpus: `name`, `characters`, `sha256`, and how to read it again.
        settings: of the training, see `charrnn.training.Settings`.
        run: the numbers that resume the training, see `charrnn.training.Run`; with `step`,
            `best_loss`, `best_step` and `history`.
        resume: the arrays that resume the training, by name.
        excerpt: the beginning of the held-out text, to look at.
        versions: of what wrote the file.
    """

    model: dict[str, Any]
    vocabulary: Vocabulary
    best: dict[str, Array]
    last: dict[str, Array]
    normalize: str | None = None
    corpus: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    run: dict[str, Any] = field(default_factory=dict)
    resume: dict[str, Array] = field(default_factory=dict)
    excerpt: str = ""
    versions: dict[str, str] = field(default_factory=versions)

    def build(self, weights: Weights = "best") -> CharRNN:
        """The model, with the weights asked for."""
        model = CharRNN(self.vocabulary, **self.model)
        for name, array in getattr(self, weights).items():
            model.parameters[name][...] = array
        return model

    def untrained(self) -> CharRNN:
        """The model as it was before the first step: what it can by its build alone."""
        model = CharRNN(self.vocabulary, **self.model)
        model.initialize(np.random.default_rng(self.settings.get("seed", 0)))
        return model

    def check(self) -> None:
        """Find out whether the weights are what the configuration asks for.

        Raises:
            CheckpointError: where they are not, with both shapes, or are not finite.
        """
        try:
            expected = CharRNN(self.vocabulary, **self.model).parameters.shapes
        except (TypeError, SettingError) as error:
            raise CheckpointError(f"no model of the configuration {self.model}: {error}") from error
        for group in ("best", "last"):
            arrays: dict[str, Array] = getattr(self, group)
            for name in sorted(arrays.keys() | expected.keys()):
                found = arrays[name].shape if name in arrays else "missing"
                asked = expected.get(name, "nothing")
                if found != asked:
                    raise CheckpointError(
                        f"{group}.{name} is {found}, where the configuration asks for {asked}"
                    )
                if not np.isfinite(arrays[name]).all():
                    raise CheckpointError(f"{group}.{name} is not finite everywhere")


#: The fields of a checkpoint that stand in its header, and those that are arrays.
HEADER = ("model", "normalize", "corpus", "settings", "run", "excerpt", "versions")
ARRAYS = ("best", "last", "resume")


def save(path: str | Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint: afterwards the file is the new one, or still the old one.

    Raises:
        CheckpointError: where that is not possible; nothing is left behind.
    """
    header = {"format": FORMAT, "vocabulary": checkpoint.vocabulary.ix_to_char}
    header.update({name: getattr(checkpoint, name) for name in HEADER})
    encoded = json.dumps(header, allow_nan=False).encode()
    arrays: dict[str, Any] = {"header": np.frombuffer(encoded, np.uint8)}
    for group in ARRAYS:
        for name, array in getattr(checkpoint, group).items():
            arrays[f"{group}.{name}"] = array
    try:
        with replacing(path) as file:
            np.savez(file, **arrays)
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be written: {error.strerror or error}") from error


#: What a damaged file makes NumPy, zipfile and json raise; MemoryError for absurd shapes.
DAMAGED = (
    ValueError,
    EOFError,
    KeyError,
    MemoryError,
    OverflowError,
    RuntimeError,
    SyntaxError,
    TypeError,
    zipfile.BadZipFile,
)


@contextmanager
def _naming(path: str | Path) -> Iterator[None]:
    """Turn what goes wrong within into a `CheckpointError` that begins with the path."""
    try:
        yield
    except CheckpointError as error:
        raise CheckpointError(f"{path}: {error}") from error
    except FileNotFoundError as error:
        raise CheckpointError(
            f"{path}: no such checkpoint: make one with `charrnn train TEXT`, or name another "
            "with -c PATH"
        ) from error
    except OSError as error:
        raise CheckpointError(f"{path}: {error.strerror or error}") from error
    except DAMAGED as error:
        # What NumPy says of pickles would only tempt to load one.
        raise CheckpointError(f"{path}: not a charrnn checkpoint, or damaged") from error


def read(path: str | Path) -> Checkpoint:
    """Read a checkpoint; nothing in it is executed.

    Raises:
        CheckpointError: for a file that is missing, damaged, of a newer version of charrnn, or
            not a checkpoint at all; and where its arrays do not fit its configuration.
    """
    with _naming(path):
        with open(path, "rb") as stream:
            file = np.load(stream, allow_pickle=False)
            if not isinstance(file, np.lib.npyio.NpzFile):
                raise CheckpointError("an array, not a charrnn checkpoint")
            arrays: dict[str, Array] = {name: file[name] for name in file.files}
        if "header" not in arrays:
            raise CheckpointError("an archive of arrays, but not a charrnn checkpoint")
        header = json.loads(arrays.pop("header").tobytes().decode())
        if header["format"] > FORMAT:
            raise CheckpointError("made by a newer charrnn: upgrade with `pip install -U charrnn`")
        vocabulary = Vocabulary(header["vocabulary"])
        if vocabulary.ix_to_char != header["vocabulary"]:
            raise CheckpointError("the characters of its vocabulary are not in order")
        groups: dict[str, dict[str, Array]] = {group: {} for group in ARRAYS}
        for full_name, array in arrays.items():
            group, _, name = full_name.partition(".")
            groups[group][name] = array
        fields: dict[str, Any] = {**groups, **{name: header[name] for name in HEADER}}
        checkpoint = Checkpoint(vocabulary=vocabulary, **fields)
        checkpoint.check()
        return checkpoint


def load(path: str | Path, weights: Weights = "best") -> CharRNN:
    """The model in a checkpoint.

    Args:
        path: of the checkpoint.
        weights: those of the lowest validation loss, or of the last step.

    Raises:
        CheckpointError: as `read`.
    """
    return read(path).build(weights)
