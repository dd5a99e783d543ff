"""The time and memory of `charrnn inspect`.

Each analysis runs once through the command line, on the excerpt in the checkpoint of a default run;
`--find` also runs on a text of a million characters with 512 cells. The time is from the start of
the process to its end, the memory is the peak. The networks are trained for some seconds only,
because the cost of an analysis depends on the size of a network. The exception is `--find`, which
also holds the cells that it finds.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from common import Options, Result, Table, alone
from watching import charrnn, watch

#: The options of each command, by its name in the table.
ASKED = {
    "--cell 42": ("--cell", "42"),
    "--find": ("--find",),
    "--gradient": ("--gradient",),
    "--memory": ("--memory",),
    "--gates": ("--gates",),
    "--spectrum": ("--spectrum",),
    "--surprisal": ("--surprisal",),
    "--errors": ("--errors",),
    "--ngram": ("--ngram",),
    "--html": ("--html", "report.html"),
}
#: Steps of the training of each network.
STEPS = 300


def measure(options: Options) -> Result:
    """Measure each analysis, a row each."""
    if not options.text.exists():
        reason = f"{options.text}: no such file: `make data/shakespeare.txt`, or name one by --text"
        print(f"left out: {reason}")
        return {"left_out": reason}
    rows = []
    figures = Table("command".ljust(32), "cells", "characters", "seconds", "peak RSS, MB")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        steps = "20" if options.quick else str(STEPS)
        for hidden_size, path in (("256", "default.npz"), ("512", "large.npz")):
            sized = ("--hidden-size", hidden_size, "--steps", steps)
            watch(charrnn("train", str(options.text), "-c", path, *sized), folder)
        asked: list[tuple[str, int, Path | None, str]] = [
            ("default.npz", 256, None, command) for command in ASKED
        ]
        asked.append(("large.npz", 512, options.text, "--find"))
        for path, size, text, command in asked[:3] if options.quick else asked:
            more = () if text is None else ("--text", str(text))
            finished = watch(charrnn("inspect", "-c", path, *ASKED[command], *more), folder)
            row = {
                "command": f"{command}{' --text FILE' if text else ''}",
                "hidden_size": size,
                "characters": read(command, folder / path) if text is None else length(text),
                "seconds": finished.seconds,
                "peak_resident": finished.peak_resident,
            }
            rows.append(row)
            figures.row(*list(row.values())[:4], finished.peak_resident / 1e6)
    return {"text": options.text.name, "steps": int(steps), "rows": rows}


def read(command: str, path: Path) -> int:
    """The number of characters that a command reads of the excerpt in a checkpoint."""
    from charrnn import checkpoint

    excerpt = len(checkpoint.read(path).excerpt)
    return min(20_000, excerpt) if command.startswith("--cell") else excerpt


def length(text: Path) -> int:
    """The number of characters of a text."""
    return len(text.read_text(encoding="utf-8"))


if __name__ == "__main__":
    alone(measure, __doc__)
