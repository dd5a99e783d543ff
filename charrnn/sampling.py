"""Writing text: what to choose when the probabilities of the next character are known.

Nothing here knows how a network computes; it draws from anything with a `state` and a `step`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

from charrnn.arrays import Array
from charrnn.errors import DivergedError, SettingError
from charrnn.text.vocabulary import Vocabulary

#: Samples after the first are computed this many at a time, see `blocks`.
BLOCK = 16
#: Random numbers are drawn ahead, this many a stream.
AHEAD = 256
#: No quotient of a float32 by this overflows, and it is as cold as can be told apart from 0.
COLDEST = 1e-250


class Reads(Protocol):
    """What has read some characters of B streams, and says what may come next."""

    def read(self, indices: Array) -> Array:
        """The logits (V, B) after reading `indices` (B,), one more of each stream."""


class Writes(Protocol):
    """A model of the next character: `charrnn.network.model.CharRNN`, or a test's stand-in."""

    vocabulary: Vocabulary

    def reader(self, batch_size: int = 1) -> Reads:
        """What has read nothing yet."""


@dataclass(frozen=True)
class Choice:
    """How the next character is chosen from its probabilities.

    The temperature is applied first, then the filters in the order given; what they leave is
    scaled up to a sum of 1.

    Args:
        temperature: divides the logits. Below 1 the likely becomes likelier, above 1 all
            becomes more alike; at 0 the likeliest character is taken.
        top_k: only the k likeliest characters (Fan 2018).
        top_p: only the likeliest characters that together reach probability p (Holtzman 2020).
        min_p: only characters at least p times as likely as the likeliest (Nguyen 2024).

    Raises:
        SettingError: for a value outside of its range.
    """

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None
    min_p: float | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.temperature < np.inf:
            raise SettingError(f"temperature is 0 or more, not {self.temperature}")
        if self.top_k is not None and self.top_k < 1:
            raise SettingError(f"top_k is 1 or more, not {self.top_k}")
        for name in ("top_p", "min_p"):
            value = getattr(self, name)
            if value is not None and not 0 < value <= 1:
                raise SettingError(f"{name} is above 0 and at most 1, not {value}")

    def choose(self, logits: Array, uniform: Array) -> Array:
        """The index of the character chosen for each stream, (B,).

        Args:
            logits: (V, B).
            uniform: a random number in [0, 1) for each stream, (B,).
        """
        if self.temperature == 0:
            likeliest: Array = logits.argmax(axis=0)
            return likeliest
        p = self._scaled(logits)
        np.exp(p, out=p)
        if not self.filters:
            return invert(p, uniform)
        order, kept = self._kept(p)
        chosen: Array = np.take_along_axis(order, invert(kept, uniform)[None], axis=0)[0]
        return chosen

    def log_probs(self, logits: Array, indices: Array) -> Array:
        """ln p under the distribution that `choose` draws from, in nats, (B,).

        Args:
            logits: (V, B).
            indices: a character of each stream, (B,); −inf for one that the filters leave out.
        """
        if self.temperature == 0:
            return np.where(indices == logits.argmax(axis=0), 0.0, -np.inf)
        scaled = self._scaled(logits)
        if self.filters:
            order, kept = self._kept(np.exp(scaled))
            p = np.empty_like(kept)
            np.put_along_axis(p, order, kept, axis=0)
            scaled[p == 0] = -np.inf
        return log_softmax(scaled, indices)

    @property
    def filters(self) -> bool:
        """Whether there are any."""
        return not (self.top_k is None and self.top_p is None and self.min_p is None)

    def _scaled(self, logits: Array) -> Array:
        """The logits over the temperature, (V, B), with a maximum of 0."""
        # In float64, so that the order of a sum cannot move a choice from block to block.
        scaled = logits.astype(np.float64)
        scaled -= np.maximum.reduce(scaled)
        scaled /= max(self.temperature, COLDEST)
        return scaled

    def _kept(self, p: Array) -> tuple[Array, Array]:
        """The order of p (V, B), the likeliest first, and p in that order after the filters."""
        order = np.argsort(-p, axis=0, kind="stable")
        kept = np.take_along_axis(p, order, axis=0)
        self._filter(kept)
        return order, kept

    def _filter(self, p: Array) -> None:
        """Set to zero what is not to be chosen, in p (V, B), the likeliest first."""
        if self.top_k is not None:
            p[self.top_k :] = 0
        if self.top_p is not None:
            before = np.cumsum(p, axis=0) - p
            p[before >= self.top_p * p.sum(axis=0)] = 0
        if self.min_p is not None:
            p[p < self.min_p * p[0]] = 0


def invert(p: Array, uniform: Array) -> Array:
    """The index at which the running sum of p (V, B) passes uniform (B,) of its total."""
    running = np.add.accumulate(p)
    # The last is not asked: whatever has passed no other takes it.
    passed: Array = np.add.reduce(running[:-1] <= uniform * running[-1])
    return passed


#: The distribution of the model alone: temperature 1, no filters.
UNCHANGED = Choice()


class Drawn(NamedTuple):
    """The next character of each stream, and its log-probabilities where asked for, in nats."""

    indices: Array  # (B,)
    #: ln p by the model alone, before temperature and filters
    log_probs: Array | None  # (B,)
    #: ln p after temperature and filters: under the distribution that the character is drawn from
    sampled_log_probs: Array | None  # (B,)


def generate(
    model: Writes,
    prime: Array,
    length: int,
    choice: Choice,
    seeds: Sequence[np.random.SeedSequence],
    log_probs: bool = False,
) -> Iterator[Drawn]:
    """Draw `length` characters of as many streams as there are seeds.

    Args:
        model: what gives the probabilities.
        prime: indices (N,) that every stream reads first. Without any, a newline is read, so
            that the text starts as a line does; the first character of a model that knows no
            newline is any, with equal probability.
        length: characters to draw.
        choice: how to choose.
        seeds: one a stream.
        log_probs: whether to compute both log-probabilities of each character.

    Raises:
        DivergedError: for logits that are not finite; no character is drawn from them.
    """
    B = len(seeds)
    reader = model.reader(B)
    logits = np.zeros((len(model.vocabulary), B))
    if not len(prime) and "\n" in model.vocabulary.char_to_ix:
        prime = model.vocabulary.encode("\n")
    for index in prime:
        logits = reader.read(np.full(B, index, np.intp))
    generators = [np.random.default_rng(seed) for seed in seeds]
    for count in range(length):
        if count % AHEAD == 0:
            uniform = np.stack([rng.random(AHEAD) for rng in generators], axis=1)
        if not np.isfinite(logits).all():
            raise DivergedError("writes")
        indices = choice.choose(logits, uniform[count % AHEAD])
        if log_probs:
            by_model = UNCHANGED.log_probs(logits, indices)
            yield Drawn(indices, by_model, choice.log_probs(logits, indices))
        else:
            yield Drawn(indices, None, None)
        if count + 1 < length:
            logits = reader.read(indices)


def log_softmax(logits: Array, indices: Array) -> Array:
    """ln softmax(logits) at one index a stream: logits (V, B), indices (B,) → (B,)."""
    shifted = logits - logits.max(axis=0)
    chosen = shifted[indices, np.arange(len(indices))]
    log_probs: Array = chosen - np.log(np.exp(shifted).sum(axis=0))
    return log_probs


class Character(NamedTuple):
    """A character of a sample."""

    char: str
    #: as in `Drawn`
    log_prob: float | None
    sampled_log_prob: float | None


def sample(
    model: Writes,
    prime: Array,
    length: int,
    choice: Choice,
    *,
    num_samples: int = 1,
    stops: Sequence[str] = (),
    seed: int | None = None,
    log_probs: bool = False,
) -> Iterator[Iterable[Character]]:
    """Draw samples; sample i depends on the seed and on i, not on how many are drawn.

    A product of many columns rounds differently from one of few. Therefore sample 0 is always
    computed alone, which is the fastest way to one sample, and streams; the others are
    computed in blocks of one fixed size, filled up as needed.

    Args:
        model, prime, length, choice, log_probs: as for `generate`.
        num_samples: how many.
        stops: a sample ends where one of these comes, which is left out.
        seed: None for others at every call.
    """
    chars = model.vocabulary.ix_to_char
    root = np.random.SeedSequence(seed)
    alone = generate(model, prime, length, choice, root.spawn(1), log_probs)
    yield until(characters(alone, 0, chars), stops)
    for first in range(1, num_samples, BLOCK):
        wanted = min(BLOCK, num_samples - first)
        steps: list[Drawn] = []
        going = dict.fromkeys(range(wanted), "")  # stream → the end of its text
        for drawn in generate(model, prime, length, choice, root.spawn(BLOCK), log_probs):
            steps.append(drawn)
            if stops:
                going = {s: tail(end + chars[drawn.indices[s]], stops) for s, end in going.items()}
                going = {s: end for s, end in going.items() if not ended(end, stops)}
                if not going:
                    break
        for stream in range(wanted):
            yield until(characters(steps, stream, chars), stops)


def characters(steps: Iterable[Drawn], stream: int, chars: str) -> Iterator[Character]:
    """The characters of one of the streams."""
    for indices, *log_probs in steps:
        numbers = (None if array is None else float(array[stream]) for array in log_probs)
        yield Character(chars[indices[stream]], *numbers)


def tail(text: str, stops: Sequence[str]) -> str:
    """As much of the end of a text as a stop may be."""
    return text[-max(map(len, stops)) :]


def ended(text: str, stops: Sequence[str]) -> str:
    """The longest of `stops` that a text ends with, or nothing."""
    return max((stop for stop in stops if text.endswith(stop)), key=len, default="")


def until(text: Iterable[Character], stops: Sequence[str]) -> Iterator[Character]:
    """Pass characters on until one of `stops` has come, which is left out.

    What may be the beginning of a stop is held back until that is clear.
    """
    if not stops:
        yield from text
        return
    held: list[Character] = []
    for character in text:
        held.append(character)
        end = "".join(character.char for character in held)
        if stop := ended(end, stops):
            yield from held[: -len(stop)]
            return
        keep = max(overlap(end, stop) for stop in stops)
        yield from held[: len(held) - keep]
        held = held[len(held) - keep :]
    yield from held


def overlap(text: str, stop: str) -> int:
    """How much of the end of `text` is the beginning of `stop`."""
    sizes = range(min(len(text), len(stop) - 1), 0, -1)
    return next((size for size in sizes if stop.startswith(text[-size:])), 0)
