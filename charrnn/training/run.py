"""A training run: a text, a model in training, and the checkpoint of both."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from charrnn import checkpoint as checkpoints
from charrnn.arrays import Array
from charrnn.checkpoint import Checkpoint
from charrnn.checkpoint import schema as header
from charrnn.checkpoint.fingerprint import differences, fingerprint
from charrnn.config import MAX_INTEGER, ModelConfig, TrainingConfig
from charrnn.errors import (
    CheckpointError,
    DamagedCheckpointError,
    SettingError,
    TextError,
    TrainingError,
)
from charrnn.network.model import CharRNN
from charrnn.parallel import workers
from charrnn.parallel.group import Group
from charrnn.parallel.threads import cores
from charrnn.text.corpus import Corpus
from charrnn.text.corpus_info import CorpusInfo
from charrnn.text.vocabulary import Vocabulary, listed
from charrnn.training import planning
from charrnn.training.resources import check_memory
from charrnn.training.trainer import Trainer, due

#: Characters of the held-out text in a checkpoint, for the inspection of a model without its text.
EXCERPT = 100_000
#: The options that may change when a run is resumed; all others stay as they were.
CHANGEABLE = frozenset({"steps", "val_every", "patience", "workers"})


@dataclass
class Run:
    """A trainer, and the rest of what its checkpoint holds.

    Attributes:
        trainer: of the model.
        path: of the checkpoint; None for a run that is not saved.
        corpus: name, characters, SHA-256 and files of the text, and how to decode them.
        excerpt: of the held-out text.
        notices: the decisions that the user did not make, one line each.
        indices: the whole text; where it is in a temporary file, from which workers read it,
            the file lasts as long as this does.
    """

    trainer: Trainer
    path: Path | None
    corpus: CorpusInfo
    excerpt: str
    notices: list[str]
    indices: Array

    @property
    def checkpoint(self) -> Checkpoint:
        """The run as it is now."""
        trainer, model = self.trainer, self.trainer.model
        best = model.parameters.zeros_like()
        best.flat[...] = trainer.best
        return Checkpoint(
            model=ModelConfig(**model.configuration),
            vocabulary=model.vocabulary,
            best=dict(best),
            last=dict(model.parameters),
            corpus=self.corpus,
            settings=trainer.config,
            run=trainer.counters,
            resume=trainer.arrays(),
            excerpt=self.excerpt,
        )

    @property
    def min_bytes(self) -> int:
        """The size of the checkpoint without its header, of some thousand bytes."""
        model, slots = self.trainer.model, self.trainer.slots.values()
        text = 4 * (len(self.excerpt) + len(model.vocabulary))
        return 2 * model.parameters.flat.nbytes + sum(array.nbytes for array in slots) + text

    def __enter__(self) -> Run:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.trainer.group.__exit__(kind, error, traceback)

    def save(self) -> None:
        """Write the checkpoint.

        Raises:
            CheckpointError: where it cannot be written.
        """
        assert self.path
        checkpoints.save(self.path, self.checkpoint)


def refuse_existing(path: Path) -> None:
    """Refuse to start a run where the checkpoint of another one is.

    Raises:
        CheckpointError: if the file exists, with the options to go on.
    """
    if path.exists():
        raise CheckpointError(
            f"{path}: holds another run: --resume to go on with it, --overwrite to replace it, "
            "or -c PATH to keep both"
        )


def new(
    corpus: Corpus,
    path: Path | None,
    model: ModelConfig,
    config: TrainingConfig,
    *,
    epochs: float | None = None,
    seconds: float | None = None,
    val_frac: float | None = None,
    init_from: Checkpoint | None = None,
    ranks: Group | None = None,
) -> Run:
    """Start a run; options that are None are chosen to fit the text.

    Args:
        corpus: the text.
        path: of the checkpoint to be; None for a run that is not saved.
        model: the shape of the network.
        config: how to train.
        epochs: times to read the text, where `config` has no steps.
        seconds: the time to train for, by which a size is chosen.
        val_frac: the share of the text, at its end, to hold out; see `planning.held_out`.
        init_from: a checkpoint with the weights and vocabulary to start from, instead of `model`.
        ranks: the MPI ranks, each with as many workers; this process alone unless given.

    Raises:
        TextError: for a text too short, of too many files, or with characters that `init_from`
            does not know.
        SettingError: for an option outside of its range.
        MemoryError: for sizes that the memory of this machine cannot hold.
    """
    vocabulary = vocabulary_for(corpus, init_from)
    indices = corpus.encode(vocabulary)
    held_out = planning.held_out(corpus.length, val_frac)
    train, validation = split(indices, held_out)
    notices = []
    if not held_out and val_frac != 0:
        notices.append(
            f"too short to hold out {planning.MIN_HELD_OUT} characters: all {corpus.length:,} "
            "are trained on, none held out"
        )
    size = planning.size_for(seconds)
    model = model.filled(hidden_size=size.hidden_size)
    network = init_from.build() if init_from else build(vocabulary, model)
    rate = planning.rate_for(network.layer_type, network.hidden_size, network.num_layers)
    config = config.filled(learning_rate=rate)
    if ranks:
        config = replace(config.filled(workers=1), ranks=ranks.size)
    config = plan(config, len(train), held_out, epochs, notices).complete()
    if not init_from:
        network.initialize(np.random.default_rng(config.seed))
    read = config.steps * config.batch_size * config.seq_length
    if seconds:
        read = int(min(seconds * size.characters_a_second, MAX_INTEGER))
    dropout = planning.dropout_for(network.parameters.flat.size, len(train), read)
    network.dropout = model.filled(dropout=dropout).dropout
    check_memory(network, config)
    excerpt = vocabulary.decode((validation if len(validation) else train)[:EXCERPT])
    group = workers.group_of(config.workers, ranks)
    trainer = Trainer(network, train, validation, config, group)
    return Run(trainer, path, describe(corpus, val_frac, held_out), excerpt, notices, indices)


def vocabulary_for(corpus: Corpus, init_from: Checkpoint | None) -> Vocabulary:
    """The characters of a text, or those of the checkpoint to start from.

    Raises:
        TextError: for a text that cannot be trained on.
    """
    if corpus.length < 2:
        raise TextError(f"{corpus.name}: at least 2 characters are needed, it has {corpus.length}")
    if not header.has_room(corpus.name, corpus.files):
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
    return vocabulary


def build(vocabulary: Vocabulary, config: ModelConfig) -> CharRNN:
    """A network without starting weights; its dropout may still be chosen."""
    return CharRNN(
        vocabulary,
        layer_type=config.layer_type,
        hidden_size=config.hidden_size,
        num_layers=config.num_layers,
        lines=config.lines,
    )


def split(indices: Array, held_out: int) -> tuple[Array, Array]:
    """The text to train on, and the characters at its end that are held out."""
    cut = len(indices) - held_out
    return indices[:cut], indices[cut:]


def plan(
    config: TrainingConfig,
    characters: int,
    held_out: int,
    epochs: float | None,
    notices: list[str],
) -> TrainingConfig:
    """Choose the options that depend on the text; the changes of given ones go to `notices`.

    Args:
        config: as given.
        characters: of the text to train on.
        held_out: characters to validate on.
        epochs: times to read the text, where `config` has no steps.
        notices: extended.

    Raises:
        SettingError: for more epochs than can be counted.
    """
    B, T = planning.fit_window(characters, config.batch_size, config.seq_length)
    if (config.batch_size, config.seq_length) != (B, T):
        notices.append(f"to fit the text: --batch-size {B} and --seq-length {T}")
    config = replace(config, batch_size=B, seq_length=T)
    if epochs is not None:
        if epochs * characters > MAX_INTEGER:
            raise SettingError(f"{epochs:g} epochs are more characters than can be counted")
        config = config.filled(steps=planning.epochs_to_steps(epochs, characters, B, T))
    config = config.filled(
        steps=planning.default_steps(characters, B, T), workers=workers.default_workers(B)
    )
    if config.workers > B and config.ranks == 1:
        config = replace(config, workers=B)
        notices.append(f"--workers {B}: each reads at least one of {B} streams")
    return config.filled(
        val_every=planning.val_every(config.steps, held_out, B * T),
        warmup_steps=planning.warmup_for(config.steps),
    )


def describe(corpus: Corpus, val_frac: float | None, held_out: int) -> CorpusInfo:
    """The section of a checkpoint by which a text is read again and recognized."""
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


def resume(
    saved: Checkpoint,
    path: Path,
    corpus: Corpus,
    ranks: Group | None = None,
    **changes: Any,
) -> Run:
    """Go on with the run in a checkpoint, exactly where it was.

    Args:
        saved: the checkpoint.
        path: of the checkpoint, where the run is saved again.
        corpus: its text, read again.
        ranks: the MPI ranks, each with as many workers; this process alone unless given.
        **changes: of the options in `CHANGEABLE`; `workers=None` chooses their number.

    Raises:
        TrainingError: for another text than the one trained on.
        CheckpointError: where the checkpoint lacks something, or asks for more than this machine
            or the text has.
        SettingError: for an option outside of its range.
    """
    expected, before = run_of(saved, path)
    network = saved.build("last")
    indices = encode_again(saved, expected, path, corpus)
    train, validation = split(indices, expected.held_out)
    if len(train) < 2:
        held_out = f"held_out of its text is {expected.held_out:,} of {corpus.length:,}"
        raise CheckpointError(f"{path}: {DamagedCheckpointError(held_out)}")
    config = changed(before, changes, ranks).complete()
    check_sizes(network, config, len(train), path)
    notices = notices_of_changes(before, config, saved)
    group = workers.group_of(config.workers, ranks)
    trainer = Trainer(network, train, validation, config, group)
    best = network.parameters.zeros_like()
    for name, array in saved.best.items():
        best[name][...] = array
    try:
        trainer.restore(saved.resume, saved.run, network.parameters.flat, best.flat)
        trainer.pending = due(trainer.counters.step, before) and not validated(trainer)
    except (KeyError, TypeError, ValueError) as error:
        group.close()
        raise CheckpointError(f"{path}: lacks what is needed to resume: {error}") from error
    return Run(trainer, path, expected, saved.excerpt, notices, indices)


def run_of(saved: Checkpoint, path: Path) -> tuple[CorpusInfo, TrainingConfig]:
    """The text and the configuration of the run in a checkpoint.

    Raises:
        CheckpointError: for a model saved from Python without a run, with the way to train it.
    """
    if saved.corpus is None or saved.settings is None:
        raise CheckpointError(
            f"{path}: has a model and no run to go on with: start one from its weights with "
            f"--init-from {path} and another -c"
        )
    return saved.corpus, saved.settings


def encode_again(saved: Checkpoint, expected: CorpusInfo, path: Path, corpus: Corpus) -> Array:
    """The indices of the text of a checkpoint.

    Raises:
        TrainingError: for another text, with the differences.
    """
    unknown, indices = saved.vocabulary.unknown(corpus.characters), None
    # The encoded text is compared; one of another length or with other characters is another text.
    if corpus.length == expected.characters and not unknown:
        indices = corpus.encode(saved.vocabulary)
    if indices is None or corpus.sha256 != expected.sha256:
        raise TrainingError(
            f"{corpus.name} is not the text that {path} was trained on, {expected.name}: it has "
            f"{text_differences(corpus, expected, unknown)}: to go on with another text, start a "
            f"new run with --init-from {path} and another -c"
        )
    return indices


def text_differences(corpus: Corpus, expected: CorpusInfo, unknown: str) -> str:
    """The differences of a text from another one, in words.

    Args:
        corpus: the text.
        expected: the other, from `describe`.
        unknown: the characters that are not in the other.
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


def changed(before: TrainingConfig, changes: dict[str, Any], ranks: Group | None) -> TrainingConfig:
    """The configuration of a resumed run.

    Args:
        before: from the checkpoint.
        changes: asked for; None for a number of workers to choose.
        ranks: the MPI ranks now.
    """
    if others := changes.keys() - CHANGEABLE:
        raise SettingError(f"a resumed run keeps its {', '.join(sorted(others))}")
    number = changes.get("workers", before.workers)
    if number is None:
        number = workers.default_workers(before.batch_size)
    elif "workers" not in changes:
        # A file, which may be a stranger's, starts no more processes than there are cores. The
        # workers of a run without MPI were those of the whole run.
        number = 1 if ranks and before.ranks == 1 else min(number, cores())
    size = ranks.size if ranks else 1
    return replace(before, **{**changes, "workers": number, "ranks": size})


def check_sizes(network: CharRNN, config: TrainingConfig, characters: int, path: Path) -> None:
    """Check that `new` could have chosen the window, and that the training fits in memory.

    Raises:
        CheckpointError: if not, with the sizes.
    """
    B, T = config.batch_size, config.seq_length
    if planning.fit_window(characters, B, T) != (B, T):
        raise CheckpointError(
            f"{path}: damaged: {B:,} streams of {T:,} characters, from a text of {characters:,}"
        )
    try:
        check_memory(network, config)
    except MemoryError as error:
        raise CheckpointError(f"{path}: {error}: resume on a machine with more memory") from error


def notices_of_changes(
    before: TrainingConfig, config: TrainingConfig, saved: Checkpoint
) -> list[str]:
    """The differences of a resumed run that change the rounding."""
    notices = []
    for now, then, name in (
        (config.workers, before.workers, "--workers"),
        (config.ranks, before.ranks, "MPI ranks"),
    ):
        if now != then:
            notices.append(f"{name} {now}, not {then}: the same training, but for rounding")
    if versions := differences(saved.versions, fingerprint()):
        notices.append(f"the same training, but for rounding, with {versions}")
    return notices


def validated(trainer: Trainer) -> bool:
    """The validation after the last step is in the history."""
    history, step = trainer.counters.history, trainer.counters.step
    return bool(history) and history[-1]["step"] == step
