"""One member's part of a training run: its streams, and its slice of the update."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from math import isfinite, sqrt
from typing import NamedTuple

import numpy as np

from charrnn.arrays import Array, Text
from charrnn.network.model import CharRNN
from charrnn.parallel.group import Group
from charrnn.text.streams import Streams
from charrnn.text.vocabulary import Vocabulary
from charrnn.training.config import Settings
from charrnn.training.evaluation import Stopped, evaluate, never
from charrnn.training.optimizers import OPTIMIZERS, clip_by_norm, clip_by_value, squared_norm


class Taken(NamedTuple):
    """What is known of a step once it is taken."""

    #: in nats a character
    loss: float
    #: the 2-norm of the whole gradient before any clipping
    norm: float

    @property
    def finite(self) -> bool:
        """Whether the weights were changed."""
        return isfinite(self.loss) and isfinite(self.norm)


class Learner:
    """What every member of a group does: the gradient of its streams, its part of the update.

    The parameters, what the optimizer remembers and the carried state are common to the group;
    the rest each member makes for itself from the same arguments.

    Args:
        model: with starting weights, which the first member's are.
        train, validation: indices (N,), (M,); no validation where M < 2.
        settings: how to train.
        group: who trains.
    """

    def __init__(
        self, model: CharRNN, train: Text, validation: Text, settings: Settings, group: Group
    ) -> None:
        self.model, self.settings, self.group = model, settings, group
        B, flat = settings.batch_size, model.parameters.flat
        weights, self.gradient = (
            group.shared(flat.shape, flat.dtype),
            group.buffer(flat.size, flat.dtype),
        )
        if group.rank == 0:
            weights[...] = flat
        model.keep_in(weights, self.gradient)
        #: of all streams, (L, S, H, B); and of those that are this member's
        self.states = group.shared(model.state(B).shape, flat.dtype)
        self.streams = Streams(group.text(train), B, settings.seq_length, group.part(B))
        self.state = self.states[..., self.streams.part]
        self.validation = group.text(validation)
        self.part = group.part(flat.size)
        self.optimizer = OPTIMIZERS[settings.optimizer](
            model.parameters, settings.weight_decay, settings.momentum, self.part, group.shared
        )

    @np.errstate(over="ignore", invalid="ignore")  # what is not finite is found out
    def step(self, number: int, rate: float) -> Taken:
        """Take a step, together; the weights are left as they are if its numbers are not finite.

        Args:
            number: of the step, from 0: it says where the readers are, and seeds dropout.
            rate: the learning rate.
        """
        self.group.order("step", number, rate)
        settings = self.settings
        self.state[..., self.streams.begins(number)] = 0
        loss = self.model.loss_and_gradient(
            self.streams.window(number),
            self.state,
            self._masks(number),
            count=settings.batch_size * settings.seq_length,
        )
        self.group.reduce_scatter(self.gradient)
        gradient = self.gradient[self.part]
        squares = squared_norm(gradient)
        clipped = squares  # after the components are clipped
        if settings.grad_clip_value:
            clip_by_value(gradient, settings.grad_clip_value)
            clipped = squared_norm(gradient)
        loss, squares, clipped = self.group.all_reduce([loss, squares, clipped])
        taken = Taken(loss, sqrt(squares))
        if taken.finite:
            clip_by_norm(gradient, sqrt(clipped), settings.grad_clip)
            self.optimizer.steps = number
            self.optimizer.step(gradient, rate)
        self.group.all_gather(self.model.parameters.flat)
        return taken

    def _masks(self, number: int) -> Array | None:
        """The dropout masks of a step, of this member's streams; None without dropout."""
        if not self.model.dropout:
            return None
        # Those of a stream do not depend on how many share the others. Drawn anew from the number
        # of the step, so that there is no generator to keep. The 1 keeps them apart from what drew
        # the starting weights.
        rng = np.random.default_rng([self.settings.seed, 1, number])
        return self.model.draw_masks(self.settings.batch_size, rng, self.streams.part)

    @property
    def remembered(self) -> dict[str, Array]:
        """What goes from step to step beside the weights, by name; to each member its part."""
        return {"state": self.states, **self.optimizer.slots}

    def gather(self) -> None:
        """Let the first member see what all remember."""
        self.group.order("gather")
        self.group.gather(*self.remembered.values())

    def broadcast(self) -> None:
        """Let the others see what the first has put in place of weights and what is remembered."""
        self.group.order("broadcast")
        self.group.broadcast(self.model.parameters.flat, *self.remembered.values())

    @np.errstate(over="ignore", invalid="ignore")  # likewise
    def score(self, stop: Callable[[], object] = never) -> float | None:
        """The loss on the held-out text, together, in nats a character; None without any.

        Args:
            stop: called now and then; a true value ends the evaluation.

        Raises:
            Stopped: if `stop` asked for the end.
            TrainingError: where not all have the same weights any more.
        """
        self.group.order("score")
        self.group.check_equal(self.model.parameters.flat)
        if len(self.validation) < 2:
            return None
        B, T = self.settings.batch_size, self.settings.seq_length
        return evaluate(
            self.model, self.validation, batch_size=B, seq_length=T, group=self.group, stop=stop
        )


def follow(
    group: Group, characters: str, configuration: dict[str, object], settings: Settings
) -> None:
    """What every member but the first does: what the first orders."""
    model = CharRNN(Vocabulary(characters), **configuration)  # type: ignore[arg-type]
    nothing = np.empty(0)
    learner = Learner(model, nothing, nothing, settings, group)
    group.start(follow, characters, configuration, settings)
    for name, arguments in group.orders():
        with suppress(Stopped):
            getattr(learner, name)(*arguments)
