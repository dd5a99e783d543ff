import errno
import io
import os
import stat

import pytest

from charrnn import files
from charrnn.files import probe, replacing, sweep

posix = pytest.mark.skipif(os.name != "posix", reason="files of POSIX")


def failing(code):
    """A call to the system that fails."""

    def call(*_):
        raise OSError(code, os.strerror(code))

    return call


def test_a_written_file_replaces_the_old_one(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"old")
    path.chmod(0o640)
    with replacing(path) as file:
        file.write(b"new")
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert list(tmp_path.iterdir()) == [path]


def test_an_error_leaves_the_old_file(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"old")

    def write_half():
        with replacing(path) as file:
            file.write(b"half of it")
            raise ValueError("half of it")

    with pytest.raises(ValueError, match="half"):
        write_half()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_symbolic_link_is_followed(tmp_path):
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_bytes(b"old")
    link.symlink_to(target)
    with replacing(link) as file:
        file.write(b"new")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"


def test_a_new_file_has_the_mode_that_the_user_gives_new_files(tmp_path):
    before = os.umask(0o027)
    try:
        with replacing(tmp_path / "a"):
            pass
    finally:
        os.umask(before)
    if os.name == "posix":
        assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o640


@posix
def test_the_mode_is_that_of_the_old_one_before_anything_is_written(tmp_path):
    path = tmp_path / "a"
    path.touch(mode=0o600)
    with replacing(path):
        (new,) = set(tmp_path.iterdir()) - {path}
        assert stat.S_IMODE(new.stat().st_mode) == 0o600


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="files are given away")
def test_a_file_of_another_user_stays_theirs_if_that_is_allowed(tmp_path, monkeypatch):
    path = tmp_path / "a"
    path.touch()
    os.chown(path, 1234, 5678)
    with replacing(path):
        pass
    assert (path.stat().st_uid, path.stat().st_gid) == (1234, 5678)

    def refuse(*_):
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "chown", refuse)
    with replacing(path) as file:
        file.write(b"new")
    assert path.read_bytes() == b"new"
    assert path.stat().st_uid == os.geteuid()


def test_the_first_error_is_raised_if_nothing_can_be_removed(tmp_path, monkeypatch):
    path = tmp_path / "a"
    monkeypatch.setattr(os, "fsync", failing(errno.ENOSPC))
    monkeypatch.setattr(os, "unlink", failing(errno.EROFS))
    with pytest.raises(OSError, match="No space left") as caught, replacing(path) as file:
        file.write(b"new")
    assert caught.value.errno == errno.ENOSPC
    assert not path.exists()


@pytest.fixture
def unflushable(monkeypatch):
    """Makes the flushing of directories fail."""
    fsync = os.fsync

    def install(code):
        def flush(handle):
            if stat.S_ISDIR(os.fstat(handle).st_mode):
                raise OSError(code, os.strerror(code))
            fsync(handle)

        monkeypatch.setattr(os, "fsync", flush)

    return install


@posix
@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC])
def test_an_error_in_flushing_the_directory_is_raised_and_the_new_one_stays(
    code, tmp_path, unflushable
):
    path = tmp_path / "a"
    unflushable(code)
    with pytest.raises(OSError, match=os.strerror(code)), replacing(path) as file:
        file.write(b"new")
    assert path.read_bytes() == b"new"


@posix
@pytest.mark.parametrize("code", [errno.EINVAL, errno.ENOTSUP, errno.EACCES])
def test_a_directory_that_cannot_be_flushed_need_not_be(code, tmp_path, unflushable):
    path = tmp_path / "a"
    unflushable(code)
    with replacing(path) as file:
        file.write(b"new")
    assert path.read_bytes() == b"new"


@posix
def test_a_link_that_waits_under_the_name_of_the_temporary_file_is_not_written_through(
    tmp_path, monkeypatch
):
    victim = tmp_path / "victim"
    victim.write_bytes(b"theirs")
    monkeypatch.setattr("os.urandom", lambda n: b"\xab")
    (tmp_path / ".a.ab.tmp").symlink_to(victim)
    with pytest.raises(FileExistsError), replacing(tmp_path / "a") as file:
        file.write(b"ours")
    assert victim.read_bytes() == b"theirs"


def test_a_directory_that_is_gone_is_an_error_of_the_system(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    with replacing(folder / "a"):
        pass
    (folder / "a").unlink()
    folder.rmdir()
    with pytest.raises(FileNotFoundError), replacing(folder / "a"):
        pass


def test_a_file_that_another_program_has_open_is_tried_again(tmp_path, monkeypatch):
    path, replace, waited = tmp_path / "a", os.replace, []

    def busy(old, new):
        if len(waited) < 2:
            raise PermissionError(errno.EACCES, "Permission denied")
        replace(old, new)

    monkeypatch.setattr(os, "replace", busy)
    monkeypatch.setattr("time.sleep", waited.append)
    with replacing(path, retry_after=(1, 2)) as file:
        file.write(b"new")
    assert path.read_bytes() == b"new"
    assert waited == [1, 2]


def test_files_of_killed_writers_are_swept_and_nothing_else(tmp_path):
    others = ["a", ".a.tmp", ".a.xyz.tmp", ".b.0123abcd.tmp", ".a.b.0123abcd.tmp", ".a.lock"]
    for name in [*others, ".a.0123abcd.tmp", ".a.4711.tmp"]:
        (tmp_path / name).touch()
    sweep(tmp_path / "a")
    assert sorted(os.listdir(tmp_path)) == sorted(others)


def test_a_file_of_a_killed_writer_has_a_name_that_is_swept(tmp_path):
    with replacing(tmp_path / "a"):
        (name,) = os.listdir(tmp_path)
    (tmp_path / name).touch()
    sweep(tmp_path / "a")
    assert os.listdir(tmp_path) == ["a"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes that have a name")
@pytest.mark.parametrize("what", ["pipe", "folder", "/"])
def test_only_a_regular_file_is_replaced(what, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    path = tmp_path / what
    before = path.stat()
    with pytest.raises(OSError, match=r"not a regular file|directory"), replacing(path):
        pass
    with pytest.raises(OSError, match=r"not a regular file|directory"):
        probe(path)
    assert (path.stat().st_ino, path.stat().st_mode) == (before.st_ino, before.st_mode)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["folder", "pipe"]


@pytest.mark.parametrize("size", [1, 10**6])
@pytest.mark.parametrize("supported", [True, False])
def test_a_probe_changes_nothing_and_fails_where_writing_would(
    supported, size, tmp_path, monkeypatch
):
    if not supported:
        monkeypatch.delattr("os.posix_fallocate", raising=False)
    probe(tmp_path / "a", size)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(FileNotFoundError):
        probe(tmp_path / "missing" / "a", size)
    limit_file_size(monkeypatch, size - 1)
    with pytest.raises(OSError, match="No space left"):
        probe(tmp_path / "a", size)
    assert list(tmp_path.iterdir()) == []


def limit_file_size(monkeypatch, limit):
    """Let no file become larger."""

    def check(size):
        if size > limit:
            raise OSError(errno.ENOSPC, "No space left on device")

    class Limited(io.FileIO):
        def write(self, data):
            check(self.tell() + len(data))
            return super().write(data)

    monkeypatch.setattr(files, "open", lambda path, mode: Limited(path, mode), raising=False)
    if hasattr(os, "posix_fallocate"):
        monkeypatch.setattr(os, "posix_fallocate", lambda handle, start, size: check(size))


@pytest.mark.parametrize("why", [None, errno.EINVAL, errno.EOPNOTSUPP])
def test_reserved_space_is_all_zeros_on_every_file_system(why, tmp_path, monkeypatch):
    if why:

        def refuse(*_):
            raise OSError(why, os.strerror(why))

        monkeypatch.setattr(os, "posix_fallocate", refuse, raising=False)
    size = files.BLOCK_BYTES + 7
    with open(tmp_path / "a", "xb") as file:
        files.reserve(file, size)
        if hasattr(os.stat_result, "st_blocks"):
            assert os.fstat(file.fileno()).st_blocks * 512 >= size  # the file is not sparse
    assert (tmp_path / "a").read_bytes() == bytes(size)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes that have a name")
def test_to_open_a_regular_file_never_waits(tmp_path):
    (tmp_path / "file").write_bytes(b"some")
    os.mkfifo(tmp_path / "pipe")
    with files.open_regular(tmp_path / "file") as file:
        assert file.read() == b"some"
    for path in (tmp_path / "pipe", "/dev/null"):
        with pytest.raises(OSError, match="is a pipe or a device"):
            files.open_regular(path)
    with pytest.raises(IsADirectoryError):
        files.open_regular(tmp_path)


@posix
@pytest.mark.parametrize("name", ["circle", "circle/a", "far"])
def test_links_in_a_circle_are_refused_by_every_python(name, tmp_path):
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    (tmp_path / "far").symlink_to(tmp_path / "near")
    (tmp_path / "near").symlink_to(tmp_path / "far")
    for use in (files.resolve, probe, sweep):
        with pytest.raises(OSError, match=os.strerror(errno.ELOOP)) as refused:
            use(tmp_path / name)
        assert refused.value.errno == errno.ELOOP
    with pytest.raises(OSError, match=os.strerror(errno.ELOOP)), replacing(tmp_path / name):
        pass
    assert (tmp_path / "circle").is_symlink()


def test_a_file_that_is_missing_or_cannot_be_looked_at_is_resolved(tmp_path):
    assert files.resolve(tmp_path / "missing") == tmp_path.resolve() / "missing"
    assert files.resolve(tmp_path / "no" / "such") == tmp_path.resolve() / "no" / "such"
