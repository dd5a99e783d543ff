"""The time and memory to prepare large texts, by the command line.

`charrnn train FILE --steps 20 --workers 1` reads files of random printable characters in lines. A
text is prepared when charrnn prints the number of its characters. The time until then on a small
file, which is the time to start, is subtracted. The peak is that of the process, by getrusage. A
part of the peak may be a file that is mapped into memory, which the system can take back; the rest
is "held".
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from statistics import median

import numpy as np
from common import Options, Result, Table, alone
from watching import Finished, charrnn, watch

MEGABYTE = 1_000_000
#: Free space on the disk, in sizes of the text: the text, its indices, and some room for others.
ROOM = 3
#: Characters of the small file, on which the time to start is measured.
SMALL = 10_000


def measure(options: Options) -> Result:
    """Measure every size for which the disk has room."""
    rows, left_out = [], []
    table = Table("MB  ", "MB/s", "to the first step", "whole run", "peak RSS, MB", "held, MB")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        small = folder / "small.txt"
        generate(small, SMALL)
        train(small)  # brings the program from the disk
        start = median(prepared(train(small)) for _ in range(3))
        for size in options.megabytes:
            if shutil.disk_usage(folder).free < ROOM * size * MEGABYTE:
                left_out.append(size)
                continue
            text = folder / "large.txt"
            generate(text, size * MEGABYTE)
            finished = train(text)
            text.unlink()
            row = {
                "megabytes": size,
                "megabytes_a_second": speed(size, prepared(finished), start),
                "seconds_to_first_step": finished.when("step 1 of"),
                "seconds": finished.seconds,
                "peak_resident": finished.peak_resident,
                "peak_held": finished.peak.held or None,
            }
            rows.append(row)
            figures = list(row.values())[:4]
            held = row["peak_held"]
            peaks = finished.peak_resident / MEGABYTE, held / MEGABYTE if held else None
            table.row(*figures, *peaks)
    for size in left_out:
        print(f"left out: {size:,} MB, as there is no room for {ROOM} times that in {folder}")
    return {"start": start, "rows": rows, "left_out": left_out}


def speed(size: int, seconds: float, start: float) -> float | None:
    """The megabytes prepared in a second; None for a time that starts alone may differ by."""
    return size / (seconds - start) if seconds > 1.3 * start else None


def generate(path: Path, size: int) -> None:
    """Write `size` printable characters in lines, the same ones each time."""
    rng = np.random.default_rng(0)
    with path.open("wb") as file:
        for begin in range(0, size, MEGABYTE):
            block = rng.integers(ord(" "), ord("~"), min(MEGABYTE, size - begin), np.uint8)
            block[::64] = ord("\n")
            file.write(block.tobytes())


def train(text: Path) -> Finished:
    """Train for twenty steps, with one validation."""
    command = "train", str(text), "--steps", "20", "--val-every", "20", "--workers", "1"
    return watch(charrnn(*command, "--overwrite"), text.parent)


def prepared(finished: Finished) -> float:
    """The seconds from the start of the program until the text was ready."""
    return finished.when("", " different; the last ")


if __name__ == "__main__":
    alone(measure, __doc__)
