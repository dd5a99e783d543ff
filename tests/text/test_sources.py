import codecs
import io
import os
import sys
import threading
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from charrnn.errors import TextError
from charrnn.text import sources
from charrnn.text.sources import BYTE_ORDER_MARKS, File

ENCODINGS = [
    "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-7", "latin-1",
    "cp1252", "ascii", "gb18030", "shift_jis", "iso2022_jp",
]  # fmt: skip
blocks = st.integers(1, 9)
texts = st.text(st.characters(codec="utf-8") | st.sampled_from("ab\r\né漢😀\ufeff"))


def read(data, encoding, block):
    """What a file with these bytes gives, read in blocks of that size: its text, or the error."""
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(sources, "BLOCK", block)
        path = Path(folder, "file.txt")
        path.write_bytes(data)
        file = File(str(path), encoding)
        try:
            assert "".join(file) == "".join(file)
            return "".join(file)
        except TextError as error:
            return str(error).removeprefix(f"{path}: ")


def expected(data, encoding):
    """The same from all bytes at once."""
    native = "le" if sys.byteorder == "little" else "be"
    plain = encoding.removesuffix("-sig")
    mark = b""
    for mark, name in BYTE_ORDER_MARKS.items():
        if data.startswith(mark) and name.startswith(plain):
            encoding = name
            break
    else:
        mark = b""
    codec = f"{encoding}-{native}" if encoding in ("utf-16", "utf-32") else encoding
    try:
        return data[len(mark) :].decode(codec.removesuffix("-sig"))
    except UnicodeDecodeError as error:
        start = len(mark) + error.start
        bad = data[start : start + 4].hex(" ")
        remedy = "name the encoding, as in --encoding latin-1"
        return f"not {encoding} at byte {start:,} ({bad}): {remedy}"


@pytest.mark.parametrize("encoding", ENCODINGS)
@given(texts, blocks)
@example("\r\n", 1)
@example("a\u0301漢😀\r\n", 1)
def test_a_text_is_the_same_in_blocks_of_any_size(encoding, text, block):
    data = text.encode(encoding, "ignore")
    assert read(data, encoding, block) == expected(data, encoding)


@pytest.mark.parametrize("encoding", ENCODINGS)
@given(st.binary() | texts.map(str.encode), st.binary(max_size=5), blocks)
@example(b"abc\xe2\x82", b"", 4)  # ends within a character
@example(b"abc\xe2\x82", b"\x28def", 4)
@example(codecs.BOM_UTF8, b"\xff", 2)
@example(codecs.BOM_UTF16_LE, b"\0\xd8a\0", 3)
def test_the_place_of_an_error_is_the_same_in_blocks_of_any_size(encoding, good, bad, block):
    assert read(good + bad, encoding, block) == expected(good + bad, encoding)


def test_pieces_are_as_long_as_blocks(write, monkeypatch):
    monkeypatch.setattr(sources, "BLOCK", 4)
    path = write("a.txt", "abcdéfgh€\n".encode())
    assert list(File(path)) == ["abcd", "éfg", "h€", "\n"]


def test_progress_counts_the_bytes_of_each_reading(write, monkeypatch):
    monkeypatch.setattr(sources, "BLOCK", 4)
    seen = []
    file = File(write("a.txt", b"0123456789"), None, seen.append)
    for _ in range(2):
        list(file)
    assert seen == [4, 4, 2, 0] * 2


def stdin(monkeypatch, data):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))
    return File("-")


@pytest.mark.parametrize("in_memory", [10**6, 5])
def test_stdin_is_read_as_often_as_wanted(in_memory, monkeypatch):
    monkeypatch.setattr(sources, "IN_MEMORY", in_memory)
    monkeypatch.setattr(sources, "BLOCK", 3)
    file = stdin(monkeypatch, codecs.BOM_UTF8 + "grün\r\n".encode())
    assert file.passing
    assert file.declared == "utf-8"
    assert ["".join(file) for _ in range(3)] == ["grün\r\n"] * 3


@pytest.mark.skipif(os.name != "posix", reason="pipes with a name")
def test_a_pipe_with_a_name_is_read_as_often_as_wanted(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=("grün\n".encode(),))
    writer.start()
    file = File(str(path))
    writer.join()
    assert file.passing
    assert ["".join(file) for _ in range(2)] == ["grün\n"] * 2


def test_a_place_in_stdin_is_exact(monkeypatch):
    monkeypatch.setattr(sources, "BLOCK", 3)
    file = stdin(monkeypatch, b"abcd\xe2\x82xyz")
    with pytest.raises(TextError, match=r"^-: not utf-8 at byte 4 \(e2 82 78 79\)"):
        list(file)


def test_a_temporary_directory_without_room_is_named_with_the_remedy(monkeypatch):
    class Full(io.BytesIO):
        def __init__(self, size):
            super().__init__()

        def write(self, data):
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(sources.tempfile, "SpooledTemporaryFile", Full)
    with pytest.raises(TextError, match=r"No space left on device: .* TMPDIR"):
        stdin(monkeypatch, b"abc")


@pytest.mark.parametrize("how", ["grown", "touched", "replaced"])
def test_a_file_that_changes_between_two_readings_is_refused(how, write):
    path = write("log.txt", b"abc\n")
    file = File(path)
    assert "".join(file) == "abc\n"
    if how == "grown":
        with open(path, "ab") as log:
            log.write(b"more\n")
    elif how == "touched":
        os.utime(path, ns=(1, 1))
    else:
        os.replace(write("new.txt", b"xyz\n"), path)
    with pytest.raises(TextError, match=r"log\.txt: changed while it was read"):
        list(file)


def test_a_file_that_changes_while_it_is_read_is_refused(write, monkeypatch):
    monkeypatch.setattr(sources, "BLOCK", 4)
    path = write("log.txt", b"0123456789")
    pieces = iter(File(path))
    assert next(pieces) == "0123"
    os.truncate(path, 6)
    with pytest.raises(TextError, match=r"log\.txt: changed while it was read"):
        next(pieces)


def test_a_file_that_is_gone_at_the_second_reading_is_named(write):
    path = write("a.txt", b"abc")
    file = File(path)
    os.unlink(path)
    with pytest.raises(TextError, match=r"a\.txt: No such file"):
        list(file)


def test_reading_may_be_given_up_early(write, monkeypatch):
    monkeypatch.setattr(sources, "BLOCK", 1)
    pieces = iter(File(write("a.txt", b"abc")))
    assert next(pieces) == "a"
    del pieces  # a file left open would be a warning, and warnings are errors
