"""Why a character was expected: the contribution of each character before it.

For the character x at a position, L_n is log2 p(x) after the last n characters before it have been
read from an empty state; L_0 is what the network expects before it has read anything, softmax(by).
The contribution of the n-th character before x is L_n − L_(n−1). Adding the contributions gives
L_N − L_0. The first of them includes the way out of the empty state.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import log

import numpy as np

from charrnn.arrays import Array
from charrnn.errors import SettingError, TextError
from charrnn.inspection.answer import Answer, ColoredText, Figure, Series, Table
from charrnn.inspection.features.features import compiled
from charrnn.inspection.reading import Progress, check_finite, in_threads, no_progress
from charrnn.inspection.subject import Subject
from charrnn.inspection.wording import characters, share
from charrnn.network.model import CharRNN
from charrnn.sampling import Reader, log_softmax
from charrnn.shell import quoted

HELP = (
    "Explain the character at a position (from 0), or the last characters of the matches of a "
    "regular expression: which characters before made it likelier?"
)
HEADING = "Why this character"

#: N, the characters before a position that are read, and the matches of a pattern.
CONTEXT, MAX_MATCHES = 100, 200
#: Digits of a position; more would be beyond any text.
MAX_DIGITS = 18
#: Bits that are no contribution worth a row or a sentence.
SMALL = 0.05
#: Rows of the table, and bars of the figure of characters.
ROWS = 8
#: The least number of bits that has the full colour.
FULL_COLOR_BITS = 1.0


@dataclass(frozen=True)
class Why:
    """The bits of M characters after the last 0, 1, …, N characters before each of them.

    Attributes:
        positions: of the characters in the text, counted from 0, (M,).
        characters: the M characters.
        before: up to N characters before each of them.
        bits: −log2 p of each character after the last n = 0 … N characters before it, (M, N + 1).
            Beyond the beginning of the text the bits stay the same.
        pattern: the regular expression whose matches end at the positions; None for positions.
        matches: the number of matches in the text, of which M are read; None for positions.
    """

    positions: Array
    characters: str
    before: tuple[str, ...]
    bits: Array
    pattern: str | None = None
    matches: int | None = None

    @property
    def contributions(self) -> Array:
        """The mean bits by which the n-th character before, n = 1 … N, makes its character
        likelier, (N,); below zero where it makes it less likely.
        """
        mean: Array = -np.diff(self.bits.mean(axis=0))
        return mean

    @property
    def without_context(self) -> float:
        """The mean bits before anything has been read."""
        return float(self.bits[:, 0].mean())

    @property
    def with_context(self) -> float:
        """The mean bits after N characters."""
        return float(self.bits[:, -1].mean())


def contributions(
    model: CharRNN,
    text: str | Array,
    positions: Sequence[int] | Array,
    *,
    context: int = CONTEXT,
    progress: Progress = no_progress,
) -> Why:
    """The contribution of each character before some positions to the prediction there.

    Args:
        model: the model.
        text: characters, at least 2; or their indices.
        positions: (M,), at least one, counted from 0; before each of them stands a character.
        context: N, at least 1; fewer where no position has that many characters before it.
        progress: receives the share of the positions that is done, from 0 to 1.

    Raises:
        TextError: for a shorter text.
        SettingError: for a position outside of the text, or its first one; no position; or no
            context.
        UnknownCharacterError: for characters that are not in the model's vocabulary.
        DivergedError: for hidden states or logits that are not finite.
    """
    indices = model.vocabulary.encode(text) if isinstance(text, str) else text
    if len(indices) < 2:
        raise TextError(f"why needs a text of at least 2 characters, not {len(indices)}")
    if context < 1:
        raise SettingError(f"at least one character of context is needed, not {context}")
    for position in positions:
        if not 1 <= position < len(indices):
            raise SettingError(
                f"position {position}: the text has {characters(len(indices))}, counted from 0, "
                f"and none before the first: choose a position from 1 to {len(indices) - 1}"
            )
    at = np.asarray(positions, np.intp)
    if not len(at):
        raise SettingError("no positions: give at least one")
    N = min(context, int(at.max()))
    bits = np.empty((len(at), N + 1))

    def read(rows: Array, progress: Progress) -> None:
        reader = Reader(CharRNN.sharing(model), N + 1)
        for done, row in enumerate(rows, start=1):
            bits[row] = bits_by_context(reader, model, indices, int(at[row]))
            progress(done / len(rows))

    in_threads(read, np.arange(len(at)), progress)
    return Why(
        positions=at,
        characters=model.vocabulary.decode(indices[at]),
        before=tuple(model.vocabulary.decode(indices[max(0, end - N) : end]) for end in at),
        bits=bits,
    )


def bits_by_context(reader: Reader, model: CharRNN, indices: Array, position: int) -> Array:
    """−log2 p of the character at a position after the last n = 0 … N before it, (N + 1,).

    Args:
        reader: a reader of N + 1 streams, of which the n-th reads the last n characters.
        model: the model of the reader.
        indices: the text.
        position: the position, at least 1.

    Raises:
        DivergedError: for hidden states or logits that are not finite.
    """
    B = reader.state.shape[-1]
    n = min(B - 1, position)
    reader.state[...] = 0
    for back in range(n, 0, -1):
        reader.state[..., : back + 1] = 0  # of the streams that begin here or later
        reader.read(np.full(B, indices[position - back], np.intp))
    logits = reader.logits.astype(np.float64)  # (V, B)
    logits[:, 0] = model.parameters["by"]  # this stream reads nothing
    check_finite(reader.state, logits)
    bits: Array = -log_softmax(logits, np.full(B, indices[position], np.intp)) / log(2)
    bits[n + 1 :] = bits[n]  # the text begins there
    return bits


def analyse(subject: Subject) -> Why:
    """The contributions before the position or the matches that a subject asks about."""
    asked, progress = subject.why or "", subject.progress
    if asked.isascii() and asked.isdecimal():
        position = int(asked[:MAX_DIGITS])
        return contributions(subject.model, subject.indices, [position], progress=progress)
    ends = last_characters(subject.text, asked, subject.binary)
    chosen = np.linspace(0, len(ends) - 1, min(len(ends), MAX_MATCHES)).astype(int)
    found = contributions(subject.model, subject.indices, ends[chosen], progress=progress)
    return replace(found, pattern=asked, matches=len(ends))


def last_characters(text: str, regex: str, binary: bool = False) -> Array:
    """The positions of the last characters of the matches of a regular expression, ascending.

    With groups in the expression, of the matches of the first group. The first character of the
    text is left out where there are others, because nothing stands before it.

    Args:
        text: the text.
        regex: the regular expression.
        binary: each character of the text is a byte.

    Raises:
        SettingError: for an invalid regular expression, or one without matches in the text.
    """
    found = compiled(regex, "--why", binary)
    group = min(found.groups, 1)
    spans = (match.span(group) for match in found.finditer(text))
    ends = np.unique(np.fromiter((end - 1 for start, end in spans if end > start), np.intp))
    if not len(ends):
        if found.search(text):
            raise SettingError(
                f"--why {regex!r}: matches no characters, only empty strings: give an expression "
                "that matches at least one character"
            )
        remedy = "give another expression, or another text with --text FILE"
        if found.pattern in text:
            remedy = f"to find it as it stands, write {quoted(re.escape(regex))}"
        raise SettingError(f"--why {regex!r}: has no match in the text: {remedy}")
    return ends[ends > 0] if ends[-1] else ends


def answer(result: Why) -> Answer:
    """Say how much the context helps, and which character before helps most."""
    figures: list[Figure | ColoredText] = [_colored(result), _by_distance(result)]
    if len(result.positions) > 1:
        figures.append(_by_character(result))
    return Answer(_sentence(result), tuple(figures), _table(result))


def _sentence(result: Why) -> str:
    before, after = result.without_context, result.with_context
    gain, added = before - after, result.contributions
    sign = 1 if gain > 0 else -1
    direction = "likelier" if sign > 0 else "less likely"
    if len(result.positions) == 1:
        n = int(np.argmax(sign * added)) + 1
        source = f"{result.before[0][-n]!r} {characters(n)} before"
        strongest = abs(added[n - 1])
    else:
        sums = _sums_by_character(result)
        best = max(sums, key=lambda character: sign * sums[character])
        source, strongest = f"{best!r} at all distances", abs(sums[best])
    size, kind = abs(gain), _target(result)
    if max(size, strongest) < SMALL:
        said = f"the context does not change how likely {kind} is"
    elif size < SMALL:
        said = (
            f"in sum, the context does not change how likely {kind} is; {source} alone makes it "
            f"{strongest:.1f} bits {direction}"
        )
    elif strongest <= size:
        said = (
            f"of the {size:.1f} bits by which the context makes {kind} {direction}, "
            f"{strongest:.1f} come from {source}"
        )
    else:
        said = (
            f"the context makes {kind} {size:.1f} bits {direction}; {source} alone makes it "
            f"{strongest:.1f} bits {direction}"
        )
    if len(result.positions) > 1:
        of = f" of {result.matches:,}" if (result.matches or 0) > len(result.positions) else ""
        units = "positions" if result.matches is None else "matches"
        said = f"on average over {len(result.positions):,}{of} {units}, {said}"
    return (
        f"{said[0].upper()}{said[1:]}. Without context {kind} takes {before:.1f} bits, after "
        f"{characters(len(added))} {after:.1f}."
    )


def _target(result: Why) -> str:
    """The character that is predicted, in words."""
    return repr(result.characters[0]) if len(set(result.characters)) == 1 else "the last character"


def _commonest(result: Why, n: int) -> tuple[str, int]:
    """The commonest n-th character before the positions, and the number of positions with it."""
    found = Counter(before[-n] for before in result.before if len(before) >= n)
    return found.most_common(1)[0]


def _table(result: Why) -> Table | None:
    """The strongest contributions; None without any."""
    added, several = result.contributions, len(result.positions) > 1
    order = np.argsort(-np.abs(added), kind="stable")[:ROWS]
    strongest = [int(n) + 1 for n in order if abs(added[n]) >= SMALL]
    if not strongest:
        return None
    rows = []
    for n in strongest:
        character, count = _commonest(result, n)
        of = [share(count / len(result.positions))] if several else []
        rows.append((repr(character), str(n), *of, f"{added[n - 1]:+.2f}"))
    caption = "Bits above zero made the character likelier, those below zero less likely."
    if not several:
        return Table(("character", "distance", "bits"), tuple(rows), caption)
    caption += " The commonest character at each distance, and the share of the contexts with it."
    return Table(("commonest", "distance", "share", "bits"), tuple(rows), caption)


def _colored(result: Why) -> ColoredText:
    """The text before a position; of several positions, before the one most like the mean."""
    each = -np.diff(result.bits, axis=1)  # (M, N)
    row = int(np.argmin(((each - result.contributions) ** 2).sum(axis=1)))
    text = result.before[row]
    added = each[row, : len(text)][::-1]
    end = max(FULL_COLOR_BITS, float(np.abs(added).max()))
    title = f"Before {result.characters[row]!r} at position {result.positions[row]}"
    if len(result.positions) > 1:
        title += ", the context most like the mean"
    return ColoredText(
        title=title,
        text=text + result.characters[row],
        shades=np.append(added / end, 0),
        stops=tuple(
            (part, f"{part * end:+.1f} bits" if part else "0") for part in (-1.0, -0.5, 0, 0.5, 1.0)
        ),
        caption="Red characters made the last one likelier, blue ones less likely.",
    )


def _by_distance(result: Why) -> Figure:
    added = result.contributions.tolist()
    return Figure(
        title="Contribution by distance",
        x_label="characters before",
        y_label="bits",
        series=(Series("", list(range(1, len(added) + 1)), added),),
        log_x=True,
        caption="Above zero, the character at this distance made the predicted one likelier.",
    )


def _sums_by_character(result: Why) -> dict[str, float]:
    """The contribution of each character at all distances, mean bits over the positions."""
    sums: defaultdict[str, float] = defaultdict(float)
    for text, bits in zip(result.before, result.bits):
        for character, added in zip(reversed(text), (-np.diff(bits)).tolist()):
            sums[character] += added / len(result.positions)
    return sums


def _by_character(result: Why) -> Figure:
    sums = _sums_by_character(result)
    strongest = sorted(sums, key=lambda character: -abs(sums[character]))[:ROWS]
    shown = [character for character in strongest if abs(sums[character]) >= SMALL]
    return Figure(
        title="Contribution by character",
        x_label="",
        y_label="bits",
        series=(Series("", list(map(repr, shown)), [sums[one] for one in shown], "bars"),),
        caption="The sum over the positions of a character in a context; the mean over contexts.",
    )
