"""Processes seen from outside: their time, their lines on stderr, and their memory.

The memory is read from /proc, which only Linux has.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

#: Seconds between two readings of the memory of running processes.
LOOK_EVERY = 0.1
#: A program that runs a command, and prints its peak of resident memory and its exit code. It has
#: a process of its own, since the peak counts the memory of the process that starts the command.
RUN = """
import os, sys
pid = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ)
_, status, usage = os.wait4(pid, 0)
print(usage.ru_maxrss, os.waitstatus_to_exitcode(status))
"""


def family(pid: int) -> list[int]:
    """The ids of a process and of all its children."""
    pids = [pid]
    for parent in pids:
        for children in Path(f"/proc/{parent}/task").glob("*/children"):
            with suppress(OSError):
                pids += map(int, children.read_text().split())
    return pids


def processor_seconds(pid: int | None) -> float:
    """The seconds of a core that a process and its children have used; 0 where /proc is missing."""
    total = 0.0
    for member in family(pid or 0):
        with suppress(OSError):
            fields = Path(f"/proc/{member}/stat").read_text().rpartition(")")[2].split()
            total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return total


def seconds_of_others() -> float:
    """The seconds of a core that other programs have used since the system started.

    Those of this process and of its children that have ended are left out; 0 where /proc is
    missing.
    """
    with suppress(OSError):
        fields = Path("/proc/stat").read_text().split(maxsplit=9)[1:8]
        user, nice, system, _, _, irq, softirq = map(int, fields)
        busy = (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")
        return busy - sum(os.times()[:4])
    return 0.0


@dataclass
class Memory:
    """The memory of some processes together, in bytes; shared memory is counted in shares.

    Attributes:
        total: the whole memory.
        held: the memory without mapped files, which the system can take back at any time.
    """

    total: int = 0
    held: int = 0


def memory(pids: Sequence[int]) -> Memory:
    """The memory of processes now; zero where /proc has no `smaps_rollup`."""
    result = Memory()
    for pid in pids:
        with suppress(OSError):
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
            sizes = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in lines}
            result.total += sizes.get("Pss", 0)
            result.held += sizes.get("Pss_Anon", 0) + sizes.get("Pss_Shmem", 0)
    return result


@dataclass
class Finished:
    """The figures of a command that has ended.

    Attributes:
        seconds: from its start to its end.
        peak_resident: the peak of the command's own process, by getrusage, in bytes.
        peak: the peak of all its processes together.
        lines: the lines on stderr, each with its time in seconds.
    """

    seconds: float = 0.0
    peak_resident: int = 0
    peak: Memory = field(default_factory=Memory)
    lines: list[tuple[float, str]] = field(default_factory=list)

    def when(self, beginning: str, containing: str = "") -> float:
        """The seconds until the first line that begins with a text, and contains another.

        Raises:
            RuntimeError: where there is no such line, with all lines.
        """
        for seconds, line in self.lines:
            if line.startswith(beginning) and containing in line:
                return seconds
        said = "\n".join(line for _, line in self.lines)
        raise RuntimeError(f"no line {beginning!r} … {containing!r} in\n{said}")


def watch(
    command: Sequence[str], folder: Path, variables: dict[str, str] | None = None
) -> Finished:
    """Run a command, and measure its memory while it runs.

    Args:
        command: the path or name of a program, and its arguments.
        folder: the working folder.
        variables: further variables of the environment.

    Raises:
        RuntimeError: where the command failed, with its lines on stderr.
    """
    result, begun = Finished(), time.perf_counter()
    runner = subprocess.Popen(
        [sys.executable, "-S", "-E", "-c", RUN, *command],
        cwd=folder,
        env={**os.environ, **(variables or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
    )
    looking = threading.Thread(target=look, args=(runner, result.peak))
    looking.start()
    assert runner.stderr is not None
    assert runner.stdout is not None
    with runner:
        for line in runner.stderr:
            result.lines.append((time.perf_counter() - begun, line.rstrip()))
        said = runner.stdout.read().split()
    result.seconds = time.perf_counter() - begun
    looking.join()
    if len(said) < 2 or said[-1] != "0":
        raise RuntimeError(" ".join(command) + "\n" + "\n".join(line for _, line in result.lines))
    result.peak_resident = int(said[-2]) * (1 if sys.platform == "darwin" else 1024)
    return result


def look(runner: subprocess.Popen[str], peak: Memory) -> None:
    """Update the peak of the children of a process while it runs."""
    while runner.poll() is None:
        now = memory(family(runner.pid)[1:])
        peak.total = max(peak.total, now.total)
        peak.held = max(peak.held, now.held)
        time.sleep(LOOK_EVERY)


def charrnn(*arguments: str) -> list[str]:
    """A command line of charrnn: the installed program beside this Python, or `-m charrnn`."""
    script = Path(sys.executable).with_name("charrnn")
    start = [str(script)] if script.exists() else [sys.executable, "-m", "charrnn"]
    return [*start, *arguments]
