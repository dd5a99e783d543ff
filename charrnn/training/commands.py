"""Commands that go on from a checkpoint, complete and quoted for a shell."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import log
from pathlib import Path
from typing import Any

from charrnn.checkpoint import RunState
from charrnn.config import HIDDEN_SIZE, ModelConfig, TrainingConfig, options
from charrnn.names import checkpoint_name, unused
from charrnn.shell import command_line, words_for
from charrnn.text.corpus_info import CorpusInfo
from charrnn.text.decoding import DEFAULT
from charrnn.text.held_out import Division
from charrnn.training import planning

#: Files of a text that a command names; more would fill the screen.
MAX_FILES = 5
#: The flags that are not the names of their parameters.
FLAGS = {"seconds": "--time", "held_out_way": "--held-out", "val_file": "--val"} | {
    option.name: f"--{option.flag}"
    for kind in (ModelConfig, TrainingConfig)
    for option in options(kind)
}


def resume_command(
    path: Path,
    corpus: CorpusInfo,
    config: TrainingConfig,
    *more: str,
    texts: Sequence[str] = (),
) -> str:
    """The command that goes on with a run.

    Args:
        path: the path of the checkpoint.
        corpus: the text of the run.
        config: the configuration of the training.
        *more: further options.
        texts: the files of the text, where the checkpoint does not know them.
    """
    launcher, mpi = of_ranks(config)
    words = [*launcher, *words_for("train", path), "--resume", *more, *mpi]
    # Stdin cannot be read twice: `-` would ask for another text.
    named = [] if "-" in texts else files(texts)
    return command_line(words + (named or ([] if corpus.is_known else ["TEXT"])))


def new_command(
    path: Path,
    model: ModelConfig,
    config: TrainingConfig,
    corpus: CorpusInfo,
    given: Mapping[str, Any],
    texts: Sequence[str] = (),
    overwrite: bool = False,
) -> str:
    """The command for a new run as another one, but with other options.

    Args:
        path: the path of the checkpoint of the other run.
        model, config, corpus: those of the other run.
        given: the options that differ, by name.
        texts: the files of the text, where the checkpoint does not know them.
        overwrite: the new run takes the place of the other; otherwise it gets a name beside it.
    """
    known = corpus.files if corpus.is_known else ("TEXT",)
    named = files(texts or (known if len(known) <= MAX_FILES else ("TEXT",)))
    launcher, mpi = of_ranks(config)
    where = words_for("train", path if overwrite else unused(path))
    where += ["--overwrite"] if overwrite else []
    kept = {name: value for name, value in not_default(model, config, corpus) if name not in given}
    if given.keys() & {"epochs", "seconds"}:
        del kept["steps"]
    chosen = {**kept, **given}
    if given.keys() & {"ensemble", "num_layers"}:  # the same cells, as many as can be divided
        networks = given.get("ensemble", 1)
        cells = -(-model.hidden_size // networks) * networks
        chosen = {**kept, "hidden_size": cells, "ensemble": 1, **given}
    elif given.get("hidden_size", 0) % model.ensemble:
        chosen.pop("ensemble")
    if chosen.get("ensemble") == 1:
        del chosen["ensemble"]
    if chosen.get("optimizer") != "sgd":
        chosen.pop("momentum", None)
    return command_line([*launcher, *where, *words_of(chosen), *mpi, *named])


def steadier_command(
    path: Path,
    model: ModelConfig,
    config: TrainingConfig,
    corpus: CorpusInfo,
    state: RunState,
    vocabulary_size: int,
    more: Mapping[str, Any],
    texts: Sequence[str] = (),
) -> str:
    """The command for a run that diverged: to go on from its best weights, or to start again.

    Args:
        path: the path of the checkpoint.
        model, config, corpus, state: those of the run.
        vocabulary_size: V. Weights whose loss is above ln V, that of guessing, are worth nothing.
        more: further options, by name.
        texts: the files of the text, where the checkpoint does not know them.
    """
    steadier = planning.steadier(
        model.layer_type,
        model.hidden_size // model.ensemble,
        model.num_layers,
        config.learning_rate,
        config.grad_clip,
    )
    given = {**steadier, **more}
    if state.best_loss is not None and state.best_loss > log(vocabulary_size):
        return new_command(path, model, config, corpus, given, texts, overwrite=True)
    return resume_command(path, corpus, config, *words_of(given), texts=texts)


def of_ranks(config: TrainingConfig) -> tuple[list[str], list[str]]:
    """The words before and after a command that starts as many MPI ranks as before."""
    if config.ranks == 1:
        return [], []
    workers = ["--workers", str(config.workers)] if config.workers > 1 else []
    return ["mpiexec", "-n", str(config.ranks)], ["--mpi", *workers]


def init_command(path: Path, texts: Sequence[str] = (), corpus: CorpusInfo | None = None) -> str:
    """The command for a new run from the weights in a checkpoint.

    Args:
        path: the path of the checkpoint; the new run gets a name beside it.
        texts: the files of the text; for `-` and for none, the command has TEXT.
        corpus: the text, for its decoding; the default unless given.
    """
    decoding = corpus.decoding if corpus else DEFAULT
    given: dict[str, Any] = {}
    if decoding.encoding:
        given["encoding"] = decoding.encoding
    if decoding.errors != DEFAULT.errors:
        given["encoding_errors"] = decoding.errors
    named = texts if 0 < len(texts) <= MAX_FILES and "-" not in texts else ["TEXT"]
    new = unused(Path(checkpoint_name(path)))
    words = ["charrnn", "train", *files(named), "--init-from", str(path), "-c", str(new)]
    return command_line([*words, *words_of(given)])


def words_of(given: Mapping[str, Any]) -> Iterator[str]:
    """The words of options, by the names of their parameters."""
    for name, value in given.items():
        if value is False:
            continue
        yield flag(name)
        if name == "workers" and value is None:
            yield "auto"
        elif value is not True:
            yield shown(value) + ("s" if name == "seconds" else "")


def flag(name: str) -> str:
    """The flag of an option, by the name of its parameter."""
    return FLAGS.get(name, f"--{name.replace('_', '-')}")


def shown(value: Any) -> str:
    """The value of an option as it is typed."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def files(names: Iterable[str]) -> list[str]:
    """Names of files, none of which looks like an option; short for files in this folder."""
    here = os.getcwd()
    short = [os.path.basename(name) if os.path.dirname(name) == here else name for name in names]
    return [f"./{name}" if name.startswith("-") and name != "-" else name for name in short]


def nearby(names: Sequence[str], path: Path) -> list[str]:
    """Files with the same names in this folder or beside a checkpoint; none if one is missing.

    Args:
        names: paths of files, perhaps of another machine.
        path: the path of the checkpoint.
    """
    found = []
    for name in names[: MAX_FILES + 1]:
        last = name.replace("\\", "/").rsplit("/", 1)[-1]
        places = [str(Path(folder, last)) for folder in (".", path.parent)]
        found += [place for place in places if last and os.path.isfile(place)][:1]
    return found if 0 < len(found) == len(names) <= MAX_FILES else []


def not_default(
    model: ModelConfig, config: TrainingConfig, corpus: CorpusInfo
) -> Iterator[tuple[str, Any]]:
    """The steps of a run, and its options that are not the defaults and that no text decides."""
    for part in (model, config):
        for option in options(type(part)):
            chosen = {"hidden_size": HIDDEN_SIZE * model.ensemble, "ensemble": 1, "steps": 0}
            default = chosen.get(option.name, option.default)
            value = getattr(part, option.name)
            if default is not None and value != default and option.name != "ranks":
                yield option.name, value
    for name, value, default in (
        ("val_frac", corpus.val_frac, None),
        ("val_file", corpus.val_file, None),
        ("held_out_way", corpus.held_out_way, Division.way),
        ("encoding", corpus.encoding, DEFAULT.encoding),
        ("encoding_errors", corpus.errors, DEFAULT.errors),
        ("newlines", corpus.newlines, DEFAULT.newlines),
        ("normalize", corpus.normalize, None),
        ("min_count", corpus.min_count, 1),
        ("binary", corpus.binary, DEFAULT.binary),
    ):
        if value != default:
            yield name, value
