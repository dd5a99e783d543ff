"""One file that holds a model, what it was trained on, and what is needed to go on.

An `.npz` of plain arrays, uncompressed and without pickles (`charrnn.checkpoint.archive`):

- `header`: JSON, see `charrnn.checkpoint.schema`: the format, and what of `Checkpoint` is no array;
- `vocabulary`: the code points of the characters, ascending; `excerpt`: likewise, in its order;
- `history`: step, loss and validation loss of each validation, (n, 3), NaN for what there is not;
- `best.NAME`, `last.NAME`: each parameter at the lowest validation loss and at the last step;
- `resume.NAME`: the optimizer's memory and the carried state.

A stranger's file can at worst be refused: nothing in it is executed, no path is made of a name
in it, and all is looked at before it is believed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from charrnn.arrays import Array
from charrnn.checkpoint import archive
from charrnn.checkpoint import schema as header
from charrnn.checkpoint.fingerprint import fingerprint
from charrnn.checkpoint.history import COLUMNS, Point, points_of, table_of, thin
from charrnn.config import MAX_FLOAT32, MAX_INTEGER, TrainingConfig
from charrnn.errors import CheckpointError, NotFinite, SettingError
from charrnn.files import open_regular, replacing
from charrnn.network.model import CharRNN, cells_of, shapes_of
from charrnn.text.vocabulary import CODE_POINTS, Vocabulary, code_points, listed, text_of

#: Raised when a reader of an older version would misunderstand what is written. Of 1 everything
#: but the weights and what is resumed from stood in the header.
FORMAT = 2

Weights = Literal["best", "last"]


def nothing_yet() -> dict[str, Any]:
    """The numbers of a run that has not begun."""
    return {
        "step": 0,
        "best_loss": None,
        "best_step": 0,
        "stale": 0,
        "recent": [0.0, 0],
        "history": [],
    }


@dataclass
class Checkpoint:
    """What a file holds.

    Attributes:
        model: the keyword arguments of `CharRNN`.
        vocabulary: the characters, in the order of their indices.
        best, last: the parameters by name, at the lowest validation loss and the last step.
        corpus: `name`, `characters`, `sha256`, and how to read it again.
        settings: of the training, see `charrnn.config.TrainingConfig`.
        run: the numbers that resume the training, see `charrnn.training.trainer.Counters`; with
            `step`, `best_loss`, `best_step` and `history`.
        resume: the arrays that resume the training, by name.
        excerpt: the beginning of the held-out text, to look at.
        versions: of all that decided the bits, see `charrnn.checkpoint.fingerprint`.
    """

    model: dict[str, Any]
    vocabulary: Vocabulary
    best: dict[str, Array]
    last: dict[str, Array]
    corpus: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    run: dict[str, Any] = field(default_factory=nothing_yet)
    resume: dict[str, Array] = field(default_factory=dict)
    excerpt: str = ""
    versions: dict[str, str] = field(default_factory=fingerprint)

    @property
    def normalize(self) -> str | None:
        """The Unicode normal form the text was brought into; None for none."""
        form: str | None = self.corpus.get("normalize")
        return form

    @property
    def binary(self) -> bool:
        """Whether each byte is a character to the model."""
        return bool(self.corpus.get("binary"))

    def build(self, weights: Weights = "best") -> CharRNN:
        """The model, with the weights asked for."""
        model = CharRNN(self.vocabulary, **self.model)
        for name, array in getattr(self, weights).items():
            model.parameters[name][...] = array
        return model

    def untrained(self) -> CharRNN:
        """A model of the same architecture with random weights, from the seed of the run, or 0.

        The run began with these weights, unless it began with `--init-from`: then it began with
        the weights of another checkpoint, which this one does not hold.
        """
        model = CharRNN(self.vocabulary, **self.model)
        model.initialize(np.random.default_rng(self.settings.get("seed", 0)))
        return model

    def check(self) -> None:
        """Find out whether all parts fit each other.

        Raises:
            CheckpointError: where the arrays are not what the configuration asks for, with both
                shapes, or are not finite.
        """
        check_shapes(self.model, len(self.vocabulary), best=self.best, last=self.last)
        try:
            if self.settings:
                TrainingConfig(**self.settings).complete()
        except (TypeError, SettingError) as error:
            raise CheckpointError(
                f"no training with {self.settings!s:.400}: {error!s:.200}"
            ) from error
        for group in GROUPS:
            for name, array in getattr(self, group).items():
                if not finite(array):
                    raise NotFinite(f"{group}.{name:.100} is not finite everywhere")
        if len(self.excerpt) > LONGEST:
            raise CheckpointError(f"its excerpt has {len(self.excerpt):,} characters, too many")
        if unknown := self.vocabulary.unknown(self.excerpt):
            raise CheckpointError(
                f"damaged: its excerpt has characters unknown to it: {listed(unknown)}"
            )
        if self.binary and max(self.vocabulary.ix_to_char, default="") > "\xff":
            raise CheckpointError("damaged: its vocabulary has more than the bytes it is of")


#: The fields of a checkpoint that stand in its header, and those that are arrays by name.
SECTIONS = ("model", "corpus", "settings", "run", "versions")
GROUPS = ("best", "last", "resume")
#: Characters of an excerpt, five times those that charrnn writes.
LONGEST = 500_000
#: The arrays of text, and how many characters each may have.
TEXTS = {"vocabulary": CODE_POINTS, "excerpt": LONGEST}


def check_shapes(model: Mapping[str, Any], V: int, **groups: Mapping[str, Array]) -> None:
    """Hold the shapes of weights against those that a configuration asks for, which are found
    out without making room: who knows what sizes a stranger asks for.

    Args:
        model: the keyword arguments of `CharRNN`.
        V: how many characters it knows.
        groups: weights by name, each of all that there are.

    Raises:
        CheckpointError: where there is no such model, or the shapes differ, with both.
    """
    if not V:
        raise CheckpointError("its vocabulary has no characters")
    try:
        # The smallest of its kind would say what is wrong with the rest.
        CharRNN(Vocabulary("x"), **{**model, "hidden_size": 1, "num_layers": 1})
        sizes = model["hidden_size"], model["num_layers"]
        fewest = min(map(len, groups.values()))
        if sizes[1] > fewest:
            raise SettingError(f"it has {fewest} arrays, too few for its layers")
        expected = shapes_of(cells_of(V, model["cell"], *sizes), V)
    except (KeyError, TypeError, SettingError) as error:
        raise CheckpointError(f"no model of {model!s:.200}: {error!s:.200}") from error
    for group, arrays in groups.items():
        for name in sorted(arrays.keys() | expected.keys()):
            found = arrays[name].shape if name in arrays else "missing"
            asked = expected.get(name, "nothing")
            if found != asked:
                raise CheckpointError(
                    f"{group}.{name:.100} is {found}, where the configuration asks for {asked}"
                )


def finite(array: Array) -> bool:
    """Whether an array is one of finite numbers, and stays that in float32."""
    if array.dtype not in (np.float32, np.float64):
        return False
    with np.errstate(invalid="ignore"):
        return bool(array.min(initial=0) >= -MAX_FLOAT32 and array.max(initial=0) <= MAX_FLOAT32)


def save(path: str | Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint: afterwards the file is the new one, or still the old one.

    What would not be read again is not written: where training went wrong and weights are not
    finite any more, the last ones that were are kept.

    Raises:
        NotFinite: for weights that are not.
        CheckpointError: where that is not possible; nothing is left behind.
    """
    with _naming(path):
        checkpoint.check()
        arrays = packed(checkpoint)
    try:
        with replacing(path) as file:
            archive.write(file, arrays)
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be written: {error.strerror or error}") from error


def packed(checkpoint: Checkpoint) -> dict[str, Array]:
    """A checkpoint as arrays, by name."""
    arrays = {
        "vocabulary": code_points(checkpoint.vocabulary.ix_to_char),
        "excerpt": code_points(checkpoint.excerpt),
        "history": thin(table_of(checkpoint.run["history"])),
    }
    for group in GROUPS:
        for name, array in getattr(checkpoint, group).items():
            arrays[f"{group}.{name}"] = array
    said: dict[str, Any] = {name: dict(getattr(checkpoint, name)) for name in SECTIONS}
    del said["run"]["history"]
    said = {"format": FORMAT, "arrays": sorted(arrays), **said}
    header.check(said)
    encoded = header.encode(said)
    return {"header": np.frombuffer(encoded, np.uint8), **arrays}


def unpacked(arrays: dict[str, Array]) -> Checkpoint:
    """The opposite of `packed`, for arrays that anyone may have made.

    Raises:
        CheckpointError: for what `packed` does not give.
    """
    if "header" not in arrays:
        raise CheckpointError("an archive of arrays, but not a charrnn checkpoint")
    said = header.decode(arrays.pop("header").tobytes())
    form: Any = said.get("format")
    if not header.FORMAT.fits(form):
        raise CheckpointError("not a charrnn checkpoint")
    if form > FORMAT:
        raise CheckpointError(
            f"has format {form:,}, and this charrnn reads up to {FORMAT}: install a newer charrnn "
            "from where you got this one"
        )
    if form == 1:
        of_format_1(said, arrays)
    header.check(said)
    named = {*said["arrays"], *TEXTS, "history"}
    for names, what in ((named - arrays.keys(), "lacks"), (arrays.keys() - named, "lists no")):
        if names:
            raise CheckpointError(f"damaged: it {what} {header.some(names)}")
    for name, most in TEXTS.items():
        check_text(arrays[name], most)
    characters, excerpt = (arrays.pop(name) for name in TEXTS)
    if (characters[1:] <= characters[:-1]).any():
        raise CheckpointError("the characters of its vocabulary are not in order")
    said["run"] = {**nothing_yet(), **said["run"], "history": points(arrays.pop("history"))}
    groups: dict[str, dict[str, Array]] = {group: {} for group in GROUPS}
    for full_name, array in arrays.items():
        group, _, name = full_name.partition(".")
        if group not in groups:
            raise CheckpointError(f"damaged: nothing is known of {full_name!r:.100}")
        groups[group][name] = array
    # A vocabulary takes many times the room of its code points: first, whether it has weights.
    check_shapes(said["model"], characters.size, best=groups["best"], last=groups["last"])
    sections: dict[str, Any] = {name: said[name] for name in SECTIONS}
    checkpoint = Checkpoint(
        vocabulary=Vocabulary(text_of(characters)),
        excerpt=text_of(excerpt),
        **sections,
        **groups,  # type: ignore[arg-type]
    )
    checkpoint.check()
    return checkpoint


def check_text(points: Array, most: int) -> None:
    """Find out whether an array is the code points of a text, (N,), of so many at most.

    Raises:
        CheckpointError: where that is not what they are.
    """
    if points.dtype != np.uint32 or points.ndim != 1 or (points >= CODE_POINTS).any():
        raise CheckpointError("damaged: its text is none")
    if points.size > most:
        raise CheckpointError(f"damaged: a text in it has {points.size:,} characters, too many")


def points(table: Array) -> list[Point]:
    """The points of a history, at most as many as charrnn writes, from its table (N, 3).

    Raises:
        CheckpointError: for a table of another kind, or a step or a loss out of its range.
    """
    if table.dtype != np.float64 or table.shape[1:] != (len(COLUMNS),):
        raise CheckpointError(f"damaged: its history is {table.dtype}, {table.shape}")
    table = thin(table)
    steps, losses = table[:, 0], table[:, 1:]
    whole = (steps >= 0) & (steps <= MAX_INTEGER) & (steps == np.floor(steps))
    known = (losses >= 0) & (losses <= MAX_FLOAT32) | np.isnan(losses)
    if not (whole.all() and known.all()):
        raise CheckpointError("damaged: its history has no steps and losses")
    return points_of(table)


def of_format_1(said: dict[str, Any], arrays: dict[str, Array]) -> None:
    """Bring what the first format said, and its arrays, into the present one.

    Raises:
        CheckpointError: where something is missing.
    """
    try:
        for name in TEXTS:
            arrays[name] = code_points(said.pop(name))
        said.pop("normalize", None)  # which the section of the text says, too
        arrays["history"] = table_of(said["run"].pop("history", []))
        said["arrays"] = sorted(arrays)
    except (KeyError, TypeError, AttributeError, ValueError, OverflowError) as error:
        raise CheckpointError(f"damaged: its header lacks {error}") from error


@contextmanager
def _naming(path: str | Path) -> Iterator[None]:
    """Turn what goes wrong within into a `CheckpointError` that begins with the path."""
    try:
        yield
    except CheckpointError as error:
        raise type(error)(f"{path}: {error}") from error
    except FileNotFoundError as error:
        raise CheckpointError(
            f"{path}: no such checkpoint: make one with `charrnn train TEXT`, or name another "
            "with -c PATH"
        ) from error
    except PermissionError as error:
        raise CheckpointError(
            f"{path}: {error.strerror}: make it readable with chmod, or name another with -c PATH"
        ) from error
    except OSError as error:
        raise CheckpointError(f"{path}: {error.strerror or error}") from error


def read(path: str | Path) -> Checkpoint:
    """Read a checkpoint; nothing in it is executed.

    Raises:
        CheckpointError: for a file that is missing, damaged, of a newer version of charrnn, or
            not a checkpoint at all; and where its arrays do not fit its configuration.
    """
    with _naming(path), open_regular(path) as file:
        return unpacked(archive.read(file))


def load(path: str | Path, weights: Weights = "best") -> CharRNN:
    """The model in a checkpoint.

    Args:
        path: of the checkpoint.
        weights: those of the lowest validation loss, or of the last step.

    Raises:
        CheckpointError: as `read`.
    """
    return read(path).build(weights)
