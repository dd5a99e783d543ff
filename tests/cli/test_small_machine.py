"""A machine that is too small: little shared memory, small disks, limits on files."""

import errno
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.commands import DEADLINE, QUICK, command

from charrnn.errors import TrainingError
from charrnn.machine import cores
from charrnn.parallel import shared_memory

#: Programs in a mount namespace of their own, in which a file system can be small.
NAMESPACE = ["unshare", "--mount"] + (
    ["--map-root-user"] if os.name == "posix" and os.geteuid() else []
)
#: Mount the file systems that stand before `--`, run the command that stands behind, and list the
#: files that the command leaves on them.
SCRIPT = """
places=
while [ "$1" != -- ]; do
    mount -t tmpfs -o "$2" none "$1" || exit 99
    places="$places $1"
    shift 2
done
shift
"$@"
code=$?
for place in $places; do find "$place" -mindepth 1; done
exit $code
"""


@pytest.fixture(scope="session")
def mounting():
    """Skips where nothing may be mounted."""
    words = [*NAMESPACE, "mount", "-t", "tmpfs", "none", "/tmp"]
    if not shutil.which("unshare") or subprocess.run(words, capture_output=True).returncode:
        pytest.skip("mounts are not permitted here")


def on_a_small_machine(mounts, words, **environment):
    """Run a command with small file systems: the process, and the files that were left on them."""
    mounted = [word for pair in mounts.items() for word in map(str, pair)]
    done = subprocess.run(
        [*NAMESPACE, "sh", "-c", SCRIPT, "sh", *mounted, "--", *map(str, words)],
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        env={**os.environ, **environment},
    )
    assert done.returncode != 99, done.stderr
    return done, done.stdout.splitlines()


CHARRNN = [sys.executable, "-m", "charrnn"]
WORKERS = [*CHARRNN, "train", "text.txt", "--steps", "2", "--val-frac", "0", "--workers", "2"]


@pytest.fixture
def temporary(tmp_path_factory):
    """The temporary directory."""
    return tmp_path_factory.mktemp("temporary")


def test_shared_memory_that_fits_nowhere_is_refused_with_the_sizes(mounting, tmp_path):
    mounts = {"/dev/shm": "size=2m", tmp_path: "size=3m"}
    words = [*WORKERS, "-c", "m.npz", "--hidden-size", "500"]
    done, left = on_a_small_machine(mounts, words, TMPDIR=str(tmp_path))
    assert done.returncode == 1, done.stderr
    (line,) = done.stderr.splitlines()
    assert re.fullmatch(
        r"Error: no room for 1\d\.\d MB of memory that the workers share "
        rf"\(/dev/shm: 2\.\d MB free; {tmp_path}: 3\.\d MB free\): "
        r"train with --workers 1, or name a folder with more space in TMPDIR",
        line,
    )
    assert left == []


def test_a_large_network_that_fits_in_no_directory_is_refused(mounting, tmp_path):
    mounts = {"/dev/shm": "size=8m", tmp_path: "size=30m"}
    words = [*WORKERS, "-c", "m.npz", "--hidden-size", "2048"]
    done, left = on_a_small_machine(mounts, words, TMPDIR=str(tmp_path))
    assert done.returncode == 1, done.stderr
    (line,) = done.stderr.splitlines()
    assert re.match(r"Error: no room for 2\d\d\.\d MB of memory that the workers share", line)
    assert left == []


def test_workers_are_left_out_where_their_memory_has_no_room(mounting, temporary):
    mounts = {"/dev/shm": "size=2m", temporary: "size=3m"}
    words = [*CHARRNN, "train", "text.txt", "--steps", "2", "-c", "m.npz", "--hidden-size", "500"]
    done, _ = on_a_small_machine(mounts, words, TMPDIR=str(temporary))
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("--workers 1: there is no memory for ") == (cores() > 1)


def test_where_shared_memory_is_small_the_temporary_directory_takes_its_place(mounting, temporary):
    mounts = {"/dev/shm": "size=1m", temporary: "size=100m"}
    words = [*WORKERS, "--hidden-size", "300"]
    done, left = on_a_small_machine(mounts, words, TMPDIR=str(temporary))
    assert done.returncode == 0, done.stderr
    assert left == []


def test_runs_side_by_side_share_little_memory_and_none_is_killed(mounting, temporary):
    mounts = {"/dev/shm": "size=16m", temporary: "size=4m"}
    each = " ".join(map(str, [*WORKERS, "--hidden-size", "300", "-c", "$n.npz"]))
    script = f"""
for n in 1 2 3 4; do {{ {each}; echo $? > $n.code; }} 2>$n.said & done
wait
"""
    done, left = on_a_small_machine(mounts, ["sh", "-c", script], TMPDIR=str(temporary))
    assert done.returncode == 0, done.stderr
    assert left == []
    codes = [int(Path(f"{n}.code").read_text()) for n in range(1, 5)]
    assert set(codes) <= {0, 1}
    for n, code in enumerate(codes, start=1):
        said = Path(f"{n}.said").read_text()
        assert ("memory that the workers share" in said) == bool(code)
        assert Path(f"{n}.npz").exists() != bool(code)


def test_without_a_directory_for_shared_memory_workers_train(mounting, temporary):
    """Nothing is mounted at /dev/shm, as in a chroot."""
    script = 'mkdir /dev/shm/empty && mount --bind /dev/shm/empty /dev && exec "$@"'
    nodes = "for node in null urandom; do cp -a /dev/$node /dev/shm/empty/ || exit 99; done; "
    words = ["sh", "-c", script.replace("&& mount", f"&& {nodes} mount"), "sh", *WORKERS]
    done, _ = on_a_small_machine({"/dev/shm": "size=1m"}, words, TMPDIR=str(temporary))
    if done.returncode == 99:
        pytest.skip("devices cannot be copied here")
    assert "step 2 of 2" in done.stderr
    assert os.listdir(temporary) == []


@pytest.mark.skipif(os.name != "posix", reason="memory that is in files")
@pytest.mark.parametrize("why", [errno.ENOSPC, errno.EFBIG])
def test_the_second_directory_is_tried_before_the_refusal(why, temporary, monkeypatch):
    first = temporary / "first"
    first.mkdir()
    monkeypatch.setattr(shared_memory, "IN_MEMORY", str(first))
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    tried = []

    def full(file, size):
        tried.append(size)
        raise OSError(why, os.strerror(why))

    monkeypatch.setattr("charrnn.files.reserve", full)
    with pytest.raises(TrainingError, match=f"{first}: .*{temporary}: ") as refused:
        shared_memory.reserve((1000, 1000), "f4")
    assert tried == [4_000_000] * 2
    assert "no room for 4.0 MB" in str(refused.value)
    limited = "train with --workers 1, or raise the limit of ulimit -f"
    assert str(refused.value).endswith(limited) == (why == errno.EFBIG)
    assert os.listdir(first) == []


@pytest.mark.skipif(os.name != "posix", reason="memory that is in files")
@pytest.mark.parametrize("supported", [True, False])
def test_reserved_memory_is_zeros_that_a_new_process_can_write(supported, monkeypatch):
    if not supported:
        monkeypatch.delattr("os.posix_fallocate", raising=False)
    array = shared_memory.reserve((30, 50), "f8").array()
    assert array.shape == (30, 50)
    assert not array.any()
    array[...] = 1.5
    assert (array == 1.5).all()


def limited(kilobytes, *words):
    """Run a command that may write no file larger than a limit."""
    script = f'ulimit -f {2 * kilobytes} || exit 99; exec "$@"'  # sh counts blocks of 512 bytes
    done = subprocess.run(
        ["sh", "-c", script, "sh", *CHARRNN, *map(str, words)],
        capture_output=True,
        text=True,
        timeout=DEADLINE,
    )
    assert done.returncode == 1, done.stderr
    (line,) = done.stderr.splitlines()
    return line


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="limits on files")
@pytest.mark.parametrize(
    ("workers", "line"),
    [
        (1, r"charrnn\.npz: cannot be written: File too large for 4\.\d MB: raise the limit of"),
        (2, r"no room for .* of memory .* File too large.*: train with --workers 1, or raise"),
    ],
)
def test_a_limit_on_the_size_of_files_is_found_before_training(workers, line):
    words = ["train", "text.txt", "--hidden-size", 256, "--steps", 2, "--workers", workers]
    assert re.match(f"Error: {line}", limited(500, *words))
    assert os.listdir() == ["text.txt"]


def test_a_disk_without_room_for_the_checkpoint_is_found_before_training(mounting, temporary):
    path = temporary / "m.npz"
    words = [*CHARRNN, "train", "text.txt", "--hidden-size", "256", "--workers", "1", "-c", path]
    done, left = on_a_small_machine({temporary: "size=3m"}, words)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert re.fullmatch(
        rf"Error: {path}: cannot be written: No space left on device for 4\.\d MB: "
        "name another place with -c PATH",
        line,
    )
    assert left == []


def test_a_directory_with_room_for_one_file_holds_no_lock_and_a_save(mounting, temporary):
    path = temporary / "m.npz"
    words = [*CHARRNN, "train", "text.txt", *QUICK, "-c", path]
    done, left = on_a_small_machine({temporary: "nr_inodes=2"}, words)  # of which one is its own
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.endswith(
        "cannot be written: No space left on device: name another place with -c PATH"
    )
    assert left == []
    done, left = on_a_small_machine({temporary: "nr_inodes=3"}, words)
    assert done.returncode == 0, done.stderr
    assert left == [str(path)]


#: The command, with little kept in memory, and if requested without reserving disk space.
FRUGAL = """
import os, sys
from charrnn.text import sources, storage
sources.IN_MEMORY = storage.IN_MEMORY = 1000
if sys.argv.pop(1) == "unsupported":
    del os.posix_fallocate
from charrnn.__main__ import main
main()
"""


@pytest.mark.parametrize("reserving", ["supported", "unsupported"])
@pytest.mark.parametrize(
    "words", [["train", "text.txt", "--overwrite"], ["inspect", "--export", "states.npz"]]
)
def test_a_text_or_a_recording_that_has_no_room_is_refused(
    words, reserving, mounting, temporary, trained
):
    words = [sys.executable, "-c", FRUGAL, reserving, *words]
    done, left = on_a_small_machine({temporary: "size=8k"}, words, TMPDIR=str(temporary))
    assert done.returncode == 1, done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"Error: {temporary}: No space left on device: name a folder")
    assert left == []


def test_a_pipe_whose_last_bytes_have_no_room_is_refused(mounting, temporary):
    Path("long.txt").write_text("0123456789" * 13_140)  # a block, and less than a buffer more
    command = [sys.executable, "-c", FRUGAL, "supported", "train", "-"]
    words = ["sh", "-c", 'exec "$@" < long.txt', "sh", *command]
    mounts = {temporary: f"size={1 << 17}"}
    done, left = on_a_small_machine(mounts, words, TMPDIR=str(temporary))
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"Error: {temporary}: No space left on device: name a folder")
    assert left == []


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes that have a name")
@pytest.mark.parametrize(
    "words",
    [
        ["sample", "-c", "pipe"],
        ["inspect", "-c", "pipe"],
        ["train", "text.txt", "-c", "pipe"],
        ["train", "-c", "pipe", "--resume"],
        ["train", "-c", "pipe", "--resume", "--hidden-size", "9"],
        ["train", "text.txt", "--init-from", "pipe"],
    ],
    ids=" ".join,
)
def test_a_pipe_named_as_a_checkpoint_is_refused_without_waiting(words):
    os.mkfifo("pipe")
    with command(*words) as process:
        _, said = process.communicate(timeout=60)
    assert process.returncode in (1, 2)
    assert said.splitlines()[-1].startswith(b"Error: ")


@pytest.mark.skipif(os.name != "posix", reason="modes of POSIX")
@pytest.mark.parametrize("name", ["sample", "inspect", "train"])
def test_a_checkpoint_that_cannot_be_read_has_one_line(name, run, trained, monkeypatch):
    os.chmod("charrnn.npz", 0)
    monkeypatch.setattr("os.access", lambda path, mode, **_: mode == os.F_OK)  # also for root

    def refuse(path, flags, *more, before=os.open, **others):
        if Path(path).name == "charrnn.npz":
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return before(path, flags, *more, **others)

    monkeypatch.setattr("os.open", refuse)
    words = ["--resume"] if name == "train" else []
    (line,) = run(name, *words, code=1).stderr.splitlines()
    assert line == (
        "Error: charrnn.npz: Permission denied: make it readable with chmod, or name another with "
        "-c PATH"
    )


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="limits of Linux")
def test_an_advised_size_trains_within_the_limit():
    script = 'ulimit -v 450000 && exec "$@"'
    words = [*CHARRNN, "train", "text.txt", "--steps", "1", "--val-frac", "0", "--workers", "1"]
    limited = ["sh", "-c", script, "sh", *words, "--hidden-size"]
    refused = subprocess.run([*limited, "3000"], capture_output=True, text=True, timeout=DEADLINE)
    assert refused.returncode == 1
    (line,) = refused.stderr.splitlines()
    start, advised = line.rsplit(maxsplit=1)
    assert re.fullmatch(
        r"Error: 1 × 3,000 cells and 64 streams of 32 characters need \d+\.\d [MG]B of memory, and "
        r"\d+\.\d MB are available: try --hidden-size",
        start,
    )
    followed = subprocess.run([*limited, advised], capture_output=True, timeout=DEADLINE)
    assert followed.returncode == 0, followed.stderr
