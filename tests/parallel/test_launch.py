import sys
from types import SimpleNamespace

import pytest

from charrnn.parallel.launch import ending_together, launched


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, (0, 1)),
        ({"HOME": "/home", "SLURM_NTASKS": "8", "SLURM_PROCID": "0"}, (0, 1)),  # a batch script
        ({"OMPI_COMM_WORLD_RANK": "2", "OMPI_COMM_WORLD_SIZE": "3"}, (2, 3)),
        ({"PMI_RANK": "1", "PMI_SIZE": "2"}, (1, 2)),
        ({"SLURM_PROCID": "5", "SLURM_STEP_NUM_TASKS": "8"}, (5, 8)),
        ({"SLURM_PROCID": "0", "SLURM_STEP_NUM_TASKS": "1"}, (0, 1)),
        ({"PMI_RANK": "one", "PMI_SIZE": ""}, (0, 1)),
    ],
)
def test_launchers_are_known_by_their_variables(environment, expected):
    assert launched(environment) == expected


@pytest.fixture
def mpi(monkeypatch):
    """A module of MPI in use, which records the code of an abort."""
    aborted = []
    world = SimpleNamespace(rank=1, size=3, Abort=aborted.append)
    module = SimpleNamespace(
        COMM_WORLD=world, aborted=aborted, Is_initialized=lambda: True, Is_finalized=lambda: False
    )
    monkeypatch.setitem(sys.modules, "mpi4py.MPI", module)
    return module


def end(error):
    """End by an error, as a program does."""
    with pytest.raises(type(error)), ending_together():
        raise error


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (LookupError("not there"), 1),
        (KeyboardInterrupt(), 1),
        (SystemExit(2), 2),
        (SystemExit(143), 143),
        (SystemExit(0), 0),
        (SystemExit("a message"), 1),
        (SystemExit(None), 0),
    ],
)
def test_an_error_of_a_rank_ends_all_ranks_with_its_code(error, code, mpi, capsys):
    end(error)
    assert mpi.aborted == [code]
    said = capsys.readouterr().err
    assert ("rank 1 of 3:\nTraceback" in said) == (not isinstance(error, SystemExit))
    assert ("a message" in said) == (str(error) == "a message")


def test_a_rank_without_an_error_ends_no_other(mpi):
    with ending_together():
        pass
    assert mpi.aborted == []


def test_a_rank_that_has_finalized_ends_no_other(mpi, monkeypatch):
    monkeypatch.setattr(mpi, "Is_finalized", lambda: True)
    end(SystemExit(1))
    assert mpi.aborted == []


def test_a_single_rank_ends_no_other(mpi):
    mpi.COMM_WORLD.size = 1
    end(SystemExit(1))
    assert mpi.aborted == []


def test_without_mpi_no_rank_is_ended(monkeypatch, capsys):
    monkeypatch.delitem(sys.modules, "mpi4py.MPI", raising=False)
    end(SystemExit(1))
    assert capsys.readouterr().err == ""
