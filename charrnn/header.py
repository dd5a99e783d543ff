"""The part of a checkpoint that is JSON: read strictly, and held against what it has to say."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import MISSING, fields
from math import inf
from typing import Any

import numpy as np

from charrnn.errors import CheckpointError
from charrnn.settings import HIGHEST, Settings
from charrnn.text.decoding import ERRORS
from charrnn.text.normal_forms import NORMAL_FORMS

#: Bytes of a header, and values in it: more is in none that charrnn wrote, and would become many
#: times as much in memory.
LONGEST, MOST = 2 << 20, 100_000
#: Of these, what is left to all but the names of the texts, and is more than enough.
REST = b" " * (1 << 18) + b"," * 10_000
#: Which bytes begin and end a string, and which come before a value.
QUOTES, BEGINNINGS = (bytes(byte in some for byte in range(256)) for some in (b'"', b"{[,"))
Kinds = type | tuple[type, ...]
NUMBER: Kinds = (int, float)
NOTHING = type(None)
WRITTEN: dict[str, Kinds] = {"int": int, "float": NUMBER, "str": str}
#: What the sections hold, by name and kind. A section may be empty: a model that was saved from
#: Python need not have been trained.
SECTIONS: dict[str, dict[str, Kinds]] = {
    "model": {"cell": str, "hidden_size": int, "num_layers": int, "dropout": NUMBER},
    "corpus": {
        "name": str,
        "characters": int,
        "sha256": str,
        "files": list,
        "encoding": (str, NOTHING),
        "errors": str,
        "binary": bool,
        "normalize": (str, NOTHING),
        "val_frac": (int, float, NOTHING),
        "held_out": int,
    },
    "settings": {field.name: WRITTEN[str(field.type)] for field in fields(Settings)},
    "run": {
        "step": int,
        "best_loss": (int, float, NOTHING),
        "best_step": int,
        "stale": int,
        "recent": list,
    },
    "versions": {},
}
#: What may be said of how the text was read, first of all.
CHOICES: dict[str, tuple[str | None, ...]] = {
    "errors": ERRORS,
    "normalize": (None, *NORMAL_FORMS),
}
#: What earlier versions did not write, and what settings are where nothing is said of them.
OPTIONAL = {
    *("held_out", "errors", "binary"),
    *(field.name for field in fields(Settings) if field.default is not MISSING),
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


def has_room(names: object) -> bool:
    """Whether a header can hold the names of texts: those of very many are too long for it."""
    return not too_large(json.dumps(names).encode("ascii") + REST)


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
    return len(data) > LONGEST or values(data) > MOST


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
    """Hold the sections of a header against what they have to say.

    Raises:
        CheckpointError: where one does not say it, with what it says.
    """
    for section, expected in SECTIONS.items():
        found = header.get(section)
        if not isinstance(found, dict):
            raise CheckpointError(f"damaged: its header has no {section}")
        missing = expected.keys() - found.keys() - OPTIONAL
        if found and missing:
            raise CheckpointError(f"damaged: its {section} lacks {', '.join(sorted(missing))}")
        # What is there would be obeyed. Who has more to say raises the number of the format.
        if expected and (unknown := found.keys() - expected.keys()):
            names = ", ".join(map(repr, sorted(unknown)))
            raise CheckpointError(f"damaged: nothing is known of {names:.200} in its {section}")
        for name, kinds in expected.items():
            if name in found and not fits(found[name], kinds):
                raise CheckpointError(f"damaged: {name} of its {section} is {found[name]!r:.80}")
    if not all(isinstance(file, str) for file in header["corpus"].get("files", ())):
        raise CheckpointError("damaged: the files of its corpus are no names")
    for name, choices in CHOICES.items():
        if header["corpus"].get(name, choices[0]) not in choices:
            raise CheckpointError(f"damaged: {name} of its corpus is none of {choices}")
    if not all(isinstance(version, str) for version in header["versions"].values()):
        raise CheckpointError("damaged: its versions are no names")
    if not isinstance(header.get("arrays"), list):
        raise CheckpointError("damaged: its header lists no arrays")
    recent = header["run"].get("recent", [0.0, 0])
    if len(recent) != 2 or not all(fits(number, NUMBER) for number in recent):
        raise CheckpointError(f"damaged: recent of its run is {recent!r:.80}")


def fits(value: Any, kinds: Kinds) -> bool:
    """Whether a value is of one of some kinds, and a number one to calculate with."""
    if not isinstance(value, kinds) or (isinstance(value, bool) and kinds is not bool):
        return False  # for Python True is an int
    if isinstance(value, float):
        return 0 <= value < inf  # which NaN is not
    return not isinstance(value, int) or 0 <= value <= HIGHEST
