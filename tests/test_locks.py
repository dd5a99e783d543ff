"""Two runs, one checkpoint: on this machine and on file systems of POSIX.

A lock of another machine, which the file system of a network may or may not show, and the locks of
Windows are not tried themselves: a file system without locks stands for the worst of them.
"""

import errno
import os
import re
import subprocess
import sys

import pytest

from charrnn import locks
from charrnn.locks import LockedError, discard_orphan, holding

posix = pytest.mark.skipif(os.name != "posix", reason="links of POSIX")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "lock"


def hold(path):
    with holding(path):
        pass


@pytest.fixture
def unlockable(monkeypatch):
    """A file system without locks."""

    def refuse(handle):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(locks, "try_lock", refuse)


def test_a_second_process_gets_an_error_that_names_the_owner(path):
    with holding(path) as locked:
        assert locked
        with pytest.raises(LockedError, match=f"^process {os.getpid()} on "):
            hold(path)
        assert path.exists()
    assert not path.exists()
    hold(path)


def test_an_error_releases_the_lock(path):
    with pytest.raises(KeyError), holding(path):
        raise KeyError
    hold(path)


def test_another_process_cannot_take_the_lock(path):
    program = f"""
from pathlib import Path
from charrnn.locks import holding
with holding(Path({str(path)!r})):
    print("held", flush=True)
    input()
"""
    words = [sys.executable, "-c", program]
    with subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "held\n"
        with pytest.raises(LockedError, match=f"^process {process.pid} on "):
            hold(path)
        process.kill()
        process.wait()
        assert path.exists()
        with holding(path):
            assert path.read_text().startswith(f"process {os.getpid()} ")


def test_a_lock_file_removed_before_it_is_locked_does_not_count(path, monkeypatch):
    tries, try_lock = [], locks.try_lock

    def slow(handle):
        tries.append(handle)
        if len(tries) == 1:  # its owner ends in the meantime
            path.unlink()
        return try_lock(handle)

    monkeypatch.setattr(locks, "try_lock", slow)
    with holding(path):
        assert len(tries) == 2
        assert path.exists()


def test_the_lock_of_another_process_is_not_removed_at_the_end(path):
    with holding(path):
        path.unlink()
        path.touch()
    assert path.exists()


def test_a_file_system_without_locks_is_reported_and_no_file_is_left(path, unlockable):
    with holding(path) as locked:
        assert not locked
    assert not path.exists()


def test_another_error_of_the_system_is_raised(path, monkeypatch):
    def broken(handle):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(locks, "try_lock", broken)
    with pytest.raises(OSError, match="Input/output"):
        hold(path)


def test_on_a_full_disk_the_lock_holds_without_the_name_of_its_owner(path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with holding(path), pytest.raises(LockedError, match=r"^another process$"):
            hold(path)


@posix
def test_a_link_with_the_name_of_the_lock_is_not_followed(path, tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("theirs")
    path.symlink_to(victim)
    with pytest.raises(OSError, match=re.escape(str(path))):
        hold(path)
    assert victim.read_text() == "theirs"


def test_children_do_not_inherit_the_lock(path):
    program = "import sys; sys.stdin.read()"
    with holding(path):
        child = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE)
    with child:
        hold(path)
        child.stdin.close()


def test_an_orphan_is_removed_and_a_file_with_an_owner_is_not(path):
    path.touch()
    handle = os.open(path, os.O_RDWR)
    assert locks.try_lock(handle)
    discard_orphan(path)
    assert path.exists()
    os.close(handle)
    discard_orphan(path)
    assert not path.exists()
    discard_orphan(path)  # another process was faster


def test_without_locks_no_file_counts_as_an_orphan(path, unlockable):
    path.touch()
    discard_orphan(path)
    assert path.exists()


@posix
def test_a_file_of_another_user_is_no_orphan(path, monkeypatch):
    path.touch()
    monkeypatch.setattr(os, "geteuid", lambda: path.stat().st_uid + 1)
    discard_orphan(path)
    assert path.exists()
