"""The log of a training run: the figures of each step, one JSON object per line."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from math import isclose
from pathlib import Path
from typing import IO, Any

from charrnn.checkpoint import RunState
from charrnn.checkpoint.state import MAX_POINTS
from charrnn.cli.console import notice
from charrnn.errors import TrainingError
from charrnn.names import unused

#: The beginning of a log.
BEGINNING = b'{"step": '


class Log:
    """A file with a line per step. If a write fails during a run, the run goes on without a log.

    A new run starts a new file. A run that goes on appends; lines of steps after the one that it
    goes on from are cut off, and so is a line that was not written to its end.

    Args:
        path: the path of the file; None for no log.
        say: writes a message to the user while the run goes on.
        step: the last step taken.
        resumed: the numbers in the checkpoint that a run goes on from; None for a new run.

    Raises:
        TrainingError: where the file cannot be opened, or is the log of another run.
    """

    def __init__(
        self,
        path: Path | None,
        say: Callable[[str], None],
        step: int = 0,
        resumed: RunState | None = None,
    ) -> None:
        self.path, self.say = path, say
        self.file: IO[str] | None = None
        try:
            if path:
                if resumed:
                    cut_back(path, step, resumed)
                elif is_log(path):
                    notice(f"{path}: replaces the log of another run")
                self.file = path.open("a" if resumed else "w", encoding="utf-8")
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


def cut_back(path: Path, step: int, resumed: RunState) -> None:
    """Cut off the lines after a step, and a line that was not written to its end."""
    if not path.is_file() or not path.stat().st_size:
        return
    if not is_log(path):
        raise no_log(path)
    losses: dict[int, float] = {}
    start, end, last = first_logged(resumed), 0, 0
    for offset, number, loss in lines(path):
        last = max(last, number)
        if start < number <= resumed.step:
            losses[number] = loss
        if last <= step:
            end = offset
    known = agrees(losses, resumed)
    if known is False or (known is None and last > step):
        raise TrainingError(
            f"{path}: has the log of another run: name another file, as in --log {unused(path)}"
        )
    if path.stat().st_size > end:
        with path.open("r+b") as file:
            file.truncate(end)
    if last > step:
        notice(f"{path}: cut back from step {last:,} to step {step:,}, where the run goes on")


def refuse_log(path: Path | None, overwrite: bool) -> None:
    """Refuse to start a new log where another file is.

    Args:
        path: the path of the log; None for none.
        overwrite: a log may be replaced, and no other file.

    Raises:
        TrainingError: if the file has something else, with the remedy.
    """
    with suppress(OSError):  # a missing file; others are reported when the log is opened
        if not path or not path.is_file() or not path.stat().st_size:
            return
        if not is_log(path):
            raise no_log(path)
        if not overwrite:
            raise TrainingError(
                f"{path}: has the log of another run: --overwrite to replace it and the "
                f"checkpoint, or --log {unused(path)} to keep both"
            )


def no_log(path: Path) -> TrainingError:
    """The error for a file that is no log."""
    return TrainingError(f"{path}: is no log: name another file, as in --log {unused(path)}")


def is_log(path: Path) -> bool:
    """True for a file that begins as the line of a step does."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(BEGINNING)) == BEGINNING


def lines(path: Path) -> Iterator[tuple[int, int, float]]:
    """The lines of a log, without a last one that was not written to its end.

    Yields:
        The offset of the end of the line, in bytes, the step, and the loss; step 0 for a line that
        cannot be read.
    """
    offset = 0
    with path.open("rb") as file:
        for line in file:
            if not line.endswith(b"\n"):
                return
            offset += len(line)
            try:
                record = json.loads(line)
                yield offset, int(record["step"]), float(record["loss"])
            except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
                yield offset, 0, 0.0


def first_logged(resumed: RunState) -> int:
    """The step after which the losses of a log are compared with the numbers of a run."""
    if resumed.loss_count:
        return resumed.step - resumed.loss_count
    points = [int(point["step"] or 0) for point in resumed.history]
    return points[-2] if len(points) > 1 else 0


def agrees(losses: dict[int, float], resumed: RunState) -> bool | None:
    """Compare the losses in a log with those that a checkpoint sums up.

    Args:
        losses: the losses by step, from the step after `first_logged` on.
        resumed: the numbers of the run.

    Returns:
        None where the log lacks steps, or the checkpoint sums up none.
    """
    if resumed.loss_count:
        count, total = resumed.loss_count, resumed.loss_sum
    elif 0 < len(resumed.history) < MAX_POINTS:  # a longer history is thinned out
        last = resumed.history[-1]
        count = int(last["step"] or 0) - first_logged(resumed)
        total = count * (last["loss"] or 0.0)
    else:
        return None
    if len(losses) != count:
        return None
    return isclose(sum(losses.values()), total, rel_tol=1e-6)
