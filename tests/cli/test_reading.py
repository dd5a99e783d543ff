"""Texts that are large, or come through a pipe."""

import gc
import io
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from helpers.commands import LIGHTHOUSE, QUICK, command

from charrnn import checkpoint
from charrnn.cli import reading
from charrnn.cli.interrupts import unwinding
from charrnn.text import sources, storage
from charrnn.text.paths import TextFiles
from charrnn.training import planning

posix = pytest.mark.skipif(os.name != "posix", reason="signals and pipes of POSIX")


class Terminal(io.StringIO):
    def isatty(self):
        return True


def read(paths, monkeypatch, terminal=True):
    """The output on stderr while texts are read twice."""
    stderr = Terminal() if terminal else io.StringIO()
    monkeypatch.setattr("sys.stderr", stderr)
    with reading.reading(TextFiles.of(paths)) as corpus:
        assert corpus.text
    return stderr.getvalue()


def test_a_bar_goes_on_while_a_large_text_is_read_twice(monkeypatch):
    size = Path("text.txt").stat().st_size
    monkeypatch.setattr(reading, "LARGE_BYTES", size - 1)
    monkeypatch.setattr(sources, "BLOCK_BYTES", 100)
    with monkeypatch.context() as patch:
        patch.setattr("sys.stderr", Terminal())
        with reading.bar_for(["text.txt", "text.txt"]) as bar:
            assert (bar.total, bar.disable) == (4 * size, False)
    said = read(["text.txt"], monkeypatch)
    assert "reading:" in said
    assert "0%" in said


def test_a_small_text_and_no_terminal_have_no_bar(monkeypatch):
    assert read(["text.txt"], monkeypatch) == ""
    monkeypatch.setattr(reading, "LARGE_BYTES", 1)
    assert read(["text.txt"], monkeypatch, terminal=False) == ""


def test_a_missing_file_is_an_error_in_spite_of_the_bar(run):
    for path in ("missing.txt", 300 * "a"):
        assert path in run("train", path, code=1).stderr


def test_the_default_held_out_text_has_a_limit(run, monkeypatch):
    monkeypatch.setattr(planning, "MAX_HELD_OUT", 150)
    result = run("train", "text.txt", *QUICK)
    assert "the last 150 are held out" in result.stderr
    assert len(checkpoint.read("charrnn.npz").excerpt) == 150
    run("train", "text.txt", *QUICK, "--overwrite", "--val-frac", 0.1)
    assert len(checkpoint.read("charrnn.npz").excerpt) > 150


def test_a_large_text_leaves_no_file_behind(run, monkeypatch, tmp_path):
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    monkeypatch.setattr(storage, "IN_MEMORY", 100)
    run("train", "text.txt", *QUICK, "--workers", 2)
    assert list((tmp_path / "temporary").iterdir()) == []
    run("train", "text.txt", *QUICK, "--overwrite", "--log", "nowhere/log", code=1)
    gc.collect()  # an error keeps the frames that it passed
    assert list((tmp_path / "temporary").iterdir()) == []


@posix
def test_a_pipe_is_read_like_stdin(run):
    ours, theirs = os.pipe()
    with command("train", f"/dev/fd/{ours}", *QUICK, pass_fds=[ours]) as process:
        os.close(ours)
        with open(theirs, "wb") as pipe:
            pipe.write(LIGHTHOUSE.read_bytes())
        _, said = process.communicate(timeout=60)
    assert process.returncode == 0, said
    assert checkpoint.read("charrnn.npz").corpus.files == ("-",)
    assert "was in no file" in run("train", "--resume", "--steps", 20, code=1).stderr
    run("train", "text.txt", "--resume", "--steps", 20)


@posix
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_removes_the_file_of_a_large_text(number, tmp_path):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    program = """
import charrnn.text.storage as storage, charrnn.text.corpus as corpus, sys
from charrnn.cli import group
storage.IN_MEMORY = 100
encode = corpus.Corpus.encode
def kept(self, vocabulary):
    indices = encode(self, vocabulary)
    print("encoded", flush=True)
    sys.stdin.read()
    return indices
corpus.Corpus.encode = kept
group(["train", "text.txt"])
"""
    with subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "TMPDIR": str(temporary)},
    ) as process:
        assert process.stdout.readline() == b"encoded\n"
        assert len(list(temporary.iterdir())) == 1
        process.send_signal(number)
        process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert list(temporary.iterdir()) == []


@posix
def test_an_ignored_signal_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with unwinding():
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
            assert signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    finally:
        signal.signal(signal.SIGHUP, before)
