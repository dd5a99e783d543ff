"""The options that a checkpoint keeps of a model and of its training: default, range and choices.

The command line, the Python API and the checkpoint read them here. A default that depends on the
text or on the time is None here, and the docstring names the function that chooses the value.
Epochs and time, which become steps, and the options of the text are arguments of `charrnn.train`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, fields, replace
from math import nextafter
from typing import Any, TypeVar

from charrnn.errors import SettingError

#: The largest whole number: larger ones have no exact float64.
MAX_INTEGER = 2**53
#: The largest float32, the type of the weights; and the largest float64 below 1.
MAX_FLOAT32, BELOW_ONE = (2 - 2.0**-23) * 2.0**127, nextafter(1.0, 0.0)
#: The hidden size where no time to train for asks for a larger one.
HIDDEN_SIZE = 256
#: None: training/planning.py picks the value before the run starts.
CHOSEN: Any = None

#: The longest time to train for: a century.
MAX_SECONDS = 100 * 365.25 * 24 * 3600

Filled = TypeVar("Filled", bound="Config")


@dataclass(frozen=True)
class Option:
    """The name, type and range of a field of `ModelConfig` or `TrainingConfig`.

    Attributes:
        name: the name of the field.
        flag: the option of the command line, without the hyphens at its beginning.
        kind: the type: int, float, str or bool.
        default: the default; None for an option that the planning chooses.
        low, high: the range of a number.
        choices: all values of a string.
    """

    name: str
    flag: str
    kind: type
    default: Any
    low: float
    high: float
    choices: tuple[str, ...]

    @property
    def argument(self) -> str:
        """The name of the argument of the Python API: that of the command line, underscored."""
        return self.flag.replace("-", "_")

    def convert(self, value: Any) -> Any:
        """A value as the type of the option.

        Raises:
            SettingError: for a value of another type or outside of the range.
        """
        if self.kind is bool:
            if not isinstance(value, bool):
                raise SettingError(f"{self.argument} is True or False, not {value!r:.80}")
            return value
        if self.kind is str:
            if value not in self.choices:
                known = ", ".join(self.choices)
                raise SettingError(f"no {self.argument} named {value!r}: choose one of {known}")
            return value
        try:
            number = self.kind(value)
            same = not isinstance(value, (str, bytes, bool)) and (number == value or value != value)
        except (TypeError, ValueError, OverflowError):
            same = False
        if not same:
            kind = "a whole number" if self.kind is int else "a number"
            raise SettingError(f"{self.argument} is {kind}, not {value!r:.80}")
        if not self.low <= number <= self.high:
            within = limits(self.low, self.high)
            raise SettingError(f"{self.argument} is from {within}, not {value}")
        return number


def limits(low: float, high: float) -> str:
    """A range in words."""
    if high == BELOW_ONE:
        return f"{low} to below 1"
    return f"{low} to {high:,}" if isinstance(high, int) else f"{low} to {high:g}"


def number(default: Any, low: float, high: float = MAX_INTEGER, flag: str = "") -> Any:
    """A field that is a number from `low` to `high`; `flag` where it differs from the name."""
    return field(default=default, metadata={"low": low, "high": high, "flag": flag})


def choice(default: str, *choices: str, flag: str = "") -> Any:
    """A field that is one of several names."""
    return field(default=default, metadata={"choices": choices, "flag": flag})


def options(config: type[Config]) -> Iterator[Option]:
    """The options of a class of configurations, in order."""
    kinds = {"int": int, "float": float, "str": str, "bool": bool}
    for each in fields(config):
        more = each.metadata
        yield Option(
            name=each.name,
            flag=more.get("flag") or each.name.replace("_", "-"),
            kind=kinds[str(each.type)],
            default=each.default,
            low=more.get("low", 0),
            high=more.get("high", 0),
            choices=more.get("choices", ()),
        )


@dataclass(frozen=True)
class Config:
    """Options that are checked when they are set.

    Raises:
        SettingError: for a value of another type or outside of its range.
    """

    def __post_init__(self) -> None:
        for option in options(type(self)):
            value = getattr(self, option.name)
            if value is not None or option.default is not None:
                object.__setattr__(self, option.name, option.convert(value))

    def filled(self: Filled, **values: Any) -> Filled:
        """A copy in which options that were None have these values."""
        missing = {name: value for name, value in values.items() if getattr(self, name) is None}
        return replace(self, **missing)


@dataclass(frozen=True)
class ModelConfig(Config):
    """The shape of a network.

    Args:
        layer_type: the type of all layers.
        hidden_size: H, cells of a layer; None for 256 in each network of an ensemble; more if a
            time to train for allows more; 128 for more than 1,280 different characters
            (`charrnn.training.planning.size_for`).
        num_layers: L.
        ensemble: the number of networks that share the cells equally, learn side by side, and
            predict together, with one layer each; None for 1, or 2 if the text can be read many
            times (`charrnn.training.planning.sized`).
        dropout: the share of each layer's h that is set to zero in training, where the next layer,
            the output and the next step read it; None for a share by the sizes of model and text
            (`charrnn.training.planning.dropout_for`).
        lines: each line is an item of its own: the order of the lines does not matter, and each
            begins with an empty state.
    """

    layer_type: str = choice("gru", "gru", "lstm", "vanilla", "vanilla-relu", flag="model")
    hidden_size: int = number(CHOSEN, 1)
    num_layers: int = number(1, 1)
    ensemble: int = number(CHOSEN, 1)
    dropout: float = number(CHOSEN, 0, BELOW_ONE)
    lines: bool = False


@dataclass(frozen=True)
class TrainingConfig(Config):
    """The training of a network. Same options, text and machine: same bits.

    Args:
        steps: the steps of the whole run, one per window; None for what a time or epochs allow,
            or up to 3,500 (`charrnn.training.planning.default_steps`).
        batch_size: B, the streams side by side; less for a short text.
        seq_length: T, the characters of a window; less for a short text.
        optimizer: a name in `charrnn.training.optimizers.OPTIMIZERS`.
        learning_rate: the highest of the schedule; None for 0.03, less for vanilla networks
            (`charrnn.training.planning.rate_for`).
        schedule: a name in `charrnn.training.schedules.SCHEDULES`.
        warmup_steps: the steps in which the learning rate rises; None for 50, or a tenth of all
            (`charrnn.training.planning.warmup_for`).
        momentum: the momentum of `sgd`.
        weight_decay: each step multiplies matrices by 1 − learning rate · decay (decoupled), with
            muon 1 − 3 · learning rate · decay for those from cells to cells.
        grad_clip: the limit of the gradient's norm; 0 for none.
        grad_clip_value: the limit of each component of the gradient; 0 for none.
        val_every: the steps between validations; None for about 12 validations
            (`charrnn.training.planning.val_every`).
        patience: the number of validations without a new best after which to stop; 0 for no limit.
        seed: the seed of the starting weights, of dropout, of the order of lines, and of random
            parts that are held out.
        workers: the processes per rank that divide the streams; None for one per core, with at
            least 8 streams each (`charrnn.parallel.workers.default_workers`), and only as many as
            fit in memory (`charrnn.training.resources.most_workers`).
        ranks: the number of MPI ranks, on any number of machines.
    """

    steps: int = number(CHOSEN, 1)
    batch_size: int = number(64, 1)
    seq_length: int = number(32, 1)
    optimizer: str = choice("muon", "adagrad", "adam", "muon", "rmsprop", "sgd")
    learning_rate: float = number(CHOSEN, 0, MAX_FLOAT32)
    schedule: str = choice("cosine", "constant", "cosine", "linear", "step")
    warmup_steps: int = number(CHOSEN, 0, flag="warmup")
    momentum: float = number(0.9, 0, BELOW_ONE)
    weight_decay: float = number(0.05, 0, MAX_FLOAT32)
    grad_clip: float = number(1.0, 0, MAX_FLOAT32)
    grad_clip_value: float = number(0.0, 0, MAX_FLOAT32)
    val_every: int = number(CHOSEN, 1)
    patience: int = number(0, 0)
    seed: int = number(0, 0)
    workers: int = number(CHOSEN, 1)
    ranks: int = number(1, 1)

    def check_complete(self) -> None:
        """Check that a training can run with these options.

        Raises:
            SettingError: if an option is still None, or a worker would have no stream.
        """
        if missing := [name for name, value in vars(self).items() if value is None]:
            raise SettingError(f"no {missing[0]} given")
        if self.workers > self.batch_size:
            raise SettingError(
                f"workers is from 1 to batch_size, {self.batch_size}, not {self.workers}: each "
                "reads at least one stream"
            )
        if self.ranks * self.workers > self.batch_size:
            of_workers = f" of {self.workers} workers" if self.workers > 1 else ""
            raise SettingError(
                f"a batch of {self.batch_size} is too small for {self.ranks} ranks{of_workers}: "
                "each reads at least one stream"
            )


def seconds_of(time: float | str) -> float:
    """The seconds of a time such as "90s", "10m" or "1h30m"; a plain number is seconds.

    Raises:
        SettingError: for something else, nothing, or more than a century.
    """
    text = str(time).strip()
    match = re.fullmatch(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s?)?", text)
    hours, minutes, seconds = (float(part or 0) for part in match.groups()) if match else (0,) * 3
    total = 3600 * hours + 60 * minutes + seconds
    if not total:
        raise SettingError(f"{time!r} is not a time: write 90s, 10m or 1h30m")
    if total > MAX_SECONDS:
        raise SettingError(f"{text:.20} is more than a century: choose a shorter time")
    return float(total)
