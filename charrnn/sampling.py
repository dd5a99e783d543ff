"""Read and write text one character at a time.

`Reader` computes the logits of the next character, `Choice` draws a character from logits, and
`sample` puts the two together.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from charrnn.arrays import Array
from charrnn.errors import DivergedError, SettingError
from charrnn.network.model import CharRNN

#: Streams in each block of samples after the first sample, see `sample`.
BLOCK = 16
#: Random numbers drawn at once for each stream.
NUMBERS_AHEAD = 256
#: Lowest divisor of the logits: no float32 divided by it overflows, and a lower temperature would
#: draw the same characters.
MIN_TEMPERATURE = 1e-250


class Reader:
    """B streams of text, read one character at a time.

    Values that are the same for every character are prepared once, so the weights must not change
    while the reader is in use.

    Args:
        model: the model.
        batch_size: B.

    Attributes:
        state: the state after the characters read so far, (L, S, H, B).
        logits: the logits of the next character, (V, B); zeros before the first one is read.
    """

    def __init__(self, model: CharRNN, batch_size: int = 1) -> None:
        self.state = model.state(batch_size)
        self.logits = np.zeros((len(model.vocabulary), batch_size), self.state.dtype)
        self._layers = model.layers
        self._tapes = model.workspace(1, batch_size).tapes
        self._Wy, self._by = model.parameters["Wy"], model.parameters["by"][:, None]
        first = model.layers[0].weights
        # The input of the first layer for each character, a contiguous row (a column of Wx is
        # scattered over the whole matrix).
        self._first_inputs = np.ascontiguousarray((first["Wx"] + first["b"][:, None]).T)  # (V, G)
        self._keep = model.keep
        self._held: dict[int, tuple[Array, Array, Array]] = {}

    def hold(self, layer: int, units: Array, streams: Array, values: Array) -> None:
        """Hold hidden units at fixed values from now on.

        Args:
            layer: counted from 1; replaces an earlier `hold` of this layer.
            units: n hidden units, (n,).
            streams: the stream in which each unit is held, (n,).
            values: the values of the unit's state, h first, (S, n).
        """
        self._held[layer - 1] = units, streams, values

    def read(self, indices: Array) -> Array:
        """Read one character of each stream, (B,).

        Returns:
            The logits of the next character, (V, B), which the next call overwrites.
        """
        if (keep := self._keep(indices)) is not None:
            self.state *= keep
        x = self._first_inputs.take(indices, axis=0).T
        # See charrnn.network.layers.activations.sigmoid; `generate` checks for non-finite logits.
        with np.errstate(over="ignore", invalid="ignore"):
            for number, (layer, tape) in enumerate(zip(self._layers, self._tapes)):
                if number:
                    x = layer.weights["Wx"] @ self.state[number - 1, 0]
                    x += layer.weights["b"][:, None]
                layer.step(x, self.state[number], tape)
                if number in self._held:
                    units, streams, values = self._held[number]
                    self.state[number][:, units, streams] = values
            np.matmul(self._Wy, self.state[-1, 0], out=self.logits)
            np.add(self.logits, self._by, out=self.logits)
        return self.logits


@dataclass(frozen=True)
class Choice:
    """Settings for drawing the next character from its probabilities.

    The temperature is applied first, then the filters in the order of the arguments. The remaining
    probabilities are scaled to a sum of 1.

    Args:
        temperature: divides the logits. Below 1, likely characters become likelier; above 1, the
            probabilities become more equal; at 0, the likeliest character is chosen.
        top_k: keep only the k likeliest characters (Fan 2018).
        top_p: keep only the likeliest characters that together reach probability p (Holtzman 2020).
        min_p: keep only characters at least p times as likely as the likeliest (Nguyen 2024).

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
        if not self._filters:
            return invert(p, uniform)
        order, kept = self._kept(p)
        chosen: Array = np.take_along_axis(order, invert(kept, uniform)[None], axis=0)[0]
        return chosen

    def log_probs(self, logits: Array, indices: Array) -> Array:
        """ln p in the distribution that `choose` draws from, in nats, (B,).

        Args:
            logits: (V, B).
            indices: a character of each stream, (B,); −inf for a character that a filter removes.
        """
        if self.temperature == 0:
            return np.where(indices == logits.argmax(axis=0), 0.0, -np.inf)
        scaled = self._scaled(logits)
        if self._filters:
            order, kept = self._kept(np.exp(scaled))
            p = np.empty_like(kept)
            np.put_along_axis(p, order, kept, axis=0)
            scaled[p == 0] = -np.inf
        return log_softmax(scaled, indices)

    @property
    def _filters(self) -> bool:
        return not (self.top_k is None and self.top_p is None and self.min_p is None)

    def _scaled(self, logits: Array) -> Array:
        """The logits divided by the temperature, (V, B), shifted to a maximum of 0."""
        # In float64: the order of a sum, which depends on the number of streams, cannot change
        # the choice.
        scaled = logits.astype(np.float64)
        scaled -= np.maximum.reduce(scaled)
        scaled /= max(self.temperature, MIN_TEMPERATURE)
        return scaled

    def _kept(self, p: Array) -> tuple[Array, Array]:
        """The descending order of p (V, B), and p in that order after the filters."""
        order = np.argsort(-p, axis=0, kind="stable")
        kept = np.take_along_axis(p, order, axis=0)
        self._filter(kept)
        return order, kept

    def _filter(self, p: Array) -> None:
        """Set filtered probabilities to 0; p (V, B) is in descending order."""
        if self.top_k is not None:
            p[self.top_k :] = 0
        if self.top_p is not None:
            before = np.cumsum(p, axis=0) - p
            p[before >= self.top_p * p.sum(axis=0)] = 0
        if self.min_p is not None:
            p[p < self.min_p * p[0]] = 0


def invert(p: Array, uniform: Array) -> Array:
    """The index at which the cumulative sum of p (V, B) exceeds uniform (B,) times the total."""
    cumulative = np.add.accumulate(p)
    # Without the last row: rounding must not give an index beyond it.
    index: Array = np.add.reduce(cumulative[:-1] <= uniform * cumulative[-1])
    return index


def log_softmax(logits: Array, indices: Array) -> Array:
    """ln softmax(logits) at one index a stream: logits (V, B), indices (B,) → (B,)."""
    shifted = logits - logits.max(axis=0)
    chosen = shifted[indices, np.arange(len(indices))]
    log_probs: Array = chosen - np.log(np.exp(shifted).sum(axis=0))
    return log_probs


#: The distribution of the model itself: temperature 1, no filters.
UNCHANGED = Choice()


class Drawn(NamedTuple):
    """The next character of each stream, with its log-probabilities in nats if requested."""

    indices: Array  # (B,)
    #: ln p by the model, before temperature and filters
    log_probs: Array | None  # (B,)
    #: ln p in the distribution that was drawn from, after temperature and filters
    sampled_log_probs: Array | None  # (B,)


def generate(
    reader: Reader,
    prime: Array,
    length: int,
    choice: Choice,
    seeds: Sequence[np.random.SeedSequence],
    log_probs: bool = False,
) -> Iterator[Drawn]:
    """Draw `length` characters for each of B streams.

    Args:
        reader: a new reader of B streams.
        prime: indices (N,) that every stream reads first. If there are none, all characters are
            equally likely to be the first.
        length: the number of characters to draw.
        choice: the settings for drawing.
        seeds: one a stream.
        log_probs: compute both log-probabilities of each character.

    Raises:
        DivergedError: for non-finite logits; no character is drawn from them.
    """
    logits = reader.logits
    for index in prime:
        logits = reader.read(np.full(len(seeds), index, np.intp))
    generators = [np.random.default_rng(seed) for seed in seeds]
    for count in range(length):
        ahead = count % NUMBERS_AHEAD
        if ahead == 0:
            uniform = np.stack([rng.random(NUMBERS_AHEAD) for rng in generators], axis=1)
        if not np.isfinite(logits).all():
            raise DivergedError.of_states("writes")
        indices = choice.choose(logits, uniform[ahead])
        if log_probs:
            by_model = UNCHANGED.log_probs(logits, indices)
            yield Drawn(indices, by_model, choice.log_probs(logits, indices))
        else:
            yield Drawn(indices, None, None)
        if count + 1 < length:
            logits = reader.read(indices)


class Character(NamedTuple):
    """One character of a sample, with the log-probabilities of `Drawn`."""

    char: str
    log_prob: float | None
    sampled_log_prob: float | None


def sample(
    model: CharRNN,
    prime: Array,
    length: int,
    choice: Choice,
    *,
    num_samples: int = 1,
    stops: Sequence[str] = (),
    seed: int | None = None,
    log_probs: bool = False,
) -> Iterator[Iterable[Character]]:
    """Draw samples; sample i depends on the seed and on i, but not on `num_samples`.

    A matrix product with many columns rounds differently from one with few. Therefore sample 0 is
    always computed alone, which is fastest for one sample, and yields each character at once. All
    other samples are computed in blocks of the same size; the last block may be larger than needed.

    Args:
        model: the model.
        prime: indices (N,) that each sample continues. If there are none, the model reads a
            newline first, so that a sample starts like a line; a model that does not know newlines
            reads nothing.
        length: the number of characters of a sample.
        choice: the settings for drawing.
        num_samples: the number of samples.
        stops: strings that end a sample; the sample does not include them.
        seed: None for different samples at every call.
        log_probs: as for `generate`.

    Raises:
        DivergedError: as for `generate`.
    """
    chars = model.vocabulary.ix_to_char
    if not len(prime):
        prime = model.vocabulary.encode("\n", unknown="skip")
    root = np.random.SeedSequence(seed)
    alone = generate(Reader(model), prime, length, choice, root.spawn(1), log_probs)
    yield until(characters(alone, 0, chars), stops)
    for first in range(1, num_samples, BLOCK):
        wanted = min(BLOCK, num_samples - first)
        seeds = root.spawn(BLOCK)
        steps: list[Drawn] = []
        ends = dict.fromkeys(range(wanted), "")  # the last characters of each unfinished stream
        for drawn in generate(Reader(model, BLOCK), prime, length, choice, seeds, log_probs):
            steps.append(drawn)
            if stops:
                ends = {s: tail(end + chars[drawn.indices[s]], stops) for s, end in ends.items()}
                ends = {s: end for s, end in ends.items() if not stop_at_end(end, stops)}
                if not ends:
                    break
        for stream in range(wanted):
            yield until(characters(steps, stream, chars), stops)


def sample_text(
    model: CharRNN, length: int, *, prime: str = "", seed: int | None = None, **choice: Any
) -> Iterator[str]:
    """Draw one sample and yield its characters, without the prime, as they are drawn.

    Args:
        model: the model.
        length: the number of characters, not counting the prime.
        prime: the text that the sample continues.
        seed: None for a different sample at every call.
        **choice: arguments of `Choice`: temperature, top_k, top_p, min_p.

    Raises:
        UnknownCharacterError: for a character of the prime that the model does not know.
        SettingError: for a setting outside of its range.
        DivergedError: for non-finite logits.
    """
    indices = model.vocabulary.encode(prime)
    (text,) = sample(model, indices, length, Choice(**choice), seed=seed)
    return (character.char for character in text)


def characters(steps: Iterable[Drawn], stream: int, chars: str) -> Iterator[Character]:
    """The characters of one stream."""
    for indices, *log_probs in steps:
        numbers = (None if array is None else float(array[stream]) for array in log_probs)
        yield Character(chars[indices[stream]], *numbers)


def tail(text: str, stops: Sequence[str]) -> str:
    """The end of a text, as long as the longest of `stops`."""
    return text[-max(map(len, stops)) :]


def stop_at_end(text: str, stops: Sequence[str]) -> str:
    """The longest of `stops` that a text ends with; an empty string if there is none."""
    return max((stop for stop in stops if text.endswith(stop)), key=len, default="")


def until(text: Iterable[Character], stops: Sequence[str]) -> Iterator[Character]:
    """Yield characters up to the first of `stops`, which is left out.

    Characters that may be the beginning of a stop are held back until this is certain.
    """
    if not stops:
        yield from text
        return
    held: list[Character] = []
    for character in text:
        held.append(character)
        end = "".join(character.char for character in held)
        if stop := stop_at_end(end, stops):
            yield from held[: -len(stop)]
            return
        keep = max(overlap(end, stop) for stop in stops)
        yield from held[: len(held) - keep]
        held = held[len(held) - keep :]
    yield from held


def overlap(text: str, stop: str) -> int:
    """The length of the longest end of `text` that is a beginning of `stop`, but not all of it."""
    sizes = range(min(len(text), len(stop) - 1), 0, -1)
    return next((size for size in sizes if stop.startswith(text[-size:])), 0)
