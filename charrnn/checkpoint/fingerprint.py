"""Versions and hardware that, besides its settings, decide the last bits of a training.

The same training gives the same bits on the same machine with the same builds. Another NumPy, BLAS,
processor, MPI or number of threads adds the same numbers in another order.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

import charrnn
from charrnn.network.products import vector_instructions
from charrnn.parallel.launch import started
from charrnn.parallel.threads import NAMES

#: Characters of a value.
MAX_LENGTH = 2_000
#: The description of the processor on Linux, where `platform.processor` is often empty.
CPU_INFO = Path("/proc/cpuinfo")


def fingerprint() -> dict[str, str]:
    """Return versions and hardware by name.

    OpenBLAS chooses its kernel by the processor, unless the environment names one. The vector
    instructions that NumPy found and the kernel decide the arrangement of the products, too.
    """
    config: dict[str, Any] = np.show_config(mode="dicts")  # type: ignore[assignment]
    blas = config.get("Build Dependencies", {}).get("blas", {})
    found = {
        "charrnn": charrnn.__version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "blas": f"{blas.get('name', 'unknown')} {blas.get('version', '')}".strip(),
        "vectors": " ".join(vector_instructions()[-1:]) or "none",
        "kernel": os.environ.get("OPENBLAS_CORETYPE", "auto"),
        "system": f"{platform.system()} {platform.machine()}",
        "processor": processor(),
        "threads": next((os.environ[name] for name in NAMES if name in os.environ), "all"),
        **mpi_library(),
    }
    return {name: value.replace("\0", " ")[:MAX_LENGTH] for name, value in found.items()}


def mpi_library() -> dict[str, str]:
    """Return the MPI library that adds gradients; nothing if the training uses none."""
    mpi = started()
    if not mpi:
        return {}
    name, version = mpi.get_vendor()
    return {"mpi": f"{name} {'.'.join(map(str, version))}"}


def processor(cpu_info: Path = CPU_INFO) -> str:
    """Return the name of the processor, or "unknown"."""
    try:
        lines = cpu_info.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown"


def differences(before: Mapping[str, str], now: Mapping[str, str]) -> str:
    """Return the differences of two fingerprints in words; nothing if there are none.

    Python itself calculates nothing, so its version is not compared.
    """
    changed = [
        f"{name} {value}, not {before[name]}"
        for name, value in now.items()
        if name != "python" and before.get(name, value) != value
    ]
    return "; ".join(changed)
