"""Optional packages, imported where they are used."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from charrnn.errors import MissingExtra


def need(module: str, extra: str) -> ModuleType:
    """Import a module that belongs to one of charrnn's extras.

    Args:
        module: its full name.
        extra: the extra that installs it.

    Raises:
        MissingExtra: if the module, or one that it needs, is not installed; with the command
            that installs it.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        missing = (error.name or module).partition(".")[0]
        raise MissingExtra(f"{missing} is not installed: pip install 'charrnn[{extra}]'") from error
