"""The cores and the memory that this process may use.

Linux limits containers and jobs by *control groups*: a tree of folders for each controller
(version 1, cgroup v1), or one tree for all (version 2). Each group may set a limit, and the limits
of its parents hold, too. Neither the number of cores nor the free memory that the system shows
includes these limits.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

if sys.platform != "win32":
    import resource

#: The folder that has /proc and /sys.
ROOT = Path("/")


def cores(root: Path = ROOT) -> int:
    """The number of cores that this process may use: its affinity, or less by a quota.

    A quota of 1.5 cores counts as one: two processes that wait for each other would each get three
    quarters of a core.

    Args:
        root: the folder that has /proc and /sys.
    """
    if hasattr(os, "sched_getaffinity"):
        count = len(os.sched_getaffinity(0))
    else:
        count = os.cpu_count() or 1
    return max(1, int(min([count, *_quotas(root)])))


def _quotas(root: Path) -> Iterator[float]:
    """The limits of the control groups, in cores."""
    for group in _control_groups("cpu", root):
        for names in (["cpu.max"], ["cpu.cfs_quota_us", "cpu.cfs_period_us"]):
            with suppress(ValueError):  # no such file, or "max"
                quota, period = (int(word) for name in names for word in _words(group / name))
                if quota > 0 and period > 0:  # −1 is no limit
                    yield quota / period


def available_bytes(root: Path = ROOT) -> int | None:
    """The memory that is available to this process, its workers and its files in memory, in bytes.

    None where the system does not say.

    Args:
        root: the folder that has /proc and /sys.
    """
    found = [*_free(root), *_left_in_groups(root)]
    return max(0, min(found)) if found else None


def _free(root: Path) -> Iterator[int]:
    """The memory that the machine has free; where that is unknown, all its memory."""
    words = _words(root / "proc/meminfo")
    with suppress(ValueError, IndexError):
        yield int(words[words.index("MemAvailable:") + 1]) * 1024
        return
    with suppress(AttributeError, OSError, ValueError):  # Windows has no sysconf
        yield os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _left_in_groups(root: Path) -> Iterator[int]:
    """The memory that each control group leaves."""
    for group in _control_groups("memory", root):
        for limit, usage, prefix in (
            ("memory.max", "memory.current", ""),
            ("memory.high", "memory.current", ""),  # above it, a process nearly stops
            ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_"),
        ):
            with suppress(ValueError):  # no such file, or "max"
                (most,) = map(int, _words(group / limit))
                (used,) = map(int, _words(group / usage))
                # The system drops its cache of files before it kills a process.
                words = _words(group / "memory.stat")
                statistics = dict(zip(words[::2], words[1::2]))
                caches = (f"{prefix}inactive_file", f"{prefix}active_file")
                yield most - used + sum(int(statistics.get(name, 0)) for name in caches)


def address_bytes(root: Path = ROOT) -> int | None:
    """The memory that this process alone may still map under `ulimit -v`; None for no limit.

    Args:
        root: the folder that has /proc.
    """
    if sys.platform == "win32" or not hasattr(resource, "RLIMIT_AS"):
        return None
    most, _ = resource.getrlimit(resource.RLIMIT_AS)
    pages = _words(root / "proc/self/statm")
    if most == resource.RLIM_INFINITY or not pages:
        return None
    return max(0, most - int(pages[0]) * resource.getpagesize())


def in_words(size: int) -> str:
    """A number of bytes for a message."""
    return f"{size / 1e9:,.1f} GB" if size >= 1e9 else f"{size / 1e6:,.1f} MB"


def _control_groups(controller: str, root: Path) -> Iterator[Path]:
    """The folders of the control groups of this process, each before its parents.

    In a container, the path of a group may be that of the host: then only the top of the tree
    exists there, and it is the group of the container.
    """
    trees = root / "sys/fs/cgroup"
    for line in _lines(root / "proc/self/cgroup"):
        _, controllers, path = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        top = trees / controller if controllers else trees
        names = [name for name in path.split("/") if name not in ("", "..")]
        for depth in range(len(names), -1, -1):
            yield top.joinpath(*names[:depth])


def _lines(path: Path) -> list[str]:
    """The lines of a file of the system; none where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []


def _words(path: Path) -> list[str]:
    return [word for line in _lines(path) for word in line.split()]
