"""`python -m charrnn`, and the command `charrnn`."""

from __future__ import annotations

import sys
from types import TracebackType

from charrnn.cli import group
from charrnn.cli.failures import trace
from charrnn.cli.streams import prepare
from charrnn.parallel.launch import ending_together


def main() -> None:
    """Run the command line."""
    prepare()
    sys.excepthook = show_bug
    with ending_together():
        group(prog_name="charrnn")


def show_bug(
    kind: type[BaseException], error: BaseException, traceback: TracebackType | None
) -> None:
    """Write a traceback as Python does, but harmless to a terminal."""
    print(trace(error), file=sys.stderr)


if __name__ == "__main__":
    main()
