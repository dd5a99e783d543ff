"""The file of a run: reserved before the training, saved at intervals and at the end."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from charrnn import checkpoint as checkpoints
from charrnn import files, locks
from charrnn.config import ModelConfig
from charrnn.errors import CheckpointError, DivergedError, NonFiniteError, WorkerError
from charrnn.training.commands import resume_command, steadier_command
from charrnn.training.run import Run

#: The fewest seconds from one save to the next: about what a power cut loses.
SAVE_SECONDS = 30
#: The wait before the next save is at least this many times as long as the last save took, so that
#: saving takes at most a hundredth of the time.
SAVE_RATIO = 100


@contextmanager
def reserving(path: Path, notice: Callable[[str], object]) -> Iterator[None]:
    """Keep other runs from saving to `path`, also by another name, and make sure that this one can.

    Args:
        path: the path of the checkpoint.
        notice: called with a warning where files cannot be locked.

    Raises:
        CheckpointError: where another run saves there, or this one cannot.
    """
    with ExitStack() as stack:
        with naming(path):
            target = resolve(path)
            lock = locks.holding(target.with_name(f".{target.name}.lock"))
            if stack.enter_context(lock):
                files.sweep(target)
            else:
                notice(f"{path}: files cannot be locked there: let no other run save to it")
            files.probe(target)  # beside the lock, as for a save: a disk may lack a second inode
        yield


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Turn errors with the file of a checkpoint into a `CheckpointError` with the remedy."""
    try:
        yield
    except locks.LockedError as held:
        raise CheckpointError(
            f"{path}: {held} is already saving to this file: wait for its end, or name another "
            "checkpoint with -c PATH"
        ) from held
    except OSError as error:
        why = error.strerror or error
        advice = files.remedy(error, "name another place with -c PATH")
        raise CheckpointError(f"{path}: cannot be written: {why}: {advice}") from error


def check_disk(run: Run) -> None:
    """Check before the training that the disk has enough space for the checkpoint.

    Raises:
        CheckpointError: if there is not enough, with the size.
    """
    if not run.path:
        return
    size = run.min_bytes
    with naming(run.path):
        try:
            files.probe(run.path, size)
        except OSError as error:
            why = f"{error.strerror} for {size / 1e6:,.1f} MB"
            raise OSError(error.errno, why, error.filename) from error


def resolve(path: Path) -> Path:
    """The file of a checkpoint, at the end of all links.

    Raises:
        CheckpointError: if there cannot be such a file.
    """
    target = files.resolve(path)
    if target.is_dir():
        raise CheckpointError(f"{path}: is a folder: name a file with -c PATH")
    if not target.parent.is_dir():
        raise CheckpointError(f"{path}: there is no folder {path.parent}: make it first")
    if target.exists() and not target.is_file():
        raise CheckpointError(f"{path}: is not a regular file: name another with -c PATH")
    return target


class Saver:
    """Saves a run from time to time. A save that fails does not end the training.

    Args:
        run: the run to save; nothing is saved if it has no path.
        notice: called with messages for the user.
        clock: returns seconds.
    """

    def __init__(
        self,
        run: Run,
        notice: Callable[[str], object],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.run = run
        self._notice = notice
        self._clock = clock
        self._due = clock() + SAVE_SECONDS
        self._failing = False
        #: The step of the run in the checkpoint; 0 before the first save.
        self._saved = run.resumed.step if run.resumed else 0
        #: The step before the first one to take.
        self._first = run.trainer.counters.step

    def save_if_due(self) -> None:
        """Save if enough time has passed.

        Raises:
            TrainingError: where weights are not finite.
        """
        start = self._clock()
        if start < self._due:
            return
        error = self._save()
        if error and not self._failing:
            self._notice(f"{error}: the training goes on, and saving is tried again")
        elif self._failing and not error:
            self._notice(f"{self.run.path}: saved again")
        self._failing = bool(error)
        end = self._clock()
        self._due = end + max(SAVE_SECONDS, SAVE_RATIO * (end - start))

    def save_at_end(self) -> None:
        """Save the result of the training.

        Raises:
            CheckpointError: where the file cannot be written; with the path of a copy elsewhere,
                if one could be saved.
            TrainingError: where weights are not finite.
        """
        if error := self._save():
            raise CheckpointError(f"{error}: {self._save_elsewhere()}") from error

    def save_diverged(self, error: DivergedError) -> DivergedError:
        """Save a training that has diverged: its last finite weights, and its best ones.

        Returns:
            The error to raise, with the command that goes on from the best weights.
        """
        run, trainer = self.run, self.run.trainer
        if not run.path:
            return error
        trainer.mark_diverged()
        try:
            self.save_at_end()
        except CheckpointError as failed:
            return DivergedError(error.figures, f"the training diverged, and {failed}")
        command = steadier_command(
            run.path,
            ModelConfig(**trainer.model.configuration),
            trainer.config,
            run.corpus,
            trainer.counters,
            len(trainer.model.vocabulary),
            {},
        )
        if "--resume" not in command:
            return DivergedError(
                error.figures, f"the training diverged: start again with `{command}`"
            )
        best = f"its best weights, of step {trainer.counters.best_step:,}"
        return DivergedError(
            error.figures, f"the training diverged: go on from {best}, with `{command}`"
        )

    def save_after(self, error: Exception) -> Exception:
        """Save a training that an error has ended.

        Returns:
            The error to raise. That of a worker that is gone has the outcome and the remedy; for
            any other error, outcome and remedy are a notice.
        """
        run, trainer = self.run, self.run.trainer
        if not run.path:
            return error
        alone = trainer.config.ranks == 1  # other ranks have a part of the state
        trainer.group.close(failed=True)  # nobody writes into shared memory any more
        outcome = self._settle() if alone else self.standing
        if isinstance(error, WorkerError):
            return WorkerError(error.figures, outcome)
        if alone and trainer.counters.step > self._first:
            self._notice(outcome)
        return error

    def _settle(self) -> str:
        """Save what an error has left; returns the outcome and the remedy."""
        run, trainer = self.run, self.run.trainer
        whole = trainer.settle()
        if trainer.counters.step == self._saved:
            return self.standing
        try:
            self.save_at_end()
        except (CheckpointError, DivergedError) as failed:
            return str(failed)
        lacking = "" if whole else ", of which some weights lack the last update"
        return f"saved at step {self._saved:,}{lacking}: go on with `{run.command()}`"

    @property
    def standing(self) -> str:
        """The step of the run in the checkpoint, and the remedy."""
        if not self._saved:
            return "nothing was saved: start again"
        return f"the save of step {self._saved:,} stands: go on with `{self.run.command()}`"

    def _save(self) -> CheckpointError | None:
        """Save; returns the error if the disk is at fault."""
        if not self.run.path:
            return None
        try:
            self.run.save()
        except NonFiniteError as error:
            raise DivergedError(str(error)) from error
        except CheckpointError as error:
            if isinstance(error.__cause__, OSError):
                return error
            raise
        self._saved = self.run.trainer.counters.step
        return None

    def _save_elsewhere(self) -> str:
        """Save in the temporary directory; returns the outcome and the remedy."""
        assert self.run.path
        folder = None
        try:
            folder = Path(tempfile.mkdtemp(prefix="charrnn-"))
            path = folder / self.run.path.name
            checkpoints.save(path, self.run.checkpoint)
        except (OSError, CheckpointError):
            if folder:
                with suppress(OSError):
                    folder.rmdir()
            if self._saved:
                return f"make room, and go on from step {self._saved:,} with --resume"
            return "nothing is saved: make room, or name another place with -c PATH"
        again = resume_command(path, self.run.corpus, self.run.trainer.config)
        return f"saved elsewhere: go on with `{again}`"
