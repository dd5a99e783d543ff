"""`python -m charrnn`, and the command `charrnn`."""

from __future__ import annotations

import io
import sys

from charrnn.cli import group


def main() -> None:
    """Run the command line."""
    for stream in (sys.stdout, sys.stderr):
        # A console that cannot show a character gets its code, rather than an error.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    group(prog_name="charrnn")


if __name__ == "__main__":
    main()
