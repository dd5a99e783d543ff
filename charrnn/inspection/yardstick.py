"""A network beside n-gram models of the same text: what it has learned that they cannot."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from math import inf, log

import numpy as np

from charrnn.arrays import Array
from charrnn.errors import TextError
from charrnn.inspection.classes import CLASSES, classes_of, sums
from charrnn.inspection.ngram import NGram
from charrnn.inspection.recording import record
from charrnn.network.model import CharRNN
from charrnn.text.vocabulary import code_points

#: The longest n-grams looked at unless another order is asked for.
ORDER = 9
#: What closes, with what has opened it.
PAIRS = {")": "(", "]": "[", "}": "{", "”": "“", "»": "«", "』": "『", "」": "「", "】": "【"}
#: Distances from the opening to the closing, in characters, up to which they are one group.
DISTANCES = (10, 30, 100, 300, inf)
#: A distance is looked at where the text has so many.
LEAST = 20


@dataclass(frozen=True)
class Beside:
    """The network and the n-gram on some of the characters.

    Attributes:
        name: which ones.
        count: how many.
        network, ngram: the mean bits each of the two needs for one.
    """

    name: str
    count: int
    network: float
    ngram: float


@dataclass(frozen=True)
class Yardstick:
    """What a network and n-gram models need for the same characters.

    Attributes:
        characters: how many, all of the text but the first.
        trained: how many characters the n-gram models have counted.
        network: the network's bits a character.
        orders: n = 1, 2, …, (n,).
        bits: bits a character of the n-gram model of each order, (n,).
        best: the order that needs the fewest; being chosen on this very text flatters the
            n-gram a little.
        classes: the network and the best n-gram by class of character.
        closing: the same for closing brackets and quotes, by how many characters ago they were
            opened; only distances that there are at least 20 of.
    """

    characters: int
    trained: int
    network: float
    orders: Array
    bits: Array
    best: int
    classes: tuple[Beside, ...]
    closing: tuple[Beside, ...]


def yardstick(
    model: CharRNN,
    indices: Array,
    train: Array,
    *,
    order: int = ORDER,
    ngram: NGram | None = None,
) -> Yardstick:
    """A network beside n-gram models of every order (Karpathy, Johnson, Fei-Fei 2015).

    Both predict the same characters, all but the first of the text, each from those before it
    in that text.

    Args:
        model: the network.
        indices: the text, (N,), at least 2 characters.
        train: the text that the network was trained on, (M,), for the n-gram models; of more
            than `charrnn.inspection.ngram.MOST` the end.
        order: the longest n-grams.
        ngram: the n-gram models, where they are at hand, instead of ones made from `train`.

    Raises:
        TextError: for a shorter text.
        SettingError: for an order below 1.
    """
    if len(indices) < 2:
        raise TextError(
            f"a yardstick needs a text of 2 characters or more to measure, not {len(indices)}"
        )
    ngram = ngram or NGram(train, len(model.vocabulary), order)
    log_probs = ngram.log_probs(indices)[1:, 1:]
    losses = record(model, indices).losses
    text = model.vocabulary.decode(indices)
    return compared(text, losses / log(2), log_probs / -log(2), ngram.trained)


def compared(text: str, network: Array, ngrams: Array, trained: int) -> Yardstick:
    """Means over the text and over the characters of each kind.

    Args:
        text: of N characters.
        network: the bits the network needs for each but the first, (N − 1,).
        ngrams: the bits each n-gram model needs, (n, N − 1).
        trained: how many characters the n-gram models have counted.
    """
    bits = ngrams.mean(axis=1)
    best = int(bits.argmin())
    places, distances = closings(text)
    ends = [f"to {end:,}" if end < inf else "farther" for end in DISTANCES]
    names = [f"closing, {end}" for end in ends]
    groups = np.searchsorted(DISTANCES, distances)
    two = network[places - 1], ngrams[best, places - 1]
    return Yardstick(
        characters=len(network),
        trained=trained,
        network=float(network.mean()),
        orders=np.arange(1, len(ngrams) + 1),
        bits=bits,
        best=best + 1,
        classes=beside(list(CLASSES), classes_of(text)[1:], network, ngrams[best]),
        closing=beside(names, groups, *two, least=LEAST),
    )


def beside(
    names: list[str], groups: Array, network: Array, ngram: Array, least: int = 1
) -> tuple[Beside, ...]:
    """The means of two models by group.

    Args:
        names: of the groups 0, 1, ….
        groups: of each character, (M,).
        network, ngram: bits, (M,) each.
        least: groups with fewer characters are left out.
    """
    counts, of_network = sums(groups, network, len(names))
    _, of_ngram = sums(groups, ngram, len(names))
    return tuple(
        Beside(name, n, one / n, other / n)
        for name, n, one, other in zip(
            names, counts.tolist(), of_network.tolist(), of_ngram.tolist()
        )
        if n >= least
    )


def closings(text: str) -> tuple[Array, Array]:
    """Where brackets and quotes close, and how many characters ago they were opened, (M,) each.

    A closing one closes the last of its kind that is open; one that closes nothing is left
    out. Straight double quotes (") open and close in turns, and a blank line ends the turn.
    Straight single ones are not looked at: most are apostrophes.
    """
    marks = "".join({*PAIRS, *PAIRS.values(), '"', "\n"})
    looked_at = np.flatnonzero(np.isin(code_points(text), code_points(marks)))
    opened: defaultdict[str, list[int]] = defaultdict(list)
    places, distances = [], []
    for place in looked_at.tolist():
        character = text[place]
        if character == "\n":
            if text[place - 1 : place] == "\n":
                opened['"'].clear()
            continue
        opening = PAIRS.get(character, character)
        waiting = opened[opening]
        if waiting and (character in PAIRS or character == '"'):
            places.append(place)
            distances.append(place - waiting.pop())
        elif opening == character:
            waiting.append(place)
    return np.array(places, np.intp), np.array(distances, np.intp)
