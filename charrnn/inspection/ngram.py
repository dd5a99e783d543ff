"""A network compared with n-gram models of its training text."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, log

import numpy as np

from charrnn.arrays import Array
from charrnn.errors import TextError
from charrnn.inspection.answer import Answer, Figure, Series, Table
from charrnn.inspection.character_classes import CLASSES, classes_of, sums
from charrnn.inspection.features.brackets import OPENING, pairs
from charrnn.inspection.features.features import in_double_quotes
from charrnn.inspection.features.quotations import DOUBLE_QUOTES
from charrnn.inspection.kneser_ney import NGram
from charrnn.inspection.mixture import MIN_CHARACTERS, Mixture, mix
from charrnn.inspection.recording import record
from charrnn.inspection.subject import Subject
from charrnn.inspection.wording import share
from charrnn.network.model import CharRNN

HELP = "A comparison with n-gram models of the training text."
HEADING = "N-gram models"

#: The default order of the longest n-gram model.
ORDER = 9
#: The largest distances, in characters, from an opening to its closing in each group.
DISTANCES = (10, 30, 100, 300, inf)
#: Closing brackets and quotes.
CLOSING = {*OPENING, *DOUBLE_QUOTES}
#: A group of distances is reported where it has at least this many closings.
MIN_CLOSINGS = 20


@dataclass(frozen=True)
class Row:
    """The network and the n-gram model on one group of characters.

    Attributes:
        name: the name of the group.
        count: the number of characters.
        network, ngram: the mean bits a character of each of the two.
    """

    name: str
    count: int
    network: float
    ngram: float


@dataclass(frozen=True)
class Comparison:
    """The bits that a network and n-gram models need for the same characters.

    Attributes:
        characters: the number of characters, all of the text but the first.
        trained: the number of characters that the n-gram models have counted.
        network: the network's bits a character.
        orders: n = 1, 2, …, (n,).
        bits: bits a character of the n-gram model of each order, (n,).
        best: the order with the fewest bits; chosen on this text, which favours the n-gram
            model a little.
        classes: the network and the best n-gram model by class of character.
        closing: the same for closing brackets and quotes by the distance from the opening, for
            distances with at least 20 of them.
        mixture: the network and an n-gram model mixed; None for a text of 1,000 characters or
            fewer, and for one that the n-gram models have counted.
    """

    characters: int
    trained: int
    network: float
    orders: Array
    bits: Array
    best: int
    classes: tuple[Row, ...]
    closing: tuple[Row, ...]
    mixture: Mixture | None


def compare(
    model: CharRNN,
    indices: Array,
    train: Array,
    *,
    order: int = ORDER,
    ngram: NGram | None = None,
    held_out: bool = True,
) -> Comparison:
    """Compare a network with n-gram models of every order (Karpathy, Johnson, Fei-Fei 2015).

    Both predict the same characters, all but the first of the text, each from the characters
    before it in that text.

    Args:
        model: the network.
        indices: the text, (N,), at least 2 characters.
        train: the text that the network was trained on, (M,); the n-gram models use the last
            `charrnn.inspection.kneser_ney.MAX_CHARACTERS`.
        order: the order of the longest n-gram model.
        ngram: the n-gram models of `train`; made here unless given.
        held_out: the text is no part of `train`. Otherwise there is no mixture: the n-gram models
            have counted the characters that they would add.

    Raises:
        TextError: for a shorter text.
        SettingError: for an order below 1.
    """
    N = len(indices)
    if N < 2:
        raise TextError(
            f"n-grams are compared on a text of at least 2 characters, not {len(indices)}"
        )
    ngram = ngram or NGram(train, len(model.vocabulary), order)
    log_probs = ngram.log_probs(indices)[1:, 1:]
    losses = record(model, indices).losses
    text = model.vocabulary.decode(indices)
    return summarize(text, losses / log(2), log_probs / -log(2), ngram.trained, held_out=held_out)


def analyse(subject: Subject) -> Comparison:
    """Compare the model of a subject with n-gram models of its training text."""
    return compare(
        subject.model,
        subject.indices,
        subject.train,
        ngram=subject.ngram,
        held_out=subject.control is not None,
    )


def summarize(
    text: str,
    network: Array,
    ngrams: Array,
    trained: int,
    *,
    min_closings: int = MIN_CLOSINGS,
    held_out: bool = True,
) -> Comparison:
    """The means over the text and over groups of characters.

    Args:
        text: N characters.
        network: the bits of the network for each character but the first, (N − 1,).
        ngrams: the same for each n-gram model, (n, N − 1).
        trained: the number of characters that the n-gram models have counted.
        min_closings: the number of closings that a reported group needs.
        held_out: as for `compare`.
    """
    bits = ngrams.mean(axis=1)
    best = int(bits.argmin())
    positions, distances = closings(text)
    ends = [f"to {end:,}" if end < inf else "farther" for end in DISTANCES]
    names = [f"closing, {end}" for end in ends]
    groups = np.searchsorted(DISTANCES, distances)
    of_closings = network[positions - 1], ngrams[best, positions - 1]
    return Comparison(
        characters=len(network),
        trained=trained,
        network=float(network.mean()),
        orders=np.arange(1, len(ngrams) + 1),
        bits=bits,
        best=best + 1,
        classes=by_group(list(CLASSES), classes_of(text)[1:], network, ngrams[best]),
        closing=by_group(names, groups, *of_closings, least=min_closings),
        mixture=mix(network, ngrams) if held_out else None,
    )


def by_group(
    names: list[str], groups: Array, network: Array, ngram: Array, least: int = 1
) -> tuple[Row, ...]:
    """The means of two models by group.

    Args:
        names: the names of the groups 0, 1, ….
        groups: the group of each character, (M,).
        network, ngram: the bits of each character, (M,) each.
        least: groups with fewer characters are left out.
    """
    counts, of_network = sums(groups, network, len(names))
    _, of_ngram = sums(groups, ngram, len(names))
    return tuple(
        Row(name, n, one / n, other / n)
        for name, n, one, other in zip(
            names, counts.tolist(), of_network.tolist(), of_ngram.tolist()
        )
        if n >= least
    )


def closings(text: str) -> tuple[Array, Array]:
    """The positions of closing brackets and double quotes, and the distances from their openings,
    (M,) each.

    Only pairs of which both ends are in the text count.
    """
    spans = [pair[1:] for pair in pairs(text)]
    spans += [span for span in in_double_quotes(text) if text[span[0]] in DOUBLE_QUOTES]
    ends = {stop: start for start, stop in spans if text[stop : stop + 1] in CLOSING}
    positions = np.array(sorted(ends), np.intp)
    return positions, positions - np.array([ends[stop] for stop in positions.tolist()], np.intp)


def answer(result: Comparison) -> Answer:
    """Say the bits of the network, of the best n-gram model and of a mixture of the two."""
    best = result.bits[result.best - 1]
    sentence = (
        f"The network needs {result.network:.2f} bits a character, the best n-gram "
        f"(n = {result.best}) {best:.2f}. {_of_mixture(result)}"
    )
    figures = [_orders_figure(result)]
    if result.mixture is not None:
        figures.append(_mixture_figure(result.mixture))
    figures.append(_rows_figure(result, "Bits by class of character", result.classes))
    if result.closing:
        figures.append(_rows_figure(result, "Bits of closing brackets and quotes", result.closing))
    return Answer(sentence, tuple(figures), _table(result))


def _of_mixture(result: Comparison) -> str:
    """The bits of the mixture, and what follows from them; or the reason why there is none."""
    found = result.mixture
    if found is None and result.characters < MIN_CHARACTERS:
        return f"To mix the two, a text of more than {MIN_CHARACTERS:,} characters is needed."
    if found is None:
        return (
            "To mix the two, name a text that the n-gram models have not counted, with --text FILE."
        )
    ngram = f"{found.order}-gram"
    if found.over_network.clear and found.over_ngram.clear:
        meaning = (
            f"Counting knows {found.over_network.bits:.2f} bits a character that the network does "
            "not know"
        )
    elif found.over_network.clear:
        meaning = "Mixing is no better than counting alone: the network adds nothing"
    else:
        meaning = "Mixing is no better than the network alone: counting adds nothing"
    return (
        f"On the second half of the text the network needs {found.network:.2f}, the {ngram} "
        f"{found.ngram:.2f}, and both mixed ({share(found.weight)} network, "
        f"{share(1 - found.weight)} {ngram}) {found.mixed:.2f}. {meaning}."
    )


def _orders_figure(result: Comparison) -> Figure:
    orders = result.orders.tolist()
    return Figure(
        title="Bits a character by n",
        x_label="n",
        y_label="bits a character",
        series=(
            Series("network", orders, [result.network] * len(orders)),
            Series("n-gram", orders, result.bits.tolist()),
        ),
        caption="Lower is better; an n-gram model sees n - 1 characters before each one.",
    )


def _mixture_figure(mixture: Mixture) -> Figure:
    return Figure(
        title="Bits of a mixture by its weight",
        x_label="weight of the network",
        y_label="bits a character",
        series=(
            Series("mixture", mixture.weights.tolist(), mixture.bits.tolist()),
            Series("weight of the first half", [mixture.weight], [mixture.mixed], "points"),
        ),
        caption=(
            f"At 0 the {mixture.order}-gram alone, at 1 the network alone. The curve is below both "
            "ends if each knows something that the other does not."
        ),
    )


def _rows_figure(result: Comparison, title: str, rows: tuple[Row, ...]) -> Figure:
    names = [row.name for row in rows]
    return Figure(
        title=title,
        x_label="",
        y_label="bits a character",
        series=(
            Series("network", names, [row.network for row in rows], "bars"),
            Series(f"{result.best}-gram", names, [row.ngram for row in rows], "bars"),
        ),
        caption="The shorter of two bars predicts better.",
    )


def _table(result: Comparison) -> Table:
    """The network and the best n-gram model on each group of characters."""
    headings = ("characters", "how many", "network", f"{result.best}-gram", "fewer bits")
    rows = list(map(_row, [*result.classes, *result.closing]))
    if not result.closing:
        rows.append(("closing, by distance", "too few", "–", "–", "–"))
    return Table(headings, tuple(rows), "Bits a character of each group; fewer are better.")


def _row(row: Row) -> tuple[str, ...]:
    difference = f"{abs(row.network - row.ngram):.2f}"
    winner = "network" if row.network < row.ngram else "n-gram"
    return (
        row.name,
        f"{row.count:,}",
        f"{row.network:.2f}",
        f"{row.ngram:.2f}",
        "–" if difference == "0.00" else f"{winner}, by {difference}",
    )
