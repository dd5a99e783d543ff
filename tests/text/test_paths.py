"""The files of a text: in folders, by patterns, and those that are left out."""

import os
from pathlib import Path

import pytest

from charrnn.errors import TextError
from charrnn.text import paths
from charrnn.text.decoding import DEFAULT, Decoding
from charrnn.text.paths import TextFiles, find, listed

PICTURE = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def make(tmp_path, monkeypatch):
    """Makes files in a working directory: names, and bytes that are text unless given."""
    monkeypatch.chdir(tmp_path)

    def make(*names, **contents):
        for name in (*names, *contents):
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(contents.get(name, b"text\n"))

    return make


def found(*texts, how=DEFAULT):
    """The paths of the files of a text."""
    return [Path(path).as_posix() for path in find(texts, how).paths]


def test_a_folder_stands_for_the_files_in_it_sorted_by_path(make):
    make("corp/b.txt", "corp/a.txt", "corp/b/z.txt", "corp/b/y/x.txt", "corp/c", "other.txt")
    assert found("corp") == [
        "corp/a.txt",
        "corp/b/y/x.txt",
        "corp/b/z.txt",
        "corp/b.txt",
        "corp/c",
    ]
    assert found("corp/") == found("corp")
    assert find(["corp"], DEFAULT).names[1] == os.path.join("corp", "b", "y", "x.txt")
    assert find(["."], DEFAULT).names[-1] == "other.txt"


def test_files_and_folders_keep_their_order(make):
    make("corp/a.txt", "b.txt", "a.txt")
    assert found("b.txt", "corp", "a.txt", "b.txt") == ["b.txt", "corp/a.txt", "a.txt", "b.txt"]
    assert found("-", "a.txt") == ["-", "a.txt"]


def test_hidden_files_and_files_that_are_not_text_are_left_out_with_their_number(make):
    make("corp/a.txt", "corp/.hidden", "corp/.git/HEAD", **{"corp/x/b.png": PICTURE})
    files = find(["corp"], DEFAULT)
    assert [Path(path).name for path in files.paths] == ["a.txt"]
    name = os.path.join("corp", "x", "b.png")
    assert files.notices == (f"left out: 2 hidden, 1 not text ({name})",)


def test_many_files_that_are_not_text_are_counted(make):
    make("corp/a.txt", **{f"corp/{n}.png": PICTURE for n in range(9)})
    (notice,) = find(["corp"], DEFAULT).notices
    assert notice.startswith("left out: 9 not text (")
    assert notice.endswith(", …)")


def test_data_of_no_known_format_is_left_out_of_a_folder(make):
    data = bytes(range(255, 0, -1))
    make("corp/a.txt", **{"corp/a.pyc": data, "corp/u.txt": "text\n".encode("utf-16-le") * 9})
    assert found("corp") == ["corp/a.txt", "corp/u.txt"]
    assert found("corp/a.txt", "corp/a.pyc") == ["corp/a.txt"]
    ignoring = Decoding(errors="ignore")
    assert found("corp/a.txt", "corp/a.pyc", how=ignoring) == ["corp/a.txt", "corp/a.pyc"]


def test_bytes_are_of_any_format(make):
    make("corp/a.txt", **{"corp/b.png": PICTURE})
    assert found("corp", how=Decoding(binary=True)) == ["corp/a.txt", "corp/b.png"]


def test_a_single_file_is_not_left_out(make):
    make(**{"b.png": PICTURE})
    assert found("b.png") == ["b.png"]  # and is refused with a remedy where it is read


@pytest.mark.parametrize("name", ["corp", "corp/"])
def test_a_folder_without_text_is_refused(name, make):
    make("corp/.hidden", **{"corp/b.png": PICTURE})
    with pytest.raises(TextError, match=r"^corp/?: no text there, left out: 1 hidden, 1 not text"):
        find([name], DEFAULT)


def test_the_lock_of_a_checkpoint_is_not_counted(make):
    make("a.txt", ".charrnn.npz.lock")
    assert find(["."], DEFAULT).notices == ()


@pytest.mark.skipif(os.name != "posix", reason="links")
def test_links_in_a_circle_are_read_once(make):
    make("corp/a.txt", "corp/x/b.txt", "else/c.txt")
    Path("corp/x/up").symlink_to("../../corp", target_is_directory=True)
    Path("corp/self").symlink_to("self")
    Path("corp/to_else").symlink_to("../else", target_is_directory=True)
    files = find(["corp", "corp"], DEFAULT)
    assert [Path(path).name for path in files.paths] == ["a.txt", "c.txt", "b.txt"]
    assert files.notices == ("left out: 1 broken link, pipe or device",)


@pytest.mark.skipif(os.name != "posix", reason="pipes with a name")
def test_a_pipe_in_a_folder_is_not_opened(make):
    make("corp/a.txt")
    os.mkfifo("corp/pipe")
    assert found("corp") == ["corp/a.txt"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads all")
def test_a_folder_that_may_not_be_read_is_refused(make):
    make("corp/a.txt", "corp/x/b.txt")
    os.chmod("corp/x", 0)
    try:
        with pytest.raises(TextError, match="x: Permission denied: name the files"):
            find(["corp"], DEFAULT)
    finally:
        os.chmod("corp/x", 0o700)


def test_too_many_files_are_refused(make, monkeypatch):
    monkeypatch.setattr(paths, "MAX_FILES", 3)
    make(*(f"corp/{n}.txt" for n in range(4)))
    with pytest.raises(TextError, match="corp: more than 3 files: name a smaller folder"):
        find(["corp"], DEFAULT)


def test_patterns_that_a_shell_left_are_expanded(make, monkeypatch, tmp_path):
    make("b.txt", "a.txt", "c.log", "corp/x/d.txt", "corp/e.txt")
    assert found("*.txt") == ["a.txt", "b.txt"]
    assert found("corp/**") == ["corp/e.txt", "corp/x/d.txt"]
    assert found("?.log") == ["c.log"]
    assert sorted(found("*")) == ["a.txt", "b.txt", "c.log", "corp/e.txt", "corp/x/d.txt"]
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert found("~/a.txt") == [(tmp_path / "a.txt").as_posix()]
    assert found("~/*.log") == [(tmp_path / "c.log").as_posix()]
    with pytest.raises(TextError, match=r"^\*\.md: no file matches this pattern"):
        find(["*.md"], DEFAULT)


@pytest.mark.skipif(os.name != "posix", reason="names that Windows does not have")
def test_a_file_with_the_name_of_a_pattern_is_that_file(make):
    make("*.txt", "a.txt", "~", "$HOME.txt", "a[1].txt")
    assert found("*.txt") == ["*.txt"]
    assert found("~") == ["~"]
    assert found("$HOME.txt") == ["$HOME.txt"]
    assert found("a[1].txt") == ["a[1].txt"]


def test_a_file_that_is_named_beside_its_folder_is_read_once(make):
    make("corp/a.txt", "corp/x/b.txt")
    # As by a shell that expands `corp/**`.
    texts = ["corp/", "corp/a.txt", "corp/x", "corp/x/b.txt"]
    assert found(*texts) == ["corp/a.txt", "corp/x/b.txt"]


def test_a_missing_file_is_left_to_the_reader(make):
    make("a.txt")
    assert found("none.txt", "a.txt") == ["none.txt", "a.txt"]
    assert found("[1].txt") == ["[1].txt"]
    assert found("[a].txt") == ["a.txt"]


def test_names_are_listed_up_to_five():
    names = [f"{n}.txt" for n in range(3_000)]
    assert listed(names[:1]) == "0.txt"
    assert listed(names[:5]) == "0.txt, 1.txt, 2.txt, 3.txt, 4.txt"
    assert listed(names) == "3,000 files: 0.txt, 1.txt, …"


def test_stdin_has_a_name():
    assert TextFiles.of(["-", "a/b.txt"]).names == ("stdin", "b.txt")
