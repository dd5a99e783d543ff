"""The share of what a model writes that stands word for word in its training text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from charrnn.arrays import Array
from charrnn.errors import TextError
from charrnn.inspection.answer import Answer, Figure, Series, Table
from charrnn.inspection.reading import Progress, no_progress
from charrnn.inspection.subject import Subject
from charrnn.inspection.wording import share
from charrnn.network.model import CharRNN
from charrnn.sampling import Choice, sample
from charrnn.text.hashes import Hasher

HELP = "The share of what the model writes that is copied from the training text."
HEADING = "Copying"

#: Characters that the model writes.
WRITTEN = 50_000
#: Lengths of spans, in characters. Stock phrases have 20, several lines have 100.
LENGTHS = (20, 30, 50, 100, 200, 500)
#: The sentence is about spans of this length, which are rarely stock phrases.
RECITED = 50
#: The model recites if more than this share of what it writes is in spans of `RECITED`, and more
#: than `TIMES` the share of the held-out text.
MIN_RECITED, TIMES = 0.02, 2
#: The longest spans are quoted: this many, each with at most this many characters.
QUOTED, QUOTED_CHARACTERS = 5, 200
#: Bits of a hash that index the table of the hashes that are looked for.
TABLE_BITS = 20
#: Positions in the training text that are compared for each of the longest spans.
MAX_POSITIONS = 50


@dataclass(frozen=True)
class Span:
    """A passage that stands word for word in the training text.

    Attributes:
        length: in characters.
        start: its position in what the model wrote, from 0.
        source: a position of the same passage in the training text, from 0.
        text: the passage, cut after 200 characters.
    """

    length: int
    start: int
    source: int
    text: str


@dataclass(frozen=True)
class Copying:
    """The copied part of what a model wrote, and the same of a held-out text.

    Attributes:
        temperature: of the sample.
        written: the number of characters that the model wrote.
        held_out: the number of held-out characters; 0 where no text is held out.
        lengths: of spans, in characters, (n,).
        shares: the share of the written characters that are in a copied span of each length or
            longer, (n,).
        held_out_shares: the same for the held-out text, (n,); None where no text is held out.
        longest: the longest copied spans, the longest first.
    """

    temperature: float
    written: int
    held_out: int
    lengths: tuple[int, ...]
    shares: tuple[float, ...]
    held_out_shares: tuple[float, ...] | None
    longest: tuple[Span, ...]


def analyse(subject: Subject) -> Copying:
    """Let the model of a subject write, and find the spans that its training text has, too."""
    return copying(
        subject.model,
        subject.train,
        subject.indices if subject.held_out else None,
        temperature=subject.temperature,
        seed=subject.seed,
        progress=subject.progress,
    )


def copying(
    model: CharRNN,
    train: Array,
    held_out: Array | None = None,
    *,
    temperature: float = 1.0,
    seed: int = 0,
    length: int = WRITTEN,
    progress: Progress = no_progress,
) -> Copying:
    """Let a model write, and find the spans that its training text has, too.

    The held-out text tells how much of a new text stands in the training text by chance, and by
    stock phrases.

    Args:
        model: the model.
        train: its training text, indices (M,).
        held_out: a text like the training text, and not part of it, (N,); None for none.
        temperature: of the sample.
        seed: of the sample.
        length: the number of characters to write.
        progress: receives the share of the work that is done.

    Raises:
        TextError: for a training text that is shorter than the shortest span.
    """
    if len(train) < LENGTHS[0]:
        raise TextError(
            f"a training text of at least {LENGTHS[0]} characters is needed to find copies, not "
            f"{len(train)}"
        )
    (drawn,) = sample(model, np.empty(0, np.intp), length, Choice(temperature), seed=seed)
    written = model.vocabulary.encode("".join(character.char for character in drawn))
    progress(0.5)
    hasher = Hasher(model.vocabulary)
    texts = [written] if held_out is None else [written, held_out]
    shares: list[list[float]] = []
    copied = np.zeros(0, bool)
    base = LENGTHS[0]
    for number, span in enumerate(LENGTHS, start=1):
        found = occurrences(texts, train, span, hasher)
        shares.append([float(covered(f, span, len(text)).mean()) for f, text in zip(found, texts)])
        if found[0].any():
            copied, base = found[0], span
        progress(0.5 + 0.4 * number / len(LENGTHS))
    return Copying(
        temperature=temperature,
        written=len(written),
        held_out=0 if held_out is None else len(held_out),
        lengths=LENGTHS,
        shares=tuple(of_written for of_written, *_ in shares),
        held_out_shares=None if held_out is None else tuple(both[1] for both in shares),
        longest=longest_spans(written, train, copied, base, hasher, model),
    )


def occurrences(texts: list[Array], train: Array, span: int, hasher: Hasher) -> list[Array]:
    """The positions in texts at which a span begins that the training text has, too.

    Takes memory in proportion to the texts, and not to the training text.

    Args:
        texts: indices (N,) each.
        train: the training text, indices (M,).
        span: characters of a span.
        hasher: of the vocabulary of the texts.

    Returns:
        For each text, booleans (N − span + 1,); (0,) for a shorter text.
    """
    of_texts = [hasher.spans(text, span) for text in texts]
    wanted, numbers = np.unique(np.concatenate(of_texts), return_inverse=True)
    found = np.zeros(len(wanted), bool)
    for _, _, which in matches(wanted, train, span, hasher):
        found[which] = True
    ends = np.cumsum([len(each) for each in of_texts])[:-1]
    return np.split(found[numbers], ends)


def matches(
    wanted: Array, train: Array, span: int, hasher: Hasher
) -> Iterator[tuple[int, Array, Array]]:
    """The spans of the training text whose hashes are wanted.

    Args:
        wanted: hashes, sorted, without duplicates.
        train, span, hasher: as for `occurrences`.

    Yields:
        The position of a piece, the positions of spans in the piece (n,), and the number of
        their hashes in `wanted` (n,).
    """
    if not len(wanted):
        return
    shift = np.uint64(64 - TABLE_BITS)
    # A search takes long for each span. Most spans are excluded by the first bits of their hash.
    table = np.zeros(1 << TABLE_BITS, bool)
    table[wanted >> shift] = True
    for start, found in hasher.blocks(train, span):
        positions = np.flatnonzero(table.take((found >> shift).astype(np.intp)))
        found = found[positions]
        which = np.minimum(np.searchsorted(wanted, found), len(wanted) - 1)
        same = wanted[which] == found
        yield start, positions[same], which[same]


def covered(begins: Array, span: int, length: int) -> Array:
    """The characters that are inside of a span, booleans (N,).

    Args:
        begins: the positions at which a span begins, booleans (N − span + 1,).
        span: characters of a span.
        length: N.
    """
    steps = np.zeros(length + 1, np.intp)
    positions = np.flatnonzero(begins)
    np.add.at(steps, positions, 1)
    np.add.at(steps, positions + span, -1)
    inside: Array = np.cumsum(steps[:-1]) > 0
    return inside


def longest_spans(
    written: Array, train: Array, begins: Array, span: int, hasher: Hasher, model: CharRNN
) -> tuple[Span, ...]:
    """The longest spans of a text that the training text has, too, the longest first.

    Args:
        written: the text, indices (N,).
        train: the training text, (M,).
        begins: the positions at which a span begins that the training text has, too.
        span: characters of these spans.
        hasher: of the vocabulary of the texts.
        model: of the vocabulary.
    """
    edges = np.flatnonzero(np.diff(begins.astype(np.int8), prepend=0, append=0))
    runs = edges.reshape(-1, 2)  # a run of copied spans is one longer span, or several that overlap
    runs = runs[np.argsort(runs[:, 0] - runs[:, 1], kind="stable")][: 4 * QUOTED]
    of_runs = hasher.spans(written, span)[runs[:, 0]]
    wanted, numbers = np.unique(of_runs, return_inverse=True)
    sources: list[list[int]] = [[] for _ in wanted]
    for start, positions, which in matches(wanted, train, span, hasher):
        for position, number in zip(positions.tolist(), which.tolist()):
            if len(sources[number]) < MAX_POSITIONS:
                sources[number].append(start + position)
    found: dict[bytes, Span] = {}
    for start, number in zip(runs[:, 0].tolist(), numbers.tolist()):
        length, source = max(
            (common(written[start:], train[source:]), -source) for source in sources[number]
        )
        passage = written[start : start + length]
        text = model.vocabulary.decode(passage[:QUOTED_CHARACTERS])
        found.setdefault(passage.tobytes(), Span(length, start, -source, text))
    return tuple(sorted(found.values(), key=lambda each: -each.length)[:QUOTED])


def common(one: Array, other: Array) -> int:
    """The number of characters at the beginning that two texts have in common."""
    size = min(len(one), len(other))
    different = np.flatnonzero(one[:size] != other[:size])
    return int(different[0]) if len(different) else size


def answer(result: Copying) -> Answer:
    """Say whether the model recites, with the shares by length and the longest spans."""
    number = result.lengths.index(RECITED)
    recited = result.shares[number]
    by_chance = result.held_out_shares[number] if result.held_out_shares else 0.0
    much = f"{share(recited)} of what it writes at temperature {result.temperature:g}"
    spans = f"spans of {RECITED} characters and more"
    if recited > MIN_RECITED and recited > TIMES * by_chance:
        sentence = f"The model recites: {much} stands in the training text, in {spans}"
        sentence += f"; {share(by_chance)} of the held-out text do." if by_chance else "."
    elif result.held_out_shares:
        sentence = (
            f"The model copies no more than chance: {much} stands in the training text, in "
            f"{spans}, and {share(by_chance)} of the held-out text."
        )
    else:
        sentence = (
            f"The model copies little: {much} stands in the training text, in {spans}. No text is "
            "held out to compare with."
        )
    return Answer(sentence, (_figure(result),), _table(result))


def _figure(result: Copying) -> Figure:
    names = [f"{length} and more" for length in result.lengths]
    series = [Series("written by the model", names, [100 * s for s in result.shares], "bars")]
    if result.held_out_shares:
        shares = [100 * s for s in result.held_out_shares]
        series.append(Series("held-out text", names, shares, "bars"))
    return Figure(
        title="Characters in copied spans, by length of the span",
        x_label="characters of a span",
        y_label="% of the characters",
        series=tuple(series),
    )


def _table(result: Copying) -> Table | None:
    """The longest spans."""
    if not result.longest:
        return None
    rows = tuple(
        (f"{span.length:,}", f"{span.start:,}", f"{span.source:,}", repr(span.text))
        for span in result.longest
    )
    return Table(("length", "written at", "in the training text at", "longest copies"), rows)
