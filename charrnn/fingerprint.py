"""What decides the bits of a training beside its settings: software, processor, threads.

The same training gives the same bits on the same machine with the same builds. Another NumPy,
another library of products behind it, another processor or number of threads adds the same
numbers in another order, and the last bits come out differently.
"""

from __future__ import annotations

import ctypes
import os
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.linalg import _umath_linalg

import charrnn
from charrnn.parallel.launch import started
from charrnn.parallel.threads import NAMES

#: What OpenBLAS calls the function that says which of its kernels is used: in NumPy's builds, and
#: in others.
KERNEL = ("scipy_openblas_get_corename64_", "openblas_get_corename64_", "openblas_get_corename")
#: Characters of a value.
MAX_LENGTH = 2_000
#: Where Linux describes the processor.
DESCRIBED = Path("/proc/cpuinfo")


def fingerprint() -> dict[str, str]:
    """All of it, by name, as strings that a checkpoint can hold."""
    config: dict[str, Any] = np.show_config(mode="dicts")  # type: ignore[assignment]
    blas = config.get("Build Dependencies", {}).get("blas", {})
    found = {
        "charrnn": charrnn.__version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "blas": f"{blas.get('name', 'unknown')} {blas.get('version', '')}".strip(),
        "kernel": kernel(),
        "system": f"{platform.system()} {platform.machine()}",
        "processor": processor(),
        "features": " ".join(config.get("SIMD Extensions", {}).get("found", [])),
        "threads": next((os.environ[name] for name in NAMES if name in os.environ), "all"),
        **library(),
    }
    return {name: value.replace("\0", " ")[:MAX_LENGTH] for name, value in found.items()}


def kernel() -> str:
    """What OpenBLAS computes products with: it decides by the processor, or as it is told. Where
    it cannot be asked, what it is told.
    """
    told = os.environ.get("OPENBLAS_CORETYPE", "unknown")
    try:
        blas = ctypes.CDLL(_umath_linalg.__file__)  # loaded already, and with it OpenBLAS
    except OSError:
        return told
    for name in KERNEL:
        if hasattr(blas, name):
            ask = getattr(blas, name)
            ask.restype = ctypes.c_char_p
            return (ask() or b"unknown").decode()
    return told


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
