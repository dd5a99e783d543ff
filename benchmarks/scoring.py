"""Lines and characters scored a second by `charrnn inspect --score`.

Each row runs once through the command line, on generated lines of 63 characters and on the lines as
a running text. The time is from the start of the process to its end, the memory is the peak. The
networks are trained for some steps only, because the cost depends on the size of a network.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from common import Options, Result, Table, alone
from texts import MEGABYTE, generate
from watching import charrnn, watch

from charrnn.shell import command_line

#: The options of each row, by its name in the table.
ASKED = {
    "--score line": ("--score", "line"),
    "--score line --carried": ("--score", "line", "--carried"),
    "--score char": ("--score", "char"),
}
#: Characters of the text.
CHARACTERS = MEGABYTE


def measure(options: Options) -> Result:
    """Measure each size of a network, a row for each of `ASKED`."""
    rows = []
    figures = Table("command".ljust(24), "cells", "lines a second", "characters", "peak RSS, MB")
    size = MEGABYTE // 8 if options.quick else CHARACTERS
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        generate(folder / "lines.txt", size)
        lines = (folder / "lines.txt").read_bytes().count(b"\n")
        for hidden_size in ("128",) if options.quick else ("128", "256", "512"):
            path = f"{hidden_size}.npz"
            sized = ("--hidden-size", hidden_size, "--steps", "5", "--workers", "1")
            watch(charrnn("train", "lines.txt", "-c", path, *sized), folder)
            for command, asked in ASKED.items():
                text = ("--text", "lines.txt")
                # `watch` reads stdout at the end: rows in a pipe would stop the command.
                line = command_line(charrnn("inspect", "-c", path, *text, *asked))
                finished = watch(("sh", "-c", f"exec {line} > rows.txt"), folder)
                row = {
                    "command": command,
                    "hidden_size": int(hidden_size),
                    "lines": lines / finished.seconds,
                    "characters": size / finished.seconds,
                    "peak_resident": finished.peak_resident,
                }
                rows.append(row)
                figures.row(*list(row.values())[:4], finished.peak_resident / 1e6)
    return {"size": size, "rows": rows}


if __name__ == "__main__":
    alone(measure, __doc__)
