"""Everything that can go wrong because of what a user asked for or handed in.

The command line prints a `CharRNNError` as one line on stderr and exits with 1; an
exception of any other class is a bug in charrnn and keeps its traceback.
"""


class CharRNNError(Exception):
    """Base of all errors a user can cause; the message names the thing and the remedy."""


class TextError(CharRNNError):
    """A text that cannot be read, decoded or trained on."""


class UnknownCharacter(CharRNNError):
    """A character that the model was not trained on."""


class CheckpointError(CharRNNError):
    """A checkpoint that cannot be read or written, or does not fit what is asked of it."""


class NotFinite(CheckpointError):
    """Weights that are no numbers to calculate with any more, and not worth a checkpoint."""


class TrainingError(CharRNNError):
    """A training run that cannot start or cannot go on."""


class Diverged(TrainingError):
    """A loss, a gradient or weights that are not finite.

    Args:
        figures: the numbers, and the step.
    """

    def __init__(self, figures: str) -> None:
        super().__init__(f"{figures}: try a lower --learning-rate or --grad-clip")


class Unbounded(TrainingError):
    """A network whose hidden state or logits are not finite after some text.

    Args:
        doing: what the network does with the text: reads, or writes.
    """

    def __init__(self, doing: str) -> None:
        super().__init__(
            f"the hidden state or the logits became non-finite as the model {doing}: the training "
            "diverged: train again with a lower --learning-rate"
        )


class SettingError(CharRNNError, ValueError):
    """An argument outside of its range, or two that contradict each other."""


class MissingExtra(CharRNNError):
    """A package that is needed for what is asked, and that only an extra of charrnn installs."""


class Notice(UserWarning):
    """A warning of the Python API: a decision that changes an option, or a save that failed."""
