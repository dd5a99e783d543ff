"""Optional packages, imported where they are used."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from charrnn.errors import MissingExtraError

#: The packages of each extra. Their names are said rather than the extra's: charrnn is not on the
#: package index, where a package of that name belongs to somebody else.
EXTRAS = {"report": "jinja2 matplotlib", "mpi": "mpi4py"}


def need(module: str, extra: str) -> ModuleType:
    """Import a module that belongs to one of charrnn's extras.

    Args:
        module: its full name.
        extra: the extra that installs it.

    Raises:
        MissingExtraError: if the module, or one that it needs, is not installed; with the command
            that installs it.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        missing = (error.name or module).partition(".")[0]
        raise MissingExtraError(
            f"{missing} is not installed: pip install {EXTRAS[extra]}"
        ) from error
