"""Score texts: the bits that a model needs for each character of a text, from its beginning.

A text begins as a sample does, see `charrnn.sampling.beginning`. So the first character is scored,
too, and the bits of a text are −log₂ of the probability that the model writes the text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from math import log
from typing import NamedTuple

import numpy as np

from charrnn.arrays import Array
from charrnn.errors import DivergedError
from charrnn.inspection.reading import Piece, read_through, signals_of
from charrnn.inspection.side_by_side import read_texts
from charrnn.network.loss import cross_entropy
from charrnn.network.model import CharRNN
from charrnn.sampling import Start, beginning
from charrnn.text.vocabulary import Vocabulary

#: The parts of a text that have a score of their own.
UNITS = ("line", "word", "char", "file")
#: Characters of a text that are scored at a time.
BLOCK = 1 << 18
#: Characters of an item that are kept to show them.
MAX_SHOWN = 100_000


@np.errstate(over="ignore", invalid="ignore")  # non-finite bits are found below
def score(model: CharRNN, texts: Sequence[Array], start: Start) -> list[Array]:
    """The bits of each character of texts that are independent of each other.

    Args:
        model: the model.
        texts: indices (n,) each.
        start: where each text begins.

    Returns:
        For each text its bits, −log₂ p of each character, (n,), float64.

    Raises:
        DivergedError: where the bits are not finite.
    """
    if not texts:
        return []
    # The last character of a text is scored, and not read.
    targets = np.concatenate([text[1:] for text in texts]).astype(np.intp)
    bits = np.empty(len(targets))

    @np.errstate(over="ignore", invalid="ignore")  # errstate holds in one thread
    def store(piece: Piece) -> None:
        of_piece = targets.take(piece.positions, mode="clip")
        piece.store(cross_entropy(piece.model.logits(piece.hidden), of_piece) / log(2), bits)

    read_texts(model, [text[:-1] for text in texts], store, start=start.state)
    firsts = bits_of(start.logits)
    if not (np.isfinite(firsts).all() and np.isfinite(bits).all()):
        raise DivergedError.of_states("reads")
    later = np.split(bits, np.cumsum([max(len(text) - 1, 0) for text in texts])[:-1])
    return [np.concatenate([firsts[text[:1]], part]) for text, part in zip(texts, later)]


def bits_of(logits: Array) -> Array:
    """−log₂ p of each character, from the logits (V,): (V,), float64."""
    shifted = logits.astype(np.float64) - logits.max()
    bits: Array = (np.log(np.exp(shifted).sum()) - shifted) / log(2)
    return bits


@np.errstate(over="ignore", invalid="ignore")  # non-finite bits are found below
def score_on(model: CharRNN, indices: Array, start: Start) -> tuple[Array, Start]:
    """The bits of each character of a running text, and the state after the text.

    Args:
        model: the model.
        indices: the text, (N,); read in parts side by side where it is long.
        start: the state before the text.

    Returns:
        −log₂ p of each character, (N,), float64; and where the text after this one begins.

    Raises:
        DivergedError: where a state or the bits are not finite.
    """
    N = len(indices)
    if not N:
        return np.empty(0), start
    bits, after = np.empty(N), Start(np.empty_like(start.state), np.empty_like(start.logits))
    bits[0] = bits_of(start.logits)[indices[0]]
    names = model.layers[0].state_names

    def store(piece: Piece) -> None:
        logits = piece.model.logits(piece.hidden)  # (V, T, B)
        for t, b in np.argwhere(piece.positions == N - 1):
            after.logits[...] = logits[:, t, b]
            for (layer, name), values in piece.values.items():
                after.state[layer - 1, names.index(name)] = values[t, :, b]
        # The target of the last character is unknown; any will do, as its bits are not stored.
        targets = indices.take(piece.positions + 1, mode="clip").astype(np.intp)
        piece.store(cross_entropy(logits, targets) / log(2), bits[1:])

    read_through(model, indices, signals_of(model), store, start=start.state)
    if not np.isfinite(bits).all():
        raise DivergedError.of_states("reads")
    return bits, after


class Block(NamedTuple):
    """A part of a text."""

    text: str  # N characters
    #: The positions at which items end, ascending, from 0 to N.
    ends: Array


class Item(NamedTuple):
    """A line, a word, a character or a file with its scores, one for each model."""

    number: int  # from 1
    text: str  # at most `MAX_SHOWN` characters
    characters: int
    #: The number of unknown characters. They cost nothing.
    unknown: tuple[int, ...]
    bits: tuple[float, ...]

    @property
    def bpc(self) -> tuple[float | None, ...]:
        """The bits for each character that the model knows; None where the model knows none."""
        known = (self.characters - unknown for unknown in self.unknown)
        return tuple(bits / n if n else None for bits, n in zip(self.bits, known))


class Scorer:
    """A model that scores texts block by block.

    Args:
        model: the model.
        excerpt: of a text as that of the training, see `charrnn.sampling.beginning`.
        carried: carry the state from one item to the next; otherwise each item begins as a text
            does. A block then has whole items, or a part of one item and those after it.
    """

    def __init__(self, model: CharRNN, excerpt: str = "", *, carried: bool = True) -> None:
        self.model, self._carried = model, carried
        with np.errstate(over="ignore", invalid="ignore"):
            self._beginning = beginning(model, excerpt)
        self.begin()

    def begin(self) -> None:
        """Begin a new text."""
        self._start, self._within = self._beginning, False

    def score(self, block: Block) -> tuple[Array, Array]:
        """The bits of each character, (N,), and booleans (N,), False for unknown characters."""
        indices, known = known_indices(self.model.vocabulary, block.text)
        bits = np.zeros(len(known))
        if self.model.vocabulary.replaces:
            bits[...] = self._score(indices, block.ends)
            bits[~known] = 0
        else:
            ends = np.concatenate([[0], np.cumsum(known)])[block.ends]
            bits[known] = self._score(indices, ends)
        return bits, known

    def _score(self, indices: Array, ends: Array) -> Array:
        """The bits of the characters that the model reads, (n,), of items with these ends."""
        if self._carried:
            bits, self._start = score_on(self.model, indices, self._start)
            return bits
        items, first = np.split(indices, ends), np.empty(0)
        if self._within or not len(ends):  # an item that is longer than a block
            first, self._start = score_on(self.model, items.pop(0), self._start)
            self._within = not len(ends)
        if len(ends):
            self._start = self._beginning
        return np.concatenate([first, *score(self.model, items, self._beginning)])


def known_indices(vocabulary: Vocabulary, text: str) -> tuple[Array, Array]:
    """The indices that a model reads for a text, and booleans (N,), False for unknown characters.

    Unknown characters are left out, or U+FFFD in a vocabulary that replaces them.
    """
    unknown = "replace" if vocabulary.replaces else "skip"
    return vocabulary.encode(text, unknown=unknown), vocabulary.knows(text)


def score_items(
    pieces: Iterable[str],
    scorers: Sequence[Scorer],
    unit: str,
    *,
    binary: bool = False,
    done: Callable[[int], object] = lambda characters: None,
) -> Iterator[Item]:
    """Score the items of a text of any size.

    A line includes its newline, and a word the whitespace after it, so that the bits of all items
    are those of the text.

    Args:
        pieces: of the text.
        scorers: a scorer for each model.
        unit: the items, one of `UNITS`.
        binary: each character is a byte, and only ASCII has whitespace.
        done: called with the number of characters of each block that has been scored.

    Raises:
        DivergedError: where bits are not finite.
    """
    for scorer in scorers:
        scorer.begin()
    number, shown, characters = 1, "", 0
    unknown, bits = np.zeros(len(scorers), np.intp), np.zeros(len(scorers))  # of an open item
    for block in blocks(pieces, unit, binary):
        scored = [scorer.score(block) for scorer in scorers]
        bounds = [0, *block.ends.tolist(), len(block.text)]
        all_bits = _between(np.stack([each for each, _ in scored]), bounds)  # (items, models)
        all_unknown = _between(np.stack([~known for _, known in scored]), bounds)
        all_bits[0] += bits
        all_unknown[0] += unknown
        sums = zip(bounds, bounds[1:-1], all_unknown.tolist(), all_bits.tolist())
        for start, end, item_unknown, item_bits in sums:
            shown += block.text[start : min(end, start + MAX_SHOWN - len(shown))]
            characters += end - start
            yield Item(number, shown, characters, tuple(item_unknown), tuple(item_bits))
            number, shown, characters = number + 1, "", 0
        shown += block.text[bounds[-2] :][: MAX_SHOWN - len(shown)]
        characters += bounds[-1] - bounds[-2]
        unknown, bits = all_unknown[-1], all_bits[-1]
        done(len(block.text))
    if characters or unit == "file":
        yield Item(number, shown, characters, tuple(unknown.tolist()), tuple(bits.tolist()))


def _between(values: Array, bounds: Sequence[int]) -> Array:
    """The sums of values (M, N) between bounds (n + 1,): (n, M)."""
    sums = np.zeros((values.shape[1] + 1, len(values)), np.result_type(values, np.intp))
    np.cumsum(values.T, axis=0, out=sums[1:])
    between: Array = np.diff(sums[bounds], axis=0)
    return between


def blocks(pieces: Iterable[str], unit: str, binary: bool = False) -> Iterator[Block]:
    """Divide a text into blocks. A line is in one block, unless it is longer than a block.

    Args:
        pieces, unit, binary: as for `score_items`.
    """
    text, space = "", False  # space: before the text
    for piece in pieces:
        text += piece
        while len(text) >= BLOCK:
            size = (text.rfind("\n", 0, BLOCK) + 1 if unit == "line" else 0) or BLOCK
            block, text = text[:size], text[size:]
            ends, space = _ends(block, unit, binary, space)
            yield Block(block, ends)
    if text:
        yield Block(text, _ends(text, unit, binary, space)[0])


def _ends(text: str, unit: str, binary: bool, space: bool) -> tuple[Array, bool]:
    """The positions at which items of a block end, and True for whitespace at its end.

    Args:
        text: of the block.
        unit, binary: as for `score_items`.
        space: the character before the block is whitespace.
    """
    flags = re.ASCII if binary else 0
    if unit == "char":
        return np.arange(1, len(text) + 1), False
    if unit == "file":
        return np.empty(0, np.intp), False
    pattern = r"\n" if unit == "line" else r"\s(?=\S)"
    ends = [found.end() for found in re.finditer(pattern, text, flags)]
    if unit == "word":
        if space and re.match(r"\S", text, flags):
            ends.insert(0, 0)
        space = re.match(r"\s", text[-1], flags) is not None
    return np.array(ends, np.intp), space
