"""Names of files to propose: one like a mistyped one, one that is unused, one of the right kind."""

from __future__ import annotations

import os
from contextlib import suppress
from itertools import chain, count, islice
from pathlib import Path

#: The suffixes of a file of weights, and of a checkpoint.
WEIGHTS, CHECKPOINT = ".safetensors", ".npz"
#: Names in a folder that are compared with a mistyped one.
MAX_NAMES = 1_000
#: The least similarity of a name without its suffix to a mistyped one, from 0 to 1.
MIN_SIMILARITY = 0.8


def similar(path: str | os.PathLike[str], *, model: bool = False) -> str:
    """The file in the same folder with the name most like a mistyped one; "" for none.

    The names are compared without their suffixes. Hidden files are left out.

    Args:
        path: the mistyped path.
        model: name a checkpoint or a file of weights; else a file with another suffix.
    """
    folder, name = os.path.split(path)
    names: list[str] = []
    with suppress(OSError), os.scandir(folder or ".") as entries:
        names = sorted(
            entry.name
            for entry in islice(entries, MAX_NAMES)
            if not entry.name.startswith(".")
            and entry.name.lower().endswith((WEIGHTS, CHECKPOINT)) == model
            and entry.is_file()
        )
    from difflib import get_close_matches  # slow to import, and needed only after a mistake

    stems = {stem_of(each) for each in names}
    nearest = get_close_matches(stem_of(name), stems, 1, MIN_SIMILARITY)
    with_stem = [each for each in names if stem_of(each) in nearest]
    found = get_close_matches(name, with_stem, 1, 0)
    return os.path.join(folder, found[0]) if found else ""


def stem_of(name: str) -> str:
    """A name without its last suffix."""
    return os.path.splitext(name)[0]


def unused(path: Path) -> Path:
    """A path that no file has: this one, or this one with a number."""
    names = (path.with_stem(f"{path.stem}-{number}") for number in count(2))
    return next(name for name in chain([path], names) if not os.path.lexists(name))


def is_weights(path: str | os.PathLike[str]) -> bool:
    """True for the name of a file of weights."""
    return os.fspath(path).lower().endswith(WEIGHTS)


def checkpoint_name(path: str | os.PathLike[str]) -> str:
    """A path with `.npz` in place of `.safetensors`: a file of weights holds no run."""
    name = os.fspath(path)
    return name[: -len(WEIGHTS)] + CHECKPOINT if is_weights(name) else name
