"""A training run: a text, a model in training, and the checkpoint of both."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from charrnn import checkpoint as checkpoints
from charrnn import files
from charrnn.arrays import Array
from charrnn.checkpoint import Checkpoint, RunState, archive, schema
from charrnn.checkpoint.fingerprint import differences, fingerprint
from charrnn.config import MAX_INTEGER, ModelConfig, TrainingConfig
from charrnn.errors import (
    CheckpointError,
    DamagedCheckpointError,
    SettingError,
    TextError,
    TrainingError,
)
from charrnn.names import checkpoint_name
from charrnn.network.model import CharRNN
from charrnn.parallel import workers
from charrnn.parallel.group import Group
from charrnn.shell import command_line, quoted_path, words_for
from charrnn.text.corpus import Corpus
from charrnn.text.corpus_info import CorpusInfo
from charrnn.text.frequencies import frequencies, replace_rare
from charrnn.text.held_out import Division
from charrnn.text.lines import Lines
from charrnn.text.notices import count
from charrnn.text.vocabulary import REPLACEMENT, Vocabulary, listed
from charrnn.training import advice, planning
from charrnn.training.commands import resume_command
from charrnn.training.resources import Sizes, check_memory, most_workers
from charrnn.training.resuming import continuation, encode_again, run_of
from charrnn.training.speed import measured_speed
from charrnn.training.trainer import Trainer
from charrnn.training.validation import encode_validation

#: Characters of the excerpt in a checkpoint, for the inspection of a model without its text.
EXCERPT = 100_000


@dataclass
class Run:
    """A trainer, and everything else that its checkpoint holds.

    Attributes:
        trainer: the training of the model.
        path: the path of the checkpoint; None for a run that is not saved.
        corpus: name, characters, SHA-256 and files of the text, and how to decode them.
        excerpt: the beginning of the text to validate on, or of the training text where there is
            none.
        notices: the decisions that charrnn made for the user, each in one line.
        parts: the text to train on, (M,), and the text to validate on; holding them keeps their
            temporary files, if any, which the workers read.
        items: the hashes of the lines of a list; None for a running text, or without hashes.
        resumed: the numbers in the checkpoint that the run goes on from; None for a new run.
    """

    trainer: Trainer
    path: Path | None
    corpus: CorpusInfo
    excerpt: str
    notices: list[str]
    parts: tuple[Array, Array]
    resumed: RunState | None = None
    items: Array | None = None

    @property
    def checkpoint(self) -> Checkpoint:
        """The run as it is now."""
        trainer, model = self.trainer, self.trainer.model
        counters = trainer.counters
        if counters.best_loss is None and not counters.diverged:  # the best are the last weights
            counters = replace(counters, best_step=counters.step)
        best = model.parameters.zeros_like()
        best.flat[...] = trainer.best
        return Checkpoint(
            model=ModelConfig(**model.configuration),
            vocabulary=model.vocabulary,
            best=dict(best),
            last=dict(model.parameters),
            corpus=self.corpus,
            settings=trainer.config,
            run=counters,
            resume=trainer.arrays(),
            excerpt=self.excerpt,
            items=self.items,
        )

    @property
    def min_bytes(self) -> int:
        """A lower bound of the file size, in bytes: without the header, of a few kB."""
        model, slots = self.trainer.model, self.trainer.slots.values()
        text = 4 * (len(self.excerpt) + len(model.vocabulary))
        text += 0 if self.items is None else self.items.nbytes
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

    def command(self, *more: str) -> str:
        """The command that goes on with the run, with more options."""
        assert self.path
        return resume_command(self.path, self.corpus, self.trainer.config, *more)

    def save(self) -> None:
        """Write the checkpoint.

        Raises:
            CheckpointError: where it cannot be written.
        """
        assert self.path
        checkpoints.save(self.path, self.checkpoint)


def refuse_existing(path: Path, overwrite: bool = False) -> None:
    """Refuse to start a run where the checkpoint of another one is, or another file.

    Args:
        path: the path of the new checkpoint.
        overwrite: replace the checkpoint of another run.

    Raises:
        CheckpointError: if the file exists, with the options to go on; or for the name of a file of
            weights, which holds no run.
    """
    if not path.exists():
        if (name := checkpoint_name(path)) != str(path):
            later = command_line([*words_for("inspect", name), "--save-weights", str(path)])
            raise CheckpointError(
                f"{path}: a run is saved as .npz: name it with -c {quoted_path(name)}, and write "
                f"its weights with `{later}`"
            )
        return
    head = files.head(path) if path.is_file() else b""
    if head and not archive.is_checkpoint(head):
        raise CheckpointError(
            f"{path}: is no checkpoint, and would be lost: name another file with -c PATH"
        )
    if not overwrite:
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
    min_count: int | None = None,
    held_out_way: str = Division.way,
    no_items: bool = False,
    val: Corpus | None = None,
    init_from: Checkpoint | None = None,
    ranks: Group | None = None,
) -> Run:
    """Start a run; options that are None are chosen to fit the text.

    Args:
        corpus: the text; one of lines makes a model of lines.
        path: the path of the new checkpoint; None for a run that is not saved.
        model: the shape of the network.
        config: the options of the training.
        epochs: the number of times to read the text, where `config` has no steps.
        seconds: the time to train for, by which a size is chosen.
        val_frac: the share of the text to hold out; see `planning.held_out`.
        min_count: characters that occur fewer times in the text to train on are replaced by
            U+FFFD; None for that of `init_from`, or 1, which keeps all characters.
        held_out_way: the choice of the part to hold out, one of `charrnn.text.held_out.WAYS`.
        val: the text to validate on; None to hold out a part of the text.
        no_items: leave the hashes of the lines of a list out of the checkpoint.
        init_from: a checkpoint with the weights and vocabulary to start from, instead of `model`;
            characters that it lacks get new weights.
        ranks: the MPI ranks, each with as many workers; this process alone unless given.

    Raises:
        TextError: for a text too short, of too many files, or without frequent characters.
        SettingError: for an option outside of its range.
        TrainingError: for sizes that the memory of this machine cannot hold.
    """
    check_corpus(corpus)
    wanted = 0
    if not val:
        wanted = planning.held_out(corpus.length, val_frac, len(corpus.characters))
    elif val_frac is not None or held_out_way != Division.way:
        raise SettingError("--val holds out no part of the text: leave out --val-frac, --held-out")
    if min_count is None:
        min_count = init_from.min_count if init_from else 1
    if no_items and not corpus.lines:
        raise SettingError("--no-items needs --lines: only the lines of a list are items")
    if corpus.lines and held_out_way != Division.way:
        raise SettingError(
            "lines are held out from all over a list: leave out --held-out, or --lines"
        )
    division = Division(wanted, held_out_way, corpus.lines)
    division = replace(division, seed=config.seed if division.random else 0)
    notices: list[str] = []
    vocabulary, indices = encode(corpus, division, min_count, init_from, notices)
    train, validation = division.split(indices, vocabulary)
    if len(validation) < planning.MIN_HELD_OUT:
        train, validation = indices, indices[:0]
    division = replace(division, held_out=len(validation))
    if val:
        validation = encode_validation(val, vocabulary, notices)
    held_out = len(validation)
    if not held_out and val_frac != 0:
        short = "too few different lines" if wanted else "too short"
        notices.append(
            f"{short} to hold out {planning.MIN_HELD_OUT} characters: all {corpus.length:,} "
            "are trained on, none held out"
        )
    items = None
    if corpus.lines:
        lines = Lines(indices, vocabulary)
        items = np.unique(lines.hashes())
        notices += notice_of_doubles(len(lines), len(items))
    speed, readable = 0.0, None
    if seconds:
        speed = measured_speed(init_from.model if init_from else model, config, ranks)
        readable = seconds * speed * planning.relative_speed(len(vocabulary))
    model = planning.sized(model, readable, len(train), len(vocabulary))
    model = replace(model, lines=corpus.lines)
    network = network_for(vocabulary, model, init_from, config.seed)
    auto = not (config.workers or ranks)
    rate = planning.rate_for(network.layer_type, network.width, network.num_layers)
    config = config.filled(learning_rate=rate)
    if ranks:
        config = replace(config.filled(workers=1), ranks=ranks.size)
    config = plan(config, len(train), held_out, epochs, notices)
    config.check_complete()
    read = config.steps * config.batch_size * config.seq_length
    if seconds:
        shape = len(vocabulary), network.width, network.num_layers
        each = seconds * speed * planning.relative_speed(*shape) / network.ensemble
        read = int(min(each, MAX_INTEGER))
    dropout = planning.dropout_for(planning.capacity(network), len(train), read)
    network.dropout = model.filled(dropout=dropout).dropout
    config = fit_memory(network, config, indices, init_from, auto, notices)
    if not init_from:
        network.initialize(np.random.default_rng(config.seed))
    excerpt = vocabulary.decode((validation if len(validation) else train)[:EXCERPT])
    info = describe(corpus, val_frac, division, min_count, val)
    notices += advice.on_text(train, validation, network, info, init_from)
    group = workers.group_of(config.workers, ranks)
    trainer = Trainer(network, train, validation, config, group)
    if no_items:
        items = None
    elif items is not None and path:
        hashed = count(len(items), "different line")
        notices.append(
            f"{path} has hashes of {hashed} ({items.nbytes:,} bytes), for "
            "`charrnn sample --new`: --no-items leaves them out"
        )
    return Run(trainer, path, info, excerpt, notices, (train, validation), items=items)


def check_corpus(corpus: Corpus) -> None:
    """Refuse a text that cannot be trained on.

    Raises:
        TextError: for a text too short, or of too many files.
    """
    if corpus.length < 2:
        raise TextError(
            f"{corpus.name}: at least 2 characters are needed, it has {corpus.length}: name a "
            "longer text"
        )
    if not schema.has_room(corpus.name, corpus.files):
        raise TextError(
            f"the names of {len(corpus.files):,} files are too long for a checkpoint: make one "
            "text of them, as in `cat ... | charrnn train -`"
        )


def encode(
    corpus: Corpus,
    division: Division,
    min_count: int,
    init_from: Checkpoint | None,
    notices: list[str],
) -> tuple[Vocabulary, Array]:
    """The vocabulary of a new run, and the text in its indices, (N,).

    Frequencies are those in the part to train on. A character that occurs only in the part held
    out is therefore read as U+FFFD, like the unknown characters of any later text, and the
    validation loss is that of such a text.

    Args:
        corpus: the text.
        division: the choice of the part that is held out.
        min_count: rarer characters are replaced by U+FFFD; 1 for none.
        init_from: a checkpoint; all its characters stay in the vocabulary.
        notices: extended.

    Raises:
        SettingError: for a `min_count` with bytes, or one that no character reaches.
    """
    old = init_from.vocabulary if init_from else Vocabulary("")
    vocabulary = Vocabulary(old.ix_to_char + corpus.characters)
    indices = corpus.encode(vocabulary)
    if min_count > 1:
        if corpus.decoding.binary:
            raise SettingError("a text of bytes keeps all bytes: leave out --min-count")
        train, _ = division.split(indices, vocabulary)
        counts = frequencies(train, len(vocabulary))
        vocabulary, indices = replace_rare(
            indices, vocabulary, counts, min_count, keep=old.ix_to_char
        )
        if vocabulary.ix_to_char == REPLACEMENT:
            raise SettingError(f"no character occurs {min_count:,} times: give a lower --min-count")
        replaced = len(vocabulary.unknown(corpus.characters))
        rare = count(replaced, "character")
        notices.append(
            f"replaced {rare} with fewer than {min_count:,} occurrences by U+FFFD"
            if replaced
            else f"--min-count {min_count}: no character occurs fewer times, all stay"
        )
    if init_from and (new := old.unknown(vocabulary.ix_to_char)):
        added = count(len(new), "character")
        notices.append(f"new weights for {added} that the old model does not know: {listed(new)}")
    return vocabulary, indices


def notice_of_doubles(lines: int, different: int) -> list[str]:
    """A line on the lines that are equal to others; none if all are different."""
    doubles = lines - different
    if not doubles:
        return []
    repeat = "repeats another one" if doubles == 1 else "repeat others"
    return [
        f"{doubles:,} of {lines:,} lines {repeat}: equal lines are either all trained on or all "
        "held out"
    ]


def network_for(
    vocabulary: Vocabulary, config: ModelConfig, init_from: Checkpoint | None, seed: int
) -> CharRNN:
    """The network of a new run.

    Args:
        vocabulary: the characters of the text, and those of `init_from`.
        config: the shape, where there is no `init_from`; the weights are then still to be drawn.
        init_from: a checkpoint with the weights; its network grows by the further characters.
        seed: the seed of the weights of further characters.
    """
    network = init_from.build() if init_from else build(vocabulary, config)
    if network.vocabulary != vocabulary:
        network = network.extended(vocabulary, np.random.default_rng(seed))
    network.vocabulary = vocabulary
    return network


def fit_memory(
    network: CharRNN,
    config: TrainingConfig,
    indices: Array,
    init_from: Checkpoint | None,
    auto: bool,
    notices: list[str],
) -> TrainingConfig:
    """The configuration of a new run that fits in memory.

    Args:
        network: the network to train.
        config: the options of the training.
        indices: the whole text, (N,).
        init_from: a checkpoint with the starting weights; None where they are drawn.
        auto: charrnn chooses the number of workers, and may lower it.
        notices: extended.

    Raises:
        TrainingError: for sizes that the memory of this machine cannot hold.
    """
    sizes = sizes_of(network, config, indices, drawn=not init_from)
    if auto and (most := most_workers(sizes)) < config.workers:
        notices.append(f"--workers {most}: there is no memory for {config.workers}")
        sizes = sizes.with_workers(most)
    check_memory(sizes, freed=held_bytes(init_from))
    return sizes.config


def build(vocabulary: Vocabulary, config: ModelConfig) -> CharRNN:
    """A network without starting weights; its dropout may still be chosen."""
    return CharRNN(
        vocabulary,
        layer_type=config.layer_type,
        hidden_size=config.hidden_size,
        num_layers=config.num_layers,
        ensemble=config.ensemble,
        lines=config.lines,
    )


def sizes_of(network: CharRNN, config: TrainingConfig, indices: Array, drawn: bool) -> Sizes:
    """The sizes that decide the memory of a training.

    Args:
        network: the network to train.
        config: the options of the training.
        indices: the whole text, (N,).
        drawn: the starting weights are drawn, and not those of a checkpoint.
    """
    in_memory = 0 if isinstance(indices, np.memmap) else indices.nbytes
    model, V = ModelConfig(**network.configuration), len(network.vocabulary)
    return Sizes(model, V, config, in_memory, drawn)


def held_bytes(saved: Checkpoint | None) -> int:
    """The memory of a checkpoint and of the network built from it: free once the run has begun."""
    if not saved:
        return 0
    groups = (saved.best, saved.last, saved.resume, saved.last)
    return sum(array.nbytes for group in groups for array in group.values())


def plan(
    config: TrainingConfig,
    characters: int,
    held_out: int,
    epochs: float | None,
    notices: list[str],
) -> TrainingConfig:
    """Choose the options that depend on the text; the changes of given ones go to `notices`.

    Args:
        config: the configuration as given.
        characters: the number of characters to train on.
        held_out: characters to validate on.
        epochs: the number of times to read the text, where `config` has no steps.
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
            raise SettingError(
                f"{epochs:g} epochs are more characters than can be counted: choose fewer"
            )
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


def describe(
    corpus: Corpus,
    val_frac: float | None,
    division: Division,
    min_count: int = 1,
    val: Corpus | None = None,
) -> CorpusInfo:
    """The `corpus` section of a checkpoint."""
    return CorpusInfo(
        name=corpus.name,
        characters=corpus.length,
        sha256=corpus.sha256,
        files=corpus.files,
        **asdict(corpus.decoding),
        normalize=corpus.normalize,
        val_frac=val_frac,
        held_out=division.held_out,
        min_count=min_count,
        lines=division.lines,
        held_out_way=division.way,
        held_out_seed=division.seed,
        val_file=val.files[0] if val else None,
        val_sha256=val.sha256 if val else None,
    )


def resume(
    saved: Checkpoint,
    path: Path,
    corpus: Corpus,
    ranks: Group | None = None,
    val: Corpus | None = None,
    **given: Any,
) -> Run:
    """Go on with the run in a checkpoint; without other options, exactly where it was.

    Args:
        saved: the checkpoint.
        path: the path of the checkpoint, where the run is saved again.
        corpus: the text of the run, read again; the checkpoint keeps the new place of moved files.
        ranks: the MPI ranks, each with as many workers; this process alone unless given.
        val: the text to validate on, for a run that has one.
        **given: as for `continuation`; `workers=None` chooses their number.

    Raises:
        TrainingError: for another text than the one trained on.
        CheckpointError: where the checkpoint lacks something, or asks for more than this machine
            or the text has.
        SettingError: for an option outside of its range, or one that a run keeps.
    """
    expected, _ = run_of(saved, path)
    going_on = continuation(saved, path, given, ranks)
    network = saved.build("best" if going_on.anew else "last")
    network.dropout = going_on.dropout
    indices = encode_again(saved, expected, path, corpus)
    if corpus.length - expected.held_out < 2:
        held_out = f"held_out of its text is {expected.held_out:,} of {corpus.length:,}"
        raise CheckpointError(f"{path}: {DamagedCheckpointError(held_out)}")
    train, validation = expected.division.split(indices, saved.vocabulary)
    if val:
        validation = encode_validation(val, saved.vocabulary, [])
        expected = replace(expected, val_file=val.files[0])
    config = going_on.config
    config.check_complete()
    sizes = sizes_of(network, config, indices, drawn=False)
    check_sizes(sizes, held_bytes(saved), len(train), path)
    notices = list(going_on.notices)
    if versions := differences(saved.versions, fingerprint()):
        notices.append(f"results can differ by rounding from the earlier run: {versions}")
    group = workers.group_of(config.workers, ranks)
    trainer = Trainer(network, train, validation, config, group)
    best = network.parameters.zeros_like()
    for name, array in saved.best.items():
        best[name][...] = array
    arrays = saved.resume
    if going_on.anew:
        arrays = {name: np.zeros_like(array) for name, array in arrays.items()}
    try:
        trainer.restore(arrays, going_on.state, network.parameters.flat, best.flat)
    except (KeyError, TypeError, ValueError) as error:
        group.close()
        raise CheckpointError(f"{path}: lacks what is needed to resume: {error}") from error
    trainer.pending = going_on.pending
    moved = corpus.files and "-" not in corpus.files and corpus.files != expected.files
    if moved and schema.has_room(corpus.name, corpus.files):
        expected = replace(expected, name=corpus.name, files=corpus.files)
    parts = train, validation
    return Run(trainer, path, expected, saved.excerpt, notices, parts, saved.run, saved.items)


def check_sizes(sizes: Sizes, freed: int, characters: int, path: Path) -> None:
    """Check that `new` could have chosen the window, and that the training fits in memory.

    Args:
        sizes: the sizes of the training.
        freed: bytes in use now that are free when the training needs the memory.
        characters: the number of characters to train on.
        path: the path of the checkpoint.

    Raises:
        CheckpointError: if not, with the sizes.
    """
    B, T = sizes.config.batch_size, sizes.config.seq_length
    if planning.fit_window(characters, B, T) != (B, T):
        streams = f"{B:,} streams of {T:,} characters, from a text of {characters:,}"
        raise CheckpointError(f"{path}: {DamagedCheckpointError(streams)}")
    try:
        check_memory(sizes, freed=freed)
    except TrainingError as error:
        raise CheckpointError(f"{path}: {error}") from error
