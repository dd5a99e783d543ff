"""One file with a model, a description of its text, and the state of its training.

The file is an `.npz` of plain arrays, uncompressed and without pickles (see `archive`):

- `header`: JSON (see `schema`): the format, the names of the arrays, and all parts of `Checkpoint`
  that are not arrays;
- `vocabulary`: the code points of the characters, ascending; `excerpt`: those of a text;
- `items`, in a model of lines: the hashes of the lines of its text (see `charrnn.text.hashes`);
- `history`: step, training loss and validation loss of each point, (N, 3), NaN for None;
- `best.NAME`, `last.NAME`: each parameter at the lowest validation loss and after the last step;
- `resume.NAME`: the moments of the optimizer and the carried hidden state.

A file may come from a stranger. Nothing in the file is executed, no name of an array becomes a
path, and every part is checked before it is used. (`--resume` opens the text files that the header
names.)
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np

from charrnn.arrays import Array, Shape
from charrnn.checkpoint import archive, pytorch, safetensors, schema
from charrnn.checkpoint.fingerprint import fingerprint
from charrnn.checkpoint.state import COLUMNS, MAX_POINTS, RunState, history_of, table_of
from charrnn.config import MAX_FLOAT32, MAX_INTEGER, ModelConfig, TrainingConfig
from charrnn.errors import CheckpointError, DamagedCheckpointError, NonFiniteError, SettingError
from charrnn.files import head, open_regular, replacing
from charrnn.names import checkpoint_name, similar
from charrnn.network.model import CharRNN, build_layers, parameter_shapes
from charrnn.shell import command_line, quoted_path, words_for
from charrnn.text.conversion import Converted, converted_as_in_training
from charrnn.text.corpus_info import CorpusInfo, ReadingSettings
from charrnn.text.decoding import DEFAULT, Decoding
from charrnn.text.vocabulary import CODE_POINTS, Vocabulary, code_points, listed, text_of

#: The number of the format of a file. Increase it for a change that older versions would misread.
FORMAT = 1
#: Characters of an excerpt, five times as many as charrnn writes.
MAX_EXCERPT = 500_000
#: The arrays of text, and the most characters of each.
TEXTS = {"vocabulary": CODE_POINTS, "excerpt": MAX_EXCERPT}
#: Bytes by which the kind of a file is recognized.
HEAD_BYTES = 200
#: The beginning of an .npz file with states: the header of a zip file, and the first name.
STATES = re.compile(rb"PK\x03\x04.{26}(layer\d+\.\w|line|losses|indices|characters)\.npy", re.S)
#: The parts of a checkpoint that are arrays by name.
GROUPS = ("best", "last", "resume")

Weights = Literal["best", "last"]


@dataclass
class Checkpoint:
    """The contents of a file.

    Attributes:
        model: the shape of the model.
        vocabulary: the characters, in the order of their indices.
        best, last: the parameters by name, at the lowest validation loss and after the last step.
        corpus: the text of the training; None for a model without a training.
        settings: the options of the training; None for a model without a training.
        run: the numbers of the training.
        resume: the arrays that resume the training, by name.
        excerpt: the beginning of the text to validate on, or of the training text without one.
        items: the hashes of the different lines of the text, ascending, (n,), uint64; None for a
            model of running text, or one without hashes.
        reading: the settings for reading a text, where `corpus` is None; None for the defaults.
        versions: see `charrnn.checkpoint.fingerprint`.
        notices: messages for the user about the file, of which nothing is saved.
    """

    model: ModelConfig
    vocabulary: Vocabulary
    best: dict[str, Array]
    last: dict[str, Array]
    corpus: CorpusInfo | None = None
    settings: TrainingConfig | None = None
    run: RunState = field(default_factory=RunState)
    resume: dict[str, Array] = field(default_factory=dict)
    excerpt: str = ""
    items: Array | None = None
    reading: ReadingSettings | None = None
    versions: dict[str, str] = field(default_factory=fingerprint)
    notices: tuple[str, ...] = ()

    @property
    def normalize(self) -> str | None:
        """The Unicode normal form of the text; None for none."""
        return self._reading.normalize

    @property
    def newlines(self) -> str:
        """The treatment of the line ends of files, one of `NEWLINES`."""
        return "keep" if self.binary else self._reading.newlines

    @property
    def binary(self) -> bool:
        """True if each byte is a character to the model."""
        return self._reading.binary

    @property
    def min_count(self) -> int:
        """The fewest occurrences of a character that the model knows by itself; 1 for any."""
        return self._reading.min_count

    @property
    def _reading(self) -> CorpusInfo | ReadingSettings:
        return self.corpus or self.reading or ReadingSettings()

    @property
    def excerpt_name(self) -> str:
        """The name of the excerpt for people; "held-out" only where a text is held out."""
        if self.corpus is None:
            return "the excerpt in the checkpoint"
        if self.corpus.val_file:
            return "the excerpt of the text to validate on"
        if not self.corpus.held_out:
            return "the excerpt of the training text"
        return "the held-out excerpt"

    @property
    def decoding(self) -> Decoding:
        """The decoding of the files of the text."""
        if self.corpus:
            return self.corpus.decoding
        return replace(DEFAULT, binary=self.binary, newlines=self.newlines)

    def converted(self, text: str) -> Converted:
        """A later text, such as a prime, with the line ends and the normal form of the training."""
        return converted_as_in_training(text, self.decoding, self.normalize, self.vocabulary)

    def build(self, weights: Weights = "best") -> CharRNN:
        """Return the model with its best or its last weights."""
        model = self._empty_model()
        for name, array in getattr(self, weights).items():
            model.parameters[name][...] = array
        return model

    def untrained(self) -> CharRNN:
        """Return a model of the same shape with random weights, from the seed of the training.

        The training began with these weights, unless it began with `--init-from`: then it began
        with the weights of another checkpoint, which this one does not hold.
        """
        model = self._empty_model()
        model.initialize(np.random.default_rng(self.settings.seed if self.settings else 0))
        return model

    def _empty_model(self) -> CharRNN:
        config = self.model
        return CharRNN(
            self.vocabulary,
            layer_type=config.layer_type,
            hidden_size=config.hidden_size,
            num_layers=config.num_layers,
            ensemble=config.ensemble,
            dropout=config.dropout,
            lines=config.lines,
        )

    def check(self) -> None:
        """Check that the weights have the shapes of the model, and that all parts fit each other.

        Raises:
            DamagedCheckpointError: if they do not.
            NonFiniteError: if an array is not finite in float32.
        """
        check_shapes(self.model, len(self.vocabulary), best=self.best, last=self.last)
        try:
            if self.settings:
                self.settings.check_complete()
        except SettingError as error:  # settings that contradict each other
            raise DamagedCheckpointError(f"settings of its header: {error}") from error
        for group in GROUPS:
            for name, array in getattr(self, group).items():
                if not is_finite(array):
                    raise NonFiniteError(f"{group}.{name:.100} is not finite everywhere")
        if len(self.excerpt) > MAX_EXCERPT:
            raise DamagedCheckpointError(f"excerpt has more than {MAX_EXCERPT:,} characters")
        if unknown := self.vocabulary.unknown(self.excerpt):
            raise DamagedCheckpointError(
                f"excerpt has characters that are not in the vocabulary: {listed(unknown)}"
            )
        if self.items is not None:
            check_items(self.items, self.model)
        if self.model.lines and self.vocabulary.unknown("\n"):
            raise DamagedCheckpointError("vocabulary has no newline, and model.lines is set")
        if self.corpus and self.corpus.lines != self.model.lines:
            raise DamagedCheckpointError("corpus.lines of its header differs from model.lines")
        if self.binary and max(self.vocabulary.ix_to_char) > "\xff":
            raise DamagedCheckpointError("vocabulary has more than bytes, and binary is set")


def check_shapes(model: ModelConfig, V: int, **groups: Mapping[str, Array]) -> None:
    """Compare the shapes of weights with those of a model, without allocating the model.

    Args:
        model: the shape of the model; a stranger may ask for any size.
        V: the size of the vocabulary.
        groups: weights by name, each group complete.

    Raises:
        DamagedCheckpointError: if an array is missing, unexpected, or of another shape.
    """
    if not V:
        raise DamagedCheckpointError("vocabulary has no characters")
    fewest = min(map(len, groups.values()))
    if model.num_layers > fewest:  # shapes come from constructing every layer
        raise DamagedCheckpointError(
            f"model.num_layers of its header is {model.num_layers:,}, and there are {fewest} arrays"
        )
    try:
        layers = build_layers(
            V, model.layer_type, model.hidden_size, model.num_layers, model.ensemble
        )
    except SettingError as error:  # an ensemble that the sizes do not allow
        raise DamagedCheckpointError(
            f"model.ensemble of its header is {model.ensemble:,}, and hidden_size and num_layers "
            f"are {model.hidden_size:,} and {model.num_layers:,}"
        ) from error
    expected: dict[str, Shape] = parameter_shapes(layers, V)
    for group, arrays in groups.items():
        check_arrays(
            {f"{group}.{name}" for name in arrays}, {f"{group}.{name}" for name in expected}
        )
        for name, shape in expected.items():
            found = arrays[name].shape
            if found != shape:
                raise DamagedCheckpointError(
                    f"{group}.{name} has the shape {found}, and the model needs {shape}"
                )


def check_arrays(found: set[str], expected: set[str]) -> None:
    """Compare the names of arrays.

    Raises:
        DamagedCheckpointError: if an array is missing or unexpected.
    """
    if missing := expected - found:
        raise DamagedCheckpointError(f"missing array {schema.some(missing)}")
    if unexpected := found - expected:
        raise DamagedCheckpointError(f"unexpected array {schema.some(unexpected)}")


def check_items(items: Array, model: ModelConfig) -> None:
    """Check that an array is the hashes of the lines of a text, (n,).

    Raises:
        DamagedCheckpointError: if it is not, or the model is not one of lines.
    """
    if not model.lines:
        raise DamagedCheckpointError("unexpected array 'items': model.lines is not set")
    if items.dtype != np.uint64 or items.ndim != 1 or (items[1:] <= items[:-1]).any():
        raise DamagedCheckpointError("items is not a list of hashes in ascending order")


def is_finite(array: Array) -> bool:
    """Return whether an array has finite numbers, also in float32."""
    if array.dtype not in (np.float32, np.float64):
        return False
    with np.errstate(invalid="ignore"):
        return bool(array.min(initial=0) >= -MAX_FLOAT32 and array.max(initial=0) <= MAX_FLOAT32)


def pack(checkpoint: Checkpoint) -> dict[str, Array]:
    """Return a checkpoint as arrays by name.

    Raises:
        CheckpointError: if the file would not be read again.
    """
    run = asdict(checkpoint.run)
    arrays = {
        "vocabulary": code_points(checkpoint.vocabulary.ix_to_char),
        "excerpt": code_points(checkpoint.excerpt),
        "history": table_of(run.pop("history")),
    }
    check_history(arrays["history"])
    if checkpoint.items is not None:
        arrays["items"] = checkpoint.items
    for group in GROUPS:
        for name, array in getattr(checkpoint, group).items():
            arrays[f"{group}.{name}"] = array
    header = {
        "format": FORMAT,
        "arrays": sorted(arrays),
        "model": asdict(checkpoint.model),
        "corpus": checkpoint.corpus and asdict(checkpoint.corpus),
        "reading": checkpoint.reading and asdict(checkpoint.reading),
        "settings": checkpoint.settings and asdict(checkpoint.settings),
        "run": run,
        "versions": checkpoint.versions,
    }
    schema.check(header)
    checkpoint.check()
    return {"header": np.frombuffer(schema.encode(header), np.uint8), **arrays}


def unpack(arrays: dict[str, Array]) -> Checkpoint:
    """Return the checkpoint in arrays, which may come from a stranger.

    Args:
        arrays: the arrays by name; emptied on the way, to save memory.

    Raises:
        CheckpointError: if `pack` would not return these arrays.
    """
    if "header" not in arrays:
        raise archive.not_a_checkpoint()
    header = schema.decode(arrays.pop("header").tobytes())
    check_format(header.get("format"))
    schema.check(header)
    check_arrays(set(arrays), {*header["arrays"], *TEXTS, "history"})
    for name, most in TEXTS.items():
        check_text(name, arrays[name], most)
    characters, excerpt = (arrays.pop(name) for name in TEXTS)
    if (characters[1:] <= characters[:-1]).any():
        raise DamagedCheckpointError("vocabulary is not in ascending order")
    table = arrays.pop("history")
    check_history(table)
    items = arrays.pop("items", None)
    groups: dict[str, dict[str, Array]] = {group: {} for group in GROUPS}
    for full_name, array in arrays.items():
        group, _, name = full_name.partition(".")
        if group not in groups:
            raise DamagedCheckpointError(f"unexpected array {full_name!r:.100}")
        groups[group][name] = array
    parts: dict[str, Any] = {
        name: header[name] and schema.section_from(name, header[name]) for name in schema.SECTIONS
    }
    # A vocabulary takes many times the memory of its code points: first compare it with weights.
    check_shapes(parts["model"], characters.size, best=groups["best"], last=groups["last"])
    parts["run"].history = history_of(table)
    reading = parts["corpus"] or parts["reading"] or ReadingSettings()
    checkpoint = Checkpoint(
        vocabulary=Vocabulary(text_of(characters), replaces=reading.min_count > 1),
        excerpt=text_of(excerpt),
        items=items,
        versions=header["versions"],
        **parts,
        **groups,  # type: ignore[arg-type]
    )
    return checked(checkpoint)


def checked(checkpoint: Checkpoint) -> Checkpoint:
    """Return a checkpoint that was read, if its parts fit each other.

    Raises:
        CheckpointError: as for `Checkpoint.check`, with the remedy.
    """
    try:
        checkpoint.check()
    except NonFiniteError as error:
        remedy = "use an intact copy of the file, or train again"
        raise NonFiniteError(f"{error}: {remedy}") from error
    return checkpoint


def check_format(number: Any, known: int = FORMAT) -> None:
    """Check the number of the format.

    Args:
        number: the number in the header.
        known: the number of the format that is read.

    Raises:
        CheckpointError: if it is not a number, or another format.
    """
    if not schema.FORMAT.fits(number):
        raise archive.not_a_checkpoint()
    if number != known:
        remedy = "install a newer charrnn from where you got this one"
        if number < known:
            remedy = "use the charrnn that wrote the file, or train again"
        raise CheckpointError(
            f"has format {number:,}, and this charrnn reads format {known}: {remedy}"
        )


def check_text(name: str, points: Array, most: int) -> None:
    """Check that an array is the code points of a text, (N,).

    Raises:
        DamagedCheckpointError: if it is not, or has more than `most` characters.
    """
    if points.dtype != np.uint32 or points.ndim != 1 or (points >= CODE_POINTS).any():
        raise DamagedCheckpointError(f"{name} is not a list of code points")
    if points.size > most:
        raise DamagedCheckpointError(f"{name} has more than {most:,} characters")


def check_history(table: Array) -> None:
    """Check that an array is the table of a history, (N, 3).

    Raises:
        DamagedCheckpointError: if it is not, or a step or a loss is out of its range.
    """
    if table.dtype != np.float64 or table.shape[1:] != (len(COLUMNS),):
        raise DamagedCheckpointError(f"history is {table.dtype} {table.shape}, not float64 (N, 3)")
    if len(table) > MAX_POINTS:
        raise DamagedCheckpointError(f"history has more than {MAX_POINTS:,} points")
    steps, losses = table[:, 0], table[:, 1:]
    whole = (steps >= 0) & (steps <= MAX_INTEGER) & (steps == np.floor(steps))
    known = (losses >= 0) & (losses <= MAX_FLOAT32) | np.isnan(losses)
    if not (whole.all() and known.all()):
        raise DamagedCheckpointError("history has a step or a loss out of its range")


def save(path: str | Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint: afterwards the file is the new one, or still the old one.

    Raises:
        NonFiniteError: if weights are not finite: the file keeps the last weights that were.
        CheckpointError: if the checkpoint would not be read again, or cannot be written.
    """
    with _packing(path):
        arrays = pack(checkpoint)
    with _writing(path) as file:
        archive.write(file, arrays)


def read(path: str | Path) -> Checkpoint:
    """Read a checkpoint, or a model in a `.safetensors` file; nothing in the file is executed.

    Raises:
        CheckpointError: if the file is missing, damaged, not a checkpoint, or of a newer version.
    """
    with _naming(path), open_regular(path) as file:
        beginning = file.read(HEAD_BYTES)
        if safetensors.is_safetensors(beginning):
            checkpoint = of_weights(pytorch.read(file))
            checkpoint.notices = tuple(f"{path}: {line}" for line in checkpoint.notices)
            return checkpoint
        if pytorch.is_pickle(beginning):
            raise CheckpointError(
                f"is a PyTorch file, with pickles, which charrnn does not read: {pytorch.REMEDY}"
            )
        if STATES.match(beginning):
            raise CheckpointError(
                "holds states that `charrnn inspect --export` wrote, and no model: name the "
                "checkpoint with -c PATH"
            )
        return unpack(archive.read(file))


def of_weights(found: pytorch.ForeignModel) -> Checkpoint:
    """Return the checkpoint of a model without a training, whose weights may be a stranger's.

    Raises:
        CheckpointError: if its parts do not fit each other.
    """
    return checked(
        Checkpoint(
            found.model,
            found.vocabulary,
            best=found.parameters,
            last=found.parameters,
            reading=found.reading,
            versions={},
            notices=found.notices,
        )
    )


def save_weights(path: str | Path, checkpoint: Checkpoint, weights: Weights = "best") -> None:
    """Write the best or the last weights as a `.safetensors` file for PyTorch, all at once.

    Raises:
        NonFiniteError: if the weights are not finite: a file that is there stays.
        CheckpointError: for a vocabulary that the format cannot hold, or a file that cannot be
            written.
    """
    chosen: dict[str, Array] = getattr(checkpoint, weights)
    reading = ReadingSettings(
        normalize=checkpoint.normalize,
        newlines=checkpoint.newlines,
        binary=checkpoint.binary,
        min_count=checkpoint.min_count,
    )
    with _packing(path):
        replace(checkpoint, best=chosen, last=chosen, resume={}).check()
        header, arrays = pytorch.pack(checkpoint.build(weights), reading)
    with _writing(path) as file:
        safetensors.write(file, header, arrays.values())


def refuse_replacing(path: Path) -> None:
    """Refuse to replace a file that `save_weights` has not written.

    Raises:
        CheckpointError: if there is such a file.
    """
    if path.is_file() and (beginning := head(path)) and not safetensors.is_own(beginning):
        raise CheckpointError(
            f"{path}: is no .safetensors file of charrnn, and would be lost: name another file"
        )


@contextmanager
def _packing(path: str | Path) -> Iterator[None]:
    """Turn the errors of a checkpoint that is to be saved into those of `save`."""
    try:
        with _naming(path):
            yield
    except DamagedCheckpointError as error:
        raise CheckpointError(
            f"{path}: not saved, since it could not be read again: {error.problem}"
        ) from error


@contextmanager
def _writing(path: str | Path) -> Iterator[IO[bytes]]:
    """Open a new file that replaces `path` at the end of the context."""
    try:
        with replacing(path) as file:
            yield file
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be written: {error.strerror or error}") from error


@contextmanager
def _naming(path: str | Path) -> Iterator[None]:
    """Turn the errors of the context into a `CheckpointError` that begins with the path."""
    try:
        yield
    except CheckpointError as error:
        error.args = (f"{path}: {error}",)
        raise
    except FileNotFoundError as error:
        new = command_line([*words_for("train", checkpoint_name(path)), "TEXT"])
        near = similar(path, model=True)
        other = quoted_path(near) if near else "PATH"
        raise CheckpointError(
            f"{path}: no such checkpoint: make one with `{new}`, or name another with -c {other}"
        ) from error
    except PermissionError as error:
        raise CheckpointError(
            f"{path}: {error.strerror}: make it readable with chmod, or name another with -c PATH"
        ) from error
    except OSError as error:
        reason = error.strerror or str(error)
        remedy = "" if ": " in reason else ": name a checkpoint with -c PATH"
        raise CheckpointError(f"{path}: {reason}{remedy}") from error
