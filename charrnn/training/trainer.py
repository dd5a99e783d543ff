"""One training step: batch, loss and gradient, sum over all members, clipping, update."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from math import ceil, inf, isfinite, sqrt
from typing import Any

import numpy as np

from charrnn.arrays import Array
from charrnn.checkpoint.state import RunState
from charrnn.config import TrainingConfig
from charrnn.errors import DivergedError
from charrnn.network.model import CharRNN
from charrnn.parallel.group import Group
from charrnn.text.lines import Lines
from charrnn.text.storage import allocate
from charrnn.text.streams import Streams, Window
from charrnn.text.vocabulary import Vocabulary
from charrnn.training import planning
from charrnn.training.evaluation import Stopped, evaluate, never
from charrnn.training.optimizers import OPTIMIZERS, clip_by_norm, clip_by_value, squared_norm
from charrnn.training.schedules import learning_rate

#: The parts of a step: an error before the update loses one step, an error within it mixes two.
BETWEEN_STEPS, BEFORE_UPDATE, IN_UPDATE = range(3)
#: Steps between two checks of the weights, before the first validation.
CHECKED_EVERY = 50


@dataclass(frozen=True)
class Progress:
    """The figures of a step.

    Attributes:
        step: the steps taken, this one included.
        steps: the steps of the whole run.
        epoch: the number of times that the text was read, a fraction.
        characters: the characters read so far.
        loss: the loss of the batch, in nats a character.
        val_loss: the loss on the held-out text, in nats a character; None without a validation.
        learning_rate: the learning rate of this step.
        grad_norm: the 2-norm of the gradient before any clipping, as
            `torch.nn.utils.clip_grad_norm_` returns it.
    """

    step: int
    steps: int
    epoch: float
    characters: int
    loss: float
    val_loss: float | None
    learning_rate: float
    grad_norm: float


class Trainer:
    """The state of a training run.

    Every member of a group has a trainer with the same arguments. Weights, the optimizer's slots
    and the carried states are shared; each member trains on its streams and updates its part of
    the flat vector of weights.

    Args:
        model: the model, trained in place. The starting weights are those of the leader.
        train: the text to learn from, indices (N,). A model of lines reads its lines in a new order
            in each epoch.
        validation: the held-out text, indices (M,); None or shorter than 2 for none.
        config: complete, with as many workers and ranks as the group has members.
        group: the members that train together; this process alone unless given.

    Attributes:
        counters: the numbers of the run.
        states: the carried states of all streams, (L, S, H, B).
        stop: called during a validation; a true value ends the validation.
        pending: a validation after the last step is still to be done.
    """

    def __init__(
        self,
        model: CharRNN,
        train: Array,
        validation: Array | None,
        config: TrainingConfig,
        group: Group | None = None,
    ) -> None:
        config.check_complete()
        self.model, self.config = model, config
        self.group = group = group or Group()
        self.counters, self.pending = RunState(), False
        self.stop: Callable[[], object] = never
        B, flat = config.batch_size, model.parameters.flat
        weights = group.shared(flat.shape, flat.dtype)
        self.gradient = group.buffer(flat.size, flat.dtype)
        if group.rank == 0:
            weights[...] = flat
        model.keep_in(weights, self.gradient)
        self.states = group.shared(model.state(B).shape, flat.dtype)
        self._lines: Lines | None = None
        if model.lines and group.rank == 0:
            self._lines = Lines(train, model.vocabulary)
            train = allocate(train.shape, train.dtype)
        text = group.text(train)
        self.streams = Streams(text, B, config.seq_length, group.part(B))
        #: The text that the leader writes, which the other members see: `text`, if it is writable;
        #: else `text` is a map of the file that `train` writes, or is sent from `train`.
        self._ordered = text if isinstance(text, np.ndarray) and text.flags.writeable else train
        #: The epoch whose order of the lines the text has.
        self._order_of = -1
        self.validation = group.text(train[:0] if validation is None else validation)
        self.part = group.part(flat.size)
        self.optimizer = OPTIMIZERS[config.optimizer](
            model.parameters,
            config.weight_decay,
            config.momentum,
            self.part,
            group.shared,
            group.complete,
            group.writes,
            model.ensemble,
        )
        self._best = weights.copy() if group.rank == 0 else weights
        #: Before a validation, the lowest mean training loss, and the step last compared with it.
        self._lowest, self._checked = inf, 0
        #: The window of the last step.
        self._window: Window | None = None
        #: The carried states before the last step, and the part of the step in progress.
        self._states_before = np.empty_like(self.states)
        self._phase = BETWEEN_STEPS
        characters = model.vocabulary.ix_to_char
        group.start(execute_orders, type(self), characters, model.configuration, config)

    @np.errstate(over="ignore", invalid="ignore")  # non-finite numbers are found below
    def step(self) -> Progress:
        """Take one step.

        Raises:
            DivergedError: for a loss or a gradient that is not finite; the weights stay.
        """
        if self.group.rank == 0:  # the leader alone needs them, before other members write theirs
            self._states_before[...] = self.states
        self._phase = BEFORE_UPDATE
        self._order_lines()
        self.group.order("step")
        config, number, rate = self.config, self.counters.step, self.learning_rate

        # The batch: the next window of this member's streams.
        window, state = self.streams.window(number), self.states[..., self.streams.part]
        if not self.model.lines:  # The states of a list are reset at each newline.
            state[..., self.streams.resets(number)] = 0  # the others are carried from before
        self._window = window

        # Loss and gradient, reduced over all members: each gets its part of the sum.
        count = config.batch_size * config.seq_length
        loss = self.model.loss_and_gradient(window, state, self._masks(number), count=count)
        self.group.reduce_scatter(self.gradient)
        gradient = self.gradient[self.part]

        # Clipping. Two norms: before the components are clipped (reported), and after (for clipping
        # by the norm).
        squares = clipped_squares = squared_norm(gradient)
        if config.grad_clip_value:
            clip_by_value(gradient, config.grad_clip_value)
            clipped_squares = squared_norm(gradient)
        loss, squares, clipped_squares = self.group.all_reduce([loss, squares, clipped_squares])
        norm = sqrt(squares)
        finite = isfinite(loss) and isfinite(norm)

        # The update of this member's part of the weights.
        if finite:
            self._phase = IN_UPDATE
            clip_by_norm(gradient, sqrt(clipped_squares), config.grad_clip)
            self.optimizer.steps = number - self.counters.restart
            self.optimizer.step(gradient, rate)
        self.group.all_gather(self.model.parameters.flat)
        self._phase = BETWEEN_STEPS
        if not finite:
            raise DivergedError(f"step {number + 1}: loss {loss}, norm of the gradient {norm}")

        # Progress.
        counters = self.counters
        counters.step += 1
        counters.loss_sum += loss
        counters.loss_count += 1
        epoch = counters.step / self.streams.windows_per_epoch
        read = counters.step * count
        return Progress(counters.step, config.steps, epoch, read, loss, None, rate, norm)

    def _order_lines(self) -> None:
        """Bring the lines of a model of lines into the order of the next step.

        The order depends on the seed and the epoch alone. Meanwhile the other members wait for the
        leader's command.
        """
        if not self._lines:
            return
        epoch = self.counters.step // ceil(self.streams.windows_per_epoch)
        if epoch != self._order_of:
            # The 3 keeps the generator apart from those of dropout and of the part held out.
            self._lines.shuffle(np.random.default_rng([self.config.seed, 3, epoch]), self._ordered)
            self._order_of = epoch

    def _masks(self, number: int) -> Array | None:
        """The dropout masks of a step, for this member's streams; None without dropout."""
        if not self.model.dropout:
            return None
        # The masks of a stream do not depend on the number of members. The number of the step seeds
        # them, so that no generator has to be saved; the 1 keeps them apart from the starting
        # weights.
        rng = np.random.default_rng([self.config.seed, 1, number])
        return self.model.draw_masks(self.config.batch_size, rng, self.streams.part)

    @property
    def learning_rate(self) -> float:
        """The learning rate of the next step."""
        return rate_after(self.counters, self.config)

    @property
    def due(self) -> bool:
        """A validation follows the last step."""
        return due(self.counters.step, self.config)

    @property
    def done(self) -> bool:
        """All steps are taken, or patience has run out; and no validation is pending."""
        patience = self.config.patience
        ended = self.counters.step >= self.config.steps or 0 < patience <= self.counters.stale
        return ended and not self.pending

    @property
    def best(self) -> Array:
        """The weights of the lowest validation loss, flat.

        If nothing was validated yet, or no text is held out: the current weights; after a
        divergence the weights of the lowest training loss.
        """
        known = self.counters.best_loss is not None or self.counters.diverged
        return self._best if known else self.model.parameters.flat

    def plan(self, steps: int, val_every: int) -> None:
        """Set `steps` and `val_every` of the configuration."""
        self.group.order("plan", steps, val_every)
        self.config = replace(self.config, steps=steps, val_every=val_every)

    @np.errstate(over="ignore", invalid="ignore")
    def evaluate(self) -> float | None:
        """The loss on the held-out text, in nats a character; None if no text is held out.

        Raises:
            Stopped: if `stop` returned a true value.
            TrainingError: where not all members have the same weights any more.
        """
        self.group.order("evaluate")
        self.group.check_equal(self.model.parameters.flat)
        if len(self.validation) < 2:
            return None
        return evaluate(
            self.model,
            self.validation,
            batch_size=self.config.batch_size,
            seq_length=self.config.seq_length,
            group=self.group,
            stop=self.stop,
        )

    def validate(self) -> float | None:
        """Evaluate, keep the weights if they are the best so far, and extend the history.

        Returns:
            The loss, in nats a character; None where no text is held out, or where `stop` ended
            the validation, which is then `pending`.

        Raises:
            DivergedError: where the loss or the weights are not finite.
        """
        self.pending = True
        try:
            loss = self.evaluate()
        except Stopped:
            return None
        self.pending = False
        counters, flat = self.counters, self.model.parameters.flat
        if loss is not None and not isfinite(loss):
            raise DivergedError(f"step {counters.step}: validation loss {loss}")
        if not np.isfinite(flat).all():  # perhaps weights of characters that are not held out
            raise DivergedError(f"step {counters.step}: some weights are not finite")
        if loss is None:
            self.record()
            return None
        if counters.best_loss is None or loss < counters.best_loss:
            counters.best_loss, counters.best_step, counters.stale = loss, counters.step, 0
            self._best[...] = flat
        else:
            counters.stale += 1
        counters.add_point(loss)
        return loss

    @np.errstate(over="ignore", invalid="ignore")
    def record(self) -> None:
        """Extend the history by the mean training loss since the last point.

        Until the first validation, keep the weights if the mean is the lowest so far: a training
        that diverges goes on from them. They are checked on the last window, which shows an update
        that has just ruined them.
        """
        counters, flat = self.counters, self.model.parameters.flat
        mean = counters.add_point()
        if mean is None or counters.best_loss is not None or not self._window:
            return
        if counters.step - self._checked < CHECKED_EVERY:
            return
        self._checked = counters.step
        state = self._states_before[..., self.streams.part].copy()
        score = max(mean, float(self.model.losses(self._window, state).mean()))
        if score < self._lowest and np.isfinite(flat).all():
            self._lowest, counters.best_step = score, counters.step
            self._best[...] = flat

    def settle(self) -> bool:
        """Bring a training that an error has ended into a state that can be saved.

        All other members have ended. A step whose update had not begun is undone. A step whose
        update had begun counts as taken: a part of the weights lacks the update.

        Returns:
            The weights are those of a whole step.
        """
        phase, self._phase = self._phase, BETWEEN_STEPS
        if phase == BEFORE_UPDATE:
            self.states[...] = self._states_before
        if phase == IN_UPDATE:
            self.counters.step += 1
            self.pending = self.due
        return phase != IN_UPDATE

    def mark_diverged(self) -> None:
        """Make the state of a training that has just diverged one that can be saved.

        Weights that are not finite give way to the best ones.
        """
        flat = self.model.parameters.flat
        self.counters.diverged = self.counters.step + 1
        if not np.isfinite(flat).all():
            flat[...] = self._best

    @property
    def slots(self) -> dict[str, Array]:
        """Arrays besides the weights that persist between steps, by name; a member's own part
        is up to date.
        """
        return {"state": self.states, **self.optimizer.slots}

    def arrays(self) -> dict[str, Array]:
        """The arrays that `restore` needs besides the weights, by name, complete in the leader.

        Zeros after a divergence: the training goes on with a new optimizer and empty states.
        """
        if self.counters.diverged:
            return {name: np.zeros_like(array) for name, array in self.slots.items()}
        self.group.order("arrays")
        self.group.gather(*self.slots.values())
        return self.slots

    def restore(
        self, arrays: dict[str, Array], counters: RunState, last: Array, best: Array
    ) -> None:
        """Go on exactly where another trainer was.

        Args:
            arrays, counters: the arrays and the numbers of the other trainer.
            last, best: the weights after its last step, and its best weights, flat.

        Raises:
            KeyError, TypeError, ValueError: where these do not fit this trainer.
        """
        self.counters = replace(counters, history=list(counters.history))
        for name, array in self.slots.items():
            if arrays[name].shape != array.shape:
                raise ValueError(f"{name} is {arrays[name].shape}, not {array.shape}")
            array[...] = arrays[name]
        self.model.parameters.flat[...] = last
        self._best[...], self._checked = best, counters.step
        if counters.best_loss is None:
            losses = [point["loss"] for point in counters.history]
            self._lowest = min((loss for loss in losses if loss is not None), default=inf)
        self.broadcast(self.counters.step, self.counters.restart)

    def broadcast(self, step: int, restart: int = 0) -> None:
        """Show all members the leader's weights and slots.

        Args:
            step: the last one taken.
            restart: the step after which the optimizer began anew.
        """
        self.group.order("broadcast", step, restart)
        self.counters.step, self.counters.restart = step, restart
        self.group.broadcast(self.model.parameters.flat, *self.slots.values())


def due(step: int, config: TrainingConfig) -> bool:
    """A validation follows this step."""
    return step > 0 and (step % config.val_every == 0 or step == config.steps)


def rate_after(counters: RunState, config: TrainingConfig) -> float:
    """The learning rate of the step after the last one.

    An optimizer that began anew in the middle of a run warms up again.

    Args:
        counters: `step` and `restart` of the run.
        config: the configuration of the training.
    """
    step, warmup = counters.step, config.warmup_steps
    rate = learning_rate(config.schedule, config.learning_rate, step, config.steps, warmup)
    since = step - counters.restart
    if counters.restart and since < warmup:
        rate *= (since + 1) / warmup
    return rate


def train(trainer: Trainer) -> Iterator[Progress]:
    """Train until the end, and yield the figures of every step.

    A pending validation comes first; if `trainer.stop` ends a validation, the training ends.
    """
    while not trainer.done:
        if trainer.pending:
            trainer.validate()
            if trainer.pending:
                return
        else:
            progress = trainer.step()
            if trainer.due:
                progress = replace(progress, val_loss=trainer.validate())
            elif progress.step % planning.record_every(progress.steps) == 0:
                trainer.record()
            yield progress


def execute_orders(
    group: Group,
    kind: type[Trainer],
    characters: str,
    configuration: dict[str, Any],
    config: TrainingConfig,
) -> None:
    """Execute the leader's orders, in every other member of a group."""
    model = CharRNN(Vocabulary(characters), **configuration)
    nothing = np.empty(0)
    trainer = kind(model, nothing, nothing, config, group)
    for name, arguments in group.orders():
        with suppress(Stopped, DivergedError):  # the leader knows of both
            getattr(trainer, name)(*arguments)
