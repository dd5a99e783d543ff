"""The command `charrnn`, and `python -m charrnn`."""

from __future__ import annotations

import sys
from types import TracebackType

from charrnn.cli import group
from charrnn.cli.console import prepare_streams
from charrnn.cli.failures import safe_traceback
from charrnn.parallel.launch import ending_together


def main() -> None:
    """Run the command line."""
    prepare_streams()
    sys.excepthook = show_bug
    with ending_together():
        # TEXT alone is expanded where the shell does not, by charrnn.text.paths.
        group(prog_name="charrnn", windows_expand_args=False)


def show_bug(
    kind: type[BaseException], error: BaseException, traceback: TracebackType | None
) -> None:
    """Write a traceback as Python does, but without control characters."""
    print(safe_traceback(error), file=sys.stderr)


if __name__ == "__main__":
    main()
