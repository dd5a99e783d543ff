"""Locks on files. The system lifts them when their owner ends, however it ends."""

from __future__ import annotations

import errno
import os
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

#: What is answered where files cannot be locked, as on some network file systems.
UNSUPPORTED = {errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS}
#: The byte that is locked on Windows, where no other process can read what is locked.
FAR = 2**31 - 2
#: Nobody shall have another file written to by a link that has the name of a lock.
OPEN = os.O_RDWR | getattr(os, "O_NOFOLLOW", 0)


class Held(Exception):
    """Another process has the lock; the message says which."""


def try_lock(handle: int) -> bool:
    """Lock an open file, until it is closed; False where another has locked it.

    Raises:
        OSError: where files cannot be locked.
    """
    try:
        if sys.platform == "win32":
            os.lseek(handle, FAR, os.SEEK_SET)
            try:
                msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
            finally:
                os.lseek(handle, 0, os.SEEK_SET)
        else:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True


def has_name(handle: int, path: str | Path) -> bool:
    """Whether an open file still goes by this name. Between its opening and its locking another
    process may have removed it: then its lock keeps nobody out.
    """
    if os.name == "nt":  # no open file can be removed
        return True
    try:
        return os.path.samestat(os.fstat(handle), os.stat(path))
    except FileNotFoundError:
        return False


def discard(handle: int, path: str | Path) -> None:
    """Remove a locked file, and close it."""
    if os.name == "nt":  # removes no open file
        os.close(handle)
        handle = -1
    with suppress(OSError):
        os.unlink(path)
    if handle >= 0:
        os.close(handle)


def discard_orphan(path: Path) -> None:
    """Remove a file of this user that its owner had locked, if its owner is dead."""
    with suppress(OSError):
        handle = os.open(path, OPEN)
        if _mine(handle) and _free(handle):
            discard(handle, path)
        else:
            os.close(handle)


def _mine(handle: int) -> bool:
    return os.name == "nt" or os.fstat(handle).st_uid == os.geteuid()


def _free(handle: int) -> bool:
    try:
        return try_lock(handle)
    except OSError:
        return False  # who can tell?


@contextmanager
def holding(path: Path) -> Iterator[bool]:
    """Hold a lock by the name `path` within. The file says who has it, and is gone afterwards;
    one that a dead process left is taken over.

    Yields:
        True; False where files cannot be locked, so that nobody is kept out.

    Raises:
        Held: where another process has it.
        OSError: where there can be no such file.
    """
    handle, locked = _take(path)
    try:
        yield locked
    finally:
        if has_name(handle, path):
            discard(handle, path)
        else:
            os.close(handle)


def _take(path: Path) -> tuple[int, bool]:
    while True:
        handle = os.open(path, OPEN | os.O_CREAT, 0o666)
        try:
            locked = _lock(handle)
            if has_name(handle, path):
                with suppress(OSError):  # a full disk: then it says nothing
                    os.ftruncate(handle, 0)
                    os.write(handle, f"process {os.getpid()} on {platform.node()}\n".encode())
                return handle, locked
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)


def _lock(handle: int) -> bool:
    try:
        if try_lock(handle):
            return True
    except OSError as error:
        if error.errno in UNSUPPORTED:
            return False
        raise
    raise Held(os.read(handle, 200).decode(errors="replace").strip() or "another process")
