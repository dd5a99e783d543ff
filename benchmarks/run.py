"""Run all benchmarks, or some of them, one after the other.

python benchmarks/run.py                        # all, about an hour
python benchmarks/run.py throughput sampling    # some
python benchmarks/run.py --quick                # a rough pass, to see that everything works
"""

from __future__ import annotations

from pathlib import Path

import blocks
import copying
import effects
import finding
import floor
import layers
import learning
import looking
import memory
import mpi
import page
import quality
import sampling
import saving
import scaling
import scoring
import startup
import texts
import throughput
from common import Part, options, parser, write

PARTS: dict[str, Part] = {
    "throughput": throughput.measure,
    "floor": floor.measure,
    "blocks": blocks.measure,
    "sampling": sampling.measure,
    "startup": startup.measure,
    "memory": memory.measure,
    "scaling": scaling.measure,
    "quality": quality.measure,
    "learning": learning.measure,
    "layers": layers.measure,
    "texts": texts.measure,
    "looking": looking.measure,
    "page": page.measure,
    "scoring": scoring.measure,
    "finding": finding.measure,
    "effects": effects.measure,
    "copying": copying.measure,
    "saving": saving.measure,
    "mpi": mpi.measure,
}
RESULTS = Path(__file__).with_name("results.json")
PICTURE = Path(__file__).with_name("learning.svg")


def main() -> None:
    """Run the benchmarks on the command line; a full run also writes `RESULTS` and `PICTURE`."""
    command = parser(__doc__)
    command.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    arguments = command.parse_args()
    if unknown := set(arguments.parts) - set(PARTS):
        command.error(f"no part named {', '.join(sorted(unknown))}: {', '.join(PARTS)}")
    asked = options(arguments)
    if not asked.json and not asked.quick and not arguments.parts:
        asked.json, asked.picture = RESULTS, asked.picture or PICTURE
    write({name: PARTS[name] for name in arguments.parts or PARTS}, asked)


if __name__ == "__main__":
    main()
