"""The search of `make fuzz` for a moment, and faults that it has to find."""

import io
import subprocess
import sys
import zipfile
from pathlib import Path

import fuzz
import pytest

from charrnn.errors import CheckpointError


def test_the_search_finds_nothing_in_a_moment(tmp_path):
    command = [sys.executable, fuzz.__file__, "--first", "1", "--count", "300"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for kind in (
        "checkpoint read as another model",
        "checkpoint read as the same",
        "checkpoint refused",
        "weights read as a model",
        "weights refused",
        "text of use",
        "text refused",
    ):
        assert kind in done.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("error", [KeyError("x"), MemoryError(), CheckpointError("x" * 5_000)])
def test_a_file_that_is_not_refused_is_kept_and_reported(error, monkeypatch, tmp_path, capsys):
    def fail(data, rng):
        raise error

    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(fuzz.CASES, "checkpoint", (fuzz.checkpoint_case, fail))
    monkeypatch.setattr(sys, "argv", ["fuzz.py", "--first", "1", "--count", "1"])
    with pytest.raises(SystemExit, match="case 1 was neither refused nor of use"):
        fuzz.main()
    assert Path("fuzz-case").read_bytes() == fuzz.checkpoint_case(fuzz.np.random.default_rng(1))
    assert "Error" in capsys.readouterr().err


def test_a_header_is_also_given_what_no_header_says():
    with zipfile.ZipFile(io.BytesIO(fuzz.trained())) as kept:
        member = kept.read("header.npy")
    given = b"".join(fuzz.header_case(member, fuzz.np.random.default_rng(n)) for n in range(200))
    assert b'"dtype": ' in given
    assert b'"dtype": ' not in member


def test_a_case_that_executes_something_is_found(monkeypatch, tmp_path):
    def execute(data, rng):
        fuzz.watch("os.system", ("x",))

    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(fuzz.CASES, "checkpoint", (fuzz.checkpoint_case, execute))
    fuzz.watch("os.system", ("x",))  # allowed outside of a case
    fuzz.tracemalloc.start()
    with pytest.raises(AssertionError, match=r"os\.system"):
        fuzz.carry_out(1)
    fuzz.tracemalloc.stop()
