"""The effect of a cell on what a network writes, compared with that of other cells."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from charrnn.arrays import Array
from charrnn.errors import SettingError
from charrnn.inspection.answer import Answer, Table
from charrnn.inspection.features.quotations import DOUBLE_QUOTES
from charrnn.inspection.reading import Progress, Signal, in_threads, no_progress
from charrnn.inspection.recording import record
from charrnn.inspection.scoring import score
from charrnn.inspection.subject import Subject
from charrnn.inspection.wording import listed
from charrnn.network.holding import Held, address
from charrnn.network.model import CharRNN
from charrnn.sampling import UNCHANGED, Reader, Start, beginning, generate
from charrnn.text.vocabulary import Vocabulary

HELP = "Hold the cell of --cell high and low, and compare what the model writes."
HEADING = "The effect of a cell"

#: The low and the high end of a cell: quantiles of its values on a text.
ENDS = (0.05, 0.95)
#: At most this many characters of the text are read for them.
MAX_CHARACTERS = 20_000
#: Texts of each condition, and the characters of a text.
STREAMS, LENGTH = 32, 500
#: Other cells to compare with; fewer are too few to claim anything.
CONTROLS, MIN_CONTROLS = 20, 10
#: A difference stands out if it is larger than that of each other cell, than this many times
#: their median, and than this many standard errors between the texts. `benchmarks/effects.py`
#: measures the rate of false claims.
MARGIN, NOISE = 7, 3
#: Conditions that are written side by side. The rounding, and so the texts, depend on this number.
CONDITIONS_AT_A_TIME = 8

#: The characters that are counted.
KINDS: dict[str, Callable[[str], bool]] = {
    "capitals": str.isupper,
    "quotes": lambda char: char in f"{DOUBLE_QUOTES}'‘’‚`",
    "opening brackets": lambda char: char in "([{",
    "closing brackets": lambda char: char in ")]}",
    "spaces": lambda char: char in " \t",
    "digits": str.isdigit,
}
#: The other measures.
LINE, BITS = "characters a line", "bits a character"
NAMES = (LINE, *KINDS, BITS)


@dataclass(frozen=True)
class Measure:
    """A measure of the texts that a network wrote, a mean over the texts.

    Attributes:
        name: one of `NAMES`. The `KINDS` are % of the characters; the bits a character are those
            by the network with no cell held.
        high, low, free: with the cell held at its high end, at its low end, and not held.
        error: the standard error of `difference` between the texts.
        others: the difference of each of K other cells, (K,).
    """

    name: str
    high: float
    low: float
    free: float
    error: float
    others: Array

    @property
    def difference(self) -> float:
        """High less low."""
        return self.high - self.low

    @property
    def typical(self) -> float:
        """The median of the sizes of the differences of the other cells."""
        return float(np.median(np.abs(self.others)))

    @property
    def stands_out(self) -> bool:
        """True if the difference is beyond those of the other cells, and beyond chance."""
        least = max(np.abs(self.others).max(), MARGIN * self.typical, NOISE * self.error)
        return bool(abs(self.difference) > least)


@dataclass(frozen=True)
class Effect:
    """The effect of holding a cell on what a network writes.

    Attributes:
        layer, cell, signal: the cell, and the part of its state that is held.
        high, low: the values at which it is held, its ends on a text.
        texts, characters: the number of texts of each condition, and the length of each.
        controls: the other cells of the layer, each held at its own ends.
        measures: the measures of the texts.
    """

    layer: int
    cell: int
    signal: str
    high: float
    low: float
    texts: int
    characters: int
    controls: tuple[int, ...]
    measures: tuple[Measure, ...]


def cell_ends(values: Array) -> Array:
    """The low and the high end of cells, (2, …), from their values after each character, (N, …)."""
    ends: Array = np.quantile(values.astype(np.float64), ENDS, axis=0)
    return ends


def cell_ranges(values: Array, rectified: bool = False) -> Array:
    """The range of each cell and its ends, (H, 4): least, low, high, most.

    Low and high are the ends as of `cell_ends`. Least and most are the whole numbers around all
    values of the cell, and at least −1 and 1.

    Args:
        values: after each character, (N, H); at most `MAX_CHARACTERS` of them are used.
        rectified: no value is below 0, and so least is 0.
    """
    values = np.nan_to_num(values[:MAX_CHARACTERS])
    least = np.zeros(values.shape[1]) if rectified else np.floor(values.min(axis=0)).clip(max=-1)
    most = np.ceil(values.max(axis=0)).clip(min=1)
    ranges: Array = np.stack([least, *cell_ends(values), most], axis=1)
    return ranges


def effect_of_cell(
    model: CharRNN,
    indices: Array,
    signal: Signal,
    cell: int,
    *,
    start: Start | None = None,
    seed: int = 0,
    binary: bool = False,
    texts: int = STREAMS,
    length: int = LENGTH,
    min_controls: int = MIN_CONTROLS,
    progress: Progress = no_progress,
) -> Effect:
    """Let a network write with a cell held high, held low and free, and measure the texts.

    The same is done with twenty other cells of the layer, each at its own ends. Text number i of
    each condition is drawn with the same random numbers.

    Args:
        model: the model.
        indices: a text, (N,), which gives the ends of the cells.
        signal: the layer, and the part of the state to hold: h, or c of an LSTM.
        cell: the number of the cell.
        start: the state in which each text begins; None for `beginning` without a text.
        seed: of the texts and of the choice of the other cells.
        binary: each character is a byte, and only ASCII has capitals, quotes and digits.
        texts: of each condition.
        length: the characters of a text.
        min_controls: the fewest other cells to compare with.
        progress: receives the share of the work that is done.

    Raises:
        SettingError: for a signal that cannot be held, or too few cells to compare with.
        DivergedError: where the logits do not stay finite.
    """
    names = model.layers[0].state_names
    if signal.name not in names:
        raise SettingError(
            f"effect: signal {signal.name} cannot be held: choose signal {' or '.join(names)}"
        )
    values = record(model, indices[:MAX_CHARACTERS], [signal]).values[signal]
    low, high = cell_ends(values)  # (H,) each
    others = controls(low < high, cell, np.random.default_rng(seed), min_controls)
    held = [
        Held(signal.layer, number, signal.name, float(end[number]))
        for number in (cell, *others)
        for end in (high, low)
    ]
    seeds = np.random.SeedSequence(seed).spawn(texts)
    measures = written(
        model, start or beginning(model), [None, *held], seeds, length, binary, progress
    )  # (1 + 2·(1 + K), texts, M)
    free, pairs = measures[0], measures[1:].reshape(len(others) + 1, 2, texts, len(NAMES))
    of_cells, errors = differences(pairs)
    means = (of.mean(axis=0).tolist() for of in (pairs[0, 0], pairs[0, 1], free))
    rows = zip(NAMES, *means, errors[0].tolist(), of_cells[1:].T)
    return Effect(
        layer=signal.layer,
        cell=cell,
        signal=signal.name,
        high=float(high[cell]),
        low=float(low[cell]),
        texts=texts,
        characters=length,
        controls=tuple(others),
        measures=tuple(Measure(*each) for each in rows),
    )


def analyse(subject: Subject) -> Effect:
    """The effect of the cell of a subject."""
    assert subject.cell is not None
    return effect_of_cell(
        subject.model,
        subject.indices,
        *subject.cell,
        start=beginning(subject.model, subject.excerpt),
        seed=subject.seed,
        binary=subject.binary,
        progress=subject.progress,
    )


def differences(pairs: Array) -> tuple[Array, Array]:
    """The differences of n cells, high less low, and their standard errors, (n, M) each.

    Args:
        pairs: the M measures of S texts, with each cell held high and held low, (n, 2, S, M).
    """
    of_texts = pairs[:, 0] - pairs[:, 1]
    errors = of_texts.std(axis=1, ddof=1) / np.sqrt(of_texts.shape[1])
    return of_texts.mean(axis=1), errors


def controls(
    varying: Array, cell: int, rng: np.random.Generator, fewest: int = MIN_CONTROLS
) -> list[int]:
    """Random other cells among those with two different ends.

    Args:
        varying: True for such cells, (H,).
        cell: the cell that is compared with them.
        rng: the source of randomness.
        fewest: the fewest cells.

    Raises:
        SettingError: where there are too few.
    """
    others = np.flatnonzero(varying & (np.arange(len(varying)) != cell))
    if len(others) < fewest:
        larger = len(varying) - 1 < fewest
        remedy = "train a larger model" if larger else "read a longer text with --text FILE"
        raise SettingError(
            f"effect: the layer has {len(others)} other cells whose values vary, and at least "
            f"{fewest} are needed to compare with: {remedy}"
        )
    chosen: list[int] = rng.choice(others, min(CONTROLS, len(others)), replace=False).tolist()
    return chosen


def written(
    model: CharRNN,
    start: Start,
    conditions: Sequence[Held | None],
    seeds: Sequence[np.random.SeedSequence],
    length: int = LENGTH,
    binary: bool = False,
    progress: Progress = no_progress,
) -> Array:
    """The M measures of the S texts of each of C conditions, (C, S, M).

    Args:
        model: the model.
        start: the state in which each text begins.
        conditions: the cell that is held, or None.
        seeds: one for each text.
        length: the characters of a text.
        binary: each character is a byte.
        progress: receives the share of the conditions that is done.
    """
    kinds = kinds_of(model.vocabulary, binary)
    newline = model.vocabulary.encode("\n", unknown="skip")

    def measures_of(held: Sequence[Held | None]) -> Array:
        mine, C, S = CharRNN.sharing(model), len(held), len(seeds)
        reader = Reader(mine, C * S)
        columns = np.arange(C * S).reshape(C, S)
        which = [number for number, each in enumerate(held) if each]
        reader.hold([each for each in held if each], [columns[number] for number in which])
        drawn = generate(reader, start, length, UNCHANGED, [*seeds] * C)
        text = np.stack([step.indices for step in drawn])  # (T, C·S)
        counts = [100 * kind[text].mean(axis=0) for kind in kinds]
        lines = length / (1 + np.isin(text, newline).sum(axis=0))
        bits = [each.mean() for each in score(mine, list(text.T), start)]
        rows = [lines, *counts, np.array(bits)]
        return np.stack(rows, axis=-1).reshape(C, S, len(rows))

    step = CONDITIONS_AT_A_TIME
    firsts = np.arange(0, len(conditions), step)
    measures = np.empty((len(conditions), len(seeds), len(NAMES)))

    def write(firsts: Array, progress: Progress) -> None:
        for done, first in enumerate(firsts, start=1):
            measures[first : first + step] = measures_of(conditions[first : first + step])
            progress(done / len(firsts))

    in_threads(write, firsts, progress)
    return measures


def kinds_of(vocabulary: Vocabulary, binary: bool) -> list[Array]:
    """For each of the `KINDS`, True for the characters of a vocabulary that it has, (V,).

    Args:
        vocabulary: the vocabulary.
        binary: each character is a byte, and only ASCII is of a kind.
    """
    return [
        np.array(
            [of(char) and (char.isascii() or not binary) for char in vocabulary.ix_to_char], bool
        )
        for of in KINDS.values()
    ]


def answer(result: Effect) -> Answer:
    """Say what the cell changes most of what stands out, with a table of all measures."""
    others = f"{len(result.controls)} other cells"
    name = address(result.cell, result.layer, result.signal)
    found = sorted(
        (measure for measure in result.measures if measure.stands_out),
        key=lambda measure: -abs(measure.difference) / max(measure.typical, measure.error, 1e-9),
    )
    if result.high == result.low:
        sentence = (
            f"Cell {name} does not vary on the text: its high and its low end are both "
            f"{result.high:.2f}."
        )
    elif not found:
        sentence = f"Holding cell {name} changes nothing that stands out from {others}."
    else:
        sentence = f"{change(found[0], name)}. None of {others} changes this as much."
        if found[1:]:
            more = listed([measure.name for measure in found[1:]])
            sentence += f" What also stands out: {more}."
    table = Table(
        ("", "high", "low", "free", "high - low", "other cells", "stands out"),
        tuple(row(measure) for measure in result.measures),
        f"The network wrote {result.texts} texts of {result.characters} characters with cell "
        f"{name} held high, at {result.high:.2f}, held low, at {result.low:.2f} (the 95 % and 5 % "
        f"quantiles of its values), and free. {', '.join(KINDS)}: % of the characters; bits: by "
        f"the free network. other cells: the range of high - low of {others} of the layer, each "
        "at its own quantiles. stands out: larger than for each of them, "
        f"than {MARGIN} times their median, and than {NOISE} standard errors.",
    )
    return Answer(sentence, (), table)


def change(measure: Measure, name: str) -> str:
    """The change of a measure by holding a cell, with the end at which the measure is larger."""
    end, other = ("high", "low") if measure.difference > 0 else ("low", "high")
    more, less = max(measure.high, measure.low), min(measure.high, measure.low)
    held = f"Held {end}, cell {name} writes"
    if measure.name == LINE:
        return f"{held} lines of {more:.0f} characters, and of {less:.0f} held {other}"
    if measure.name == BITS:
        return f"{held} a text of {more:.2f} bits a character, and of {less:.2f} held {other}"
    if not less:
        return f"{held} {measure.name}, {more:.2g} % of its characters, and none held {other}"
    return f"{held} {more / less:.2g} times as many {measure.name} as held {other}"


def row(measure: Measure) -> tuple[str, ...]:
    """A row of the table."""
    low, high = measure.others.min(), measure.others.max()
    return (
        measure.name,
        f"{measure.high:.2f}",
        f"{measure.low:.2f}",
        f"{measure.free:.2f}",
        f"{measure.difference:+.2f}",
        f"{low:+.2f} to {high:+.2f}",
        "yes" if measure.stands_out else "no",
    )
