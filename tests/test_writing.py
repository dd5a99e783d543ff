"""Failures at every call while a checkpoint is written: a good checkpoint is there afterwards.

Power cuts, quotas, network file systems and Windows are not tried. Instead each call fails as on a
full or a broken disk, or the process is killed in it, and the order of flushing and renaming is
compared.
"""

import errno
import os
import signal
import subprocess
import sys
from itertools import count
from pathlib import Path
from threading import Event, Thread

import numpy as np
import pytest
from helpers.checkpoints import made
from helpers.system_faults import Faults

from charrnn import files
from charrnn.checkpoint import RunState, read, save
from charrnn.errors import CheckpointError


def numbered(n):
    """A checkpoint with this number in all its arrays."""
    checkpoint = made(run=RunState(step=n))
    for group in (checkpoint.best, checkpoint.last):
        for array in group.values():
            array[...] = n
    return checkpoint


def number(path):
    """The number of a checkpoint, which is that of every part of it."""
    found = read(path)
    values = {found.run.step}
    for group in (found.best, found.last):
        values.update(float(value) for array in group.values() for value in np.unique(array))
    (only,) = values
    return only


OLD, NEW = numbered(1), numbered(2)


@pytest.fixture
def path(tmp_path):
    """An old checkpoint."""
    path = tmp_path / "model.npz"
    save(path, OLD)
    return path


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO], ids=errno.errorcode.get)
def test_an_error_of_any_call_leaves_a_good_checkpoint_and_nothing_else(code, path):
    def fail():
        raise OSError(code, os.strerror(code))

    for n in count(1):
        save(path, OLD)
        faults = Faults(n, fail)
        with pytest.MonkeyPatch.context() as patch:
            faults.install(patch)
            said = complaint(path)
        *before, last = faults.seen
        if faults.over and last != "chown":  # a failure to keep the owner is no error
            assert said == f"{path}: cannot be written: {os.strerror(code)}"
            assert number(path) == (2 if "replace" in before else 1), faults.seen
        else:
            assert said == ""
            assert number(path) == 2
        assert list(path.parent.iterdir()) == [path]
        if not faults.over:
            break
    assert faults.seen.count("write") > 5
    assert_flushed_before_it_is_renamed(faults.seen)


def assert_flushed_before_it_is_renamed(calls):
    """Assert the order of calls that is safe in a power cut."""
    file, directory = ["write", "fsync", "close file", "replace"], ["open", "fsync", "close"]
    ending = file + directory if os.name == "posix" else file
    assert calls[-len(ending) :] == ending


def test_a_limit_of_the_system_leaves_the_old_one_and_nothing_else(path):
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    for size in (0, 1, path.stat().st_size // 2, path.stat().st_size - 1):
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
        try:
            said = complaint(path)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        assert said == f"{path}: cannot be written: File too large"
        assert number(path) == 1
        assert list(path.parent.iterdir()) == [path]


def complaint(path):
    """Save the new checkpoint; returns the error message, or nothing."""
    try:
        save(path, NEW)
    except CheckpointError as error:
        return str(error)
    return ""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="a process that can be divided")
def test_a_process_killed_at_any_call_leaves_a_good_checkpoint(path):
    # In a process of its own, which has no threads, so that it can fork.
    done = subprocess.run(
        [sys.executable, __file__, path], capture_output=True, text=True, timeout=90, check=False
    )
    assert done.returncode == 0, done.stderr
    calls = done.stdout.splitlines()
    assert calls.count("write") > 5
    assert_flushed_before_it_is_renamed(calls)


def be_killed_everywhere(path):
    """Save in children, each killed one call later, until one succeeds; print the calls."""
    left_behind = 0
    for n in count(1):
        save(path, OLD)
        at = killed_at(n, path)
        left = set(path.parent.iterdir()) - {path}
        left_behind += len(left)
        assert len(left) <= 1
        assert number(path) in (1, 2)
        files.sweep(path)
        assert list(path.parent.iterdir()) == [path]
        if at is None:
            break
        print(at)
    assert number(path) == 2
    assert left_behind > 10


def killed_at(n, path):
    """The name of the call at which a child that saves was killed; None if it was not."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        faults = Faults(n, lambda: die(faults.seen[-1]))

        def die(name):
            os.write(writer, name.encode())
            os.kill(os.getpid(), signal.SIGKILL)

        faults.install(pytest.MonkeyPatch())
        save(path, NEW)
        os._exit(0)
    os.close(writer)
    name = os.read(reader, 100).decode()
    os.close(reader)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == (-signal.SIGKILL if name else 0)
    return name or None


def test_a_reader_during_a_write_gets_the_old_or_the_new_checkpoint(path):
    found, begun, over = [], Event(), Event()

    def look():
        while not over.wait(0.001):
            found.append(number(path))
            begun.set()

    reader = Thread(target=look)
    reader.start()
    try:
        assert begun.wait(60)
        for n in range(2, 102):
            save(path, numbered(n))
    finally:
        over.set()
        reader.join()
    assert found == sorted(found)
    assert len(set(found)) > 2


if __name__ == "__main__":
    be_killed_everywhere(Path(sys.argv[1]))
