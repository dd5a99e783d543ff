"""`python -m charrnn`, and the command `charrnn`."""

from __future__ import annotations

from charrnn.cli import group


def main() -> None:
    """Run the command line."""
    group(prog_name="charrnn")


if __name__ == "__main__":
    main()
