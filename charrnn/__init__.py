"""charrnn: character-level recurrent language models in NumPy.

Train a model on a text, and let it write:

    >>> import charrnn
    >>> text = "the quick brown fox jumps over the lazy dog. " * 100
    >>> model = charrnn.train(text=text, steps=50, hidden_size=32, batch_size=16)
    >>> "".join(model.sample(20, prime="the ", temperature=0.5, seed=1)).isprintable()
    True

Text files are given by their paths: `charrnn.train("book.txt", time="10m")` trains for ten minutes.
The options have the names of the command's options; see `help(charrnn.train)`.

Measure the loss on a text, in nats a character, and save the model:

    >>> model.evaluate("the quick brown fox") < 4
    True
    >>> model.save("fox.npz")
    >>> charrnn.load("fox.npz").evaluate("the lazy dog") == model.evaluate("the lazy dog")
    True

Follow the training by a function that is called with the figures of each step, and save it to a
checkpoint, from which `charrnn.train(checkpoint=..., resume=True)` goes on with the same result:

    >>> def show(progress):
    ...     if progress.val_loss is not None:
    ...         print(f"step {progress.step} of {progress.steps}")
    >>> small = {"hidden_size": 32, "batch_size": 16, "val_every": 20, "checkpoint": "run.npz"}
    >>> model = charrnn.train(text=text, steps=40, progress=show, **small)
    step 20 of 40
    step 40 of 40
    >>> model = charrnn.train(text=text, steps=60, progress=show, checkpoint="run.npz", resume=True)
    step 60 of 60

All errors that a user can cause are subclasses of `charrnn.errors.CharRNNError`. Nothing is
printed; a decision that changes an option is a warning of class `charrnn.errors.Notice`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from charrnn import errors
    from charrnn.api import CharRNN, load, train
    from charrnn.text.vocabulary import Vocabulary
    from charrnn.training.trainer import Progress

__all__ = [
    "CharRNN",
    "Progress",
    "Vocabulary",
    "__version__",
    "errors",
    "load",
    "train",
]
__version__ = "0.1.0"

_MODULES = {
    "CharRNN": "charrnn.api",
    "Progress": "charrnn.training.trainer",
    "Vocabulary": "charrnn.text.vocabulary",
    "load": "charrnn.api",
    "train": "charrnn.api",
}


def __getattr__(name: str) -> Any:
    # Imported when first used: NumPy would treble the time that `charrnn --help` takes.
    if name in _MODULES:
        return getattr(import_module(_MODULES[name]), name)
    if name == "errors":
        return import_module("charrnn.errors")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
