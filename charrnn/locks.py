"""Locks on files. The system releases them when their owner ends, even when it is killed."""

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

#: The error numbers of file systems that cannot lock files, as some network file systems.
UNSUPPORTED = {errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS}
#: The offset of the locked byte on Windows: other processes cannot read a locked byte.
LOCKED_OFFSET = 2**31 - 2
#: Flags of `os.open`: a link with the name of a lock must not lead to another file.
FLAGS = os.O_RDWR | getattr(os, "O_NOFOLLOW", 0)


class LockedError(Exception):
    """Another process holds the lock; the message names the process."""


def try_lock(handle: int) -> bool:
    """Lock an open file until it is closed; return False if another process holds the lock.

    Raises:
        OSError: if the file system cannot lock files.
    """
    try:
        if sys.platform == "win32":
            os.lseek(handle, LOCKED_OFFSET, os.SEEK_SET)
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
    """Return whether an open file still has this name.

    Between opening and locking, another process may remove the file: then the lock is useless.
    """
    if os.name == "nt":  # Windows does not remove an open file
        return True
    try:
        return os.path.samestat(os.fstat(handle), os.stat(path))
    except FileNotFoundError:
        return False


def discard(handle: int, path: str | Path) -> None:
    """Remove a locked file and close it."""
    if os.name == "nt":  # Windows does not remove an open file
        os.close(handle)
        handle = -1
    with suppress(OSError):
        os.unlink(path)
    if handle >= 0:
        os.close(handle)


def discard_orphan(path: Path) -> None:
    """Remove a file of this user whose owner locked it and has ended."""
    with suppress(OSError):
        handle = os.open(path, FLAGS)
        if _is_mine(handle) and _is_free(handle):
            discard(handle, path)
        else:
            os.close(handle)


def _is_mine(handle: int) -> bool:
    return os.name == "nt" or os.fstat(handle).st_uid == os.geteuid()


def _is_free(handle: int) -> bool:
    try:
        return try_lock(handle)
    except OSError:  # locks are not supported: assume that the owner is alive
        return False


@contextmanager
def holding(path: Path) -> Iterator[bool]:
    """Hold a lock file within the context. The file names its owner, and is removed afterwards.

    The lock of a process that has ended is taken over.

    Args:
        path: the path of the lock file.

    Yields:
        True; False if the file system cannot lock files, so that no process is kept out.

    Raises:
        LockedError: if another process holds the lock.
        OSError: if the file cannot be made.
    """
    handle, locked = _open_locked(path)
    try:
        yield locked
    finally:
        if has_name(handle, path):
            discard(handle, path)
        else:
            os.close(handle)


def _open_locked(path: Path) -> tuple[int, bool]:
    while True:
        handle = os.open(path, FLAGS | os.O_CREAT, 0o666)
        try:
            locked = _lock(handle)
            if has_name(handle, path):
                with suppress(OSError):  # on a full disk the file stays empty
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
    owner = os.read(handle, 200).decode(errors="replace").strip()
    raise LockedError(owner or "another process")
