"""How long `charrnn inspect` takes to look inside a network.

Each analysis once, through the command line, from start to exit, with the peak of its memory: on
the excerpt that the checkpoint of a default run carries, and `--find` on a text of a million
characters and 512 cells. The networks are trained for some seconds only: what an analysis costs
depends on their size, not on what they know; only --find goes on to hold the cells it has found.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from common import Options, Result, Table, alone
from watching import charrnn, watch

#: What is asked, by the name it has in the table.
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
#: Steps that the networks are trained.
STEPS = 300


def measure(options: Options) -> Result:
    """A row for each analysis."""
    if not options.text.exists():
        reason = f"{options.text}: no such file: `make data/shakespeare.txt`, or name one by --text"
        print(f"left out: {reason}")
        return {"left_out": reason}
    rows = []
    figures = Table("command".ljust(32), "units", "characters", "seconds", "peak RSS, MB")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        steps = "20" if options.quick else str(STEPS)
        for units, path in (("256", "default.npz"), ("512", "large.npz")):
            sized = ("--hidden-size", units, "--steps", steps)
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
                "units": size,
                "characters": read(command, folder / path) if text is None else length(text),
                "seconds": finished.seconds,
                "peak_resident": finished.peak_resident,
            }
            rows.append(row)
            figures.row(*list(row.values())[:4], finished.peak_resident / 1e6)
    return {"text": options.text.name, "steps": int(steps), "rows": rows}


def read(command: str, path: Path) -> int:
    """How many characters of the excerpt in a checkpoint a command reads."""
    from charrnn import checkpoint

    excerpt = len(checkpoint.read(path).excerpt)
    return min(20_000, excerpt) if command.startswith("--cell") else excerpt


def length(text: Path) -> int:
    """Of a text."""
    return len(text.read_text(encoding="utf-8"))


if __name__ == "__main__":
    alone(measure, __doc__)
