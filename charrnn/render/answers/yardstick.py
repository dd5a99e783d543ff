"""A network beside n-gram models, in words and pictures."""

from __future__ import annotations

from charrnn.inspection.yardstick import Beside, Yardstick
from charrnn.render.figures import Answer, Figure, Series, Table


def answer(result: Yardstick) -> Answer:
    """What the network needs, and what the best n-gram does; where each of them wins."""
    best = result.bits[result.best - 1]
    sentence = (
        f"The network needs {result.network:.2f} bits a character, the best n-gram "
        f"(n = {result.best}) {best:.2f}."
    )
    figures = [_orders(result), _beside(result, "Bits by class of character", result.classes)]
    if result.closing:
        figures.append(_beside(result, "Bits of closing brackets and quotes", result.closing))
    return Answer(sentence, tuple(figures), _table(result))


def _orders(result: Yardstick) -> Figure:
    orders = result.orders.tolist()
    return Figure(
        title="Bits a character by n",
        x_label="n",
        y_label="bits a character",
        series=(
            Series("network", orders, [result.network] * len(orders)),
            Series("n-gram", orders, result.bits.tolist()),
        ),
    )


def _beside(result: Yardstick, title: str, rows: tuple[Beside, ...]) -> Figure:
    names = [row.name for row in rows]
    return Figure(
        title=title,
        x_label="",
        y_label="bits a character",
        series=(
            Series("network", names, [row.network for row in rows], "bars"),
            Series(f"{result.best}-gram", names, [row.ngram for row in rows], "bars"),
        ),
    )


def _table(result: Yardstick) -> Table:
    """The network and the best n-gram on each kind of character."""
    headings = ("characters", "how many", "network", f"{result.best}-gram", "fewer bits")
    rows = list(map(_row, [*result.classes, *result.closing]))
    if not result.closing:
        rows.append(("closing, by distance", "too few", "–", "–", "–"))
    return Table(headings, tuple(rows))


def _row(row: Beside) -> tuple[str, ...]:
    less = f"{abs(row.network - row.ngram):.2f}"
    winner = "network" if row.network < row.ngram else "n-gram"
    return (
        row.name,
        f"{row.count:,}",
        f"{row.network:.2f}",
        f"{row.ngram:.2f}",
        "–" if less == "0.00" else f"{winner}, by {less}",
    )
