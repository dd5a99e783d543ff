"""The time until the commands answer, beside the time to import NumPy and PyTorch.

The commands take turns. The checkpoint has the default size and was trained for some steps. The
times are the seconds from the start of the process to the first character on stdout, and to its
end.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from common import ROOT, Options, Result, alone, table
from watching import charrnn

#: The fewest runs of each command.
LEAST_TURNS = 7


def commands(libraries: Sequence[str]) -> dict[str, list[str]]:
    """The commands to run, by their names in the table."""
    imports = ["numpy", *(["torch"] if "torch" in libraries else [])]
    return {
        "python -c pass": [sys.executable, "-c", "pass"],
        **{f"import {name}": [sys.executable, "-c", f"import {name}"] for name in imports},
        "charrnn --help": charrnn("--help"),
        "charrnn sample --length 1": charrnn("sample", "--length", "1"),
        "charrnn inspect": charrnn("inspect"),
    }


def measure(options: Options) -> Result:
    """Measure each command, medians over the turns."""
    turns = options.turns if options.quick else max(options.turns, LEAST_TURNS)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        text = str(ROOT / "data" / "lighthouse.txt")
        train = charrnn("train", text, "--steps", "20", "--val-frac", "0")
        subprocess.run(train, cwd=folder, check=True, capture_output=True)
        asked = commands(options.libraries)
        times: dict[str, list[tuple[float, float]]] = {title: [] for title in asked}
        for turn in range(turns + 1):
            for title, command in asked.items():
                taken = run(command, folder)
                if turn:  # before that, files come from the disk
                    times[title].append(taken)
    rows = []
    for title, taken_each in times.items():
        first, end = (median(values) for values in zip(*taken_each))
        says = title.startswith("charrnn")
        rows.append({"command": title, "first_character": first if says else None, "end": end})
    table(
        ("command".ljust(25), "to its first character", "to its end"),
        map(list, map(dict.values, rows)),
    )
    return {"turns": turns, "rows": rows}


def run(command: Sequence[str], folder: Path) -> tuple[float, float]:
    """The seconds to the first character of a command, and to its end; the end twice for none."""
    begun = time.perf_counter()
    with subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout is not None
        process.stdout.read(1)
        first = time.perf_counter() - begun
        process.stdout.read()
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with exit code {process.returncode}")
    return first, time.perf_counter() - begun


if __name__ == "__main__":
    alone(measure, __doc__)
