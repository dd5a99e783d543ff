"""The settings of a run that goes on: the options that may change, and the state to go on from."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from charrnn.arrays import Array
from charrnn.checkpoint import Checkpoint, RunState
from charrnn.config import MAX_INTEGER, TrainingConfig
from charrnn.errors import CheckpointError, DamagedCheckpointError, SettingError, TrainingError
from charrnn.machine import cores
from charrnn.parallel import workers
from charrnn.parallel.group import Group
from charrnn.text.corpus import Corpus, named_files
from charrnn.text.corpus_info import CorpusInfo
from charrnn.text.vocabulary import listed
from charrnn.training import planning
from charrnn.training.budget import provisional_steps
from charrnn.training.commands import (
    flag,
    init_command,
    nearby,
    new_command,
    resume_command,
    shown,
    steadier_command,
    words_of,
)
from charrnn.training.options import without_effect
from charrnn.training.trainer import due, rate_after

#: Options that decide how a run learns: another value may keep a run from diverging again.
LEARNING = frozenset(
    {"learning_rate", "schedule", "weight_decay", "dropout", "momentum"}
    | {"grad_clip", "grad_clip_value"}
)
#: Options that say how long a run is.
LENGTH = frozenset({"steps", "epochs", "seconds", "patience"})
#: The fields that may change when a run goes on, in addition to its length and its ranks.
CHANGEABLE = LEARNING | {"steps", "val_every", "patience", "workers"}
#: The options of a model that decide the shape of its weights, and how its text is read.
SHAPE = frozenset(
    {"layer_type", "hidden_size", "num_layers", "ensemble", "lines", "normalize", "binary"}
)
#: The learning rate may rise by this factor without a notice.
MAX_RISE = 2.0


@dataclass(frozen=True)
class Continuation:
    """A run that goes on.

    Attributes:
        config: the configuration of the training from now on.
        dropout: the dropout of the network from now on.
        state: the numbers to go on from.
        anew: the run goes on from its best weights, with a new optimizer and empty states.
        pending: the validation after the last step is still to be done.
        changes: the changes of the user and their consequences, each in one line.
        notices: the decisions that charrnn made for the user, each in one line.
        complete: the reason for which no step is left, with a command; empty if there is one.
    """

    config: TrainingConfig
    dropout: float
    state: RunState
    anew: bool
    pending: bool
    changes: tuple[str, ...]
    notices: tuple[str, ...]
    complete: str


def run_of(saved: Checkpoint, path: Path) -> tuple[CorpusInfo, TrainingConfig]:
    """The text and the configuration of the run in a checkpoint.

    Raises:
        CheckpointError: for a model saved from Python without a run, with the way to train it.
    """
    if saved.corpus is None or saved.settings is None:
        raise CheckpointError(
            f"{path}: has a model and no run to go on with: start one from its weights with "
            f"`{init_command(path)}`"
        )
    return saved.corpus, saved.settings


def continuation(
    saved: Checkpoint,
    path: Path,
    given: Mapping[str, Any],
    ranks: Group | None = None,
    texts: Sequence[str] = (),
) -> Continuation:
    """Decide how a run goes on, before its text is read.

    Args:
        saved: the checkpoint.
        path: the path of the checkpoint.
        given: options by the names of their fields, also of the text; `epochs`; `seconds`, which
            `Budget` turns into steps. A value that the run already has changes nothing.
        ranks: the MPI ranks now.
        texts: the files that were named, for the commands in messages.

    Raises:
        CheckpointError: where the checkpoint has no run, or contradicts itself.
        SettingError: for an option that a run keeps, for too few steps, and for a run that
            diverged and would diverge again; with the command for what may be meant.
    """
    corpus, before = run_of(saved, path)
    explicit = set(given)
    given = {name: value for name, value in given.items() if not same(name, value, saved)}
    command = partial(resume_command, path, corpus, before, texts=texts)
    refuse_fixed(saved, path, given, texts)
    if without_effect(given, before.optimizer, files=True):
        raise SettingError(
            f"{path}: --momentum is for sgd, and the run has {before.optimizer}: leave it out"
        )
    notices: list[str] = []
    state = restarted(saved, path, given, texts, notices)
    anew = saved.run.diverged > 0
    last = state.history[-1]["step"] if state.history else 0
    pending = not anew and due(state.step, before) and last != state.step
    out_of_patience = 0 < before.patience <= state.stale
    if out_of_patience and (explicit & LENGTH or given.keys() & LEARNING):
        state = replace(state, stale=0)
    config = changed(before, given, corpus, state.step, ranks)
    if config.steps != before.steps and config.steps <= state.step:
        # A run that has steps left goes on to its end.
        longer = [] if before.steps > state.step else ["--steps", str(2 * state.step)]
        raise SettingError(
            f"{path}: its run has taken {state.step:,} steps, and {config.steps:,} steps count "
            f"from its beginning: go on with `{command(*longer, *asked_for(given, LENGTH))}`"
        )
    notices += notices_of_rounding(before, config)
    if out_of_patience and not state.stale and config.patience:
        notices.append(f"patience of {config.patience} validations, counted anew")
    changes = changes_in_words(before, config, saved, given)
    if not anew and not given.keys() & {"learning_rate", "schedule", "seconds"}:
        changes += rise(state, before, config, partial(command, *asked_for(given)))
    return Continuation(
        config,
        given.get("dropout", saved.model.dropout),
        state,
        anew,
        pending,
        tuple(changes),
        tuple(notices),
        "" if pending else no_step_left(state, config, path, given, command),
    )


def restarted(
    saved: Checkpoint,
    path: Path,
    given: Mapping[str, Any],
    texts: Sequence[str],
    notices: list[str],
) -> RunState:
    """The numbers that a run goes on from: those of its best weights, if it diverged.

    Args:
        saved, path: the checkpoint.
        given: the options that differ from those of the run.
        texts: the files that were named.
        notices: extended.

    Raises:
        CheckpointError: for numbers that contradict each other.
        SettingError: for a run that would diverge again.
    """
    corpus, config = run_of(saved, path)
    state = saved.run
    if max(state.best_step, state.restart) > state.step:
        problem = f"its last step is {state.step:,}, before its best one, or a restart"
        raise CheckpointError(f"{path}: {DamagedCheckpointError(problem)}")
    if not state.diverged:
        return state
    if not given.keys() & LEARNING:
        more = {name: value for name, value in given.items() if name in CHANGEABLE | LENGTH}
        again = steadier_command(
            path, saved.model, config, corpus, state, len(saved.vocabulary), more, texts
        )
        raise SettingError(
            f"{path}: its run diverged at step {state.diverged:,}, and would diverge again: "
            f"{'go on' if '--resume' in again else 'start again'} with `{again}`"
        )
    notices.append(
        f"the run diverged at step {state.diverged:,}: going on from its best weights, of step "
        f"{state.best_step:,}, with a new optimizer and empty states"
    )
    return state.rewound()


def no_step_left(
    state: RunState,
    config: TrainingConfig,
    path: Path,
    given: Mapping[str, Any],
    command: Callable[..., str],
) -> str:
    """The reason for which a run has no step left, with the command to go on; empty if it has one.

    Args:
        state: the numbers to go on from.
        config: the configuration of the run from now on.
        path, given: as for `restarted`.
        command: makes the command that goes on with the run, from options.
    """
    if state.step >= config.steps:
        more = command("--steps", str(2 * state.step), *asked_for(given, without=LENGTH))
        return f"{path}: its run is complete, after {state.step:,} steps: go on with `{more}`"
    if 0 < config.patience <= state.stale:
        more = command("--patience", "0", *asked_for(given))
        return (
            f"{path}: its run is complete, for patience ended it after {state.step:,} of "
            f"{config.steps:,} steps: go on with `{more}`"
        )
    return ""


def asked_for(given: Mapping[str, Any], without: Collection[str] = ()) -> list[str]:
    """The words of the options that a run takes when it goes on."""
    names = (CHANGEABLE | LENGTH) - set(without)
    return list(words_of({name: value for name, value in given.items() if name in names}))


def known_options(saved: Checkpoint) -> dict[str, Any]:
    """The options of the model, the training and the text in a checkpoint, by name."""
    known: dict[str, Any] = {}
    for part in (saved.corpus, saved.settings, saved.model):
        known |= asdict(part) if part else {}
    if "errors" in known:
        known["encoding_errors"] = known["errors"]
    no_items = saved.model.lines and saved.items is None
    reading = {"normalize": saved.normalize, "binary": saved.binary}
    return {**reading, "no_items": no_items, **known}


def same(name: str, value: Any, saved: Checkpoint) -> bool:
    """Compare an option with the run's value, both as printed."""
    known, corpus = known_options(saved), saved.corpus
    if name not in known or name == "workers":  # a number that is asked for is not limited
        return False
    before = known[name]
    if isinstance(before, float) and isinstance(value, (int, float)):
        return shown(before) == shown(float(value))
    if name == "encoding":
        return codec(before) == codec(value)
    if name == "val_frac" and corpus:
        return planning.held_out(corpus.characters, value) == corpus.held_out
    return bool(before == value)


def codec(encoding: str | None) -> str:
    """Python's name of an encoding; an unknown name stays as it is."""
    try:
        return codecs.lookup(encoding or "utf-8").name
    except (LookupError, ValueError):
        return str(encoding)


def refuse_fixed(
    saved: Checkpoint, path: Path, given: Mapping[str, Any], texts: Sequence[str]
) -> None:
    """Refuse options that a run keeps.

    Args:
        saved, path: the checkpoint.
        given: the options that differ from those of the run.
        texts: the files that were named.

    Raises:
        SettingError: for such an option, with the command for a new run.
    """
    corpus, config = run_of(saved, path)
    fixed = sorted(given.keys() - CHANGEABLE - LENGTH)
    if fixed:
        raise SettingError(
            f"{path}: a run keeps its {kept(fixed, saved)}: for another one start a new run: "
            f"`{new_command(path, saved.model, config, corpus, given, texts)}`"
        )


def refuse_other_shape(saved: Checkpoint, path: Path, given: Mapping[str, Any]) -> None:
    """Refuse options that contradict the model whose weights a run starts from.

    Args:
        saved, path: the checkpoint with the model.
        given: options by name.

    Raises:
        SettingError: for an option that differs from the model.
    """
    fixed = [name for name in sorted(given.keys() & SHAPE) if not same(name, given[name], saved)]
    if fixed:
        flags = ", ".join(flag(name) for name in fixed)
        raise SettingError(
            f"{path}: weights to start from keep their {kept(fixed, saved)}: leave out {flags}, or "
            "leave out --init-from"
        )


def kept(names: Sequence[str], saved: Checkpoint) -> str:
    """Options with the values that a checkpoint has."""
    known = known_options(saved)
    shown_words = []
    for name in names:
        value = known.get(name)
        without = value is None or value is False
        shown_words.append(flag(name) if without else " ".join(words_of({name: value})))
    return ", ".join(shown_words)


def changed(
    before: TrainingConfig,
    given: Mapping[str, Any],
    corpus: CorpusInfo,
    step: int,
    ranks: Group | None,
) -> TrainingConfig:
    """The configuration of a run that goes on.

    Args:
        before: the configuration in the checkpoint.
        given: the options that differ; None for a number of workers to choose.
        corpus: the text.
        step: the last step taken.
        ranks: the MPI ranks now.

    Raises:
        SettingError: for an option outside of its range.
    """
    changes = {name: value for name, value in given.items() if name in vars(before)}
    if (epochs := given.get("epochs")) is not None:
        length = corpus.characters - corpus.held_out
        if epochs * length > MAX_INTEGER:
            raise SettingError(
                f"{epochs:g} epochs are more characters than can be counted: choose fewer"
            )
        B, T = before.batch_size, before.seq_length
        changes["steps"] = planning.epochs_to_steps(epochs, length, B, T)
    if given.get("seconds"):
        changes["steps"] = provisional_steps(step, before.steps)
    number = changes.get("workers", before.workers)
    if number is None:
        number = workers.default_workers(before.batch_size)
    elif "workers" not in changes:
        # A file, which may be a stranger's, starts no more processes than there are cores. The
        # workers of a run without MPI were those of the whole run.
        number = 1 if ranks and before.ranks == 1 else min(number, cores())
    size = ranks.size if ranks else 1
    return replace(before, **{**changes, "workers": number, "ranks": size})


def changes_in_words(
    before: TrainingConfig, config: TrainingConfig, saved: Checkpoint, given: Mapping[str, Any]
) -> list[str]:
    """The changes of the user in one line; none without changes."""
    names = [name for name in vars(config) if name in CHANGEABLE - {"workers"}]
    changes = {name: (getattr(config, name), getattr(before, name)) for name in names}
    changes["dropout"] = given.get("dropout", saved.model.dropout), saved.model.dropout
    if "seconds" in given:
        del changes["steps"]
    words = [
        f"{name.replace('_', ' ')} {in_words(now)}, was {in_words(then)}"
        for name, (now, then) in changes.items()
        if now != then
    ]
    return ["; ".join(words)] if words else []


def notices_of_rounding(before: TrainingConfig, config: TrainingConfig) -> list[str]:
    """The differences of a run that goes on that change the rounding."""
    notices = []
    for now, then, name in (
        (config.workers, before.workers, "--workers"),
        (config.ranks, before.ranks, "MPI ranks"),
    ):
        if now != then:
            notices.append(
                f"results can differ by rounding from the earlier run: {name} {now}, not {then}"
            )
    return notices


def in_words(value: Any) -> str:
    """The value of an option in a message."""
    return f"{value:,}" if isinstance(value, int) else shown(value)


def rise(
    state: RunState, before: TrainingConfig, config: TrainingConfig, command: Callable[..., str]
) -> list[str]:
    """A line on a learning rate that rises from one step to the next; none without a rise.

    Args:
        state: the numbers after the last step.
        before, config: the configurations of the last step and of the next one.
        command: makes the command that goes on with the run, from options.
    """
    last = rate_after(replace(state, step=state.step - 1), before) if state.step else 0.0
    following = rate_after(state, config)
    if state.step <= before.warmup_steps or following <= MAX_RISE * last:
        return []
    gentle = command("--learning-rate", f"{last:.2g}", "--schedule", "constant")
    return [
        f"the learning rate rises from {last:.2g} to {following:.2g} at once, for the "
        f"{config.schedule} schedule now spans {config.steps:,} steps: `{gentle}` keeps the rate"
    ]


def files_of_run(saved: Checkpoint, path: Path, given: Mapping[str, Any]) -> tuple[str, ...]:
    """The files of the text of a run, as its checkpoint names them.

    Args:
        saved, path: the checkpoint.
        given: the options that were given, for the command in a message.

    Raises:
        TextError: where there is no such file, with the command that names another.
    """
    corpus, config = run_of(saved, path)
    texts = nearby(corpus.files, path) or ["TEXT"]
    again = resume_command(path, corpus, config, *asked_for(given), texts=texts)
    return named_files(corpus, f"name a file with the same text: `{again}`")


def encode_again(saved: Checkpoint, expected: CorpusInfo, path: Path, corpus: Corpus) -> Array:
    """The indices of the text of a checkpoint.

    Raises:
        TrainingError: for another text, with the differences.
    """
    vocabulary, indices = saved.vocabulary, None
    unknown = "" if vocabulary.replaces else vocabulary.unknown(corpus.characters)
    # The encoded text is compared; one of another length or with other characters is another text.
    if corpus.length == expected.characters and not unknown:
        indices = corpus.encode(vocabulary)
    if indices is None or corpus.sha256 != expected.sha256:
        raise TrainingError(
            f"{corpus.name} is not the text that {path} was trained on, {expected.name}: it has "
            f"{text_differences(corpus, expected, unknown)}: to train on another text, start a new "
            f"run with `{init_command(path, corpus.files, expected)}`"
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
