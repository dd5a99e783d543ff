"""Training: windows in, better weights out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from math import isfinite

import numpy as np

from charrnn.arrays import Array
from charrnn.checkpoint.state import RunState
from charrnn.errors import TrainingError
from charrnn.network.model import CharRNN
from charrnn.parallel.group import Group
from charrnn.training.config import Settings
from charrnn.training.evaluation import Stopped, never
from charrnn.training.learner import Learner, follow
from charrnn.training.schedules import learning_rate


@dataclass(frozen=True)
class Progress:
    """The figures of a step; losses in nats a character.

    `grad_norm` is the 2-norm of the whole gradient before any clipping, as
    `torch.nn.utils.clip_grad_norm_` returns it.
    """

    step: int
    epoch: float
    characters: int
    loss: float
    val_loss: float | None
    learning_rate: float
    grad_norm: float


class Run:
    """A training run, at whatever step it is.

    Args:
        model: with starting weights; trained in place.
        train: the text to learn from, indices (N,).
        validation: the text held out, indices (M,); None or empty for none.
        settings: how to train.
        group: of as many as `settings` has workers and ranks; alone unless given.

    Attributes:
        counters: where the run is.
        stop: called during a validation; a true value ends the validation.
        pending: whether the validation after the last step is still to be done.
    """

    def __init__(
        self,
        model: CharRNN,
        train: Array,
        validation: Array | None,
        settings: Settings,
        group: Group | None = None,
    ) -> None:
        self.model = model
        self.settings = settings
        self.group = group or Group()
        held_out = np.empty(0, train.dtype) if validation is None else validation
        self.learner = Learner(model, train, held_out, settings, self.group)
        self.counters = RunState()
        self.stop: Callable[[], object] = never
        self.pending = False
        self._best = model.parameters.flat.copy()
        vocabulary = model.vocabulary.ix_to_char
        self.group.start(follow, vocabulary, model.configuration, settings)

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
        ended = self.counters.step >= self.settings.steps or 0 < patience <= self.counters.stale
        return ended and not self.pending

    def plan(self, steps: int, val_every: int) -> None:
        """Change how many steps there are, and how often to validate."""
        self.settings = replace(self.settings, steps=steps, val_every=val_every)

    def step(self) -> Progress:
        """Take one step, and validate where one is due.

        Raises:
            TrainingError: where the loss or the gradient is not finite; the weights are left
                as they were before the step.
        """
        settings, counters, rate = self.settings, self.counters, self.learning_rate
        taken = self.learner.step(counters.step, rate)
        if not taken.finite:
            raise diverged(
                f"step {counters.step + 1}: loss {taken.loss}, norm of the gradient {taken.norm}"
            )
        counters.step += 1
        counters.loss_sum += taken.loss
        counters.loss_count += 1
        return Progress(
            step=counters.step,
            epoch=counters.step / self.learner.streams.windows_per_epoch,
            characters=counters.step * settings.batch_size * settings.seq_length,
            loss=taken.loss,
            val_loss=self.validate() if due(counters.step, settings) else None,
            learning_rate=rate,
            grad_norm=taken.norm,
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

    def validate(self) -> float | None:
        """Score the held-out text, keep the weights if they are the best so far, and take down
        a point of the history.

        Returns:
            The loss, in nats a character; None where nothing is held out, or where `stop` ended
            the validation, which is then `pending`.

        Raises:
            TrainingError: where the loss is not finite.
        """
        self.pending = True
        try:
            loss = self.learner.score(self.stop)
        except Stopped:
            return None
        self.pending = False
        counters = self.counters
        if loss is not None and not isfinite(loss):
            raise diverged(f"step {counters.step}: validation loss {loss}")
        if loss is None or counters.best_loss is None or loss < counters.best_loss:
            counters.best_loss, counters.best_step, counters.stale = loss, counters.step, 0
            self._best[...] = self.model.parameters.flat
        else:
            counters.stale += 1
        mean = counters.loss_sum / counters.loss_count if counters.loss_count else None
        counters.loss_sum, counters.loss_count = 0.0, 0
        counters.add_point({"step": counters.step, "loss": mean, "val_loss": loss})
        return loss

    def arrays(self) -> dict[str, Array]:
        """What `resume` needs beside the weights, by name."""
        self.learner.gather()
        return self.learner.remembered

    def numbers(self) -> RunState:
        """Return a copy of the numbers that `resume` needs beside the arrays."""
        return replace(self.counters, history=list(self.counters.history))

    def resume(self, arrays: dict[str, Array], numbers: RunState, last: Array, best: Array) -> None:
        """Go on where another run was, exactly.

        Args:
            arrays, numbers: from its `arrays` and `numbers`.
            last, best: its parameters after its last step, and its best, flat.

        Raises:
            KeyError, TypeError, ValueError: where these are not a run's like this one.
        """
        self.counters = replace(numbers, history=list(numbers.history))
        for name, array in self.learner.remembered.items():
            if arrays[name].shape != array.shape:
                raise ValueError(f"{name} is {arrays[name].shape}, not {array.shape}")
            array[...] = arrays[name]
        self.model.parameters.flat[...] = last
        self._best[...] = best
        self.learner.broadcast()


def due(step: int, settings: Settings) -> bool:
    """Whether a validation follows a step."""
    return step > 0 and (step % settings.val_every == 0 or step == settings.steps)


def diverged(what: str) -> TrainingError:
    """The error for numbers that are not finite."""
    return TrainingError(f"{what}: try a lower --learning-rate or --grad-clip")


def train(run: Run) -> Iterator[Progress]:
    """Go on with a run until it is done, yielding what is known after every step.

    A validation that is pending comes first; if `run.stop` ends it, the training ends.
    """
    while not run.done:
        if run.pending:
            run.validate()
            if run.pending:
                return
        else:
            yield run.step()
