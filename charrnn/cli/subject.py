"""What `charrnn inspect` looks at: a model, a text, and what they need to be compared with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from charrnn.arrays import Array
from charrnn.checkpoint import Checkpoint
from charrnn.cli.console import notice, refuse_terminal
from charrnn.cli.options import decoding
from charrnn.errors import TextError
from charrnn.inspection.features import Feature, pattern
from charrnn.inspection.ngram import NGram
from charrnn.inspection.reading import Signal, signals_of
from charrnn.network.model import CharRNN
from charrnn.render.wording import characters
from charrnn.text import corpus as corpora

#: Characters of the text that a page shows, unless asked otherwise.
PAGE = 20_000


@dataclass
class Subject:
    """A model and the text that it reads.

    Attributes:
        checkpoint: what the model is from.
        model: with the weights asked for.
        name: of the text, for people.
        text: of N characters, all of which the model knows.
        indices: of the text, (N,).
        features: what to find cells for; the built-in ones where it is None.
        signals: which values to look at.
        seed: of whatever is drawn at random.
        shown: how many characters a page shows; None where none is asked for.
        progress: told how much of a long analysis is done, from 0 to 1.
    """

    checkpoint: Checkpoint
    model: CharRNN
    name: str
    text: str
    indices: Array
    signals: list[Signal]
    features: dict[str, Feature] | None = None
    seed: int = 0
    shown: int | None = None
    progress: Callable[[float], None] = lambda done: None

    @property
    def rng(self) -> np.random.Generator:
        """The same random numbers for each analysis."""
        return np.random.default_rng(self.seed)

    @cached_property
    def untrained(self) -> CharRNN:
        """A model of the same architecture with random weights."""
        return self.checkpoint.untrained()

    @cached_property
    def train(self) -> Array:
        """The part of the text that the model was trained on, read again.

        Raises:
            TextError: where it is not known, not to be had any more, or another text by now.
        """
        info = self.checkpoint.corpus
        if info is None:
            raise TextError("the checkpoint does not say what text its model was trained on")
        whole = corpora.read_again(info).encode(self.model.vocabulary)
        held_out = info.held_out
        train = whole[: max(0, len(whole) - held_out)]
        if len(train) < 2:
            raise TextError(f"the checkpoint holds out {held_out:,} of {len(whole):,} characters")
        return train

    @cached_property
    def ngram(self) -> NGram:
        """An n-gram model of that part."""
        return NGram(self.train, len(self.model.vocabulary))


def subject(checkpoint: Checkpoint, model: CharRNN, options: dict[str, Any]) -> Subject:
    """The text that was asked for, or the excerpt in the checkpoint, for a model to read.

    Characters that the model does not know are left out, with a notice.

    Raises:
        TextError: for a text that cannot be read, or of which nothing is left.
        SettingError: for a layer or signal that the model does not have, or a broken pattern.
    """
    names = list(dict.fromkeys(options["signal"])) or None
    signals = signals_of(model, options["layer"], names)
    features = {f"/{regex}/": pattern(regex) for regex in options["feature"]} or None
    text, name, path = checkpoint.excerpt, "the held-out excerpt", options["text"]
    if path is not None:
        refuse_terminal((path,))
        how = decoding(options, checkpoint.binary)
        text, name = corpora.read([path], how, checkpoint.normalize).text, path
    indices = model.vocabulary.encode(text, unknown="skip")
    if dropped := len(text) - len(indices):
        notice(f"left out {characters(dropped)} that the model has not seen")
        text = model.vocabulary.decode(indices)
    if not text:
        raise TextError(f"{path or 'the excerpt in the checkpoint'}: no text to look at")
    shown = options["length"] or PAGE if options["html"] else None
    return Subject(
        checkpoint, model, name, text, indices, signals, features, options["seed"], shown
    )
