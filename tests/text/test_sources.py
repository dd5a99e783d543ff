import codecs
import io
import os
import threading
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from charrnn.errors import TextError
from charrnn.text import sources
from charrnn.text.decoding import BYTE_ORDER_MARKS, Decoding
from charrnn.text.line_ends import converted
from charrnn.text.sources import File

blocks = st.integers(1, 9)
texts = st.text(
    st.characters(codec="utf-8", exclude_characters="\0") | st.sampled_from("ab\r\né漢")
)


def read(data, block):
    """The text of a file with these bytes, read in blocks of this size, or the error."""
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(sources, "BLOCK_BYTES", block)
        path = Path(folder, "file.txt")
        path.write_bytes(data)
        file = File(str(path))
        try:
            assert "".join(file) == "".join(file)
            return "".join(file)
        except TextError as error:
            return str(error).removeprefix(f"{path}: ")


@pytest.mark.parametrize("mark", [b"", *BYTE_ORDER_MARKS])
@given(texts, blocks)
@example("\r\n", 1)
def test_a_text_is_the_same_in_blocks_of_any_size(mark, text, block):
    assume(mark or not text.startswith("\ufeff"))
    data = mark + text.encode(BYTE_ORDER_MARKS.get(mark, "utf-8"))
    assert read(data, block) == converted(text, "lf")


@pytest.mark.parametrize("mark", [b"", *BYTE_ORDER_MARKS])
@given(texts, blocks)
def test_the_position_of_an_invalid_byte_is_the_same_in_blocks_of_any_size(mark, text, block):
    codec = BYTE_ORDER_MARKS.get(mark, "utf-8")
    good = mark + f"a{text}".encode(codec)  # with NUL the mark of UTF-16 would be that of UTF-32
    assert f"not {codec} at byte {len(good):,} (ff)" in read(good + b"\xff", block)
    nul = "\0x".encode(codec)
    said = f"a NUL at byte {len(good):,} ({nul[:4].hex(' ')}): "
    assert said in read(good + nul, block)


def test_pieces_are_as_long_as_blocks(write, monkeypatch):
    monkeypatch.setattr(sources, "BLOCK_BYTES", 4)
    path = write("a.txt", "abcdéfgh€\n".encode())
    assert list(File(path)) == ["abcd", "éfg", "h€", "\n"]


def test_progress_counts_the_bytes_of_each_reading(write, monkeypatch):
    monkeypatch.setattr(sources, "BLOCK_BYTES", 4)
    seen = []
    file = File(write("a.txt", b"0123456789"), progress=seen.append)
    for _ in range(2):
        list(file)
    assert seen == [4, 4, 2, 0] * 2


def stdin(monkeypatch, data):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))
    return File("-")


@pytest.mark.parametrize("in_memory", [10**6, 5])
def test_stdin_can_be_read_again(in_memory, monkeypatch):
    monkeypatch.setattr(sources, "IN_MEMORY", in_memory)
    monkeypatch.setattr(sources, "BLOCK_BYTES", 3)
    file = stdin(monkeypatch, codecs.BOM_UTF8 + "grün\r\n".encode())
    assert file.passing
    assert file.declared == "utf-8"
    assert ["".join(file) for _ in range(3)] == ["grün\n"] * 3


@pytest.mark.skipif(os.name != "posix", reason="pipes with a name")
def test_a_pipe_with_a_name_can_be_read_again(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=("grün\n".encode(),))
    writer.start()
    file = File(str(path))
    writer.join()
    assert file.passing
    assert ["".join(file) for _ in range(2)] == ["grün\n"] * 2


def test_a_position_in_stdin_is_exact(monkeypatch):
    monkeypatch.setattr(sources, "BLOCK_BYTES", 3)
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
    monkeypatch.setattr(sources, "BLOCK_BYTES", 4)
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
    monkeypatch.setattr(sources, "BLOCK_BYTES", 1)
    pieces = iter(File(write("a.txt", b"abc")))
    assert next(pieces) == "a"
    del pieces  # a file left open would be a warning, and warnings are errors


@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="devices by name")
@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null", "/dev/urandom"])
def test_a_device_is_refused_before_it_is_read(device, monkeypatch):
    with pytest.raises(TextError, match=f"^{device}: is a device and no text: name a file"):
        File(device)
    with open(device) as opened:
        monkeypatch.setattr("sys.stdin", opened)
        with pytest.raises(TextError, match=r"^-: is a device"):
            File("-")


def test_a_pipe_without_an_end_is_given_up(monkeypatch):
    class Endless(io.BytesIO):
        read_so_far = 0

        def read(self, size=-1):
            self.read_so_far += size
            assert self.read_so_far < 1100
            return size * b"x"

    monkeypatch.setattr(sources, "BLOCK_BYTES", 10)
    monkeypatch.setattr(sources, "MAX_PIPE_BYTES", 1000)
    assert "".join(stdin(monkeypatch, 1000 * b"x")) == 1000 * "x"
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(Endless()))
    with pytest.raises(TextError, match=r"^-: 1,000 bytes from a pipe, and no end: name a file"):
        File("-")


def test_invalid_bytes_are_replaced_or_ignored_on_request(write):
    path = write("a.txt", b"caf\xe9 caf\xe9")
    assert "".join(File(path, Decoding(errors="replace"))) == "caf\ufffd caf\ufffd"
    assert "".join(File(path, Decoding(errors="ignore"))) == "caf caf"


def test_all_bytes_are_characters_on_request(write):
    data = codecs.BOM_UTF16_LE + bytes(range(256))
    file = File(write("a.bin", data), Decoding(binary=True))
    assert "".join(file).encode("latin-1") == data
    assert file.declared is None


def test_the_remedies_are_named(write):
    with pytest.raises(TextError, match=r'at byte .*: --encoding cp1252 \("café"\)'):
        list(File(write("a.txt", b"caf\xe9")))
    with pytest.raises(TextError, match=r"at byte 6 .*: read past .* --encoding-errors replace"):
        list(File(write("a.txt", codecs.BOM_UTF8 + b"caf\xe9")))
    for mark in (b"", codecs.BOM_UTF8):
        with pytest.raises(TextError, match=r"a NUL at byte .*: leave out .* ignore"):
            list(File(write("a.txt", mark + b"caf\0")))


def test_a_nul_is_found_beyond_the_first_block(write, monkeypatch):
    monkeypatch.setattr(sources, "BLOCK_BYTES", 4)
    with pytest.raises(TextError, match=r"a NUL at byte 1,001 \(00 62\)"):
        list(File(write("a.txt", 1001 * b"a" + b"\0b")))
