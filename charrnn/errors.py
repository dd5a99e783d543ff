"""The errors that a user can cause.

    CharRNNError                      exit code 1
    ├── TextError                     a text cannot be read, decoded or trained on
    │   └── NotTextError              a file is of a format that is not text
    ├── CheckpointError               a checkpoint cannot be read or written, or does not fit
    │   ├── DamagedCheckpointError    the file is not what charrnn writes
    │   └── NonFiniteError            weights of the file, or those to save, are infinite or NaN
    ├── TrainingError                 a training cannot start or cannot go on
    │   ├── DivergedError             losses, weights, states or logits became infinite or NaN
    │   └── WorkerError               a worker process has ended
    ├── MissingExtraError             a package that only an extra of charrnn installs is missing
    ├── UnknownCharacterError         the model was not trained on a character    exit code 2
    └── SettingError                  an argument is out of its range             exit code 2

The message is one line: the object, what is wrong, what to do. The command line prints it on
stderr and exits with the code; so it does for a MemoryError, and an OSError of an output. An
exception of any other class is a bug and keeps its traceback.
"""

from __future__ import annotations

from typing import ClassVar


class CharRNNError(Exception):
    """Base class of all errors that a user can cause.

    Attributes:
        exit_code: the exit code of the command: 1 for wrong data, 2 for wrong usage.
    """

    exit_code: ClassVar[int] = 1


class TextError(CharRNNError):
    """A text cannot be read, decoded or trained on."""


class NotTextError(TextError):
    """A file is of a format that is not text, such as a picture."""


class CheckpointError(CharRNNError):
    """A checkpoint cannot be read or written, or does not fit the request."""


class DamagedCheckpointError(CheckpointError):
    """A file is not what charrnn writes: damaged, or altered by another program.

    Args:
        problem: the part of the file, and what is wrong with it.
    """

    def __init__(self, problem: str) -> None:
        self.problem = problem
        super().__init__(f"damaged: {problem}: use an intact copy of the file, or train again")


class NonFiniteError(CheckpointError):
    """Weights are infinite or NaN: those of a file, or those to save, where the file stays."""


class TrainingError(CharRNNError):
    """A training cannot start or cannot go on."""


class DivergedError(TrainingError):
    """A loss, a gradient, weights, the hidden state or the logits became infinite or NaN.

    Args:
        figures: the numbers, and the step.
        remedy: the advice.
    """

    def __init__(
        self, figures: str, remedy: str = "try a lower --learning-rate or --grad-clip"
    ) -> None:
        self.figures = figures
        super().__init__(f"{figures}: {remedy}")

    @classmethod
    def of_states(cls, doing: str, *, held: bool = False) -> DivergedError:
        """The error of a model whose state became infinite.

        Args:
            doing: "reads" or "writes".
            held: cells are held.
        """
        remedy = "the training diverged: train again with a lower --learning-rate"
        if held:
            remedy = "try a smaller value for --hold"
        return cls(
            f"the hidden state or the logits become non-finite while the model {doing}", remedy
        )


class WorkerError(TrainingError):
    """A worker process has ended before its time.

    Args:
        figures: the worker, and how it ended.
        remedy: the advice.
    """

    def __init__(
        self, figures: str, remedy: str = "start again, or go on from the last save with --resume"
    ) -> None:
        self.figures = figures
        super().__init__(f"{figures}: {remedy}")


class MissingExtraError(CharRNNError):
    """A package is missing that only an extra of charrnn installs."""


class UnknownCharacterError(CharRNNError):
    """The model was not trained on a character of the text."""

    exit_code = 2


class SettingError(CharRNNError, ValueError):
    """An argument is out of its range, or contradicts another one."""

    exit_code = 2


class Notice(UserWarning):
    """A warning of the Python API: a change of an option or of the text, or a save that failed."""
