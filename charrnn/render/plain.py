"""Results as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from math import isfinite
from typing import Any

import numpy as np

#: Significant digits of a number: those of a float32, less those that depend on the order of
#: summation.
DIGITS = 6


def plain(value: object) -> Any:
    """Convert a value for `json.dumps(…, allow_nan=False)`.

    Dataclasses, with their properties, named tuples and mappings become dictionaries; arrays,
    lists and tuples become lists; a complex number becomes its two parts; a non-finite number
    becomes None.

    Raises:
        TypeError: for any other type.
    """
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist())  # before str and float, which some of NumPy's numbers are
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}") if isfinite(value) else None
    if isinstance(value, complex):
        return [plain(value.real), plain(value.imag)]
    if is_dataclass(value) and not isinstance(value, type):
        # Properties, which follow from the fields, are part of the result, too.
        names = [field.name for field in fields(value)]
        names += [n for n, kept in vars(type(value)).items() if isinstance(kept, property)]
        return {name: plain(getattr(value, name)) for name in names}
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return plain(value._asdict())
    if isinstance(value, Mapping):
        return {_key(key): plain(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, (bytes, bytearray)):
        return [plain(item) for item in value]
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


def _key(key: object) -> str:
    """A key of JSON: the parts of a tuple are joined by dots, as in 1.h or 1.42."""
    if isinstance(key, tuple):
        return ".".join(map(_key, key))
    if isinstance(key, (str, int, np.integer)):
        return str(key)
    raise TypeError(f"{type(key).__name__} cannot be a key of JSON")
