"""The loss of a model by the time of its training, on tiny Shakespeare, by the command line.

    make data/shakespeare.txt && python benchmarks/quality.py

`charrnn train` runs with a budget of 15, 30, 60 and 180 seconds, and once with its defaults. The
time from its start to its end stands beside the budget. Two losses, in nats a character, are those
of the weights with the lowest validation loss, on the last tenth of the text (nanoGPT's cut: the
first int(0.9·N) characters are trained on):

- carried: as charrnn validates, the state is carried through the whole tenth;
- from empty: in windows of 256 characters, each from an empty context.

The held-out tenth also chose the weights and the defaults. Others report losses in the same way,
but a loss on a text that played no part in any choice would be higher.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from common import Options, Result, Table, alone, table, without_text
from watching import charrnn, watch

BUDGETS = (15, 30, 60, 180)
LENGTH = 256
#: From https://github.com/karpathy/nanoGPT, README.md, "quick start".
NANOGPT = """
nanoGPT's README gives 1.88 for its quick start on a CPU ("about ~3 minutes" on a laptop; windows
of 64 characters) and 1.4697 for its configuration for a GPU (3 minutes on an A100; windows of
256), both from an empty context: https://github.com/karpathy/nanoGPT#quick-start"""


def measure(options: Options) -> Result:
    """Measure a run for each budget, and the default run."""
    if left_out := without_text(options):
        return left_out
    budgets = (5,) if options.quick else BUDGETS
    rows = []
    figures = Table("run     ", "seconds", "steps", "characters/s", "carried", "from empty")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for budget in (*budgets, None):
            row = run(options, folder, budget)
            rows.append(row)
            losses = (f"{row[loss]:.3f}" for loss in ("carried", "from_empty"))
            speed = row["characters_a_second"]
            figures.row(row["run"], row["seconds"], row["steps"], speed, *losses)
        points = curve(folder / "default.jsonl")
    print("\nThe default run on its way; its learning rate falls until the end:\n")
    reached = [last_before(points, budget) for budget in budgets]
    table(
        ("after seconds", "validated at", "step", "carried"),
        (
            (budget, point["seconds"], point["step"], f"{point['carried']:.3f}")
            for budget, point in zip(budgets, reached)
            if point
        ),
    )
    print(NANOGPT)
    return {"text": options.text.name, "rows": rows, "default_curve": points}


def run(options: Options, folder: Path, budget: int | None) -> Result:
    """Measure a run with a budget in seconds; with the defaults for None."""
    name = f"--time {budget}" if budget else "default"
    path = folder / f"{budget or 'default'}.npz"
    asked = ["--time", str(budget)] if budget else ["--log", str(path.with_suffix(".jsonl"))]
    if options.quick and not budget:
        asked += ["--steps", "120"]
    finished = watch(charrnn("train", str(options.text), "-c", str(path), *asked), folder)
    carried, from_empty, steps, characters = score(path, options.text)
    return {
        "run": name,
        "budget": budget,
        "seconds": finished.seconds,
        "steps": steps,
        "characters_a_second": characters / finished.seconds,
        "carried": carried,
        "from_empty": from_empty,
    }


def score(path: Path, text: Path) -> tuple[float, float, int, int]:
    """Two losses of a run, with carried state and from empty contexts; its steps and characters."""
    from charrnn import checkpoint
    from charrnn.training.evaluation import evaluate_from_empty

    saved = checkpoint.read(path)
    model = saved.build("best")
    whole = text.read_text(encoding="utf-8")
    held_out = model.vocabulary.encode(whole[int(0.9 * len(whole)) :])
    steps, settings = saved.run.step, saved.settings
    assert settings
    assert saved.run.best_loss is not None
    return (
        saved.run.best_loss,
        evaluate_from_empty(model, held_out, length=LENGTH),
        steps,
        steps * settings.batch_size * settings.seq_length,
    )


def curve(log: Path) -> list[Result]:
    """The validations in a log: seconds since the beginning of the first step, step and loss."""
    records = map(json.loads, log.read_text(encoding="utf-8").splitlines())
    return [
        {
            "seconds": record["characters"] / record["chars_per_second"],
            "step": record["step"],
            "carried": record["val_loss"],
        }
        for record in records
        if record["val_loss"] is not None
    ]


def last_before(points: list[Result], seconds: float) -> Result | None:
    """The last validation within a time; None for none."""
    within = [point for point in points if point["seconds"] <= seconds]
    return within[-1] if within else None


if __name__ == "__main__":
    alone(measure, __doc__)
