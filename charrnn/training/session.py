"""A training run with its text and its file: what `charrnn train` works on."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from charrnn import checkpoint as checkpoints
from charrnn.arrays import Array
from charrnn.checkpoint import Checkpoint, schema
from charrnn.checkpoint.fingerprint import differences, fingerprint
from charrnn.config import ModelConfig, TrainingConfig
from charrnn.errors import CheckpointError, SettingError, TextError, TrainingError
from charrnn.network.model import CharRNN
from charrnn.parallel import workers as worker_processes
from charrnn.parallel.group import Group
from charrnn.parallel.threads import cores
from charrnn.text.corpus import Corpus
from charrnn.text.corpus_info import CorpusInfo
from charrnn.text.vocabulary import Vocabulary, listed
from charrnn.training import planning
from charrnn.training.config import HIGHEST, Settings
from charrnn.training.resources import check_memory
from charrnn.training.trainer import Run, due

#: Characters of held-out text that a checkpoint carries, so that there is always one to look at.
EXCERPT = 100_000


@dataclass
class Session:
    """A run, and what its checkpoint says beside it.

    Attributes:
        run: the training.
        path: of the checkpoint.
        corpus: name, characters, SHA-256 and how to read the text again.
        excerpt: of the held-out text.
        notices: what the session decided by itself.
        indices: the whole text; where it is in a temporary file, from which workers read it,
            the file lasts as long as this does.
    """

    run: Run
    path: Path
    corpus: CorpusInfo
    excerpt: str
    notices: list[str]
    indices: Array

    @property
    def checkpoint(self) -> Checkpoint:
        """The run as it is now."""
        model, run = self.run.model, self.run
        best = model.parameters.zeros_like()
        best.flat[...] = run.best
        return Checkpoint(
            model=ModelConfig(model.layer_type, model.hidden_size, model.num_layers, model.dropout),
            vocabulary=model.vocabulary,
            best=dict(best),
            last=dict(model.parameters),
            corpus=self.corpus,
            settings=TrainingConfig(**asdict(run.settings)),
            run=run.numbers(),
            resume=run.arrays(),
            excerpt=self.excerpt,
        )

    @property
    def least_size(self) -> int:
        """The bytes of the checkpoint without its header, which has some thousand more."""
        model = self.run.model
        arrays = self.run.learner.remembered.values()
        text = 4 * (len(self.excerpt) + len(model.vocabulary))
        return 2 * model.parameters.flat.nbytes + sum(array.nbytes for array in arrays) + text

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.run.group.__exit__(kind, error, traceback)

    def save(self) -> None:
        """Write the checkpoint.

        Raises:
            CheckpointError: where it cannot be written.
        """
        checkpoints.save(self.path, self.checkpoint)


def start(
    corpus: Corpus,
    path: Path,
    *,
    model: dict[str, Any],
    settings: dict[str, Any],
    epochs: float | None = None,
    seconds: float | None = None,
    val_frac: float | None = None,
    init_from: Checkpoint | None = None,
    ranks: Group | None = None,
) -> Session:
    """A new run.

    Args:
        corpus: the text.
        path: of the checkpoint to be.
        model: keyword arguments of `CharRNN`; a size or dropout that is None is chosen.
        settings: of the training, as in `Settings`; what is missing or None is chosen to fit
            the text.
        epochs: how long to train, where `settings` has no steps.
        seconds: how long it will be trained, to choose a size for.
        val_frac: the share of the text, at its end, that is held out; as `planning.held_out`
            has it unless given.
        init_from: a checkpoint whose weights and vocabulary to start from, instead of `model`.
        ranks: those that train together, each with as many workers; none unless given.

    Raises:
        TextError: for a text too short, from too many files, or with characters that `init_from`
            does not know.
        SettingError: for a setting outer of its range.
        MemoryError: for sizes that the memory of this machine cannot hold.
    """
    if corpus.length < 2:
        raise TextError(f"{corpus.name}: at least 2 characters are needed, it has {corpus.length}")
    if not schema.has_room(corpus.name, corpus.files):
        raise TextError(
            f"the names of {len(corpus.files):,} files are too long for a checkpoint: make one "
            "text of them, as in `cat ... | charrnn train -`"
        )
    vocabulary = init_from.vocabulary if init_from else Vocabulary(corpus.characters)
    if unknown := vocabulary.unknown(corpus.characters):
        raise TextError(
            f"{corpus.name}: {len(unknown)} characters that the old weights do not know, "
            f"leave them out: {listed(unknown)}"
        )
    indices = corpus.encode(vocabulary)
    held_out = planning.held_out(corpus.length, val_frac)
    train, validation = split(indices, held_out)
    notices = []
    if not held_out and val_frac != 0:
        notices.append(
            f"too short to hold out {planning.LEAST_HELD_OUT} characters: all {corpus.length:,} "
            "are trained on, none held out"
        )
    size = planning.size_for(seconds)
    if init_from:
        network = init_from.build()
    else:
        given = {name: value for name, value in model.items() if value is not None}
        network = CharRNN(vocabulary, **{"hidden_size": size.hidden_size, **given})
    if settings.get("learning_rate") is None:
        rate = planning.rate_for(network.layer_type, network.hidden_size, network.num_layers)
        settings = {**settings, "learning_rate": rate}
    if ranks:
        settings = {**settings, "workers": settings.get("workers") or 1, "ranks": ranks.size}
    chosen = fit(settings, len(train), held_out, epochs, notices)
    if not init_from:
        network.initialize(np.random.default_rng(chosen.seed))
    dropout: float | None = model["dropout"]
    if dropout is None:
        read = chosen.steps * chosen.batch_size * chosen.seq_length
        if seconds:
            read = int(min(seconds * size.characters_a_second, HIGHEST))
        dropout = planning.dropout_for(network.parameters.flat.size, len(train), read)
    network.dropout = dropout
    check_memory(network, chosen)
    described = describe(corpus, val_frac, held_out)
    excerpt = vocabulary.decode((validation if len(validation) else train)[:EXCERPT])
    run = Run(network, train, validation, chosen, worker_processes.group_of(chosen.workers, ranks))
    return Session(run, path, described, excerpt, notices, indices)


def split(indices: Array, held_out: int) -> tuple[Array, Array]:
    """The text to train on and that to validate on, so many characters at the end."""
    cut = len(indices) - held_out
    return indices[:cut], indices[cut:]


def fit(
    settings: dict[str, Any],
    characters: int,
    held_out: int,
    epochs: float | None,
    notices: list[str],
) -> Settings:
    """Settings that fit a text of so many characters; what was changed is added to `notices`."""
    given = {name: value for name, value in settings.items() if value is not None}
    asked = given["batch_size"], given["seq_length"]
    B, T = planning.fit_window(characters, *asked)
    if asked != (B, T):
        notices.append(f"to fit the text: --batch-size {B} and --seq-length {T}")
    if epochs is not None:
        if epochs * characters > HIGHEST:
            raise SettingError(f"{epochs:g} epochs are more characters than can be counted")
        given.setdefault("steps", planning.epochs_to_steps(epochs, characters, B, T))
    steps = given.setdefault("steps", planning.default_steps(characters, B, T))
    given.setdefault("val_every", planning.val_every(steps, held_out, B * T))
    given.setdefault("warmup_steps", min(50, steps // 10))
    workers = given.get("workers")
    if workers is None:
        workers = worker_processes.default_workers(B)
    elif workers > B and not given.get("ranks"):
        workers = B
        notices.append(f"--workers {B}: each reads at least one of {B} streams")
    return Settings(**{**given, "batch_size": B, "seq_length": T, "workers": workers})


def describe(corpus: Corpus, val_frac: float | None, held_out: int) -> CorpusInfo:
    """Return the description of a text for its checkpoint."""
    return CorpusInfo(
        name=corpus.name,
        characters=corpus.length,
        sha256=corpus.sha256,
        files=corpus.files,
        **asdict(corpus.decoding),
        normalize=corpus.normalize,
        val_frac=val_frac,
        held_out=held_out,
    )


def run_of(saved: Checkpoint, path: Path) -> tuple[CorpusInfo, Settings]:
    """Return the text and the settings of a run; a model saved from Python has none.

    Raises:
        CheckpointError: where it is one, with how to train it.
    """
    if saved.corpus is None or saved.settings is None:
        raise CheckpointError(
            f"{path}: has a model and no run to go on with: start one from its weights with "
            f"--init-from {path} and another -c"
        )
    return saved.corpus, Settings(**asdict(saved.settings))


def changes_of(before: Settings, changes: dict[str, Any], ranks: Group | None) -> dict[str, Any]:
    """The settings that change where a run is resumed.

    Args:
        before: those in the checkpoint.
        changes: those that are asked for; workers may be None, for as many as fit.
        ranks: those that train together now.
    """
    workers = changes.get("workers", before.workers)
    if workers is None:
        workers = worker_processes.default_workers(before.batch_size)
    elif "workers" not in changes:
        # A file, which may be a stranger's, starts no more processes than there are cores. Where
        # it was one process, its workers were all that there was.
        workers = 1 if ranks and before.ranks == 1 else min(workers, cores())
    return {**changes, "workers": workers, "ranks": ranks.size if ranks else 1}


def refuse_too_large(network: CharRNN, settings: Settings, characters: int, path: Path) -> None:
    """Refuse a window that `start` would not have chosen, or that does not fit in memory.

    Args:
        network: as resumed.
        settings: as resumed.
        characters: of the text to train on.
        path: of the checkpoint.

    Raises:
        CheckpointError: with the sizes.
    """
    B, T = settings.batch_size, settings.seq_length
    if planning.fit_window(characters, B, T) != (B, T):
        raise CheckpointError(
            f"{path}: damaged: {B:,} streams of {T:,} characters, from a text of {characters:,}"
        )
    try:
        check_memory(network, settings)
    except MemoryError as error:
        raise CheckpointError(f"{path}: {error}: resume on a machine with more memory") from error


def differing(corpus: Corpus, expected: CorpusInfo, unknown: str) -> str:
    """What a text has that another has not.

    Args:
        corpus: the text.
        expected: the other, as `describe` has it.
        unknown: the characters that are not in that one.
    """
    found = []
    if corpus.length != expected.characters:
        found.append(f"{corpus.length:,} characters, not {expected.characters:,}")
    if unknown:
        found.append(f"characters that were not there: {listed(unknown)}")
    if not found:
        sums = f"{corpus.sha256[:8]}..., not {expected.sha256[:8]}..."
        found.append(f"as many characters, but others: its SHA-256 is {sums}")
    return ", and ".join(found)


def validated(run: Run) -> bool:
    """Whether the validation after the last step of a run is in its history."""
    history, step = run.counters.history, run.counters.step
    return bool(history) and history[-1]["step"] == step


def resume(
    saved: Checkpoint,
    path: Path,
    corpus: Corpus,
    changes: dict[str, Any],
    ranks: Group | None = None,
) -> Session:
    """Go on with the run in a checkpoint, exactly where it was.

    Args:
        saved: the checkpoint.
        path: where it is from, and where the session goes on to save.
        corpus: its text, read again.
        changes: settings to change, such as `steps`; workers may be None, for as many as fit.
        ranks: those that train together, each with as many workers; none unless given.

    Raises:
        TrainingError: where the text is not the one that was trained on.
        CheckpointError: where the checkpoint lacks what is needed, or asks for more than this
            machine or the text has.
        SettingError: for a setting outer of its range.
    """
    expected, before = run_of(saved, path)
    network = saved.build("last")
    indices = None
    # What has another length or other characters is another text. Of what may be the same, it is
    # what is encoded that has to be the same.
    unknown = network.vocabulary.unknown(corpus.characters)
    if corpus.length == expected.characters and not unknown:
        indices = corpus.encode(network.vocabulary)
    if indices is None or corpus.sha256 != expected.sha256:
        raise TrainingError(
            f"{corpus.name} is not the text that {path} was trained on, {expected.name}: it has "
            f"{differing(corpus, expected, unknown)}: to go on with another text, start a new run "
            f"with --init-from {path} and another -c"
        )
    held_out = expected.held_out
    train, validation = split(indices, held_out)
    if len(train) < 2:
        raise CheckpointError(f"{path}: damaged: holds out {held_out:,} of {corpus.length:,}")
    settings = replace(before, **changes_of(before, changes, ranks))
    refuse_too_large(network, settings, len(train), path)
    notices = []
    for is_now, was, name in (
        (settings.workers, before.workers, "--workers"),
        (settings.ranks, before.ranks, "MPI ranks"),
    ):
        if is_now != was:
            notices.append(f"{name} {is_now}, not {was}: the same training, but for rounding")
    if changed := differences(saved.versions, fingerprint()):
        notices.append(f"the same training, but for rounding, with {changed}")
    group = worker_processes.group_of(settings.workers, ranks)
    run = Run(network, train, validation, settings, group)
    best = network.parameters.zeros_like()
    for name, array in saved.best.items():
        best[name][...] = array
    try:
        run.resume(saved.resume, saved.run, network.parameters.flat, best.flat)
        run.pending = due(run.counters.step, before) and not validated(run)
    except (KeyError, TypeError, ValueError) as error:
        run.group.close()
        raise CheckpointError(f"{path}: has not what is needed to resume: {error}") from error
    return Session(run, path, expected, saved.excerpt, notices, indices)
