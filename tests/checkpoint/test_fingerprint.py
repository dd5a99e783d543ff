import sys
from types import SimpleNamespace

import numpy as np
import pytest
from helpers.checkpoints import COUNTED, trained

from charrnn.checkpoint import fingerprint as module
from charrnn.checkpoint import read
from charrnn.checkpoint.fingerprint import differences, fingerprint, processor
from charrnn.text.corpus import Corpus
from charrnn.training.run import resume


def test_the_fingerprint_has_all_that_decides_the_bits():
    found = fingerprint()
    assert found["numpy"] == np.__version__
    assert all(
        found[name] for name in ("charrnn", "blas", "vectors", "kernel", "system", "processor")
    )
    assert fingerprint() == found


def test_the_number_of_threads_is_what_the_environment_asks_for(monkeypatch):
    for name in module.NAMES:
        monkeypatch.delenv(name, raising=False)
    assert fingerprint()["threads"] == "all"
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert fingerprint()["threads"] == "3"


def test_a_kernel_of_openblas_that_the_environment_names_is_in_it(monkeypatch):
    monkeypatch.delenv("OPENBLAS_CORETYPE", raising=False)
    assert fingerprint()["kernel"] == "auto"
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Nehalem")
    assert fingerprint()["kernel"] == "Nehalem"


def test_an_mpi_at_work_is_in_it(monkeypatch):
    assert "mpi" not in fingerprint()
    mpi = SimpleNamespace(
        get_vendor=lambda: ("Open MPI", (5, 0, 11)),
        Is_initialized=lambda: True,
        Is_finalized=lambda: False,
    )
    monkeypatch.setitem(sys.modules, "mpi4py.MPI", mpi)
    assert fingerprint()["mpi"] == "Open MPI 5.0.11"


def test_a_machine_without_a_description_has_a_name_all_the_same(tmp_path):
    assert processor(tmp_path / "cpuinfo")
    (tmp_path / "cpuinfo").write_text("model name\t: Abacus 9\nmodel name\t: Abacus 9\n")
    assert processor(tmp_path / "cpuinfo") == "Abacus 9"


def test_only_recorded_values_that_decide_the_bits_are_compared():
    now = {"numpy": "2.4", "python": "3.13", "threads": "1"}
    assert differences({"numpy": "2.4", "python": "3.10"}, now) == ""
    assert (
        differences({"numpy": "2.3", "threads": "4"}, now) == "numpy 2.4, not 2.3; threads 1, not 4"
    )


@pytest.mark.parametrize("changed", [{}, {"numpy": "1.0"}])
def test_resuming_on_another_machine_gives_one_line(changed, tmp_path):
    path = tmp_path / "x.npz"
    path.write_bytes(trained())
    saved = read(path)
    saved.versions = {**fingerprint(), **changed}
    with resume(saved, tmp_path / "x.npz", Corpus.of(COUNTED), steps=25) as run:
        assert len(run.notices) == len(changed)
        assert all("numpy" in line and "1.0" in line for line in run.notices)


def test_every_value_is_one_that_a_checkpoint_holds(monkeypatch):
    monkeypatch.setattr(module, "processor", lambda: "a\0b" * 10_000)
    found = fingerprint()["processor"]
    assert found.startswith("a b")
    assert len(found) == module.MAX_LENGTH
