"""Run the lecture's examples; as a script, write their output into docs/lecture/.

    python tests/helpers/lecture.py          # every page
    python tests/helpers/lecture.py 2 5      # the pages that begin with these numbers

An example is a fenced block of a page. A `console` block has commands after `$ `, each followed by
its output. A `python` block is a script; if a `text` block follows, that block is its output. The
word `slow` after `console` or `python` marks an example that the tests do not run.

Each page has a folder of its own, with the data/ of the repository in it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs" / "lecture").glob("*.md"))
BLOCK = re.compile(
    r"```console(?P<console_slow> slow)?\n(?P<console>.*?)```"
    r"|```python(?P<python_slow> slow)?\n(?P<python>.*?)```(?:\n\n?```text\n(?P<text>.*?)```)?",
    re.DOTALL,
)
#: A command in a console block; a backslash at the end of a line continues it.
COMMAND = re.compile(r"^\$ (?P<command>(?:.*\\\n)*.*)\n(?P<output>(?:(?!\$ ).*\n)*)", re.MULTILINE)
#: A progress line of a long analysis; their number depends on the speed of the machine.
PROGRESS = re.compile(r"\w+: \d+%")
#: The name of the file that holds a Python example while it runs.
SCRIPT = ".example.py"
#: Seconds after which a command is stopped.
TIMEOUT = 900
FUNCTIONS = f"""
charrnn() {{ "{sys.executable}" -m charrnn "$@"; }}
python() {{ "{sys.executable}" "$@"; }}
"""
KEPT_VARIABLES = ("PATH", "PYTHONPATH", "OPENBLAS_NUM_THREADS", "HOME", "TMPDIR")


class Example(NamedTuple):
    """A command or a script, and its output on the page."""

    #: for a shell
    command: str
    #: of the script, if this is one
    python: str
    #: stdout and stderr; None if the page does not show it
    output: str | None
    slow: bool


def commands(block: str, slow: bool) -> Iterator[Example]:
    """The examples in a console block."""
    for found in COMMAND.finditer(block):
        yield Example(found["command"], "", found["output"], slow)


def examples(page: Path) -> Iterator[Example]:
    """The examples of a page, in order."""
    for found in BLOCK.finditer(page.read_text(encoding="utf-8")):
        if found["console"] is not None:
            yield from commands(found["console"], bool(found["console_slow"]))
        else:
            slow = bool(found["python_slow"])
            yield Example(f"python {SCRIPT}", found["python"], found["text"], slow)


@contextmanager
def folder() -> Iterator[Path]:
    """A folder for the examples of a page."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name)
        (path / "data").mkdir()
        shutil.copy(ROOT / "data" / "lighthouse.txt", path / "data")
        yield path


def run(example: Example, path: Path) -> tuple[int, str]:
    """The exit code of an example, and its output, in a folder."""
    (path / SCRIPT).write_text(example.python, encoding="utf-8")
    environment = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
    done = subprocess.run(
        ["bash", "-c", FUNCTIONS + example.command],
        cwd=path,
        env={"LC_ALL": "C.UTF-8", "COLUMNS": "110", **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=TIMEOUT,
    )
    lines = (line.rstrip() for line in done.stdout.splitlines() if not PROGRESS.fullmatch(line))
    output = "".join(f"{line}\n" for line in lines)
    return done.returncode, output


def written(page: Path) -> str:
    """A page with the output that its examples have now.

    Raises:
        RuntimeError: for an example that fails.
    """

    def output(example: Example) -> str:
        code, text = run(example, path)
        if code or "Traceback" in text:
            raise RuntimeError(f"{page.name}: {example.command}{example.python}\n{text}")
        return text

    def replaced(found: re.Match[str]) -> str:
        block = found[0]
        if found["console"] is not None:
            new = "".join(
                f"$ {example.command}\n{output(example)}"
                for example in commands(found["console"], slow=False)
            )
            return block.replace(found["console"], new)
        new = output(Example(f"python {SCRIPT}", found["python"], "", slow=False))
        if found["text"] is None:
            return block
        start = found.start("text") - found.start()
        return block[:start] + new + block[start + len(found["text"]) :]

    with folder() as path:
        return BLOCK.sub(replaced, page.read_text(encoding="utf-8"))


if __name__ == "__main__":
    numbers = tuple(sys.argv[1:]) or ("",)
    for page in PAGES:
        if page.name.startswith(numbers):
            page.write_text(written(page), encoding="utf-8")
            print(page.name)
