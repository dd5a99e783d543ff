"""The time and memory of `charrnn inspect --copying`, by the size of the training text.

The training texts are random printable characters in lines. A text is searched once for spans of 20
characters, again for longer spans only where shorter ones were found, and no farther than to the
last span that is found. So that every search goes far, the text that is compared, by `--text`, is a
late part of the training text. "held" is the peak without files that are mapped into memory, which
the system can take back.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from common import Options, Result, Table, alone
from texts import MEGABYTE, ROOM, generate
from watching import charrnn, watch

#: Steps of the training, and characters of the text that is compared.
STEPS, COMPARED = 20, 100_000
#: The position of this text in the training text, which ends at 0.9.
POSITION = 0.8


def measure(options: Options) -> Result:
    """Measure every size for which the disk has room."""
    rows, left_out = [], []
    table = Table("MB  ", "seconds", "peak RSS, MB", "held, MB")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        text, part = folder / "large.txt", folder / "part.txt"
        for size in options.megabytes:
            if shutil.disk_usage(folder).free < ROOM * size * MEGABYTE:
                left_out.append(size)
                continue
            generate(text, size * MEGABYTE)
            with text.open("rb") as file:
                file.seek(int(POSITION * size * MEGABYTE))
                part.write_bytes(file.read(COMPARED))
            train = "--steps", str(STEPS), "--workers", "1", "--overwrite"
            watch(charrnn("train", text.name, *train), folder)
            finished = watch(charrnn("inspect", "--copying", "--text", part.name), folder)
            row = {
                "megabytes": size,
                "seconds": finished.seconds,
                "peak_resident": finished.peak_resident,
                "peak_held": finished.peak.held or None,
            }
            rows.append(row)
            held = row["peak_held"]
            peaks = finished.peak_resident / MEGABYTE, held / MEGABYTE if held else None
            table.row(size, finished.seconds, *peaks)
    for size in left_out:
        print(f"left out: {size:,} MB, as there is no room for {ROOM} times that in {name}")
    return {"rows": rows, "left_out": left_out}


if __name__ == "__main__":
    alone(measure, __doc__)
