"""The gain of more workers, and the cost of more cells, streams, steps and characters.

The contenders are charrnn with one worker, with two, and with one per core; then, with one worker,
one size after the other is changed. Beside a large vocabulary stand the products with one-hot
vectors, which charrnn avoids, and the products with the output weights.
"""

from __future__ import annotations

from statistics import median

from common import VOCABULARY_SIZE, Options, Result, Table, alone, ratio
from contenders import Contender, Times, contenders, interleaved
from products import ROWS, one_hot_products, output_products
from steps import charrnn_step

from charrnn.machine import cores

LAYER_TYPE = "lstm"
#: The size from which one number is changed at a time.
BASE = {"cells": 256, "streams": 64, "steps": 32, "characters": VOCABULARY_SIZE}
CHANGES = {
    "cells": (64, 128, 256, 512),
    "streams": (8, 16, 32, 64, 128),
    "steps": (8, 16, 32, 64, 128),
    "characters": (VOCABULARY_SIZE, 256, 2_000, 10_000),
}
QUICK_CHANGES = {"cells": (128, 256), "characters": (VOCABULARY_SIZE, 2_000)}


def measure(options: Options) -> Result:
    """Measure the gain of workers, and the cost of each size."""
    print("Characters a second, lstm, by workers (times as many as one worker).\n")
    workers = over_workers(options)
    changes = {}
    for name, values in (QUICK_CHANGES if options.quick else CHANGES).items():
        rest = ", ".join(f"{value} {key}" for key, value in BASE.items() if key != name)
        print(f"\nMilliseconds a step by {name}; {rest}; one worker.\n")
        changes[name] = over_sizes(options, name, values)
    return {"workers": workers, **changes}


def over_workers(options: Options) -> list[Result]:
    """Speed by the number of workers."""
    counts = sorted({1, 2, cores()} if cores() > 1 else {1})
    rows = []
    table = Table(
        "cells × streams × steps", *(f"{n} worker{'s' * (n > 1)}".rjust(15) for n in counts)
    )
    with contenders({str(n): 1 for n in counts}) as who:
        for hidden_size in (128,) if options.quick else (128, 256, 512):
            for B, T in ((32, 32), (64, 32)):
                for name, contender in who.items():
                    contender.prepare(charrnn_step, LAYER_TYPE, hidden_size, 1, B, T, int(name))
                times = interleaved(who, options.turns, options.seconds)
                row: Result = {"hidden_size": hidden_size, "streams": B, "steps": T}
                for name, seconds in times.items():
                    row[name] = {
                        "characters_a_second": B * T / median(seconds),
                        "times_one_worker": ratio(times["1"], seconds),
                    }
                rows.append(row)
                cells = [
                    f"{row[name]['characters_a_second']:,.0f} ({row[name]['times_one_worker']:.2f})"
                    for name in times
                ]
                table.row(f"{hidden_size} × {B} × {T}", *cells)
    return rows


def over_sizes(options: Options, name: str, values: tuple[int, ...]) -> list[Result]:
    """The seconds of a step by one of the sizes; for the characters, also of products alone."""
    products = ["one-hot products", "output products"] if name == "characters" else []
    table = Table(name.ljust(10), "a step", f"times {BASE[name]}", *products)
    labels = [str(value) for value in values]
    beside = [f"{product} {label}" for label in labels for product in products]
    with contenders(dict.fromkeys([*labels, *beside], 1)) as who:
        for label, value in zip(labels, values):
            prepare(who, label, {**BASE, name: value})
        times = interleaved(who, options.turns, options.seconds)
    rows = []
    for label, value in zip(labels, values):
        row = row_of(times, label, products, times[str(BASE[name])])
        rows.append({name: value, **row})
        table.row(f"{value:,}", *row.values())
    return rows


def prepare(who: dict[str, Contender], label: str, size: dict[str, int]) -> None:
    """Prepare the contenders of one size."""
    hidden_size, B, T, V = size.values()
    who[label].prepare(charrnn_step, LAYER_TYPE, hidden_size, 1, B, T, 1, V)
    for name, contender in who.items():
        if name == f"one-hot products {label}":
            contender.prepare(one_hot_products, ROWS[LAYER_TYPE] * hidden_size, B * T, V)
        elif name == f"output products {label}":
            contender.prepare(output_products, hidden_size, B * T, V)


def row_of(times: Times, label: str, products: list[str], base: list[float]) -> dict[str, float]:
    """The figures of one size, in milliseconds, from the times of all contenders."""
    row = {"step": 1000 * median(times[label]), "times_base": ratio(times[label], base)}
    for product in products:
        row[product] = 1000 * median(times[f"{product} {label}"])
    return row


if __name__ == "__main__":
    alone(measure, __doc__)
