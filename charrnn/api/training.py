"""Training from Python, with the options of the command."""

from __future__ import annotations

import os
import signal as signals
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from math import inf
from pathlib import Path
from typing import Any

from charrnn import checkpoint as checkpoints
from charrnn.api.model import CharRNN, Source, notice, read_checkpoint
from charrnn.config import ModelConfig, TrainingConfig, options, seconds_of
from charrnn.errors import SettingError
from charrnn.text import corpus as corpora
from charrnn.text.corpus import Corpus
from charrnn.text.decoding import DEFAULT, Decoding
from charrnn.text.held_out import WAYS, Division
from charrnn.text.normal_forms import NORMAL_FORMS
from charrnn.text.paths import TextFiles, find
from charrnn.training import run as runs
from charrnn.training.budget import MIN_WARMUP, Budget
from charrnn.training.loop import train_and_save
from charrnn.training.options import without_effect
from charrnn.training.resuming import continuation, files_of_run, refuse_other_shape, run_of
from charrnn.training.run import Run
from charrnn.training.saving import check_disk, reserving
from charrnn.training.trainer import Progress
from charrnn.training.validation import read_validation, validation_of_run


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
        init_from: a checkpoint, or a `.safetensors` file, with the weights and the vocabulary to
            start from; further characters of the text get new weights.
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
        **options: model, hidden_size, num_layers, ensemble, dropout, lines (each line is an item of
            its own); batch_size, seq_length, optimizer, learning_rate, schedule, warmup, momentum,
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
    check_reading(paths, text, decoding, normalize, resume, val)
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
            if path:
                runs.refuse_existing(path, overwrite)
            initial = read_checkpoint(init_from) if init_from is not None else None
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
    if not resume and without_effect(training, training.get("optimizer"), files=True):
        raise SettingError('momentum needs optimizer="sgd": add it, or leave out momentum')
    if resume and not path:
        raise SettingError("resume needs a checkpoint")
    if resume and (overwrite or started["init_from"] is not None):
        raise SettingError("resume and init_from or overwrite exclude one another")


def check_reading(
    paths: Sequence[Source],
    text: str | None,
    decoding: Decoding,
    normalize: str | None,
    resume: bool,
    val: Source | None,
) -> None:
    """Check that the options of the text have an effect on it.

    Raises:
        SettingError: for one without effect, or an unknown normal form.
    """
    if normalize is not None and normalize not in NORMAL_FORMS:
        known = ", ".join(NORMAL_FORMS)
        raise SettingError(f"no normalize named {normalize!r:.80}: choose one of {known}")
    chosen = decoding.encoding is not None or decoding.errors != DEFAULT.errors
    if decoding.binary and (chosen or normalize):
        raise SettingError(
            "binary excludes encoding, encoding_errors and normalize: leave them out"
        )
    if paths or resume:  # a run that goes on refuses other options
        return
    given = {
        "binary": decoding.binary,
        "encoding": decoding.encoding is not None,
        "encoding_errors": decoding.errors != DEFAULT.errors,
        "newlines": decoding.newlines != DEFAULT.newlines and text is None,
    }
    names = [name for name, is_given in given.items() if is_given]
    if found := without_effect(names, None, files=False, val=val is not None):
        name, need = found
        more = "" if need == "files" else ", text or val" if name == "newlines" else " or val"
        raise SettingError(f"{name} needs paths{more}: name a file")


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
