"""Writing files so that nothing is ever half written."""

from __future__ import annotations

import errno
import os
import re
import secrets
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

#: Seconds to wait from try to try while somebody else, a search for viruses perhaps, has the file
#: open: Windows replaces none that is.
PAUSES = (0.01, 0.1, 1.0) if os.name == "nt" else ()
#: What is answered where a directory cannot be flushed: one that may not be read, and on some
#: file systems every one.
UNFLUSHABLE = {errno.EACCES, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP}
#: The answers of file systems that cannot reserve disk space.
UNRESERVABLE = {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP}
#: The limits of a process that files may reach, and the advice.
LIMITS = {
    errno.EFBIG: "raise the limit of ulimit -f",
    errno.EMFILE: "raise the limit of ulimit -n",
}
#: Bytes to write at a time.
BLOCK = 1 << 20


@contextmanager
def replacing(path: str | Path) -> Iterator[IO[bytes]]:
    """A file to write to; afterwards `path` is the new one, or still the old one.

    It is written beside its place under another name, flushed to the disk and renamed. A
    symbolic link is followed. The mode of an existing file is kept, and its owner and its group
    where this user may give files to them.

    Raises:
        OSError: where that is not possible. Nothing else is left behind, and `path` is the old
            one; only where the last error was in flushing the directory it is the new one.
    """
    target = Path(path).resolve()
    temporary = _beside(target)
    try:
        # A file that nobody else can have made: in a directory for all, it might be a link.
        with open(temporary, "xb") as file:
            _liken(temporary, target)
            yield file
            file.flush()
            os.fsync(file.fileno())
        _rename(temporary, target)
    except BaseException:
        with suppress(OSError):  # where it fails, too, what went wrong first is what counts
            os.unlink(temporary)
        raise
    if os.name == "posix":  # the new name is on the disk only once its directory is
        _flush(target.parent)


def probe(path: str | Path, size: int = 1) -> None:
    """Find out whether `replacing` can write a file here, and change nothing.

    Args:
        path: of the file.
        size: bytes to write; a full disk may still have room for an empty file.

    Raises:
        OSError: if the file cannot be written.
    """
    temporary = _beside(Path(path).resolve())
    try:
        with open(temporary, "xb") as file:
            reserve(file, size)
    finally:
        with suppress(OSError):
            os.unlink(temporary)


def open_regular(path: str | Path) -> IO[bytes]:
    """Open a file to read; unlike `open`, never wait for the writer of a named pipe.

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


def remedy(error: OSError, otherwise: str) -> str:
    """The advice for a file that cannot be written.

    Args:
        error: of the system.
        otherwise: the advice for all errors but the limits of a process, which are the same in
            every directory.
    """
    return LIMITS.get(error.errno or 0, otherwise)


def reserve(file: IO[bytes], size: int) -> None:
    """Reserve disk space for an empty file that is going to be mapped into memory.

    A write to a map of a sparse file kills the process (SIGBUS) where the disk is full.

    Args:
        file: the file, open for writing, at its beginning.
        size: bytes.

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
    for start in range(0, size, BLOCK):
        file.write(bytes(min(BLOCK, size - start)))
    file.flush()


def sweep(path: str | Path) -> None:
    """Remove what writers that were killed have left beside `path`; there must be none alive."""
    target = Path(path).resolve()
    pattern = re.compile(re.escape(f".{target.name}.") + r"[0-9a-f]+\.tmp")
    for file in target.parent.iterdir():
        if pattern.fullmatch(file.name):
            with suppress(OSError):
                file.unlink()


def _beside(target: Path) -> Path:
    """A name beside what is to be replaced, which has to be a file or nothing, not a device."""
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(target))
    if target.exists() and not target.is_file():
        raise OSError(errno.EINVAL, "is no regular file", str(target))
    return target.with_name(f".{target.name}.{secrets.token_hex(4)}.tmp")


def _liken(new: Path, old: Path) -> None:
    """Give a new file the mode of an old one, if there is one, before anything is in it."""
    try:
        found = os.stat(old)
    except FileNotFoundError:
        return
    if hasattr(os, "chown"):
        for owner in ((-1, found.st_gid), (found.st_uid, -1)):
            with suppress(OSError):
                os.chown(new, *owner)
    os.chmod(new, stat.S_IMODE(found.st_mode))


def _rename(old: Path, new: Path) -> None:
    for pause in PAUSES:
        with suppress(PermissionError):
            os.replace(old, new)
            return
        time.sleep(pause)
    os.replace(old, new)


def _flush(directory: Path) -> None:
    try:
        handle = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        if error.errno not in UNFLUSHABLE:
            raise
