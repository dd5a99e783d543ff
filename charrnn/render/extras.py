"""Optional packages, imported where they are used."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType

from charrnn.errors import MissingExtraError

#: The packages of each extra. A message names the packages: the extra cannot be installed by the
#: name `charrnn`, which belongs to another project on the package index.
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
        with unlogged(module.partition(".")[0]):
            return import_module(module)
    except ModuleNotFoundError as error:
        missing = (error.name or module).partition(".")[0]
        raise MissingExtraError(
            f"{missing} is not installed: pip install {EXTRAS[extra]}"
        ) from error


@contextmanager
def unlogged(package: str) -> Iterator[None]:
    """Drop what a package logs: matplotlib advises a developer where no home can keep its cache."""
    import logging  # here, since most commands need no extra

    def drop(record: logging.LogRecord) -> bool:
        return False

    logger = logging.getLogger(package)
    logger.addFilter(drop)
    try:
        yield
    finally:
        logger.removeFilter(drop)
