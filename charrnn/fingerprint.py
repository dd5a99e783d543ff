"""What decides the bits of a training beside its settings: software, processor, threads.

The same training gives the same bits on the same machine with the same builds. Another NumPy,
another library of products behind it, another processor or number of threads adds the same
numbers in another order, and the last bits come out differently.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

import charrnn
from charrnn.parallel.launch import started
from charrnn.parallel.threads import NAMES

#: Where Linux describes the processor.
DESCRIBED = Path("/proc/cpuinfo")


def fingerprint() -> dict[str, str]:
    """All of it, by name."""
    config: dict[str, Any] = np.show_config(mode="dicts")  # type: ignore[assignment]
    blas = config.get("Build Dependencies", {}).get("blas", {})
    return {
        "charrnn": charrnn.__version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "blas": f"{blas.get('name', 'unknown')} {blas.get('version', '')}".strip(),
        "system": f"{platform.system()} {platform.machine()}",
        "processor": processor(),
        "features": " ".join(config.get("SIMD Extensions", {}).get("found", [])),
        "threads": next((os.environ[name] for name in NAMES if name in os.environ), "all"),
        **library(),
    }


def library() -> dict[str, str]:
    """The MPI that adds up, where one does."""
    mpi = started()
    if not mpi:
        return {}
    name, version = mpi.get_vendor()
    return {"mpi": f"{name} {'.'.join(map(str, version))}"}


def processor() -> str:
    """The name of the processor, as well as it can be had."""
    try:
        lines = DESCRIBED.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown"


def differences(before: Mapping[str, str], now: Mapping[str, str]) -> str:
    """What is not as it was, for people; empty where all is. What was not written down is not
    compared, nor is Python, which does not calculate.
    """
    changed = [
        f"{name} {value}, not {before[name]}"
        for name, value in now.items()
        if name != "python" and before.get(name, value) != value
    ]
    return "; ".join(changed)
