"""The part of a checkpoint that is JSON: read strictly, and held against a schema."""

from __future__ import annotations

import json
import reprlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from charrnn.checkpoint.fingerprint import MAX_LENGTH
from charrnn.config import BELOW_ONE, MAX_FLOAT32, MAX_INTEGER, TrainingConfig, limits, options
from charrnn.errors import CheckpointError
from charrnn.network.layers import CELLS
from charrnn.text.decoding import ERRORS
from charrnn.text.normal_forms import NORMAL_FORMS

#: Bytes of a header, and values in it: Python needs many times as much memory for them.
MAX_BYTES, MAX_VALUES = 2 << 20, 60_000
#: Files of a text, and characters of the path of one: more than Linux and Windows open.
MAX_FILES, MAX_PATH = 40_000, 32_767
#: Room in a header for all but the names of the text and of its files.
REST = b" " * (1 << 18) + b"," * 10_000
#: Tables for `bytes.translate`: bytes that begin and end a string, and that precede a value.
QUOTES, BEGINNINGS = (bytes(byte in some for byte in range(256)) for some in (b'"', b"{[,"))
#: Shows a value in an error.
SHORT = reprlib.Repr()
SHORT.maxstring = SHORT.maxother = SHORT.maxlong = 80


@dataclass(frozen=True)
class Field:
    """The type and the range of a value in a header.

    Args:
        kind: bool, int, float, str or list; JSON may write a float as an int.
        low, high: the range of a number, of the length of a string, or of that of a list.
        choices: all values of a string; any unless given.
        items: the fields of a list: one for all items, or one for each.
        nullable: whether the value may be None.
        optional: whether the value may be missing, as in checkpoints of earlier versions.
    """

    kind: type
    low: float = 0
    high: float = MAX_INTEGER
    choices: tuple[str, ...] = ()
    items: tuple[Field, ...] = ()
    nullable: bool = False
    optional: bool = False

    def fits(self, value: Any) -> bool:
        """Whether a value is of this type, and within the range."""
        if value is None:
            return self.nullable
        if isinstance(value, bool) or self.kind is bool:  # for Python, True is an int
            return isinstance(value, bool) and self.kind is bool
        if isinstance(value, list) and self.kind is list:
            items = self.items * len(value) if len(self.items) == 1 else self.items
            return self.low <= len(value) <= self.high and all(
                field.fits(item) for field, item in zip(items, value)
            )
        if isinstance(value, str) and self.kind is str:
            known = not self.choices or value in self.choices
            return known and self.low <= len(value) <= self.high and "\0" not in value
        number = isinstance(value, int) or (isinstance(value, float) and self.kind is float)
        return number and self.kind in (int, float) and self.low <= value <= self.high

    def __str__(self) -> str:
        """The type and the range in words."""
        if self.choices:
            return f"one of {', '.join(self.choices)}"
        within = limits(self.low, self.high)
        return {
            bool: "true or false",
            int: f"a whole number from {within}",
            float: f"a number from {within}",
            str: f"a string of {within} characters without NUL",
            list: f"a list of {within} values: {' and '.join(map(str, self.items))}",
        }[self.kind]


NAME = Field(str, 0, MAX_BYTES)
FILES = Field(list, 0, MAX_FILES, items=(Field(str, 1, MAX_PATH),))
#: A string in the section `versions`, and how many there may be.
VERSION, MAX_VERSIONS = Field(str, 0, MAX_LENGTH), 50
#: A list of the names of the arrays.
ARRAYS = Field(list, 0, 10_000, items=(Field(str, 1, 100),))
#: The number of the format, at the top of a header.
FORMAT = Field(int, 1)
COUNT, LOSS = Field(int), Field(float, 0, MAX_FLOAT32)


def of_settings() -> Iterator[tuple[str, Field]]:
    """The fields of `TrainingConfig`, by name; those that the planning chooses are required."""
    for option in options(TrainingConfig):
        optional = option.default is not None
        if option.kind is str:
            yield option.name, Field(str, 1, choices=option.choices, optional=optional)
        else:
            yield option.name, Field(option.kind, option.low, option.high, optional=optional)


#: All fields of a header but those of `versions`, by section and name. All sections but `model`
#: may be empty: a model that was saved from Python need not have been trained.
SECTIONS: dict[str, dict[str, Field]] = {
    "model": {
        "cell": Field(str, 1, choices=tuple(CELLS)),
        "hidden_size": Field(int, 1),
        "num_layers": Field(int, 1),
        "dropout": Field(float, 0, BELOW_ONE),
    },
    "corpus": {
        "name": NAME,
        "characters": Field(int, 2),
        "sha256": Field(str, 64, 64),
        "files": FILES,
        "encoding": Field(str, 1, 100, nullable=True),
        "errors": Field(str, 1, choices=ERRORS, optional=True),
        "binary": Field(bool, optional=True),
        "normalize": Field(str, 1, choices=tuple(NORMAL_FORMS), nullable=True),
        "val_frac": Field(float, 0, BELOW_ONE, nullable=True),
        "held_out": replace(COUNT, optional=True),
    },
    "settings": dict(of_settings()),
    "run": {
        "step": COUNT,
        "best_loss": replace(LOSS, nullable=True),
        "best_step": COUNT,
        "stale": COUNT,
        # A sum of losses, and their number.
        "recent": Field(list, 2, 2, items=(Field(float, 0, MAX_FLOAT32 * MAX_INTEGER), COUNT)),
    },
    "versions": {},
}


def encode(header: Mapping[str, Any]) -> bytes:
    """A header as bytes, all of them ASCII.

    Raises:
        CheckpointError: for one so large that it would not be read again.
    """
    data = json.dumps(header, allow_nan=False).encode("ascii")
    if too_large(data):
        raise CheckpointError(f"cannot be saved: its header, of {len(data):,} bytes, is too large")
    return data


def has_room(name: str, files: Sequence[str]) -> bool:
    """Whether a header can hold the name of a text and the paths of its files."""
    fit = NAME.fits(name) and FILES.fits(list(files))
    written = json.dumps([name, files], allow_nan=False).encode("ascii")
    return fit and not too_large(written + REST)


def decode(data: bytes) -> dict[str, Any]:
    """A header from bytes.

    Raises:
        CheckpointError: for what `encode` does not write.
    """
    if too_large(data):
        raise CheckpointError(f"damaged: its header, of {len(data):,} bytes, is too large")
    try:
        header = json.loads(
            data.decode("ascii"), object_pairs_hook=without_repetition, parse_constant=refuse
        )
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"damaged: its header is not what it should be: {error}") from error
    if not isinstance(header, dict):
        raise CheckpointError("not a charrnn checkpoint")
    return header


def too_large(data: bytes) -> bool:
    """Whether JSON is more than is read."""
    return len(data) > MAX_BYTES or values(data) > MAX_VALUES


def values(data: bytes) -> int:
    """How many values JSON may have: all that begin an object or a list, or follow a comma."""
    unescaped = data.replace(rb"\\", b"").replace(rb"\"", b"")
    within = np.logical_xor.accumulate(np.frombuffer(unescaped.translate(QUOTES), bool))  # a string
    begins = np.frombuffer(unescaped.translate(BEGINNINGS), bool)
    return int(np.count_nonzero(begins & ~within))


def without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON, of which each name stands for one thing."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name is there twice")
    return found


def refuse(constant: str) -> float:
    """What JSON does not have, and Python's reading of it does: NaN and Infinity."""
    raise ValueError(f"{constant} is no number")


def check(header: Mapping[str, Any]) -> None:
    """Hold a header against the schema.

    Raises:
        CheckpointError: for a field that is missing, unknown, of another type or out of its
            range, with its name and value.
    """
    expected = {"format", "arrays", *SECTIONS}
    if unknown := header.keys() - expected:
        raise CheckpointError(f"damaged: nothing is known of {some(unknown)} in its header")
    for section, known in SECTIONS.items():
        found = header.get(section)
        if not isinstance(found, dict):
            raise CheckpointError(f"damaged: its header has no {section}")
        if section == "versions":
            check_versions(found)
            continue
        missing = {name for name, field in known.items() if not field.optional} - found.keys()
        if missing and (found or section == "model"):
            raise CheckpointError(f"damaged: its {section} lacks {', '.join(sorted(missing))}")
        # A field that this version does not know would have to raise the number of the format.
        if unknown := found.keys() - known.keys():
            raise CheckpointError(f"damaged: nothing is known of {some(unknown)} in its {section}")
        for name, value in found.items():
            if not known[name].fits(value):
                raise CheckpointError(
                    f"damaged: {name} of its {section} is {SHORT.repr(value)}, not {known[name]}"
                )
    if not ARRAYS.fits(header.get("arrays")):
        raise CheckpointError("damaged: its header lists no arrays")


def check_versions(versions: Mapping[str, Any]) -> None:
    """Hold the section `versions` against its limits.

    Raises:
        CheckpointError: where it is beyond.
    """
    if len(versions) > MAX_VERSIONS or not all(
        VERSION.fits(text) for pair in versions.items() for text in pair
    ):
        raise CheckpointError("damaged: its versions are too many, or no names")


def some(names: Collection[str]) -> str:
    """A few of many names, as an error shows them."""
    return ", ".join(SHORT.repr(name) for name in sorted(names)[:5])
