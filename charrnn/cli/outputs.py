"""The files that `charrnn inspect` writes: what would go wrong with them, before any work."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from charrnn import files
from charrnn.checkpoint import Checkpoint
from charrnn.cli.options import refuse_overwriting
from charrnn.errors import SettingError
from charrnn.render import plot
from charrnn.render.extras import need

#: Options that name a file to be written.
WRITTEN = ("html", "plot", "export")


def check_outputs(checkpoint: Checkpoint, options: dict[str, Any]) -> None:
    """Find out whether all that is to be written can be, and takes nobody's place.

    Raises:
        click.UsageError: for a file that is the model, a text, or asked for twice.
        SettingError: for one that cannot be written, or a picture of an unknown kind.
        MissingExtraError: where what draws is not installed.
    """
    texts = checkpoint.corpus.files if checkpoint.corpus else ()
    taken = [options["checkpoint"], options["text"], *texts]
    for name in WRITTEN:
        path: Path | None = options[name]
        if path is None:
            continue
        refuse_overwriting(f"--{name}", path, *taken)
        check_place(path)
        taken.append(path)
    if options["plot"]:
        plot.check_suffix(options["plot"])
    if options["html"]:
        for module in ("jinja2", "matplotlib"):
            need(module, "report")


def check_place(path: Path) -> None:
    """Find out whether a file can be written.

    Raises:
        SettingError: where it cannot.
    """
    try:
        if not path.resolve().parent.is_dir():
            raise SettingError(f"{path}: cannot be written: there is no folder {path.parent}")
        files.probe(path)
    except (OSError, RuntimeError) as error:  # RuntimeError: links in a circle, until Python 3.12
        why = getattr(error, "strerror", None) or error
        raise SettingError(f"{path}: cannot be written: {why}") from error
