"""Losses over time on tiny Shakespeare: charrnn, and PyTorch with the same recipe.

    make data/shakespeare.txt && python benchmarks/learning.py --picture docs/learning.svg

Four runs, one after the other: `charrnn train --optimizer adam --dropout 0`, the same training in
PyTorch, `charrnn train` with its defaults, and `charrnn train --time 60s`. (PyTorch's nn.GRU
cannot mask the h that Wh reads, as charrnn's dropout does.) PyTorch has nn.GRU and the fused AdamW,
with one thread or a thread per core, whichever takes less time for a step in a short trial.
Starting weights, windows, learning rates and the scorer are the same in both; the losses of the
first steps are compared, and a line says whether they agree. The seconds are from the start of the
process, with all imports, to the end of a validation. Losses are in nats a character on the last
tenth of the text, with the state carried.

nanoGPT's quick start on a CPU stands beside them as published. `--nanogpt FOLDER` runs it here,
too: a copy of its repository, in which data/shakespeare_char/prepare.py has run.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
from math import ceil, floor
from pathlib import Path
from statistics import median
from typing import NamedTuple

import picture
from common import WITHOUT_TORCH, Options, Result, alone, fastest, shown, table, without_text
from contenders import contenders, interleaved
from quality import NANOGPT
from recipe import Recipe
from steps import torch_training_step
from throughput import TORCH
from watching import Finished, charrnn, watch

from charrnn.inspection.answer import Figure, Series
from charrnn.parallel.threads import NAMES

#: The budget of the last run, in seconds.
BUDGET = 60
#: The first steps, in which the training losses of both libraries differ by at most this.
FIRST, TOLERANCE = 20, 1e-3
#: Loss and seconds of nanoGPT's quick start, by https://github.com/karpathy/nanoGPT, README.md:
#: "This still runs in about ~3 minutes, but gets us a loss of only 1.88".
NANOGPT_LOSS, NANOGPT_SECONDS = 1.88, 180
#: The command of that quick start, a file that it reads, and its lines with a loss.
NANOGPT_TRAINING = (
    "train.py config/train_shakespeare_char.py --device=cpu --compile=False --eval_iters=20 "
    "--log_interval=1 --block_size=64 --batch_size=12 --n_layer=4 --n_head=4 --n_embd=128 "
    "--max_iters=2000 --lr_decay_iters=2000 --dropout=0.0"
)
NANOGPT_DATA = Path("data", "shakespeare_char", "val.bin")
NANOGPT_LINE = re.compile(r"step (\d+): train loss [\d.]+, val loss ([\d.]+)")
#: Losses that the last table has the time to.
MILESTONES = (NANOGPT_LOSS, 1.7, 1.6, 1.55, 1.5)
#: The names of three runs: defaults, a recipe that PyTorch can follow, and this recipe there.
DEFAULT, OURS = "charrnn train", "charrnn train, Adam, no dropout"
THEIRS = "PyTorch, same recipe"
#: The name of the run of nanoGPT.
NANOGPT_HERE = "nanoGPT's quick start"
#: Higher losses are not in the picture: they would leave no room for the differences of lower ones.
MAX_DRAWN = 2.1
#: The options of that recipe.
RECIPE = ("--optimizer", "adam", "--dropout", "0")


class Point(NamedTuple):
    """A validation: seconds since the start of the process, step and loss."""

    seconds: float
    step: int
    loss: float


class Curve(NamedTuple):
    """A run: its validations, and the losses of its first steps on the training text."""

    points: list[Point]
    first_losses: list[float]


def measure(options: Options) -> Result:
    """Measure all runs."""
    if left_out := without_text(options):
        return left_out
    if options.nanogpt and not (options.nanogpt / NANOGPT_DATA).exists():
        raise SystemExit(f"{options.nanogpt}: no data: run data/shakespeare_char/prepare.py there")
    result: Result = {"text": options.text.name}
    time = f"{5 if options.quick else BUDGET}s"
    budget = f"{DEFAULT} --time {time}"
    curves: dict[str, Curve] = {}

    def add(name: str, curve: Curve) -> None:
        """Add a run, and say so: all of them take minutes."""
        curves[name] = curve
        print(f"{name}: {end_of(curve)}", flush=True)

    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        more = ["--steps", "120"] if options.quick else []
        add(OURS, charrnn_curve(options, folder, "same", *RECIPE, *more))
        if "torch" in options.libraries:
            recipe = folder / "recipe.json"
            Recipe.of_run(folder / "same.npz", options.text).write(recipe)
            result["trial"] = trial(options, recipe)
            result["threads"] = TORCH[fastest(result["trial"])]
            add(THEIRS, torch_curve(folder, recipe, result["threads"]))
        else:
            print(WITHOUT_TORCH)
        add(DEFAULT, charrnn_curve(options, folder, "default", *more))
        add(budget, charrnn_curve(options, folder, "budget", "--time", time))
        if options.nanogpt:
            add(NANOGPT_HERE, nanogpt_curve(options, folder))
    if THEIRS in curves:
        result |= compare(curves[OURS], curves[THEIRS])
    print(f"\n`{budget}`:\n")
    table(("seconds", "step", "loss"), map(row_of, curves[budget].points))
    print("\nSeconds to the first validation with a loss of at most:\n")
    table(("loss", *curves), milestones(curves))
    print(NANOGPT)
    if options.picture:
        picture.write(figure(curves), options.picture)
        print(f"\n{options.picture}: the curves")
    return {**result, "curves": {name: each.points for name, each in curves.items()}}


def charrnn_curve(options: Options, folder: Path, name: str, *more: str) -> Curve:
    """Run `charrnn train`."""
    log = folder / f"{name}.jsonl"
    asked = ["-c", str(folder / f"{name}.npz"), "--log", str(log), *more]
    finished = watch(charrnn("train", str(options.text), *asked), folder)
    records = read_log(log)

    def since_first(record: Result) -> float:
        """Seconds since just before the first step."""
        return float(record["characters"] / record["chars_per_second"])

    start = finished.when("step 1 of") - since_first(records[0])
    return curve(records, [start + since_first(record) for record in records])


def torch_curve(folder: Path, recipe: Path, threads: int) -> Curve:
    """Run the same training in PyTorch."""
    log = folder / "torch.jsonl"
    program = Path(__file__).with_name("torch_gru.py")
    variables = {name: str(threads) for name in NAMES}
    command = [sys.executable, str(program), str(recipe), str(log)]
    finished = watch(command, folder, variables)
    records = read_log(log)
    return curve(records, times_of_steps(finished, records))


def nanogpt_curve(options: Options, folder: Path) -> Curve:
    """Run nanoGPT's quick start; its losses are estimates, in windows from an empty context."""
    assert options.nanogpt
    more = ["--max_iters=250"] if options.quick else []
    command = [sys.executable, "-u", *NANOGPT_TRAINING.split(), f"--out_dir={folder}", *more]
    # It writes to stdout, and `watch` takes the time of lines on stderr.
    finished = watch(["sh", "-c", 'exec "$@" >&2', "sh", *command], options.nanogpt)
    found = ((seconds, NANOGPT_LINE.match(line)) for seconds, line in finished.lines)
    points = [Point(seconds, int(line[1]), float(line[2])) for seconds, line in found if line]
    return Curve([point for point in points if point.step], [])


def times_of_steps(finished: Finished, records: list[Result]) -> list[float]:
    """The time of the line on stderr of each step with a validation; 0 for other steps."""
    times = {line: seconds for seconds, line in finished.lines}
    return [times.get(f"step {record['step']}", 0.0) for record in records]


def read_log(path: Path) -> list[Result]:
    """The steps in a log."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def curve(records: list[Result], seconds: list[float]) -> Curve:
    """The curve of a run, from its log and the time of each step."""
    points = [
        Point(time, record["step"], record["val_loss"])
        for time, record in zip(seconds, records)
        if record["val_loss"] is not None
    ]
    return Curve(points, [record["loss"] for record in records[:FIRST]])


def trial(options: Options, recipe: Path) -> dict[str, list[float]]:
    """The seconds of a step in PyTorch, in turns, by the name of the contender in `TORCH`."""
    with contenders(TORCH) as who:
        for contender in who.values():
            contender.prepare(torch_training_step, str(recipe))
        times = interleaved(who, options.turns, options.seconds)
    steps = ", ".join(f"{name} {1000 * median(each):.1f}" for name, each in times.items())
    print(f"trial, milliseconds a step: {steps}", flush=True)
    return times


def compare(ours: Curve, theirs: Curve) -> Result:
    """Print both runs side by side, and whether they had the same recipe."""
    difference = max(abs(a - b) for a, b in zip(ours.first_losses, theirs.first_losses))
    same = difference <= TOLERANCE and len(ours.points) == len(theirs.points)
    print(
        f"\nThe training losses of the first {len(ours.first_losses)} steps differ by at most "
        f"{difference:.1e}: "
        + ("the same recipe." if same else "NOT THE SAME RECIPE; do not compare the times.")
    )
    print("\nThe run with this recipe, and the same in PyTorch:\n")
    pairs = list(zip(ours.points, theirs.points))
    table(
        ("step", "charrnn, seconds", "loss", "PyTorch, seconds", "loss", "ratio"),
        (
            (
                *(our.step, our.seconds, f"{our.loss:.3f}", their.seconds, f"{their.loss:.3f}"),
                their.seconds / our.seconds,
            )
            for our, their in pairs
        ),
    )
    our, their = pairs[-1]
    ratio = their.seconds / our.seconds
    print(f"\nPyTorch took {ratio:.2f} times as long as charrnn. Above 1 charrnn is faster.")
    return {"first_losses_differ_by": difference, "same_recipe": same, "ratio": ratio}


def end_of(curve: Curve) -> str:
    """The loss of the last validation, and its time."""
    last = curve.points[-1]
    return f"{last.loss:.3f} in {shown(last.seconds)} s"


def row_of(point: Point) -> tuple[object, ...]:
    """The row of a validation."""
    return point.seconds, point.step, f"{point.loss:.3f}"


def milestones(curves: dict[str, Curve]) -> list[tuple[object, ...]]:
    """The seconds of each run to the first validation with some loss; None if it never had it."""
    return [
        (f"{loss:.2f}", *(seconds_to(loss, each.points) for each in curves.values()))
        for loss in MILESTONES
    ]


def seconds_to(loss: float, points: list[Point]) -> float | None:
    """The seconds to the first validation with at most this loss; None for none."""
    return next((point.seconds for point in points if point.loss <= loss), None)


def figure(curves: dict[str, Curve]) -> Figure:
    """The curves, each named at its end; where nanoGPT was not run, its point as published."""
    series, drawn = [], []
    for name, curve in curves.items():
        points = [point for point in curve.points if point.loss <= MAX_DRAWN] or curve.points
        x, y = [point.seconds for point in points], [point.loss for point in points]
        series.append(Series(f"{name}\n{end_of(curve)}", x, y))
        drawn += points
    if NANOGPT_HERE not in curves:
        published = f"{NANOGPT_HERE}, as published\n{NANOGPT_LOSS} in about 3 minutes, a laptop"
        series.append(Series(published, [NANOGPT_SECONDS], [NANOGPT_LOSS], "points"))
        drawn.append(Point(NANOGPT_SECONDS, 0, NANOGPT_LOSS))
    losses = [point.loss for point in drawn]
    return Figure(
        "Loss on the last tenth of tiny Shakespeare, by time",
        "seconds since the start of the program",
        "loss, nats a character",
        tuple(series),
        x_range=(0, 20 * ceil(max(point.seconds for point in drawn) / 20)),
        y_range=(floor(10 * min(losses)) / 10, ceil(10 * max(losses)) / 10),
        caption=f"Lower is better. A point is a validation. Losses above {MAX_DRAWN} are left out.",
    )


if __name__ == "__main__":
    alone(measure, __doc__)
