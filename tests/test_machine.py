"""The cores and the memory of a machine, from files like those of Linux."""

import os
import subprocess
import sys

import pytest

from charrnn.machine import ROOT, address_bytes, available_bytes, cores, in_words

MB = 1_000_000


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A function that writes files below a root, by their paths; 8 cores, 16 GB free."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)), raising=False)

    def write(**files):
        files.setdefault("proc/meminfo", "MemTotal: 9 kB\nMemAvailable:   16000000 kB\n")
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        return tmp_path

    return write


TWO, ONE = "0::/a/b\n", "3:cpuset:/\n2:cpu,cpuacct:/a/b\n1:memory:/a/b\n"
V2, CPU, MEMORY = "sys/fs/cgroup", "sys/fs/cgroup/cpu", "sys/fs/cgroup/memory"


def quota(group, microseconds, period=100_000):
    """The files of a quota of version 1."""
    return {
        f"{group}/cpu.cfs_quota_us": f"{microseconds}\n",
        f"{group}/cpu.cfs_period_us": f"{period}\n",
    }


@pytest.mark.parametrize(
    ("groups", "files", "expected"),
    [
        ("", {}, 8),
        (TWO, {}, 8),
        (TWO, {f"{V2}/a/b/cpu.max": "max 100000\n"}, 8),
        (TWO, {f"{V2}/a/b/cpu.max": "50000 100000\n"}, 1),
        (TWO, {f"{V2}/a/b/cpu.max": "150000 100000\n"}, 1),
        (TWO, {f"{V2}/a/b/cpu.max": "300000 100000\n"}, 3),
        (TWO, {f"{V2}/a/b/cpu.max": "3200000 100000\n"}, 8),
        (TWO, {f"{V2}/a/cpu.max": "20000 10000\n", f"{V2}/a/b/cpu.max": "max 100000\n"}, 2),
        ("0::/\n", {f"{V2}/cpu.max": "400000 100000\n"}, 4),  # in a container
        ("0::/../c\n", {f"{V2}/cpu.max": "400000 100000\n"}, 4),
        ("0::/on/the/host\n", {f"{V2}/cpu.max": "400000 100000\n"}, 4),
        (ONE, quota(f"{CPU}/a/b", -1), 8),
        (ONE, quota(f"{CPU}/a/b", 250_000), 2),
        (ONE, quota(f"{CPU}/a", 150_000) | quota(f"{CPU}/a/b", -1), 1),
        (ONE, quota(CPU, 300_000), 3),  # in a container, where the path is that of the host
        (ONE, quota(f"{CPU}/a/b", 100_000, 0), 8),
        (ONE, {f"{CPU}/a/b/cpu.cfs_quota_us": "broken\n"}, 8),
        (TWO, {f"{V2}/a/b/cpu.max": "\n"}, 8),
    ],
)
def test_cores_are_those_of_the_affinity_or_less_by_a_quota(machine, groups, files, expected):
    assert cores(machine(**{"proc/self/cgroup": groups}, **files)) == expected


def limit(group, most, used, stat="", version=2):
    """The files of a limit of memory."""
    names = ("max", "current") if version == 2 else ("limit_in_bytes", "usage_in_bytes")
    found = {f"{group}/memory.{name}": f"{n}\n" for name, n in zip(names, (most, used))}
    return found | ({f"{group}/memory.stat": stat} if stat else {})


FREE = 16_000_000 * 1024


@pytest.mark.parametrize(
    ("groups", "files", "expected"),
    [
        ("", {}, FREE),
        (TWO, {}, FREE),
        (TWO, limit(f"{V2}/a/b", "max", 5), FREE),
        (TWO, limit(f"{V2}/a/b", 256 * MB, 100 * MB), 156 * MB),
        (
            TWO,
            limit(
                f"{V2}/a/b",
                256 * MB,
                200 * MB,
                f"anon {9 * MB}\ninactive_file {50 * MB}\nactive_file {20 * MB}\n",
            ),
            126 * MB,
        ),
        (TWO, limit(f"{V2}/a/b", 256 * MB, 0) | limit(f"{V2}/a", 99 * MB, 9 * MB), 90 * MB),
        (TWO, limit(f"{V2}/a/b", 256 * MB, 300 * MB), 0),
        (TWO, {f"{V2}/a/b/memory.high": "99\n", f"{V2}/a/b/memory.current": "9\n"}, 90),
        (ONE, limit(f"{MEMORY}/a/b", 2**63 - 4096, 5, version=1), FREE),
        (
            ONE,
            limit(
                f"{MEMORY}/a/b",
                256 * MB,
                200 * MB,
                f"inactive_file 7\ntotal_inactive_file {50 * MB}\n",
                version=1,
            ),
            106 * MB,
        ),
        (ONE, limit(MEMORY, 256 * MB, 200 * MB, version=1), 56 * MB),
        ("0::/\n", limit(V2, 256 * MB, 200 * MB), 56 * MB),
    ],
)
def test_memory_is_what_the_machine_has_free_or_less_by_a_limit(machine, groups, files, expected):
    assert available_bytes(machine(**{"proc/self/cgroup": groups}, **files)) == expected


@pytest.mark.parametrize("meminfo", ["", "MemAvailable:", "MemAvailable: many kB"])
def test_a_machine_that_says_nothing_of_its_free_memory_has_all_or_an_unknown_amount(
    meminfo, machine
):
    found = available_bytes(machine(**{"proc/meminfo": meminfo}))
    assert found is None or found > 1 << 28


def test_this_machine_has_cores_and_memory():
    assert 1 <= cores() <= (os.cpu_count() or 1)
    assert available_bytes() is None or available_bytes() > 1 << 20


@pytest.mark.skipif(not (ROOT / "proc/self/statm").exists(), reason="limits of Linux")
def test_a_limit_of_the_address_space_leaves_what_is_not_mapped_yet():
    assert address_bytes() is None or address_bytes() > 0
    code = "from charrnn.machine import address_bytes; print(address_bytes())"
    script = 'ulimit -v 1000000 && exec "$@"'
    words = ["sh", "-c", script, "sh", sys.executable, "-c", code]
    left = int(subprocess.run(words, capture_output=True, timeout=60, check=True).stdout)
    assert 500 * MB < left < 1024 * MB


def test_sizes_in_words():
    assert [in_words(size) for size in (0, 8_040_000, 1_234_567_890)] == [
        "0.0 MB",
        "8.0 MB",
        "1.2 GB",
    ]


def test_numpy_is_not_imported_to_count_cores():
    code = "import sys, charrnn.machine; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0
