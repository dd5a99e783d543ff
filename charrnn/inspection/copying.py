"""The share of what a model writes that stands word for word in its training text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from charrnn.arrays import Array
from charrnn.errors import TextError
from charrnn.inspection.answer import Answer, Figure, Series, Table
from charrnn.inspection.reading import Progress, no_progress
from charrnn.inspection.subject import Subject
from charrnn.inspection.wording import share
from charrnn.network.model import CharRNN
from charrnn.sampling import Choice, Start, beginning, sample
from charrnn.text.hashes import Hasher
from charrnn.text.lines import Lines
from charrnn.text.vocabulary import Vocabulary

HELP = "The share of what the model writes that is copied from the training text."
HEADING = "Copying"

#: Characters that the model writes.
WRITTEN = 50_000
#: Lengths of spans, in characters. Stock phrases have 20, several lines have 100.
LENGTHS = (20, 30, 50, 100, 200, 500)
#: The sentence is about spans of this length, which are rarely stock phrases.
RECITED = 50
#: A model recites if the share in spans of `RECITED` is larger than that of the control by more
#: than this, and by more than half of the share of the control.
MIN_EXCESS = 0.02
#: From this share of the control on, the text repeats itself.
REPEATING = 0.1
#: Characters of the shortest text to compare with, and of the part of a long one that is read.
MIN_CONTROL, MAX_CONTROL = 500, 200_000
#: The longest spans are quoted: this many, each with at most this many characters.
QUOTED, QUOTED_CHARACTERS = 5, 200
#: The first bits of a hash, which index the table of the hashes that are looked for, and the
#: shift to them.
TABLE_BITS = 20
SHIFT = np.uint64(64 - TABLE_BITS)
#: Characters between two reports of the progress of the writing.
REPORTED = 500


@dataclass(frozen=True)
class Span:
    """A passage that stands word for word in the training text.

    Attributes:
        length: in characters.
        start: its position in what the model wrote, from 0.
        source: its first position in the training text, from 0.
        text: the passage, cut after 200 characters.
    """

    length: int
    start: int
    source: int
    text: str


@dataclass(frozen=True)
class Control:
    """The copied part of a text that the model was not trained on: chance, and stock phrases.

    Attributes:
        name: the name of the text, as in "the held-out text".
        characters: their number.
        shares: the share of the characters that are in a copied span of each length or longer,
            (n,).
    """

    name: str
    characters: int
    shares: tuple[float, ...]


@dataclass(frozen=True)
class Items:
    """The items that a model of lines wrote.

    Attributes:
        written: their number.
        known: the number of those that are lines of the training text.
    """

    written: int
    known: int


@dataclass(frozen=True)
class Copying:
    """The copied part of what a model wrote, and the same of a text that it was not trained on.

    Attributes:
        temperature: of the sample.
        written: the number of characters that the model wrote.
        lengths: of spans, in characters, (n,).
        shares: the share of the written characters that are in a copied span of each length or
            longer, (n,).
        control: the same of the text to compare with; None without such a text, or where it has
            fewer than 500 characters.
        longest: the longest copied spans, the longest first, from different passages of the
            training text.
        items: of a model of lines, the items that it wrote; None for another model.
    """

    temperature: float
    written: int
    lengths: tuple[int, ...]
    shares: tuple[float, ...]
    control: Control | None
    longest: tuple[Span, ...]
    items: Items | None = None


def analyse(subject: Subject) -> Copying:
    """Let the model of a subject write, and find the spans that its training text has, too."""
    return copying(
        subject.model,
        subject.train,
        subject.indices if subject.control else None,
        control_name=subject.control or "",
        start=beginning(subject.model, subject.excerpt),
        temperature=subject.temperature,
        seed=subject.seed,
        length=WRITTEN,
        progress=subject.progress,
    )


def copying(
    model: CharRNN,
    train: Array,
    control: Array | None = None,
    *,
    control_name: str = "the held-out text",
    start: Start | None = None,
    temperature: float = 1.0,
    seed: int = 0,
    length: int = WRITTEN,
    progress: Progress = no_progress,
) -> Copying:
    """Let a model write, and find the spans that its training text has, too.

    Args:
        model: the model.
        train: its training text, indices (M,).
        control: a text like the training text, and not part of it, (N,), of which the first
            200,000 characters are read; None for none. Its copied part is what chance and stock
            phrases give.
        control_name: the name of this text in the answer.
        start: the state in which the sample begins; None for `charrnn.sampling.beginning`
            without a text.
        temperature: of the sample.
        seed: of the sample.
        length: the number of characters to write.
        progress: receives the share of the work that is done.

    Raises:
        TextError: for a training text that is shorter than the shortest span.
        DivergedError: for a model that gives non-finite logits.
        SettingError: for a temperature below 0.
    """
    if len(train) < LENGTHS[0]:
        raise TextError(
            f"the training text: has {len(train)} characters, and copies are spans of "
            f"{LENGTHS[0]} and more: train on a longer text"
        )
    written = write(model, start, length, Choice(temperature), seed, progress)
    if control is not None and len(control) < MIN_CONTROL:
        control = None
    if control is not None and len(control) > MAX_CONTROL:
        control, control_name = control[:MAX_CONTROL], f"the beginning of {control_name}"
    texts = [written] if control is None else [written, control]
    found = [np.zeros(len(text) + 1, np.intp) for text in texts]  # spans of length 0
    shares: list[list[float]] = []
    of_sample: dict[int, Array] = {}
    hasher, before = Hasher(model.vocabulary), 0
    for number, span in enumerate(LENGTHS, start=1):
        found = occurrences(texts, train, span, hasher, [longer(f, span - before) for f in found])
        shares.append([covered(f >= 0, span, len(t)) for f, t in zip(found, texts)])
        of_sample[span], before = found[0], span
        progress(0.5 + 0.5 * number / len(LENGTHS))
    of_written, *others = map(tuple, zip(*shares))
    return Copying(
        temperature=temperature,
        written=len(written),
        lengths=LENGTHS,
        shares=of_written,
        control=None if control is None else Control(control_name, len(control), others[0]),
        longest=longest_spans(written, train, of_sample, model),
        items=copied_items(written, train, model.vocabulary) if model.lines else None,
    )


def write(
    model: CharRNN,
    start: Start | None,
    length: int,
    choice: Choice,
    seed: int,
    progress: Progress,
) -> Array:
    """The characters of a sample, (length,), as `charrnn sample --seed` writes them."""
    chars: list[str] = []
    (drawn,) = sample(model, start or beginning(model), length, choice, seed=seed)
    for number, character in enumerate(drawn):
        chars.append(character.char)
        if number % REPORTED == 0:
            progress(0.5 * number / length)
    return model.vocabulary.encode("".join(chars))


def copied_items(written: Array, train: Array, vocabulary: Vocabulary) -> Items:
    """Count the items of a written list, and those that are lines of the training text.

    Args:
        written: the list, indices (N,); its last item, which has no newline, is left out.
        train: the training text, (M,).
        vocabulary: of the model of lines.
    """
    lines = Lines(written, vocabulary)
    hashes = lines.hashes()[lines.lengths > 1]  # an empty line is no item
    known = np.isin(hashes, Lines(train, vocabulary).hashes())
    return Items(len(known), int(np.count_nonzero(known)))


def longer(found: Array, more: int) -> Array:
    """The positions at which a longer span may stand in the training text, booleans.

    There the training text has the shorter spans at both ends of the longer one.

    Args:
        found: the first position of each shorter span in the training text, −1 for none, (n,).
        more: the characters that the longer spans have more.
    """
    there = found >= 0
    both: Array = there[: max(0, len(there) - more)] & there[more:]
    return both


def occurrences(
    texts: Sequence[Array],
    train: Array,
    span: int,
    hasher: Hasher,
    candidates: Sequence[Array] | None = None,
) -> list[Array]:
    """The first positions in the training text of all spans of some texts.

    Takes memory in proportion to the texts, and not to the training text.

    Args:
        texts: indices (N,) each.
        train: the training text, indices (M,).
        span: characters of a span.
        hasher: of the vocabulary of the texts.
        candidates: the positions in each text to look at, booleans (N − span + 1,); None for
            all.

    Returns:
        For each text the positions in the training text, −1 for none, (N − span + 1,); (0,) for
        a shorter text.
    """
    hashes = [hasher.spans(text, span) for text in texts]
    if candidates is None:
        candidates = [np.ones(len(each), bool) for each in hashes]
    of_texts = np.concatenate([own[each] for own, each in zip(hashes, candidates)])
    wanted, numbers = np.unique(of_texts, return_inverse=True)
    first = first_positions(wanted, train, span, hasher)
    result, begin = [], 0
    for each in candidates:
        found, count = np.full(len(each), -1, np.intp), int(np.count_nonzero(each))
        found[each] = first[numbers[begin : begin + count]]
        result.append(found)
        begin += count
    return result


def first_positions(wanted: Array, train: Array, span: int, hasher: Hasher) -> Array:
    """The first positions in the training text of spans with some hashes, −1 for none, (n,).

    Args:
        wanted: the hashes, sorted, without duplicates, (n,).
        train, span, hasher: as for `occurrences`.
    """
    first = np.full(len(wanted), -1, np.intp)
    if not len(wanted):
        return first
    missing, table = np.arange(len(wanted)), table_of(wanted)
    for start, hashes in hasher.blocks(train, span):
        # A search takes long. The first bits of their hashes exclude most spans.
        positions = np.flatnonzero(table.take((hashes >> SHIFT).astype(np.intp)))
        found = hashes[positions]
        which = np.minimum(np.searchsorted(wanted, found), len(wanted) - 1)
        same = wanted[which] == found
        if not same.any():
            continue
        # Of several assignments to one element the last one counts.
        first[missing[which[same][::-1]]] = start + positions[same][::-1]
        absent = first[missing] < 0
        missing, wanted = missing[absent], wanted[absent]
        if not len(wanted):
            break
        table = table_of(wanted)
    return first


def table_of(hashes: Array) -> Array:
    """The table of the first bits of some hashes, booleans (2 ** TABLE_BITS,)."""
    table = np.zeros(1 << TABLE_BITS, bool)
    table[hashes >> SHIFT] = True
    return table


def covered(begins: Array, span: int, length: int) -> float:
    """The share of the characters of a text that are inside of a span.

    Args:
        begins: the positions at which a span begins, booleans (N − span + 1,).
        span: characters of a span.
        length: N.
    """
    steps = np.zeros(length + 1, np.intp)
    positions = np.flatnonzero(begins)
    np.add.at(steps, positions, 1)
    np.add.at(steps, positions + span, -1)
    return float((np.cumsum(steps[:-1]) > 0).mean())


def longest_spans(
    written: Array, train: Array, found: Mapping[int, Array], model: CharRNN
) -> tuple[Span, ...]:
    """The longest spans of a text that the training text has, too, the longest first.

    Of passages of the training text that overlap, the longest is returned.

    Args:
        written: the text, indices (N,).
        train: the training text, (M,).
        found: for some lengths of spans the first position in the training text of each span of
            the text, −1 for none, (N − span + 1,).
        model: of the vocabulary.
    """
    of_all = [
        each for span, first in found.items() for each in passages(written, train, first, span)
    ]
    longest: list[Span] = []
    for length, start, source in sorted(of_all, key=lambda each: -each[0]):
        if len(longest) < QUOTED and all(
            source + length <= other.source or other.source + other.length <= source
            for other in longest
        ):
            text = model.vocabulary.decode(written[start : start + min(length, QUOTED_CHARACTERS)])
            longest.append(Span(length, start, source, text))
    return tuple(longest)


def passages(
    written: Array, train: Array, found: Array, span: int
) -> Iterator[tuple[int, int, int]]:
    """The length of each copied passage, its position in a text, and that in the training text.

    Args:
        written: the text, indices (N,).
        train: the training text, (M,).
        found: the first position in the training text of each span of the text, −1 for none,
            (N − span + 1,).
        span: characters of these spans.
    """
    begins, number = np.flatnonzero(found >= 0), 0
    while number < len(begins):
        position = int(begins[number])
        source = int(found[position])
        before = common(written[:position][::-1], train[:source][::-1])
        length = before + common(written[position:], train[source:])
        start = position - before
        yield length, start, source - before
        # The first span that goes beyond the passage may belong to another one.
        number = max(number + 1, int(np.searchsorted(begins, start + length - span + 1)))


def common(one: Array, other: Array) -> int:
    """The number of characters at the beginning that two texts have in common."""
    end, step = min(len(one), len(other)), 1_000
    for begin in range(0, end, step):
        part = slice(begin, min(begin + step, end))
        if len(different := np.flatnonzero(one[part] != other[part])):
            return begin + int(different[0])
    return end


def answer(result: Copying) -> Answer:
    """Say whether the model recites, with the shares by length and the longest spans."""
    number, control = result.lengths.index(RECITED), result.control
    recited, by_chance = result.shares[number], control.shares[number] if control else 0.0
    excess = recited - by_chance
    if excess > max(MIN_EXCESS, by_chance / 2):
        verdict = "It recites"
    elif control is None:
        verdict = "It copies little"
    elif excess > 0:
        verdict = f"It copies a little more than {control.name} does"
    else:
        verdict = f"It copies no more than {control.name} does"
    sentence = (
        f"{verdict}: {share(recited)} of what it writes at temperature {result.temperature:g} "
        f"stands in the training text in spans of {RECITED} characters and more"
    )
    if control is None:
        sentence += (
            f". There is no text of {MIN_CONTROL} characters or more to compare with: name one by "
            "--text FILE."
        )
    else:
        sentence += f", and {share(by_chance)} of {control.name}."
        if by_chance > REPEATING:
            name = control.name[0].upper() + control.name[1:]
            sentence += f" {name} repeats the training text, so copies prove little."
    if result.items and result.items.written:
        known = share(result.items.known / result.items.written)
        sentence += (
            f" Of the {result.items.written:,} items that it wrote, {known} are lines of the "
            "training text."
        )
    return Answer(sentence, (_figure(result),), _table(result))


def _figure(result: Copying) -> Figure:
    names = [f"{length} and more" for length in result.lengths]
    of_each = {"written by the model": result.shares}
    if result.control:
        of_each[result.control.name] = result.control.shares
    return Figure(
        title="Copied characters by the length of the span",
        x_label="characters of a span",
        y_label="% of the characters",
        series=tuple(
            Series(name, names, [100 * each for each in shares], "bars")
            for name, shares in of_each.items()
        ),
        caption="The share of the characters that are in a span of this length which stands word "
        "for word in the training text.",
    )


def _table(result: Copying) -> Table | None:
    """The longest spans."""
    if not result.longest:
        return None
    rows = tuple(
        (
            f"{span.length:,}",
            f"{span.start:,}",
            f"{span.source:,}",
            repr(span.text) + ("…" if span.length > len(span.text) else ""),
        )
        for span in result.longest
    )
    return Table(
        ("length", "written at", "training text at", "longest copies"),
        rows,
        "The longest copied spans; lengths and positions in characters, from 0.",
    )
