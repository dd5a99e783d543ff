import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

FETCH = Path(__file__).parents[1] / "data" / "fetch.py"


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "source.txt"
    path.write_text("All's well.\n")
    return path


def fetch(address, sha256, target):
    arguments = [sys.executable, str(FETCH), address, sha256, str(target)]
    return subprocess.run(arguments, capture_output=True, text=True, check=False)


def test_the_file_that_is_expected_is_kept(source, tmp_path):
    sha256 = hashlib.sha256(source.read_bytes()).hexdigest()
    result = fetch(source.as_uri(), sha256, tmp_path / "target.txt")
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "target.txt").read_bytes() == source.read_bytes()


def test_another_file_is_not_kept(source, tmp_path):
    result = fetch(source.as_uri(), 64 * "0", tmp_path / "target.txt")
    assert result.returncode == 1
    assert "not the file that is expected" in result.stderr
    assert not (tmp_path / "target.txt").exists()


def test_an_address_that_does_not_answer_is_one_line(tmp_path):
    result = fetch((tmp_path / "nothing").as_uri(), "", tmp_path / "target.txt")
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    assert "get it by hand" in result.stderr
