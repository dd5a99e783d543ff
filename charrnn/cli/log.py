"""The log of a training run: the figures of each step, a JSON object a line."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from charrnn.errors import TrainingError


class Log:
    """A file to append to. If writing fails in the middle of a run, the run goes on without a log.

    Args:
        path: of the file; None for no log.
        say: writes a message to the user.

    Raises:
        TrainingError: where it cannot be opened.
    """

    def __init__(self, path: Path | None, say: Callable[[str], None]) -> None:
        self.path, self.say = path, say
        self.file: IO[str] | None = None
        try:
            if path:
                self.file = path.open("a", encoding="utf-8")
        except OSError as error:
            raise TrainingError(f"{path}: {error.strerror}") from error

    def write(self, record: dict[str, Any]) -> None:
        """Append a line."""
        if self.file:
            try:
                self.file.write(json.dumps(record, allow_nan=False) + "\n")
            except OSError as error:
                self._give_up(error)

    def close(self) -> None:
        """Flush and close the file."""
        if self.file:
            try:
                self.file.close()
            except OSError as error:
                self._give_up(error)

    def _give_up(self, error: OSError) -> None:
        file, self.file = self.file, None
        with suppress(OSError):
            if file:
                file.close()  # flushing fails once more
        self.say(f"{self.path}: {error.strerror}: going on without a log")
