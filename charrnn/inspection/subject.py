"""The subject of an analysis: a model, a text, and the models and texts to compare them with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from charrnn.arrays import Array
from charrnn.checkpoint import Checkpoint
from charrnn.errors import TextError
from charrnn.inspection.features.features import Feature
from charrnn.inspection.kneser_ney import NGram
from charrnn.inspection.reading import Progress, Signal, no_progress
from charrnn.inspection.wording import characters, unseen
from charrnn.network.model import CharRNN
from charrnn.text import corpus as corpora
from charrnn.text.decoding import Decoding


@dataclass
class Subject:
    """A model and the text that it reads. Costly attributes are computed once, when first used.

    Attributes:
        model: the model.
        text: N characters, all of them in the model's vocabulary.
        indices: the text as indices, (N,).
        signals: the signals to search for cells.
        read_training_text: returns the indices of the text that the model was trained on;
            raises TextError where the text is missing.
        make_untrained: makes a model of the same architecture with random weights.
        features: the features to search for; None for the built-in ones.
        why: the position or the regular expression to explain predictions of; None without one.
        seed: the seed of everything random.
        temperature: of a sample.
        excerpt: the excerpt in the checkpoint, whose ends of lines lead to the start of a sample.
        control: the name of the text, such as "the held-out text", where the model was not trained
            on the text; None where it was.
        cell: the signal and the number of a cell that an analysis is about; None for none.
        shown: the number of characters that a page shows; None without a page.
        binary: each character of the text is a byte.
        progress: receives the share of a long analysis that is done, from 0 to 1.
    """

    model: CharRNN
    text: str
    indices: Array
    signals: list[Signal]
    read_training_text: Callable[[], Array]
    make_untrained: Callable[[], CharRNN]
    features: dict[str, Feature] | None = None
    why: str | None = None
    seed: int = 0
    temperature: float = 1.0
    excerpt: str = ""
    control: str | None = None
    cell: tuple[Signal, int] | None = None
    shown: int | None = None
    binary: bool = False
    progress: Progress = no_progress

    @property
    def rng(self) -> np.random.Generator:
        """A new generator with the same seed for each analysis."""
        return np.random.default_rng(self.seed)

    @cached_property
    def untrained(self) -> CharRNN:
        """A model of the same architecture with random weights."""
        return self.make_untrained()

    @cached_property
    def train(self) -> Array:
        """The text that the model was trained on, as indices, (M,).

        Raises:
            TextError: where the text is missing or has changed.
        """
        return self.read_training_text()

    @cached_property
    def ngram(self) -> NGram:
        """The n-gram models of the training text."""
        return NGram(self.train, len(self.model.vocabulary))


def training_text(
    checkpoint: Checkpoint,
    paths: Sequence[str] = (),
    decoding: Decoding | None = None,
    say: Callable[[str], object] = lambda message: None,
) -> Array:
    """The part of the text that a model was trained on, read again, as indices (M,).

    Args:
        checkpoint: the checkpoint of the model; `model.checkpoint` of a `charrnn.CharRNN`.
        paths: files with the same text, in order; none for the files that the checkpoint names.
            Where the checkpoint names no text, any text is taken, without unknown characters.
        decoding: of such a text; None for that of the checkpoint.
        say: receives the notices about such a text.

    Raises:
        TextError: where neither names a text, the text is missing or has changed, or the model
            knows fewer than two of its characters.
    """
    info = checkpoint.corpus
    if info is None:
        return _other_text(checkpoint, paths, decoding or checkpoint.decoding, say)
    whole = corpora.read_again(info, paths).encode(checkpoint.vocabulary)
    if len(whole) - info.held_out < 2:
        raise TextError(
            f"the checkpoint holds out {info.held_out:,} of {len(whole):,} characters: use an "
            "intact copy of the checkpoint"
        )
    train, _ = info.division.split(whole, checkpoint.vocabulary)
    return train


def _other_text(
    checkpoint: Checkpoint,
    paths: Sequence[str],
    decoding: Decoding,
    say: Callable[[str], object],
) -> Array:
    """A text that stands for that of the training, see `training_text`."""
    if not paths:
        raise TextError(
            "the checkpoint does not say what text its model was trained on: name the files with "
            "--train-text FILE"
        )
    vocabulary = checkpoint.vocabulary
    corpus = corpora.read(paths, decoding, checkpoint.normalize, lines=checkpoint.model.lines)
    corpus.fit(vocabulary)
    for line in corpus.notices:
        say(line)
    known, unknown = corpus.encode_known(vocabulary)
    if unknown:
        done = "read U+FFFD for" if vocabulary.replaces else "left out"
        say(f"{corpus.name}: {done} {unseen(unknown)}")
    if len(known) < 2:
        raise TextError(
            f"{corpus.name}: has {characters(len(known))} that the model knows, and at least 2 are "
            "needed: name another file with --train-text FILE"
        )
    return known
