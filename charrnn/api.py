"""The Python API: train a model, load one, sample from it, score texts, save it."""

from __future__ import annotations

import os
import signal as signals
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from html import escape
from math import inf
from pathlib import Path
from typing import Any, Literal

import numpy as np

from charrnn import checkpoint as checkpoints
from charrnn.arrays import Array
from charrnn.checkpoint import Checkpoint
from charrnn.config import ModelConfig, TrainingConfig, options, seconds_of
from charrnn.errors import Notice, SettingError
from charrnn.inspection.positions import read_on
from charrnn.inspection.scoring import known_indices, score
from charrnn.network import model as network
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
from charrnn.text import corpus as corpora
from charrnn.text.corpus import Corpus
from charrnn.text.decoding import DEFAULT, Decoding
from charrnn.text.held_out import WAYS, Division
from charrnn.text.line_ends import converted
from charrnn.text.normal_forms import normalized
from charrnn.text.paths import TextFiles, find
from charrnn.training import run as runs
from charrnn.training.budget import MIN_WARMUP, Budget
from charrnn.training.evaluation import evaluate, finite
from charrnn.training.loop import train_and_save
from charrnn.training.resuming import continuation, files_of_run, refuse_other_shape, run_of
from charrnn.training.run import Run
from charrnn.training.saving import check_disk, reserving
from charrnn.training.trainer import Progress
from charrnn.training.validation import read_validation, validation_of_run

Source = str | os.PathLike[str]


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
        """The model in a checkpoint, with the weights of the lowest loss or of the last step."""
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
        **choice: Any,
    ) -> Iterator[str]:
        """Write a text: an iterator over its characters; `"".join(model.sample(200))` is a string.

        The text begins as a paragraph or a line does, see `charrnn.sampling.beginning`.

        Args:
            length: the number of characters, not counting the prime.
            prime: the beginning of the text, which the model reads first.
            stop: a string, or several, before which the text ends.
            unknown: the treatment of characters of the prime that are not in the vocabulary:
                `error`, `skip` or `replace`, which reads U+FFFD; None for `replace` if the model
                was trained with `min_count`, else for `error`.
            seed: the seed of the random choice; None for another text at every call.
            **choice: temperature, top_k, top_p, min_p, as in `charrnn.sampling.Choice`.

        Raises:
            UnknownCharacterError: for a character of the prime or of a stop that is not in the
                vocabulary; but a model that was trained with `min_count` reads U+FFFD in a prime
                instead, with a warning.
            SettingError: for an option outside of its range.
            TrainingError: for a model of a training that diverged.
        """
        (text,) = self._draw(1, length, prime, stop, unknown, seed, choice)
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
        **choice: Any,
    ) -> Iterator[str]:
        r"""Write several texts, as in `list(model.samples(20, 50, stop="\n"))`.

        Text number i depends on the seed and on i alone; the first one is that of `sample`.

        Args:
            num_samples: the number of texts.
            length, prime, stop, unknown, seed, choice: as for `sample`.

        Raises:
            UnknownCharacterError, SettingError, TrainingError: as for `sample`.
        """
        texts = self._draw(num_samples, length, prime, stop, unknown, seed, choice)
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
        **choice: Any,
    ) -> Iterator[str]:
        """Write items of a list, with a model of `train(lines=True)`.

        Args:
            number: the number of items; fewer, with a warning, if 1,000 in a row do not fit.
            length: the most characters of an item, not counting the prime.
            prime: the beginning of each item.
            new: leave out the items of the training text.
            unique: write each item once.
            unknown, seed, choice: as for `sample`.

        Raises:
            UnknownCharacterError, TrainingError: as for `sample`.
            SettingError: for another model, for one without hashes of its items (`new`), for a
                prime with a newline, or for an option outside of its range.
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
        indices = self._encode(prime, unknown)
        start, settings = read_on(self, beginning(self), indices), Choice(**choice)
        beginning_of_all = self.vocabulary.decode(indices)
        drawn = items(
            self,
            start,
            number,
            length,
            settings,
            prime=beginning_of_all,
            known=known if new else None,
            unique=unique,
            seed=seed,
        )

        def texts() -> Iterator[str]:
            count = 0
            for item in drawn:
                count += 1
                yield beginning_of_all + "".join(character.char for character in item)
            if count < number:
                notice(f"{count:,} of {number:,} items: none of {MAX_TRIES:,} more was another one")

        return texts()

    def _draw(
        self,
        num_samples: int,
        length: int,
        prime: str,
        stop: str | Sequence[str],
        unknown: str | None,
        seed: int | None,
        choice: dict[str, Any],
    ) -> Iterator[Iterator[Character]]:
        stops = [self._converted(each) for each in ([stop] if isinstance(stop, str) else stop)]
        check_stops(stops, self.vocabulary)
        indices = self._encode(prime, unknown, 5)
        settings = Choice(**choice)
        start = read_on(self, self._beginning(), indices)
        return sample(
            self, start, length, settings, num_samples=num_samples, stops=stops, seed=seed
        )

    def next_characters(
        self,
        count: int,
        *,
        prime: str = "",
        unknown: Literal["error", "skip", "replace"] | None = None,
    ) -> list[tuple[str, float]]:
        """The likeliest next characters with their probabilities, the likeliest first.

        Args:
            count: the number of characters.
            prime, unknown: as for `sample`.

        Raises:
            UnknownCharacterError, TrainingError: as for `sample`.
            SettingError: for a count below 1.
        """
        if count < 1:
            raise SettingError(f"count is 1 or more, not {count}")
        start = read_on(self, self._beginning(), self._encode(prime, unknown))
        best, probabilities = likeliest(start.logits, count)
        return list(zip(self.vocabulary.decode(best), probabilities.tolist()))

    def score(self, texts: Sequence[str]) -> Array:
        """The bits that the model needs for each of some texts, (n,), float64.

        The bits are −log₂ of the probability that the model writes the text, from its beginning as
        in `sample`, and before temperature and filters. A character that is not in the vocabulary
        costs nothing, with a warning: the scores of such texts cannot be compared.

        Args:
            texts: independent of each other, as in `charrnn inspect --score line`. A model of bytes
                takes each byte as a character.

        Raises:
            SettingError: for a single string.
            TrainingError: where the bits are not finite.
        """
        if isinstance(texts, str):
            raise SettingError("texts: a list of strings, not a string: write [text]")
        read = [known_indices(self.vocabulary, self._converted(text)) for text in texts]
        if number := sum(int(np.count_nonzero(~known)) for _, known in read):
            notice(f"{runs.counted(number)} that the model has not seen cost nothing", 3)
        scores = score(self, [indices for indices, _ in read], self._beginning())
        if self.vocabulary.replaces:
            scores = [bits[known] for bits, (_, known) in zip(scores, read)]
        return np.array([bits.sum() for bits in scores])

    def evaluate(self, text: str) -> float:
        """The mean loss on a text, in nats a character; divided by ln 2, bits a character.

        Args:
            text: at least 2 characters; the first is read and not scored. A model of bytes takes
                each byte as a character, as `data.decode("latin-1")` does.

        Raises:
            UnknownCharacterError: for a character that is not in the vocabulary, as in `sample`.
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

        The file has the weights, and not the training: `train(checkpoint=path)` saves both.

        Raises:
            CheckpointError: where the file cannot be written.
        """
        about, weights = self.checkpoint, dict(self.parameters)
        saved = Checkpoint(
            ModelConfig(**self.configuration),
            self.vocabulary,
            best=weights,
            last=weights,
            corpus=about.corpus if about else None,
            excerpt=about.excerpt if about else "",
            items=about.items if about else None,
        )
        checkpoints.save(Path(path), saved)

    def _beginning(self) -> Start:
        """The state in which a text begins."""
        return beginning(self, self.checkpoint.excerpt if self.checkpoint else "")

    def _converted(self, text: str) -> str:
        """A text with the line ends and the normal form of the training."""
        if not self.checkpoint:
            return text
        return normalized(converted(text, self.checkpoint.newlines), self.checkpoint.normalize)

    def _encode(self, text: str, unknown: str | None = None, stacklevel: int = 4) -> Array:
        """The indices of a text, (N,); a warning counts characters that are read as U+FFFD."""
        text = self._converted(text)
        indices = self.vocabulary.encode(text, unknown=unknown)
        number = self.vocabulary.count_unknown(text)
        if number and unknown != "skip":
            seen = f"{runs.counted(number)} that the model has not seen"
            notice(f"read U+FFFD for {seen}", stacklevel)
        return indices

    def _facts(self) -> dict[str, str]:
        """The figures of the model, by name."""
        about = self.checkpoint
        layers = "1 layer" if self.num_layers == 1 else f"{self.num_layers} layers"
        facts = {
            "model": f"{self.layer_type}, {layers} of {self.hidden_size}",
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
    """The model in a checkpoint; nothing in the file is executed.

    Args:
        path: the path of the checkpoint.
        weights: `best` for the weights of the lowest validation loss, `last` for the last step.

    Raises:
        CheckpointError: for a file that is missing, damaged or no checkpoint.
    """
    return CharRNN.of(checkpoints.read(Path(path)), weights)


def ignore(progress: Progress) -> None:
    """A progress callback that does nothing."""


def train(
    *paths: Source,
    text: str | None = None,
    time: float | str | None = None,
    steps: int | None = None,
    epochs: float | None = None,
    checkpoint: Source | None = None,
    resume: bool = False,
    overwrite: bool = False,
    init_from: Source | None = None,
    progress: Callable[[Progress], object] = ignore,
    seed: int | None = None,
    workers: int | None = 1,
    val_frac: float | None = None,
    held_out: str = Division.way,
    val: Source | None = None,
    no_items: bool = False,
    min_count: int | None = None,
    encoding: str | None = DEFAULT.encoding,
    encoding_errors: str = DEFAULT.errors,
    newlines: str = DEFAULT.newlines,
    normalize: str | None = None,
    binary: bool = DEFAULT.binary,
    **options: Any,
) -> CharRNN:
    """Train a model on a text, as `charrnn train` does.

    The arguments have the names of the command's options; `charrnn train --help` describes them.
    With the same options and the same number of workers, the result is that of the command, bit
    for bit; only the default of `workers` differs. An option that is None is chosen to fit the
    text. A decision that changes an option you gave, such as a smaller batch for a short text, is
    a warning of class `charrnn.errors.Notice`.

    With a checkpoint, the run is saved every 30 seconds (less often if that would take more than a
    hundredth of the time), at the end, and on Ctrl-C, which then raises KeyboardInterrupt after the
    step in progress. (Before the first step there is nothing to save.) Such a run can be resumed by
    `train(checkpoint=..., resume=True)` and by `charrnn train --resume`.

    Args:
        *paths: the paths of files and folders; without paths and text, the source of Python's
            standard library.
        text: the text itself, instead of paths.
        time: the time to train for, as in "90s", "10m" or "1h30m", or seconds; excludes steps and
            epochs.
        steps: the steps of the whole run.
        epochs: the number of times to read the text.
        checkpoint: the file to save the run to; None to save nothing.
        resume: go on with the run in the checkpoint. These options may change: steps, epochs, time
            (counted from now on), learning_rate, schedule, grad_clip, grad_clip_value,
            weight_decay, momentum, dropout, val_every, patience, workers. Paths are given again if
            the text has moved, and `text` if the run began with it. A complete run stays as it is.
        overwrite: replace the checkpoint of another run.
        init_from: a checkpoint with the weights and the vocabulary to start from; further
            characters of the text get new weights.
        progress: called after each step with a `Progress`: step, steps, epoch, characters, loss,
            val_loss, learning_rate, grad_norm. The losses are in nats a character.
        seed: the seed of the starting weights, of dropout, of the order of lines, and of random
            parts that are held out; None for 0, or, with `resume`, for the seed of the run.
        workers: the processes that divide the batch; None for one per core, but at most one per 8
            streams, and only as many as fit in memory. A run that is resumed with another number
            than before warns that results differ by rounding; None keeps the number. With more
            than one, a script needs `if __name__ == "__main__":`, as with the multiprocessing
            module.
        val_frac: the share of the text to hold out.
        held_out: hold out the "end" of the text, or parts "spread" all over it.
        val: a file to validate on, so that nothing is held out.
        no_items: leave the hashes of the lines of a list out of the checkpoint, which
            `CharRNN.items(new=True)` needs.
        min_count: replace characters that occur fewer times by U+FFFD; None for 1, or for that of
            `init_from`.
        encoding, encoding_errors, newlines, normalize, binary: the options of the text.
        **options: model, hidden_size, num_layers, dropout, lines (each line is an item of its own);
            batch_size, seq_length, optimizer, learning_rate, schedule, warmup, momentum,
            weight_decay, grad_clip, grad_clip_value, val_every, patience. See
            `charrnn.config.ModelConfig` and `TrainingConfig`.

    Returns:
        The model, with the weights of the lowest validation loss.

    Raises:
        TextError: for a text that cannot be read or trained on.
        SettingError: for an option that is unknown, outside of its range, or contradicts another.
        CheckpointError: for a checkpoint that cannot be read or written, or is in use.
        TrainingError: where the training diverges or does not fit in memory, or `resume` finds
            another text.
        MemoryError: for a network that the system refuses to allocate.
        KeyboardInterrupt: after Ctrl-C, once the run is saved.
    """
    model, training = configured({"steps": steps, "workers": workers, "seed": seed, **options})
    path = Path(checkpoint) if checkpoint is not None else None
    decoding = Decoding(encoding, encoding_errors, binary, newlines)
    duration = None if time is None else seconds_of(time)
    started = {
        "epochs": epochs,
        "time": duration,
        "val_frac": val_frac,
        "min_count": min_count,
        "init_from": init_from,
        "held_out": held_out,
    }
    check(paths, text, path, resume, overwrite, training, started)
    of_text = {
        "val_frac": val_frac,
        "encoding": encoding,
        "encoding_errors": None if encoding_errors == DEFAULT.errors else encoding_errors,
        "newlines": None if newlines == DEFAULT.newlines else newlines,
        "normalize": normalize,
        "binary": binary or None,
        "min_count": min_count,
        "held_out_way": None if held_out == Division.way else held_out,
        "no_items": no_items or None,
    }
    given = {name: value for name, value in of_text.items() if value is not None}
    given |= model | training
    with ExitStack() as stack:
        if path:
            stack.enter_context(reserving(path, notice))
        if resume:
            assert path
            length = {"epochs": epochs, "seconds": duration}
            given |= {name: value for name, value in length.items() if value is not None}
            moved = None if val is None else os.fspath(val)
            run = resumed(path, [os.fspath(each) for each in paths], text, given, moved)
        else:
            lines = model.get("lines", False)
            corpora.check_files(os.fspath(each) for each in paths)
            if path and not overwrite:
                runs.refuse_existing(path)
            initial = checkpoints.read(Path(init_from)) if init_from is not None else None
            if initial:
                refuse_other_shape(initial, Path(str(init_from)), given)
                normalize, decoding = initial.normalize, replace(decoding, binary=initial.binary)
                lines = initial.model.lines
            validation = None
            if val is not None:
                validation = read_validation(os.fspath(val), decoding, normalize, lines)
                for line in validation.notices:
                    notice(line)
            run = runs.new(
                read(paths, text, decoding, normalize, lines),
                path,
                ModelConfig(**model),
                TrainingConfig(**training),
                epochs=epochs,
                seconds=duration,
                val_frac=val_frac,
                min_count=min_count,
                held_out_way=held_out,
                no_items=no_items,
                val=validation,
                init_from=initial,
            )
        stack.enter_context(run)
        check_disk(run)
        for line in run.notices:
            notice(line)
        budget = Budget(run.trainer, duration, training.get("val_every")) if duration else None
        signal = train_and_save(run, progress, notice, budget)
        trained = CharRNN.of(run.checkpoint)
    if signal:
        signals.raise_signal(signal)
    return trained


def notice(message: str, stacklevel: int = 3) -> None:
    """Warn of a decision, or of a save that failed."""
    warnings.warn(message, Notice, stacklevel=stacklevel)


def configured(values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The options of the model and of the training, by the names of the fields.

    Args:
        values: options by the names of the command line; None for those that are not given.

    Raises:
        SettingError: for an option that is unknown.
    """
    rest = {name: value for name, value in values.items() if value is not None}
    found: list[dict[str, Any]] = []
    for kind in (ModelConfig, TrainingConfig):
        names = {option.argument: option.name for option in options(kind)}
        names.pop("ranks", None)
        found.append({names[name]: rest.pop(name) for name in names if name in rest})
    if rest:
        raise SettingError(f"train has no option {sorted(rest)[0]!r}: see help(charrnn.train)")
    return found[0], found[1]


def check(
    paths: Sequence[Source],
    text: str | None,
    path: Path | None,
    resume: bool,
    overwrite: bool,
    training: Mapping[str, Any],
    started: Mapping[str, Any],
) -> None:
    """Check that the arguments of `train` do not contradict each other.

    Raises:
        SettingError: if they do, with their names.
    """
    time = started["time"]
    if paths and text is not None:
        raise SettingError("paths and text exclude one another")
    if [training.get("steps"), started["epochs"], time].count(None) < 2:
        raise SettingError("steps, epochs and time exclude one another")
    if started["epochs"] is not None and not 0 < started["epochs"] < inf:
        raise SettingError(f"epochs is above 0, not {started['epochs']}")
    if (share := started["val_frac"]) is not None and not 0 <= share < 1:
        raise SettingError(f"val_frac is from 0 to below 1, not {share}")
    if started["held_out"] not in WAYS:
        raise SettingError(f"held_out is {' or '.join(WAYS)}, not {started['held_out']!r:.80}")
    if (count := started["min_count"]) is not None and (type(count) is not int or count < 1):
        raise SettingError(f"min_count is a whole number from 1, not {count!r:.80}")
    if time and not resume and training.get("warmup_steps", MIN_WARMUP) < MIN_WARMUP:
        raise SettingError(f"time measures its first steps: warmup is {MIN_WARMUP} or more")
    if resume and not path:
        raise SettingError("resume needs a checkpoint")
    if resume and (overwrite or started["init_from"] is not None):
        raise SettingError("resume and init_from or overwrite exclude one another")


def read(
    texts: Sequence[Source] | TextFiles,
    text: str | None,
    decoding: Decoding,
    normalize: str | None,
    lines: bool,
) -> Corpus:
    """The text to train on; the notices about it are warnings."""
    if text is not None:
        how = Decoding(newlines=decoding.newlines)
        corpus = Corpus.of(text, normalize=normalize, decoding=how, lines=lines)
    else:
        if not isinstance(texts, TextFiles):
            texts = find([os.fspath(path) for path in texts], decoding)
        if not texts.paths:
            return corpora.standard_library(normalize, lines)
        corpus = corpora.read(texts, decoding, normalize, lines=lines)
    for line in corpus.notices:
        notice(line)
    if "-" in corpus.files:
        notice(corpora.FROM_A_PIPE)
    return corpus


def resumed(
    path: Path,
    paths: Sequence[str],
    text: str | None,
    given: Mapping[str, Any],
    val: str | None = None,
) -> Run:
    """The run in a checkpoint, with the text it was trained on, and the one it validates on."""
    saved = checkpoints.read(path)
    about, _ = run_of(saved, path)
    continuation(saved, path, given, texts=paths)  # refuses before the text is read
    texts: Sequence[str] | TextFiles = paths
    if text is None and not paths:
        texts = TextFiles.of(files_of_run(saved, path, given))
    corpus = read(texts, text, about.decoding, about.normalize, about.lines)
    return runs.resume(saved, path, corpus, val=validation_of_run(saved, path, val), **given)
