"""The base of all benchmarks: options, figures over turns, tables, and the machine."""

from __future__ import annotations

import argparse
import ctypes
import importlib
import importlib.metadata
import importlib.util
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from math import exp, log
from pathlib import Path
from statistics import median
from typing import Any

from watching import seconds_of_others

import charrnn
from charrnn.machine import cores
from charrnn.network.products import blas

ROOT = Path(__file__).parents[1]
#: The number of different characters: as many as in tiny Shakespeare.
VOCABULARY_SIZE = 65
#: The message where PyTorch is not installed.
WITHOUT_TORCH = "without PyTorch to compare with: pip install torch==2.13.0"
#: A warning is printed where other programs use more than this share of a core meanwhile.
DISTURBING = 0.1
#: The variables that choose the kernel of OpenBLAS, which computes NumPy's products.
KERNEL_VARIABLES = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")

Result = dict[str, Any]


@dataclass
class Options:
    """The options of all benchmarks; a benchmark reads those that it needs.

    Attributes:
        quick: a rough pass, to see that everything works.
        turns: the number of turns of each contender or command.
        layer_types: the layer types to measure.
        text: the file of tiny Shakespeare, for `quality`, `learning` and `layers`.
        steps: the steps of each run of `layers`.
        megabytes: the sizes of the texts of `texts`.
        json: the file for the results; None for none.
        picture: the file for the picture of `learning`; None for none.
        coretype: the kernel of OpenBLAS; None for the one that fits the processor.
        nanogpt: a copy of the repository of nanoGPT, for `learning`; None for none.
    """

    quick: bool = False
    turns: int = 5
    layer_types: Sequence[str] = ("lstm", "gru", "vanilla")
    text: Path = ROOT / "data" / "shakespeare.txt"
    steps: int = 300
    megabytes: Sequence[int] = (10, 100, 1000)
    json: Path | None = None
    picture: Path | None = None
    coretype: str | None = None
    nanogpt: Path | None = None

    @property
    def seconds(self) -> float:
        """The shortest time of a turn, in seconds."""
        return 0.1 if self.quick else 1.0

    @property
    def libraries(self) -> list[str]:
        """The libraries to compare: charrnn, and PyTorch where it is installed."""
        return ["charrnn", "torch"] if importlib.util.find_spec("torch") else ["charrnn"]


#: A benchmark: prints its tables, and returns their contents for JSON.
Part = Callable[[Options], Result]


def parser(documentation: str | None) -> argparse.ArgumentParser:
    """A parser of command lines with the options of `Options`."""
    lines = (documentation or "").splitlines()
    result = argparse.ArgumentParser(description=lines[0] if lines else None)
    default = Options()
    result.add_argument("--quick", action="store_true", help="a rough pass, to see that it works")
    result.add_argument("--turns", type=int, help=f"turns of each  [default: {default.turns}]")
    result.add_argument("--layer-types", nargs="+", default=default.layer_types, metavar="TYPE")
    result.add_argument("--text", type=Path, default=default.text, help="tiny Shakespeare")
    result.add_argument("--steps", type=int, default=default.steps, help="of each run of layers")
    result.add_argument(
        "--megabytes", type=int, nargs="+", metavar="MB", help="sizes of texts to prepare"
    )
    result.add_argument("--json", type=new_file, metavar="FILE", help="write the results there")
    result.add_argument(
        "--picture", type=new_file, metavar="FILE", help="draw the curves of learning there, as SVG"
    )
    result.add_argument(
        "--coretype", metavar="KERNEL", help="a kernel of OpenBLAS for all that is measured"
    )
    result.add_argument(
        "--nanogpt", type=Path, metavar="FOLDER", help="a copy of nanoGPT, for learning"
    )
    return result


def new_file(path: str) -> Path:
    """The path of a file to write, in a folder that exists.

    Raises:
        argparse.ArgumentTypeError: if the folder does not exist.
    """
    if not Path(path).parent.is_dir():
        raise argparse.ArgumentTypeError(f"{path}: there is no folder {Path(path).parent}")
    return Path(path)


def options(arguments: argparse.Namespace) -> Options:
    """The options on a command line; missing ones depend on `--quick`."""
    quick = arguments.quick
    turns = arguments.turns or (2 if quick else Options.turns)
    sizes = arguments.megabytes or ((1, 10) if quick else Options.megabytes)
    text, steps, types = arguments.text.resolve(), arguments.steps, arguments.layer_types
    written = arguments.json, arguments.picture
    others = arguments.coretype, arguments.nanogpt
    return Options(quick, turns, types, text, steps, sizes, *written, *others)


def alone(part: Part, documentation: str | None) -> None:
    """Run one benchmark by its own command line."""
    asked = options(parser(documentation).parse_args())
    write({"": part}, asked)


def write(parts: dict[str, Part], asked: Options) -> None:
    """Run benchmarks one after the other, and write all results so far after each."""
    choose_kernel(asked.coretype)
    results: Result = {
        "date": time.strftime("%Y-%m-%d %H:%M:%S %z"),
        "quick": asked.quick,
        "turns": asked.turns,
        "machine": machine(),
    }
    print(describe(results["machine"]))
    for name, part in parts.items():
        title = name or Path(sys.argv[0]).stem
        print(f"\n## {title}\n", flush=True)
        begun, used = time.monotonic(), seconds_of_others()
        results[title] = part(asked)
        seconds = time.monotonic() - begun
        others = (seconds_of_others() - used) / max(seconds, 1.0)
        results[title] |= {"seconds": round(seconds, 1), "others": round(others, 3)}
        if others > DISTURBING:
            print(f"\nNOT QUIET: other programs used {others:.0%} of a core meanwhile")
        print(f"\n({title} took {seconds:,.0f} seconds)", flush=True)
        if asked.json:
            asked.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


def without_text(asked: Options) -> Result | None:
    """The result of a part that is left out because tiny Shakespeare is missing; else None."""
    if asked.text.exists():
        return None
    reason = f"{asked.text}: no such file: `make data/shakespeare.txt`, or name one by --text"
    print(f"left out: {reason}")
    return {"left_out": reason}


def choose_kernel(coretype: str | None) -> None:
    """Let OpenBLAS use its own choice of a kernel, or the one of `--coretype`.

    Where the environment chooses another one, the program is started again in a changed
    environment: OpenBLAS reads it when NumPy is imported, which has happened.

    Args:
        coretype: the kernel; None for the choice of OpenBLAS.

    Raises:
        SystemExit: after the other start; or for a kernel that OpenBLAS does not have.
    """
    found = {name: os.environ[name] for name in KERNEL_VARIABLES if os.environ.get(name)}
    wanted = {"OPENBLAS_CORETYPE": coretype} if coretype else {}
    if found == wanted:
        used = kernel()
        if coretype and used and used.lower() != coretype.lower():
            message = f"--coretype {coretype}: OpenBLAS uses {used}: name a kernel that it has"
            print(f"{message}, such as Haswell", file=sys.stderr)
            raise SystemExit(2)
        return
    for name, value in found.items():
        if wanted.get(name) != value:
            print(f"{name}={value} was set, and is not used here", flush=True)
    others = {name: value for name, value in os.environ.items() if name not in KERNEL_VARIABLES}
    command = [sys.executable, *sys.orig_argv[1:]]
    raise SystemExit(subprocess.run(command, env={**others, **wanted}, check=False).returncode)


def kernel() -> str | None:
    """The kernel that OpenBLAS uses; None for another library, or one that does not say."""
    with suppress(ImportError, OSError, AttributeError):
        library = importlib.import_module("numpy._core._multiarray_umath").__file__
        function = ctypes.CDLL(library).scipy_openblas_get_corename64_
        function.restype = ctypes.c_char_p
        name: bytes = function()
        return name.decode()
    return None


def machine() -> Result:
    """The facts about this machine on which the figures depend."""
    import numpy as np

    processor = cpuinfo()
    return {
        "processor": processor.get("model name") or platform.processor() or platform.machine(),
        "cores": cores(),
        "vector_instructions": [
            name
            for name in ("avx2", "fma", "avx512f")
            if name in processor.get("flags", "").split()
        ],
        "load_before": list(os.getloadavg()) if hasattr(os, "getloadavg") else None,
        "system": platform.platform(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "blas": " ".join(blas()).strip(),
        "kernel": kernel(),
        "coretype": os.environ.get("OPENBLAS_CORETYPE"),
        "torch": importlib.metadata.version("torch") if importlib.util.find_spec("torch") else None,
        "charrnn": charrnn.__version__,
    }


def cpuinfo() -> dict[str, str]:
    """The entries of /proc/cpuinfo for the first processor; empty where there is no such file."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return {}
    lines = (line.partition(":") for line in text.partition("\n\n")[0].splitlines())
    return {name.strip(): value.strip() for name, _, value in lines}


def describe(facts: Result) -> str:
    """Describe the machine in lines for people."""
    vectors = ", ".join(facts["vector_instructions"]) or "no AVX2"
    torch = f"PyTorch {facts['torch']}" if facts["torch"] else WITHOUT_TORCH
    library = f"{facts['blas']}, kernel {facts['kernel']}" if facts["kernel"] else facts["blas"]
    lines = [
        f"{facts['processor']}, {facts['cores']} cores ({vectors}), {facts['system']}",
        f"Python {facts['python']}, NumPy {facts['numpy']} ({library}), {torch}",
    ]
    if facts["coretype"]:
        lines.append(f"OPENBLAS_CORETYPE={facts['coretype']} for all that is measured (--coretype)")
    load = facts["load_before"]
    if load and load[0] > 0.3:
        lines.append(
            f"NOT IDLE: a load of {load[0]:.1f} over the last minute; figures and ratios are off"
        )
    return "\n".join(lines)


def ratio(theirs: Sequence[float], ours: Sequence[float]) -> float:
    """The median over turns of their time divided by our time."""
    return median(their / our for their, our in zip(theirs, ours))


def geometric_mean(ratios: Sequence[float]) -> float:
    """The geometric mean of ratios: that of 2 and 1/2 is 1."""
    return exp(sum(map(log, ratios)) / len(ratios))


def fastest(times: dict[str, list[float]]) -> str:
    """The name with the lowest median."""
    return min(times, key=lambda name: median(times[name]))


def shown(value: object) -> str:
    """A figure with three digits or so."""
    if value is None:
        return "–"
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, int) or abs(value) >= 100:
        return f"{value:,.0f}"
    return (
        f"{value:.1f}"
        if abs(value) >= 10
        else f"{value:.2f}"
        if abs(value) >= 0.1
        else f"{value:.3f}"
    )


class Table:
    """A table in Markdown, printed row by row.

    Args:
        columns: the headings; spaces around a heading make its column wider.
    """

    def __init__(self, *columns: str) -> None:
        self.widths = [max(len(column), 8) for column in columns]
        self.row(*map(str.strip, columns))
        rules = ["-" * width for width in self.widths]
        print("|".join(["", f"-{rules[0]}-", *(f"-{rule}:" for rule in rules[1:]), ""]))

    def row(self, *values: object) -> None:
        """Print a row: text to the left in the first column, all others to the right."""
        first, *rest = map(shown, values)
        cells = [first.ljust(self.widths[0])]
        cells += [value.rjust(width) for value, width in zip(rest, self.widths[1:])]
        print("| " + " | ".join(cells) + " |", flush=True)


def table(columns: Iterable[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a whole table."""
    result = Table(*columns)
    for row in rows:
        result.row(*row)
