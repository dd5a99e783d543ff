"""Atomic writing of files: a reader finds the old file or the new one, never a part."""

from __future__ import annotations

import errno
import os
import re
import stat
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

#: Seconds between attempts to replace a file. Windows replaces no file that another program, such
#: as a virus scanner, has open.
RETRY_AFTER_SECONDS = (0.01, 0.1, 1.0) if os.name == "nt" else ()
#: Error numbers for a folder that cannot be flushed: a folder that may not be read, and any
#: folder of some file systems.
UNFLUSHABLE = {errno.EACCES, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP}
#: Error numbers of file systems that cannot reserve disk space.
UNRESERVABLE = {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP}
#: The limits of a process that files may reach, and the advice for each.
LIMITS = {
    errno.EFBIG: "raise the limit of ulimit -f",
    errno.EMFILE: "raise the limit of ulimit -n",
}
#: Bytes to write at a time.
BLOCK_BYTES = 1 << 20


@contextmanager
def replacing(
    path: str | Path, retry_after: Sequence[float] = RETRY_AFTER_SECONDS
) -> Iterator[IO[bytes]]:
    """Open a new file that replaces `path` at the end of the context, all at once.

    The new file is written beside the old one under another name, flushed to the disk and renamed.
    A symbolic link is followed. The mode of an existing file is kept, and its owner and group
    where this user may set them.

    Args:
        path: the path of the file.
        retry_after: seconds between attempts to rename the new file.

    Raises:
        OSError: if the file cannot be written. Then `path` is the old file and nothing else is
            left behind; if only the folder cannot be flushed, `path` is the new file.
    """
    target = resolve(path)
    temporary = _temporary_name(target)
    try:
        # "x": in a folder for all users, an existing file might be a link of another user.
        with open(temporary, "xb") as file:
            _copy_mode(temporary, target)
            yield file
            file.flush()
            os.fsync(file.fileno())
        _rename(temporary, target, retry_after)
    except BaseException:
        with suppress(OSError):  # the first error is the one to raise
            os.unlink(temporary)
        raise
    if os.name == "posix":  # the new name is on the disk only after the folder is
        _flush(target.parent)


def probe(path: str | Path, size: int = 1) -> None:
    """Check that `replacing` can write a file here, and leave no trace.

    Args:
        path: the path of the file.
        size: the bytes to write; a full disk may still have room for an empty file.

    Raises:
        OSError: if the file cannot be written.
    """
    temporary = _temporary_name(resolve(path))
    try:
        with open(temporary, "xb") as file:
            reserve(file, size)
    finally:
        with suppress(OSError):
            os.unlink(temporary)


def resolve(path: str | Path) -> Path:
    """The file at the end of all links.

    Raises:
        OSError: for links in a circle.
    """
    try:
        target = Path(path).resolve()
    except RuntimeError as error:  # links in a circle, until Python 3.12
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path)) from error
    try:
        target.stat()
    except OSError as error:
        if error.errno == errno.ELOOP:  # since Python 3.13
            raise
    return target


def open_regular(path: str | Path) -> IO[bytes]:
    """Open a file to read. Unlike `open`, never wait for the writer of a named pipe.

    Raises:
        OSError: if the file cannot be opened, or is a pipe or a device.
    """

    def opener(name: str, flags: int) -> int:
        return os.open(name, flags | getattr(os, "O_NONBLOCK", 0))

    file = open(path, "rb", opener=opener)  # noqa: SIM115, the caller closes it
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OSError(errno.EINVAL, "is a pipe or a device: name a regular file", str(path))
    return file


def head(path: str | Path, size: int = 100) -> bytes:
    """The first bytes of a file, by which its kind is recognized; none if it cannot be read."""
    try:
        with open(path, "rb") as file:
            return file.read(size)
    except OSError:
        return b""


def remedy(error: OSError, otherwise: str) -> str:
    """Return the advice for a file that cannot be written.

    Args:
        error: the error of the system.
        otherwise: the advice for all errors except the limits of a process, which are the same in
            every folder.
    """
    return LIMITS.get(error.errno or 0, otherwise)


def reserve(file: IO[bytes], size: int) -> None:
    """Reserve disk space for an empty file that will be mapped into memory.

    On a full disk, a write to the map of a sparse file kills the process (SIGBUS).

    Args:
        file: the file, open for writing at its beginning.
        size: the bytes to reserve.

    Raises:
        OSError: if there is not enough space.
    """
    if hasattr(os, "posix_fallocate"):  # not on Windows and macOS
        try:
            os.posix_fallocate(file.fileno(), 0, size)
            return
        except OSError as error:
            if error.errno not in UNRESERVABLE:
                raise
    for start in range(0, size, BLOCK_BYTES):
        file.write(bytes(min(BLOCK_BYTES, size - start)))
    file.flush()


def sweep(path: str | Path) -> None:
    """Remove the temporary files that killed writers of `path` left; no writer may be alive."""
    target = resolve(path)
    pattern = re.compile(re.escape(f".{target.name}.") + r"[0-9a-f]+\.tmp")
    for file in target.parent.iterdir():
        if pattern.fullmatch(file.name):
            with suppress(OSError):
                file.unlink()


def _temporary_name(target: Path) -> Path:
    """Return a name beside a target, which must be a regular file or missing."""
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(target))
    if target.exists() and not target.is_file():
        raise OSError(errno.EINVAL, "is not a regular file", str(target))
    return target.with_name(f".{target.name}.{os.urandom(4).hex()}.tmp")


def _copy_mode(new: Path, old: Path) -> None:
    """Give an empty new file the mode, the owner and the group of the old one, if it exists."""
    try:
        found = os.stat(old)
    except FileNotFoundError:
        return
    if hasattr(os, "chown"):
        for owner in ((-1, found.st_gid), (found.st_uid, -1)):
            with suppress(OSError):
                os.chown(new, *owner)
    os.chmod(new, stat.S_IMODE(found.st_mode))


def _rename(old: Path, new: Path, retry_after: Sequence[float]) -> None:
    for seconds in retry_after:
        with suppress(PermissionError):
            os.replace(old, new)
            return
        time.sleep(seconds)
    os.replace(old, new)


def _flush(folder: Path) -> None:
    try:
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        if error.errno not in UNFLUSHABLE:
            raise
