"""The header of a checkpoint: JSON, read strictly and held to a schema.

The schema is made from the dataclasses in `SECTIONS`: a field of a dataclass is a field of the
header, with the type, and the range or the choices in its metadata.
"""

from __future__ import annotations

import json
import reprlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

import numpy as np

from charrnn.checkpoint.fingerprint import MAX_LENGTH
from charrnn.checkpoint.state import RunState
from charrnn.config import MAX_INTEGER, ModelConfig, TrainingConfig, limits
from charrnn.errors import CheckpointError, DamagedCheckpointError
from charrnn.text.corpus_info import MAX_PATH, CorpusInfo, ReadingSettings

#: Bytes of a header, and values in it: Python needs many times as much memory for them.
MAX_BYTES, MAX_VALUES = 2 << 20, 60_000
#: Names of arrays, and characters of one.
MAX_ARRAYS, MAX_ARRAY_NAME = 10_000, 100
#: Names in the section `versions`.
MAX_VERSIONS = 50

#: Padding as large as the rest of a header, for `has_room`.
REST_OF_HEADER = b" " * (1 << 18) + b"," * 10_000
#: Tables for `bytes.translate`: bytes that begin and end a string, and that precede a value.
QUOTES, BEGINNINGS = (bytes(byte in some for byte in range(256)) for some in (b'"', b"{[,"))
#: Shortens a value for an error.
SHORT = reprlib.Repr()
SHORT.maxstring = SHORT.maxother = SHORT.maxlong = 80


@dataclass(frozen=True)
class Field:
    """The type and the range of a value in a header.

    Args:
        kind: bool, int, float, str, or list of strings; JSON may write a float as an int.
        low, high: range of a number, or of the length of a string or a list.
        choices: all values of a string; empty for any value.
        nullable: the value may be None.
        item: the field of each item of a list.
    """

    kind: type
    low: float = 0
    high: float = MAX_INTEGER
    choices: tuple[str, ...] = ()
    nullable: bool = False
    item: Field | None = None

    def fits(self, value: Any) -> bool:
        """Return whether a value is of this type and within the range."""
        if value is None:
            return self.nullable
        if isinstance(value, bool) or self.kind is bool:  # in Python, True is an int
            return isinstance(value, bool) and self.kind is bool
        if self.kind is list:
            return (
                isinstance(value, (list, tuple))
                and self.low <= len(value) <= self.high
                and (self.item is None or all(map(self.item.fits, value)))
            )
        if self.kind is str:
            return (
                isinstance(value, str)
                and self.low <= len(value) <= self.high
                and "\0" not in value
                and (not self.choices or value in self.choices)
            )
        number = isinstance(value, int) or (isinstance(value, float) and self.kind is float)
        return number and self.low <= value <= self.high

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
            list: f"a list of {within} values: {self.item}",
        }[self.kind]


def fields_of(cls: type) -> Iterator[tuple[str, Field]]:
    """Yield the name and the schema of each field of a dataclass with a range, choices, or bool.

    Args:
        cls: a dataclass with fields of the types bool, int, float, str and tuple[str, ...], and
            each of these `| None`. In the metadata of a field, `low` and `high` are the range of a
            number or a length, and `choices` are the values of a string.
    """
    types = get_type_hints(cls)
    for field in fields(cls):
        kind, nullable, metadata = types[field.name], False, field.metadata
        if isinstance(kind, UnionType):
            (kind, _), nullable = get_args(kind), True
        low, high = metadata.get("low", 0), metadata.get("high", MAX_INTEGER)
        choices = metadata.get("choices", ())
        if get_origin(kind) is tuple:
            yield field.name, Field(list, low, high, item=Field(str, 1, MAX_PATH))
        elif metadata or kind is bool:
            yield field.name, Field(kind, low, high, choices, nullable)


#: The dataclass of each section. `corpus` and `settings` are null for a model without a training,
#: `reading` for one with its text.
#: The history of a run has no range: it is an array of its own.
SECTIONS: dict[str, type] = {
    "model": ModelConfig,
    "corpus": CorpusInfo,
    "reading": ReadingSettings,
    "settings": TrainingConfig,
    "run": RunState,
}
NULLABLE_SECTIONS = ("corpus", "reading", "settings")
SCHEMA = {name: dict(fields_of(cls)) for name, cls in SECTIONS.items()}
FORMAT = Field(int, 1)
ARRAYS = Field(list, 0, MAX_ARRAYS, item=Field(str, 1, MAX_ARRAY_NAME))
VERSION = Field(str, 0, MAX_LENGTH)


def encode(header: Mapping[str, Any]) -> bytes:
    """Return a header as ASCII bytes.

    Raises:
        CheckpointError: if the header is too large to be read again.
    """
    data = json.dumps(header, allow_nan=False).encode("ascii")
    if too_large(data):
        raise CheckpointError(
            f"its header, of {len(data):,} bytes, is too large to save: train on fewer files"
        )
    return data


def has_room(name: str, files: Sequence[str]) -> bool:
    """Return whether a header can hold the name of a text and the paths of its files."""
    corpus = SCHEMA["corpus"]
    fit = corpus["name"].fits(name) and corpus["files"].fits(files)
    written = json.dumps([name, files], allow_nan=False).encode("ascii")
    return fit and not too_large(written + REST_OF_HEADER)


def decode(data: bytes, encoding: str = "ascii") -> dict[str, Any]:
    """Return the header in bytes.

    Args:
        data: JSON.
        encoding: of the bytes.

    Raises:
        DamagedCheckpointError: if `encode` would not write these bytes.
    """
    if too_large(data):
        raise DamagedCheckpointError(f"its header, of {len(data):,} bytes, is too large")
    try:
        header = json.loads(
            data.decode(encoding), object_pairs_hook=unique_names, parse_constant=refuse_constant
        )
    except (ValueError, RecursionError) as error:
        raise DamagedCheckpointError(f"its header is not JSON: {error}") from error
    if not isinstance(header, dict):
        raise DamagedCheckpointError("its header is not a JSON object")
    return header


def too_large(data: bytes) -> bool:
    """Return whether JSON is larger than the limits."""
    return len(data) > MAX_BYTES or count_values(data) > MAX_VALUES


def count_values(data: bytes) -> int:
    """Return an upper bound of the values in JSON: each begins an object or a list, or follows a
    comma.
    """
    unescaped = data.replace(rb"\\", b"").replace(rb"\"", b"")
    in_string = np.logical_xor.accumulate(np.frombuffer(unescaped.translate(QUOTES), bool))
    begins = np.frombuffer(unescaped.translate(BEGINNINGS), bool)
    return int(np.count_nonzero(begins & ~in_string))


def unique_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return a JSON object as a dict; refuse a repeated name."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name is repeated")
    return found


def refuse_constant(constant: str) -> float:
    """Refuse NaN and Infinity, which Python reads and JSON does not have."""
    raise ValueError(f"{constant} is not a number")


def check(header: Mapping[str, Any]) -> None:
    """Check a header against the schema.

    Raises:
        DamagedCheckpointError: for a missing or unexpected field, or one of another type or out of
            its range, with its name and value.
    """
    check_names("its header", header, {"format", "arrays", "versions", *SCHEMA})
    for section, known in SCHEMA.items():
        found = header[section]
        if found is None and section in NULLABLE_SECTIONS:
            continue
        check_names(f"the {section} of its header", found, known)
        for name, value in found.items():
            if not known[name].fits(value):
                raise DamagedCheckpointError(
                    f"{section}.{name} of its header is {SHORT.repr(value)}, not {known[name]}"
                )
    if not ARRAYS.fits(header["arrays"]):
        raise DamagedCheckpointError("arrays of its header is not a list of names")
    versions = header["versions"]
    if (
        not isinstance(versions, dict)
        or len(versions) > MAX_VERSIONS
        or not all(VERSION.fits(text) for pair in versions.items() for text in pair)
    ):
        raise DamagedCheckpointError(
            f"versions of its header is not at most {MAX_VERSIONS} names and versions"
        )


def check_names(where: str, found: Any, expected: Collection[str]) -> None:
    """Check the names of a part of a header.

    Raises:
        DamagedCheckpointError: if a field is missing, or unexpected.
    """
    if not isinstance(found, dict):
        raise DamagedCheckpointError(f"{where} is not an object")
    if missing := set(expected) - found.keys():
        raise DamagedCheckpointError(f"{where} lacks {some(missing)}")
    # A new field would have to raise the number of the format.
    if unexpected := found.keys() - set(expected):
        raise DamagedCheckpointError(f"{where} has an unexpected field {some(unexpected)}")


def section_from(section: str, values: Mapping[str, Any]) -> Any:
    """Return the dataclass of a section from its checked values."""
    return SECTIONS[section](
        **{
            name: tuple(value) if isinstance(value, list) else value
            for name, value in values.items()
        }
    )


def some(names: Collection[str]) -> str:
    """Return the first of many names as an error shows them."""
    return ", ".join(SHORT.repr(name) for name in sorted(names)[:5])
