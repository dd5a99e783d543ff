import errno
import gc
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

from charrnn import locks
from charrnn.errors import TextError
from charrnn.text import storage
from charrnn.text.storage import allocate, concatenate

UINT8 = np.dtype(np.uint8)


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """The temporary directory, which holds every array that is not empty."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.setattr(storage, "IN_MEMORY", 0)
    return folder


def parts(dtype=UINT8):
    for stop in (3, 0, 2):
        yield np.arange(stop, dtype=dtype)


def test_a_small_array_is_in_memory():
    array = concatenate(parts(), 5, UINT8)
    assert type(array) is np.ndarray
    assert array.tolist() == [0, 1, 2, 0, 1]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.uint32])
def test_a_large_array_is_in_a_file(dtype, temporary):
    array = concatenate(parts(dtype), 5, np.dtype(dtype))
    assert isinstance(array, np.memmap)
    assert array.dtype == dtype
    assert array.tolist() == [0, 1, 2, 0, 1]
    assert [str(path) for path in temporary.iterdir()] == [array.filename]


def test_bytes_decide_what_is_large(temporary, monkeypatch):
    monkeypatch.setattr(storage, "IN_MEMORY", 5)
    assert not isinstance(concatenate(parts(), 5, UINT8), np.memmap)
    assert isinstance(concatenate(parts(np.uint16), 5, np.dtype(np.uint16)), np.memmap)


def test_the_file_lasts_as_long_as_any_view_of_it(temporary):
    views = [np.asarray(concatenate(parts(), 5, UINT8)[2:])[1:]]
    gc.collect()
    assert len(list(temporary.iterdir())) == 1
    assert views.pop().tolist() == [0, 1]
    gc.collect()
    assert list(temporary.iterdir()) == []


def test_nothing_is_left_behind_where_a_part_fails(temporary):
    def failing():
        yield np.zeros(3, np.uint8)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        concatenate(failing(), 6, UINT8)
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize("how", ["", "raise KeyboardInterrupt", "sys.exit(3)"])
def test_the_file_is_gone_when_python_has_ended(how, temporary):
    program = f"""
import sys, numpy as np
from charrnn.text import storage
storage.IN_MEMORY = 0
kept = storage.concatenate([np.zeros(9, np.uint8)], 9, np.dtype(np.uint8))
print(kept.filename)
{how}
"""
    environment = {**os.environ, "TMPDIR": str(temporary)}
    ended = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True
    )
    assert Path(ended.stdout.strip()).parent == temporary, ended.stderr
    assert list(temporary.iterdir()) == []


def test_a_directory_without_room_is_named_with_the_remedy(temporary, monkeypatch):
    def full(*arguments, **more):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(storage, "open", full, raising=False)
    expected = f"{temporary}: No space left on device: .* TMPDIR"
    with pytest.raises(TextError, match=expected):
        concatenate(parts(), 5, UINT8)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a device that is always full")
def test_a_disk_that_gets_full_is_an_error_and_not_a_crash(temporary, monkeypatch):
    full = temporary / "full"
    full.symlink_to("/dev/full")
    monkeypatch.setattr(tempfile, "mkstemp", lambda *_: (os.open(full, os.O_WRONLY), str(full)))
    with pytest.raises(TextError, match="No space left on device"):
        concatenate(parts(), 5, UINT8)


def test_the_lack_of_any_temporary_directory_is_an_error_of_the_text(temporary, monkeypatch):
    def missing():
        raise FileNotFoundError(2, "No usable temporary directory found")

    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "gettempdir", missing)
    with pytest.raises(TextError, match=r"^temporary directory: No usable"):
        concatenate(parts(), 5, UINT8)


def test_a_large_writable_array_is_in_a_file(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("charrnn.text.storage.IN_MEMORY", 100)
    small, large = allocate((5, 5), np.uint8), allocate((20, 30), np.float32)
    assert list(tmp_path.iterdir()) != []
    assert not isinstance(small, np.memmap)
    large[...] = 1.5
    assert (large == 1.5).all()
    assert next(tmp_path.iterdir()).stat().st_size == 20 * 30 * 4
    del large
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("system", ["with fallocate", "without"])
def test_a_full_disk_is_an_error_before_the_array_is_used(system, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("charrnn.text.storage.IN_MEMORY", 100)

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    if system == "without":
        monkeypatch.delattr("os.posix_fallocate", raising=False)
        assert allocate((20, 30), np.uint8).shape == (20, 30)
        return
    monkeypatch.setattr("os.posix_fallocate", full, raising=False)
    with pytest.raises(TextError, match="No space left on device: name a folder"):
        allocate((20, 30), np.uint8)
    assert list(tmp_path.iterdir()) == []


def test_too_little_memory_for_a_map_is_not_blamed_on_the_directory(temporary, monkeypatch):
    def lack(*_, **__):
        raise OSError(errno.ENOMEM, "Cannot allocate memory")

    monkeypatch.setattr(np, "memmap", lack)
    with pytest.raises(OSError, match="Cannot allocate memory"):
        allocate((20, 30), np.uint8)
    assert list(temporary.iterdir()) == []


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_only_the_files_of_killed_processes_are_removed(temporary):
    program = """
import numpy as np
from charrnn.text import storage
storage.IN_MEMORY = 0
kept = storage.allocate((9,), np.uint8)
print(kept.filename, flush=True)
input()
"""
    words, environment = [sys.executable, "-c", program], {**os.environ, "TMPDIR": str(temporary)}
    pipe = subprocess.PIPE
    other = temporary / "charrnn-notes.array"
    other.touch()
    with subprocess.Popen(words, env=environment, stdin=pipe, stdout=pipe, text=True) as process:
        theirs = Path(process.stdout.readline().strip())
        ours = [allocate((9,), np.uint8)]
        assert theirs.is_file()
        process.kill()
    assert theirs.is_file()
    ours.append(allocate((9,), np.uint8))
    assert not theirs.exists()
    assert all(Path(array.filename).exists() for array in ours)
    ours.clear()
    gc.collect()
    assert list(temporary.iterdir()) == [other]


def test_a_file_that_another_process_removed_as_an_orphan_is_made_again(temporary, monkeypatch):
    made, try_lock = [], locks.try_lock

    def slow(handle):
        (path,) = set(temporary.iterdir())
        made.append(path)
        if len(made) == 1:  # another process finds it without a lock in the meantime
            path.unlink()
        return try_lock(handle)

    monkeypatch.setattr(locks, "try_lock", slow)
    array = concatenate(parts(), 5, UINT8)
    assert [Path(array.filename)] == made[1:] == list(temporary.iterdir())


def test_a_temporary_directory_without_locks_will_do(temporary, monkeypatch):
    def refuse(handle):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(locks, "try_lock", refuse)
    kept = [concatenate(parts(), 5, UINT8), concatenate(parts(), 5, UINT8)]
    assert len(list(temporary.iterdir())) == 2
    kept.clear()
    gc.collect()
    assert list(temporary.iterdir()) == []
