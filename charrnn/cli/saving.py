"""Where a run is saved, and when."""

from __future__ import annotations

import shlex
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from charrnn import checkpoint as checkpoints
from charrnn import files, locks
from charrnn.cli.console import notice
from charrnn.errors import CheckpointError, NonFiniteError
from charrnn.training.session import Session
from charrnn.training.trainer import diverged

#: Seconds from save to save, at least: what a power cut can cost.
SAVE_AFTER = 30
#: And so many times what the last one took: saving costs a hundredth of the time at most.
TIMES = 100


@contextmanager
def reserving(path: Path) -> Iterator[None]:
    """Within it no other run saves to `path`, also by another name, and this one can.

    Raises:
        CheckpointError: where another run does, or this one cannot.
    """
    with ExitStack() as stack:
        with naming(path):
            target = place_of(path)
            lock = locks.holding(target.with_name(f".{target.name}.lock"))
            if stack.enter_context(lock):
                files.sweep(target)
            else:
                notice(f"{path}: files cannot be locked there: let no other run save to it")
            files.probe(target)  # beside the lock, as for a save: a disk may lack a second inode
        yield


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Turn what goes wrong with a checkpoint's place within into an error with the remedy."""
    try:
        yield
    except locks.LockedError as held:
        raise CheckpointError(
            f"{path}: {held} is training into it: wait for its end, or name another checkpoint "
            "with -c PATH"
        ) from held
    except (OSError, RuntimeError) as error:  # RuntimeError: links in a circle, until Python 3.12
        why = getattr(error, "strerror", None) or error
        advice = "name another place with -c PATH"
        if isinstance(error, OSError):
            advice = files.remedy(error, advice)
        raise CheckpointError(f"{path}: cannot be written: {why}: {advice}") from error


def refuse_without_room(session: Session) -> None:
    """Find out before the training whether there is room for its checkpoint.

    Raises:
        CheckpointError: if there is not enough, with the size.
    """
    size = session.least_size
    with naming(session.path):
        try:
            files.probe(session.path, size)
        except OSError as error:
            why = f"{error.strerror} for {size / 1e6:,.1f} MB"
            raise OSError(error.errno, why, error.filename) from error


def place_of(path: Path) -> Path:
    """The file of a checkpoint, at the end of all links.

    Raises:
        CheckpointError: if there cannot be such a file.
    """
    target = path.resolve()
    if target.is_dir():
        raise CheckpointError(f"{path}: is a directory: name a file with -c PATH")
    if not target.parent.is_dir():
        raise CheckpointError(f"{path}: there is no directory {path.parent}: make it first")
    if target.exists() and not target.is_file():
        raise CheckpointError(f"{path}: is no regular file: name another with -c PATH")
    return target


class Saving:
    """Saves a session from time to time. A save that fails does not end the training.

    Args:
        session: what to save.
        say: what tells the user something.
        clock: seconds.
    """

    def __init__(
        self,
        session: Session,
        say: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.session = session
        self._say = say
        self._clock = clock
        self._due = clock() + SAVE_AFTER
        self._failing = False
        #: The step that is in the checkpoint; 0 for a run that has not been saved yet.
        self._saved = session.run.counters.step

    def now_and_then(self) -> None:
        """Save if it is time to.

        Raises:
            TrainingError: where the weights are not worth it.
        """
        begun = self._clock()
        if begun < self._due:
            return
        error = self._error()
        if error and not self._failing:
            self._say(f"{error}: the training goes on, and saving is tried again")
        elif self._failing and not error:
            self._say(f"{self.session.path}: saved again")
        self._failing = bool(error)
        ended = self._clock()
        self._due = ended + max(SAVE_AFTER, TIMES * (ended - begun))

    def at_the_end(self) -> None:
        """Save what the training came to.

        Raises:
            CheckpointError: where it cannot be saved where it should be; with the place where it
                is instead, if there is one.
            TrainingError: where the weights are not worth it.
        """
        if error := self._error():
            raise CheckpointError(f"{error}: {self._elsewhere()}") from error

    def _error(self) -> CheckpointError | None:
        """Save; what was in the way, if anything was that may go away."""
        try:
            self.session.save()
        except NonFiniteError as error:
            raise diverged(str(error)) from error
        except CheckpointError as error:
            if isinstance(error.__cause__, OSError):
                return error
            raise  # no disk is at fault
        self._saved = self.session.run.counters.step
        return None

    def _elsewhere(self) -> str:
        """Save where there may be room; what became of it."""
        folder = None
        try:
            folder = Path(tempfile.mkdtemp(prefix="charrnn-"))
            place = folder / self.session.path.name
            checkpoints.save(place, self.session.checkpoint)
        except (OSError, CheckpointError):
            if folder:
                with suppress(OSError):
                    folder.rmdir()
            if self._saved:
                return f"make room, and go on from step {self._saved:,} with --resume"
            return "nothing is saved: make room, or name another place with -c PATH"
        option = f"-c {shlex.quote(str(place))}"
        return f"saved elsewhere: go on with `charrnn train --resume {option}`"
