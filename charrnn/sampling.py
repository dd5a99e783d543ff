"""Read and write text one character at a time.

`Reader` computes the logits of the next character, `beginning` the state in which a sample begins,
`Choice` draws a character from logits, `likeliest` lists the characters that may come next, and
`sample` puts them together. `items` draws single lines.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from charrnn.arrays import Array
from charrnn.errors import DivergedError, SettingError, UnknownCharacterError
from charrnn.network.holding import Held, Holding, by_layer
from charrnn.network.model import CharRNN
from charrnn.text.hashes import Hasher
from charrnn.text.vocabulary import Vocabulary, listed

#: The largest number of samples that are computed side by side, see `sample`.
BLOCK = 16
#: `beginning` takes the mean state at this many ends of paragraphs or lines, after this many
#: characters before each of them.
ENDS, CONTEXT = 16, 32
#: Items drawn in a row that do not fit, from which on no further one is expected.
MAX_TRIES = 1_000
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
        self._holding: dict[int, Holding] = {}

    def hold(self, held: Sequence[Held], streams: Sequence[Array] | None = None) -> None:
        """Hold cells from now on, in place of those of an earlier call.

        Args:
            held: the cells, each with its value.
            streams: the streams in which each of them is held, (n,) each; all unless given.
        """
        if streams is None:
            streams = [np.arange(self.state.shape[-1])] * len(held)
        self._holding = by_layer(self._layers, held, streams)

    @property
    def holds(self) -> bool:
        """True where cells are held."""
        return bool(self._holding)

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
                if number in self._holding:
                    self._holding[number].apply(self.state[number], tape)
            np.matmul(self._Wy, self.state[-1, 0], out=self.logits)
            np.add(self.logits, self._by, out=self.logits)
        return self.logits


class Start(NamedTuple):
    """A state that samples continue."""

    state: Array  # (L, S, H)
    #: for the first character
    logits: Array  # (V,)


@np.errstate(over="ignore", invalid="ignore")  # `generate` checks for non-finite logits
def beginning(model: CharRNN, text: str = "") -> Start:
    """The state in which a sample begins: the one at the beginning of a paragraph or a line.

    Training seldom has an empty state at the beginning of a line, so a network that reads a newline
    in an empty state continues badly. Therefore the newline is read in the mean state before the
    ends of `ENDS` paragraphs of a text, or of lines if the text has fewer paragraphs: a state as in
    the middle of a long text, that does not depend on one topic.

    A model of lines reads the newline in an empty state, as in training.

    Without a newline in the vocabulary, the state is empty, and a character is as likely to be the
    first one as it is frequent in the text, where each counts once more than it occurs.

    Args:
        model: the model.
        text: a text as that of the training, such as the excerpt in a checkpoint. Without any, the
            newline is read in an empty state.
    """
    reader, indices = Reader(model), model.vocabulary.encode(text, unknown="skip")
    newline = model.vocabulary.encode("\n", unknown="skip")
    if not len(newline):
        counts = np.bincount(indices, minlength=len(model.vocabulary))
        reader.logits[:, 0] = np.log(counts + 1)
        return Start(reader.state[..., 0], reader.logits[:, 0])
    contexts = before_ends(indices, newline[0])
    if contexts.size and not model.lines:
        several = Reader(model, contexts.shape[1])
        for row in contexts:
            several.read(row)
        several.state.mean(axis=-1, out=reader.state[..., 0])
    reader.read(newline)
    return Start(reader.state[..., 0], reader.logits[:, 0])


def before_ends(indices: Array, newline: int) -> Array:
    """The characters before the ends of some paragraphs or lines of a text, (T, B).

    Args:
        indices: the text, (N,).
        newline: the index of the newline.

    Returns:
        Up to `CONTEXT` characters before each of up to `ENDS` newlines, evenly spread in the text.
    """
    at = indices == newline
    ends = np.flatnonzero(at)
    paragraphs = 1 + np.flatnonzero(at[1:] & at[:-1])
    if len(paragraphs) >= ENDS:
        ends = paragraphs
    if len(ends) and ends[-1] >= CONTEXT:
        ends = ends[ends >= CONTEXT]
    ends = ends[np.unique(np.linspace(0, len(ends) - 1, ENDS).astype(int))] if len(ends) else ends
    T = min(CONTEXT, ends.min(initial=CONTEXT))
    contexts: Array = indices[ends - T + np.arange(T)[:, None]].astype(np.intp)
    return contexts


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
    """ln softmax(logits) at one index for each stream: logits (V, B), indices (B,) → (B,)."""
    shifted = logits - logits.max(axis=0)
    chosen = shifted[indices, np.arange(len(indices))]
    log_probs: Array = chosen - np.log(np.exp(shifted).sum(axis=0))
    return log_probs


def likeliest(logits: Array, count: int) -> tuple[Array, Array]:
    """The characters that are likeliest to come next, before temperature and filters.

    Args:
        logits: (V,).
        count: the number of characters; V where it is larger.

    Returns:
        Their indices and their probabilities, (count,) each, the likeliest first.

    Raises:
        DivergedError: for non-finite logits.
    """
    if not np.isfinite(logits).all():
        raise DivergedError.of_states("reads")
    p = np.exp(logits.astype(np.float64) - logits.max())
    order = np.argsort(-p, kind="stable")[:count]
    return order, p[order] / p.sum()


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
    start: Start,
    length: int,
    choice: Choice,
    seeds: Sequence[np.random.SeedSequence],
    log_probs: bool = False,
) -> Iterator[Drawn]:
    """Draw `length` characters for each of B streams.

    Args:
        reader: a reader of B streams.
        start: the state in which every stream begins.
        length: the number of characters to draw.
        choice: the settings for drawing.
        seeds: one for each stream.
        log_probs: compute both log-probabilities of each character.

    Raises:
        DivergedError: for non-finite logits; no character is drawn from them.
    """
    reader.state[...] = start.state[..., None]
    reader.logits[...] = start.logits[:, None]
    logits = reader.logits
    generators = [np.random.default_rng(seed) for seed in seeds]
    for count in range(length):
        ahead = count % NUMBERS_AHEAD
        if ahead == 0:
            uniform = np.stack([rng.random(NUMBERS_AHEAD) for rng in generators], axis=1)
        if not np.isfinite(logits).all():
            raise DivergedError.of_states("writes", held=reader.holds)
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
    start: Start,
    length: int,
    choice: Choice,
    *,
    num_samples: int = 1,
    stops: Sequence[str] = (),
    seed: int | None = None,
    log_probs: bool = False,
    hold: Sequence[Held] = (),
) -> Iterator[Iterator[Character]]:
    """Draw samples; sample i depends on the seed and on i, but not on `num_samples`.

    A matrix product with many columns rounds differently from one with few. Therefore the number of
    streams that are computed side by side depends on i alone: samples 0 and 1 are computed alone,
    so that one or two cost no more than that, 2 to 5 in a block of 4 streams, and all others in
    blocks of `BLOCK` streams. The last block may be larger than needed.

    Args:
        model: the model.
        start: the state that each sample continues.
        length: the number of characters of a sample.
        choice: the settings for drawing.
        num_samples: the number of samples.
        stops: strings that end a sample; the sample does not include them.
        seed: None for different samples at every call.
        log_probs: as for `generate`.
        hold: cells that are held while the samples are written.

    Yields:
        The samples, each as its characters, which are drawn when they are asked for. The samples
        are to be read in their order.

    Raises:
        DivergedError: as for `generate`.
    """
    chars, root, first = model.vocabulary.ix_to_char, np.random.SeedSequence(seed), 0
    while first < num_samples:
        size = min(max(first, 1) ** 2, BLOCK)  # 1, 1, 4, 16, 16, ...
        reader = Reader(model, size)
        reader.hold(hold)
        steps = generate(reader, start, length, choice, root.spawn(size), log_probs)
        block = Block(steps, size, model.vocabulary) if size > 1 else None
        for stream in range(min(size, num_samples - first)):
            text = block.characters(stream) if block else characters(steps, chars)
            yield until(text, stops)
        first += size


def items(
    model: CharRNN,
    start: Start,
    number: int,
    length: int,
    choice: Choice,
    *,
    prime: str = "",
    known: Array | None = None,
    unique: bool = False,
    seed: int | None = None,
    log_probs: bool = False,
    hold: Sequence[Held] = (),
) -> Iterator[list[Character]]:
    """Draw items of a list, without their newlines.

    An empty item does not fit. After `MAX_TRIES` in a row that do not fit there are no more items.

    Args:
        model: the model of a list.
        start: the state after the prime.
        number: the number of items.
        length: the most characters of an item, not counting the prime.
        choice: the settings for drawing.
        prime: the beginning of each item, which the items yielded do not include.
        known: ascending hashes of items that do not fit, (n,); None for none.
        unique: an item that was drawn before does not fit.
        seed, log_probs, hold: as for `sample`.

    Raises:
        DivergedError: as for `generate`.
    """
    drawn, failed, seen, hasher = 0, 0, set[str](), Hasher(model.vocabulary)

    def is_known(item: str) -> bool:
        if known is None or not len(known):
            return False
        indices = model.vocabulary.encode(item)
        (value,) = hasher.lines(indices, np.zeros(1, np.intp), np.array([len(indices)]))
        return bool(known[min(np.searchsorted(known, value), len(known) - 1)] == value)

    settings: dict[str, Any] = {"stops": ["\n"], "seed": seed, "log_probs": log_probs}
    settings |= {"num_samples": sys.maxsize, "hold": hold}
    for text in sample(model, start, length, choice, **settings):
        item = list(text)
        whole = prime + "".join(character.char for character in item)
        if not whole or whole in seen or is_known(whole):
            failed += 1
        else:
            drawn, failed = drawn + 1, 0
            if unique:
                seen.add(whole)
            yield item
        if drawn == number or failed == MAX_TRIES:
            return


def sample_text(
    model: CharRNN,
    length: int,
    *,
    start: Start | None = None,
    seed: int | None = None,
    stops: Sequence[str] = (),
    **choice: Any,
) -> Iterator[str]:
    """Draw one sample and yield its characters as they are drawn.

    Args:
        model: the model.
        length: the number of characters.
        start: the state that the sample continues; None for `beginning` without a text.
        seed: None for a different sample at every call.
        stops: strings that end the sample.
        **choice: arguments of `Choice`: temperature, top_k, top_p, min_p.

    Raises:
        SettingError: for a setting outside of its range.
        DivergedError: for non-finite logits.
    """
    settings = Choice(**choice)
    (text,) = sample(model, start or beginning(model), length, settings, seed=seed, stops=stops)
    return (character.char for character in text)


def characters(steps: Iterable[Drawn], chars: str) -> Iterator[Character]:
    """The characters of a single stream."""
    for indices, *log_probs in steps:
        numbers = (None if array is None else float(array[0]) for array in log_probs)
        yield Character(chars[indices[0]], *numbers)


class Block:
    """Streams that are drawn side by side and read one after the other.

    The characters of the streams that are read later are kept in a byte or two each.

    Args:
        steps: the characters of all streams, drawn when a stream needs them.
        streams: B.
        vocabulary: the characters of the model.
    """

    def __init__(self, steps: Iterator[Drawn], streams: int, vocabulary: Vocabulary) -> None:
        self._steps, self._streams = steps, streams
        self._chars, self._dtype = vocabulary.ix_to_char, vocabulary.dtype
        # Stream s has every B-th element, from s on.
        self._indices: array[int] = array(self._dtype.char)
        self._log_probs: tuple[array[float], array[float]] = array("d"), array("d")

    def characters(self, stream: int) -> Iterator[Character]:
        """The characters of one stream, from its beginning."""
        position = stream
        while position < len(self._indices) or self._draw():
            numbers = (row[position] if row else None for row in self._log_probs)
            yield Character(self._chars[self._indices[position]], *numbers)
            position += self._streams

    def _draw(self) -> bool:
        """Draw and keep the next character of each stream; False after the last one."""
        drawn = next(self._steps, None)
        if drawn is None:
            return False
        self._indices.frombytes(drawn.indices.astype(self._dtype).tobytes())
        for kept, log_probs in zip(self._log_probs, drawn[1:]):
            if log_probs is not None:
                kept.frombytes(log_probs.astype(np.float64).tobytes())
        return True


def check_stops(stops: Sequence[str], vocabulary: Vocabulary) -> None:
    """Check that a sample can end with each of `stops`.

    Raises:
        SettingError: for an empty string.
        UnknownCharacterError: for a string with a character that the model cannot write.
    """
    for stop in stops:
        if not stop:
            raise SettingError(
                "stop '': an empty string ends a sample before its first character: give a string"
            )
        if unknown := vocabulary.unknown(stop):
            remedy = "give a string of characters that it writes"
            if unknown == "\r" and "\n" in stop:
                remedy = r"its lines end in \n alone, leave out \r"
            raise UnknownCharacterError(
                f"stop {stop!r}: the model never writes {listed(unknown)}: {remedy}"
            )


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
