"""A model for Python: load one, sample from it, score texts, save it."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any, Literal

import numpy as np

from charrnn import checkpoint as checkpoints
from charrnn.arrays import Array
from charrnn.checkpoint import Checkpoint
from charrnn.config import ModelConfig
from charrnn.errors import Notice, SettingError
from charrnn.inspection.positions import read_on
from charrnn.inspection.scoring import known_indices, score
from charrnn.inspection.vectors import last_states
from charrnn.inspection.wording import unseen
from charrnn.names import is_weights
from charrnn.network import model as network
from charrnn.network.holding import Held, beyond_reach, of_mapping
from charrnn.sampling import (
    MAX_TRIES,
    Character,
    Choice,
    Start,
    beginning,
    check_stops,
    items,
    likeliest,
    sample,
)
from charrnn.training import run as runs
from charrnn.training.evaluation import evaluate, finite

Source = str | os.PathLike[str]
#: Cells to hold: (layer, cell), or (layer, cell, "c"), and the value; a string with + is added.
Hold = Mapping[Any, float | str]


class CharRNN(network.CharRNN):
    """A character model, from `train` or `load`: the network with a text and a training.

    Attributes:
        vocabulary: the characters.
        parameters: the weights, arrays by name.
        checkpoint: the text and the training of the model, without weights; None for a model that
            is from neither `train` nor `load`.
    """

    checkpoint: Checkpoint | None = None

    @classmethod
    def of(cls, checkpoint: Checkpoint, weights: Literal["best", "last"] = "best") -> CharRNN:
        """The model in a checkpoint, with the weights of the lowest loss or of the last step.

        Raises:
            SettingError: for other weights.
        """
        if weights not in ("best", "last"):
            raise SettingError(f"weights is 'best' or 'last', not {weights!r:.80}")
        model = cls.sharing(checkpoint.build(weights))
        model.checkpoint = Checkpoint(
            checkpoint.model,
            checkpoint.vocabulary,
            best={},
            last={},
            corpus=checkpoint.corpus,
            settings=checkpoint.settings,
            run=checkpoint.run,
            excerpt=checkpoint.excerpt,
            items=checkpoint.items,
            reading=checkpoint.reading,
        )
        return model

    def sample(
        self,
        length: int,
        *,
        prime: str = "",
        stop: str | Sequence[str] = (),
        unknown: Literal["error", "skip", "replace"] | None = None,
        seed: int | None = None,
        hold: Hold | None = None,
        **choice: Any,
    ) -> Iterator[str]:
        """Write a text: an iterator over its characters; `"".join(model.sample(200))` is a string.

        The text begins as a paragraph or a line does, see `charrnn.sampling.beginning`.

        Args:
            length: the number of characters, not counting the prime.
            prime: the beginning of the text, which the model reads first.
            stop: a string, or several, before which the text ends.
            unknown: the treatment of unknown characters of the prime, which are not in the
                vocabulary: `error`, `skip` or `replace`, which reads U+FFFD; None for `replace` if
                the model was trained with `min_count`, else for `error`.
            seed: the seed of the random choice; None for another text at every call.
            hold: cells that are held at a value while the model reads the prime and writes: a
                mapping such as `{(1, 42): 0.9}` from the layer, from 1, and the cell, from 0.
                `(1, 42, "c")` is the memory of an LSTM. A string such as "+0.5" is added instead,
                in each step.
            **choice: temperature, top_k, top_p, min_p, as in `charrnn.sampling.Choice`.

        Raises:
            UnknownCharacterError: for an unknown character of the prime or of a stop; but a model
                that was trained with `min_count` reads U+FFFD in a prime instead, with a warning.
            SettingError: for an option outside of its range.
            TrainingError: for a model of a training that diverged.
        """
        (text,) = self._draw(1, length, prime, stop, unknown, seed, hold, choice)
        return (character.char for character in text)

    def samples(
        self,
        num_samples: int,
        length: int,
        *,
        prime: str = "",
        stop: str | Sequence[str] = (),
        unknown: Literal["error", "skip", "replace"] | None = None,
        seed: int | None = None,
        hold: Hold | None = None,
        **choice: Any,
    ) -> Iterator[str]:
        r"""Write several texts, as in `list(model.samples(20, 50, stop="\n"))`.

        Text number i depends on the seed and on i alone; the first one is that of `sample`.

        Args:
            num_samples: the number of texts.
            length, prime, stop, unknown, seed, hold, choice: as for `sample`.

        Raises:
            UnknownCharacterError, SettingError, TrainingError: as for `sample`.
        """
        texts = self._draw(num_samples, length, prime, stop, unknown, seed, hold, choice)
        return ("".join(character.char for character in text) for text in texts)

    def items(
        self,
        number: int,
        *,
        length: int = 1000,
        prime: str = "",
        new: bool = False,
        unique: bool = False,
        unknown: Literal["error", "skip", "replace"] | None = None,
        seed: int | None = None,
        hold: Hold | None = None,
        **choice: Any,
    ) -> Iterator[str]:
        """Write items of a list, with a model of `train(lines=True)`.

        Args:
            number: the number of items; fewer, with a warning, if 1,000 in a row do not fit.
            length: the most characters of an item, not counting the prime.
            prime: the beginning of each item.
            new: leave out the items of the training text.
            unique: write each item once.
            unknown, seed, hold, choice: as for `sample`.

        Raises:
            UnknownCharacterError, TrainingError: as for `sample`.
            SettingError: for another model, for one without hashes of its items (`new`), for a
                prime with a newline, or for an option outside of its range.
        """
        known = self._check_items(number, prime, new)
        indices = self._encode(prime, unknown)
        settings, held = Choice(**choice), self._held(hold)
        start = read_on(self, self._beginning(), indices, hold=held)
        beginning_of_all = self.vocabulary.decode(indices)
        drawn = items(
            self,
            start,
            number,
            length,
            settings,
            prime=beginning_of_all,
            known=known,
            unique=unique,
            seed=seed,
            hold=held,
        )

        def texts() -> Iterator[str]:
            written = 0
            for item in drawn:
                written += 1
                yield beginning_of_all + "".join(character.char for character in item)
            if written < number:
                notice(
                    f"{written:,} of {number:,} items: the next {MAX_TRIES:,} were empty, known or "
                    "repeated"
                )

        return texts()

    def _check_items(self, number: int, prime: str, new: bool) -> Array | None:
        """The hashes of the items to leave out; None for none.

        Raises:
            SettingError: as for `items`.
        """
        if not self.lines:
            raise SettingError("items: no model of a list: train one with lines=True")
        known = self.checkpoint.items if self.checkpoint else None
        if new and known is None:
            raise SettingError("new: the model has no hashes of its items: train without no_items")
        if "\n" in self._converted(prime):
            raise SettingError("prime: an item of a list has no newline: remove it")
        if number < 1:
            raise SettingError(f"number is 1 or more, not {number}")
        return known if new else None

    def _draw(
        self,
        num_samples: int,
        length: int,
        prime: str,
        stop: str | Sequence[str],
        unknown: str | None,
        seed: int | None,
        hold: Hold | None,
        choice: dict[str, Any],
    ) -> Iterator[Iterator[Character]]:
        stops = [self._converted(each) for each in ([stop] if isinstance(stop, str) else stop)]
        check_stops(stops, self.vocabulary)
        indices = self._encode(prime, unknown, 5)
        settings, held = Choice(**choice), self._held(hold, 5)
        start = read_on(self, self._beginning(), indices, hold=held)
        return sample(
            self,
            start,
            length,
            settings,
            num_samples=num_samples,
            stops=stops,
            seed=seed,
            hold=held,
        )

    def next_characters(
        self,
        count: int,
        *,
        prime: str = "",
        unknown: Literal["error", "skip", "replace"] | None = None,
        hold: Hold | None = None,
    ) -> list[tuple[str, float]]:
        """The likeliest next characters with their probabilities, the likeliest first.

        Args:
            count: the number of characters.
            prime, unknown, hold: as for `sample`.

        Raises:
            UnknownCharacterError, TrainingError: as for `sample`.
            SettingError: for a count below 1, or for cells held while nothing is read.
        """
        if count < 1:
            raise SettingError(f"count is 1 or more, not {count}")
        indices, held = self._encode(prime, unknown), self._held(hold)
        if held and not len(indices):
            raise SettingError("hold: without a prime nothing is read: give a prime")
        start = read_on(self, self._beginning(), indices, hold=held)
        best, probabilities = likeliest(start.logits, count)
        return list(zip(self.vocabulary.decode(best), probabilities.tolist()))

    def score(self, texts: Sequence[str]) -> Array:
        """The bits that the model needs for each of some texts, (n,), float64.

        The bits are −log₂ of the probability that the model writes the text, from its beginning as
        in `sample`, and before temperature and filters. An unknown character costs nothing,
        with a warning: the scores of such texts cannot be compared.

        Args:
            texts: independent of each other, as in `charrnn inspect --score line`. A model of bytes
                takes each byte as a character.

        Raises:
            SettingError: for a single string.
            TrainingError: where the bits are not finite.
        """
        indices, known = self._known(texts, "{} cost nothing")
        scores = score(self, indices, self._beginning())
        if self.vocabulary.replaces:
            scores = [bits[each] for bits, each in zip(scores, known)]
        return np.array([bits.sum() for bits in scores])

    def states(self, texts: Sequence[str]) -> dict[str, Array]:
        """The states after each of some texts: a text as a vector.

        Each text begins as in `score`. The state after an empty text is the one before any.

        Args:
            texts: independent of each other, as in `charrnn inspect --export --by line`, where the
                newline of a line is left out. A model of lines forgets a line at its newline.

        Returns:
            `layer1.h`, and `layer1.c` for an LSTM, (n, H) each; and so on for each layer.

        Raises:
            SettingError: for a single string.
            TrainingError: where a state is not finite.
        """
        start = self._beginning().state
        done = "read U+FFFD for {}" if self.vocabulary.replaces else "left out {}"
        states = last_states(self, self._known(texts, done)[0], start)
        return {
            f"layer{layer + 1}.{name}": np.ascontiguousarray(states[:, layer, number])
            for layer in range(self.num_layers)
            for number, name in enumerate(self.layers[0].state_names)
        }

    def evaluate(self, text: str) -> float:
        """The mean loss on a text, in nats a character; divided by ln 2, bits a character.

        Args:
            text: at least 2 characters; the first is read and not scored. A model of bytes takes
                each byte as a character, as `data.decode("latin-1")` does.

        Raises:
            UnknownCharacterError: for an unknown character, as in `sample`.
            SettingError: for a text of fewer than 2 characters.
            TrainingError: where the loss is not finite.
        """
        indices = self._encode(text)
        if len(indices) < 2:
            raise SettingError("text: at least 2 characters are needed to evaluate a model")
        with np.errstate(over="ignore", invalid="ignore"):  # `finite` finds such a loss
            return finite(evaluate(self, indices))

    def save(self, path: Source) -> None:
        """Write the model to a file, which `load` and the commands read.

        The file has the weights, and not the training: `train(checkpoint=path)` saves both. A file
        with the suffix `.safetensors` has the weights under the names of PyTorch, and no excerpt.

        Raises:
            CheckpointError: where the file cannot be written, or is there and of another kind, or
                where the weights are not finite.
        """
        exchanged = is_weights(path)
        if exchanged:
            checkpoints.refuse_replacing(Path(path))
        else:
            runs.refuse_existing(Path(path), overwrite=True)
        about, weights = self.checkpoint, dict(self.parameters)
        saved = Checkpoint(
            ModelConfig(**self.configuration),
            self.vocabulary,
            best=weights,
            last=weights,
            corpus=about.corpus if about else None,
            excerpt=about.excerpt if about else "",
            items=about.items if about else None,
            reading=about.reading if about else None,
        )
        (checkpoints.save_weights if exchanged else checkpoints.save)(Path(path), saved)

    def _beginning(self) -> Start:
        """The state in which a text begins."""
        return beginning(self, self.checkpoint.excerpt if self.checkpoint else "")

    def _converted(self, text: str) -> str:
        """A text with the line ends and the normal form of the training."""
        if not self.checkpoint:
            return text
        return self.checkpoint.converted(text).text

    def _known(self, texts: Sequence[str], message: str) -> tuple[list[Array], list[Array]]:
        """The indices of texts, (N,) each, and False for characters that the model has not seen."""
        if isinstance(texts, str):
            raise SettingError("texts: a list of strings, not a string: write [text]")
        read = [known_indices(self.vocabulary, self._converted(text)) for text in texts]
        if number := sum(int(np.count_nonzero(~known)) for _, known in read):
            notice(message.format(unseen(number)), 4)
        return [indices for indices, _ in read], [known for _, known in read]

    def _encode(self, text: str, unknown: str | None = None, stacklevel: int = 4) -> Array:
        """The indices of a text, (N,); a warning counts characters that are read as U+FFFD."""
        text = self._converted(text)
        indices = self.vocabulary.encode(text, unknown=unknown)
        number = self.vocabulary.count_unknown(text)
        if number and unknown != "skip":
            notice(f"read U+FFFD for {unseen(number)}", stacklevel)
        return indices

    def _held(self, hold: Hold | None, stacklevel: int = 4) -> list[Held]:
        """The held cells; a warning for each value that the cell itself cannot reach."""
        held = of_mapping(self, hold)
        for message in beyond_reach(self, held):
            notice(f"hold {message}", stacklevel)
        return held

    def _facts(self) -> dict[str, str]:
        """The figures of the model, by name."""
        about = self.checkpoint
        facts = {
            "model": f"{self.layer_type}, {self.size_in_words}",
            "parameters": f"{self.parameters.flat.size:,}",
            "characters": f"{len(self.vocabulary)} different",
        }
        if about and about.corpus:
            facts["text"] = about.corpus.name
        if about and about.run.step:
            facts["steps"] = f"{about.run.step:,}"
        if about and about.run.best_loss is not None:
            facts["validation loss"] = f"{about.run.best_loss:.4f} nats a character"
        return facts

    def __repr__(self) -> str:
        facts = ", ".join(f"{name}: {value!r}" for name, value in self._facts().items())
        return f"<charrnn.CharRNN {facts}>"

    def _repr_html_(self) -> str:
        rows = (
            f"<tr><th style='text-align:left'>{escape(name)}</th><td>{escape(value)}</td></tr>"
            for name, value in self._facts().items()
        )
        return f"<table>{''.join(rows)}</table>"


def load(path: Source, weights: Literal["best", "last"] = "best") -> CharRNN:
    """The model in a checkpoint, or in a `.safetensors` file; nothing in the file is executed.

    Args:
        path: the path of the file.
        weights: `best` for the weights of the lowest validation loss, `last` for the last step.

    Raises:
        CheckpointError: for a file that is missing, damaged or no checkpoint.
        SettingError: for other weights.
    """
    checkpoint = read_checkpoint(path)
    return CharRNN.of(checkpoint, weights)


def read_checkpoint(path: Source, stacklevel: int = 4) -> Checkpoint:
    """Read a checkpoint; the notices about it are warnings.

    Raises:
        CheckpointError: as for `load`.
    """
    checkpoint = checkpoints.read(Path(path))
    for line in checkpoint.notices:
        notice(line, stacklevel)
    return checkpoint


def notice(message: str, stacklevel: int = 3) -> None:
    """Warn of a decision, or of a save that failed."""
    warnings.warn(message, Notice, stacklevel=stacklevel)
