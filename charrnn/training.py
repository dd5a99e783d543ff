"""Training: windows in, better weights out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from math import inf, isfinite
from typing import Any

import numpy as np

from charrnn.errors import SettingError, TrainingError
from charrnn.evaluation import evaluate
from charrnn.model import CharRNN
from charrnn.optimizers import OPTIMIZERS, clip_by_norm, clip_by_value
from charrnn.parameters import Array
from charrnn.schedules import SCHEDULES, learning_rate
from charrnn.text.streams import Streams


@dataclass(frozen=True)
class Settings:
    """How to train. With the same settings, text and machine every bit comes out the same.

    Args:
        steps: of the whole run, a window each.
        batch_size: B, streams side by side.
        seq_length: T, steps of a window.
        optimizer: a name in `charrnn.optimizers.OPTIMIZERS`.
        learning_rate: the highest of the schedule.
        schedule: a name in `charrnn.schedules.SCHEDULES`.
        warmup_steps: over which the learning rate rises.
        momentum: of `sgd`.
        weight_decay: decoupled, of matrices, times the learning rate a step.
        grad_clip: limit of the gradient's norm; 0 for none.
        grad_clip_value: limit of each component of the gradient; 0 for none.
        val_every: steps from validation to validation.
        patience: validations without a new best after which to stop; 0 to go on.
        seed: of the starting weights and of dropout.

    Raises:
        SettingError: for a value outside of its range.
    """

    steps: int
    batch_size: int
    seq_length: int
    optimizer: str = "adam"
    learning_rate: float = 0.015
    schedule: str = "cosine"
    warmup_steps: int = 100
    momentum: float = 0.9
    weight_decay: float = 0.0
    grad_clip: float = 1.0
    grad_clip_value: float = 0.0
    val_every: int = 500
    patience: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("steps", "batch_size", "seq_length", "val_every"):
            if getattr(self, name) < 1:
                raise SettingError(f"{name} is at least 1, not {getattr(self, name)}")
        for name in ("learning_rate", "weight_decay", "grad_clip", "grad_clip_value"):
            if not 0 <= getattr(self, name) < inf:
                raise SettingError(f"{name} is at least 0, not {getattr(self, name)}")
        for name, table in (("optimizer", OPTIMIZERS), ("schedule", SCHEDULES)):
            if getattr(self, name) not in table:
                raise SettingError(f"no {name} named {getattr(self, name)!r}: {', '.join(table)}")


@dataclass(frozen=True)
class Progress:
    """What is known after a step; losses in nats a character."""

    step: int
    epoch: float
    characters: int
    loss: float
    val_loss: float | None
    learning_rate: float
    grad_norm: float


@dataclass
class Counters:
    """Where a run is, in numbers; with the run's arrays all there is to resume from.

    Attributes:
        step: steps taken.
        best_loss: the lowest validation loss so far; None before the first.
        best_step: where that was.
        stale: validations since then.
        recent: the sum of the losses since the last point of the history, and their number.
        history: a point a validation: step, loss (mean since the point before), val_loss.
    """

    step: int = 0
    best_loss: float | None = None
    best_step: int = 0
    stale: int = 0
    recent: list[float] = field(default_factory=lambda: [0.0, 0])
    history: list[dict[str, float | None]] = field(default_factory=list)


class Run:
    """A training run, at whatever step it is.

    Args:
        model: with starting weights; trained in place.
        train: the text to learn from, indices (N,).
        validation: the text held out, indices (M,); None or empty for none.
        settings: how to train.

    Attributes:
        counters: where the run is.
    """

    def __init__(
        self, model: CharRNN, train: Array, validation: Array | None, settings: Settings
    ) -> None:
        self.model = model
        self.validation = validation if validation is not None and len(validation) > 1 else None
        self.settings = settings
        self.streams = Streams(train, settings.batch_size, settings.seq_length)
        self.state = model.state(settings.batch_size)
        self.optimizer = OPTIMIZERS[settings.optimizer](
            model.parameters, settings.weight_decay, settings.momentum
        )
        # Apart from the stream that drew the starting weights.
        self.rng = np.random.default_rng([settings.seed, 1])
        self.counters = Counters()
        self._best = model.parameters.flat.copy()

    @property
    def best(self) -> Array:
        """The parameters, flat, of the lowest validation loss; the present ones before there is
        one, and where nothing is held out.
        """
        validated = self.counters.best_loss is not None
        return self._best if validated else self.model.parameters.flat

    @property
    def done(self) -> bool:
        """Whether all steps are taken, or patience has come to its end."""
        patience = self.settings.patience
        return self.counters.step >= self.settings.steps or 0 < patience <= self.counters.stale

    def plan(self, steps: int, val_every: int) -> None:
        """Change how many steps there are, and how often to validate."""
        self.settings = replace(self.settings, steps=steps, val_every=val_every)

    def step(self) -> Progress:
        """Take one step, and validate where one is due.

        Raises:
            TrainingError: where the loss or the gradient is not finite; the weights are left
                as they were before the step.
        """
        settings, counters, gradient = self.settings, self.counters, self.model.gradient.flat
        rate = self.learning_rate
        window = self.streams.window(counters.step)
        self.state[..., self.streams.begins(counters.step)] = 0
        loss = self.model.loss_and_gradient(window, self.state, self.rng)
        clip_by_value(gradient, settings.grad_clip_value)
        norm = clip_by_norm(gradient, settings.grad_clip)
        if not (isfinite(loss) and isfinite(norm)):
            raise diverged(f"step {counters.step + 1}: loss {loss}, norm of the gradient {norm}")
        self.optimizer.step(gradient, rate)
        counters.step += 1
        counters.recent[0] += loss
        counters.recent[1] += 1
        due = counters.step % settings.val_every == 0 or counters.step == settings.steps
        return Progress(
            step=counters.step,
            epoch=counters.step / self.streams.windows_per_epoch,
            characters=counters.step * settings.batch_size * settings.seq_length,
            loss=loss,
            val_loss=self.validate() if due else None,
            learning_rate=rate,
            grad_norm=norm,
        )

    @property
    def learning_rate(self) -> float:
        """That of the next step."""
        settings = self.settings
        return learning_rate(
            settings.schedule,
            settings.learning_rate,
            self.counters.step,
            settings.steps,
            settings.warmup_steps,
        )

    def score(self) -> float | None:
        """The loss on the held-out text, in nats a character; None where nothing is held out."""
        if self.validation is None:
            return None
        B, T = self.settings.batch_size, self.settings.seq_length
        return evaluate(self.model, self.validation, batch_size=B, seq_length=T)

    def validate(self) -> float | None:
        """Score the held-out text, keep the weights if they are the best so far, and take down
        a point of the history.

        Returns:
            The loss, in nats a character; None where nothing is held out.

        Raises:
            TrainingError: where the loss is not finite.
        """
        counters, loss = self.counters, self.score()
        if loss is not None and not isfinite(loss):
            raise diverged(f"step {counters.step}: validation loss {loss}")
        if loss is None or counters.best_loss is None or loss < counters.best_loss:
            counters.best_loss, counters.best_step, counters.stale = loss, counters.step, 0
            self._best[...] = self.model.parameters.flat
        else:
            counters.stale += 1
        total, count = counters.recent
        counters.recent = [0.0, 0]
        mean = total / count if count else None
        counters.history.append({"step": counters.step, "loss": mean, "val_loss": loss})
        return loss

    def arrays(self) -> dict[str, Array]:
        """What `resume` needs beside the weights, by name."""
        return {"state": self.state, **self.optimizer.slots}

    def numbers(self) -> dict[str, Any]:
        """What `resume` needs beside the arrays, as JSON can hold it."""
        return {**asdict(self.counters), "generator": self.rng.bit_generator.state}

    def resume(
        self, arrays: dict[str, Array], numbers: dict[str, Any], last: Array, best: Array
    ) -> None:
        """Go on where another run was, exactly.

        Args:
            arrays, numbers: from its `arrays` and `numbers`.
            last, best: its parameters after its last step, and its best, flat.
        """
        numbers = dict(numbers)
        self.rng.bit_generator.state = numbers.pop("generator")
        self.counters = Counters(**numbers)
        self.optimizer.steps = self.counters.step
        for name, array in self.arrays().items():
            array[...] = arrays[name]
        self.model.parameters.flat[...] = last
        self._best[...] = best


def diverged(what: str) -> TrainingError:
    """The error for numbers that are not finite."""
    return TrainingError(f"{what}: try a lower --learning-rate or --grad-clip")


def train(run: Run) -> Iterator[Progress]:
    """Go on with a run until it is done, yielding what is known after every step."""
    while not run.done:
        yield run.step()
