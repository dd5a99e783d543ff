"""Files of gzip, bzip2 and xz, read as the text in them."""

import bz2
import gzip
import io
import lzma
import os
import subprocess
import tracemalloc

import pytest

from charrnn.errors import NotTextError, TextError
from charrnn.text import compression, sources
from charrnn.text.corpus import read
from charrnn.text.decoding import Decoding
from charrnn.text.sources import File

TEXT = "".join(f"{number} squared is {number**2}, süß\n" for number in range(2_000))
COMPRESS = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}


@pytest.mark.parametrize("suffix", COMPRESS)
@pytest.mark.parametrize("block", [7, 1 << 17])
def test_a_compressed_text_is_read_twice_as_the_text(suffix, block, write, monkeypatch):
    monkeypatch.setattr(sources, "BLOCK_BYTES", block)
    text = TEXT[:5_000]
    file = File(write(f"a.txt.{suffix}", COMPRESS[suffix](text.encode())))
    assert "".join(file) == "".join(file) == text


@pytest.mark.parametrize("suffix", COMPRESS)
def test_several_members_are_one_text(suffix, write):
    compress = COMPRESS[suffix]
    data = compress(b"one\n") + compress(b"") + compress(b"two\n")
    assert "".join(File(write("a", data))) == "one\ntwo\n"


def test_zeros_may_stand_between_streams_of_xz(write):
    data = lzma.compress(b"one\n") + bytes(8) + lzma.compress(b"two\n") + bytes(4)
    assert "".join(File(write("a.xz", data))) == "one\ntwo\n"


@pytest.mark.parametrize("suffix", COMPRESS)
def test_a_file_that_is_cut_short_is_refused_with_the_position(suffix, write):
    data = COMPRESS[suffix](os.urandom(50_000).hex().encode())[:20_000]
    with pytest.raises(TextError, match=r"cut short: its \w+ data ends at byte 20,000"):
        "".join(File(write("a", data)))


@pytest.mark.parametrize("suffix", COMPRESS)
def test_a_damaged_file_is_refused(suffix, write):
    data = bytearray(COMPRESS[suffix](os.urandom(50_000).hex().encode()))
    data[30_000] ^= 0xFF
    with pytest.raises(TextError, match=r"damaged \w+ data before byte [\d,]+ .*intact copy"):
        "".join(File(write("a", bytes(data))))


def test_the_end_of_the_data_is_checked(write):
    data = bytearray(gzip.compress(TEXT.encode()))
    data[-6] ^= 1  # of the checksum
    with pytest.raises(TextError, match=r"damaged gzip data .*CRC"):
        "".join(File(write("a", bytes(data))))


@pytest.mark.parametrize("suffix", COMPRESS)
def test_a_bomb_takes_no_memory(suffix, write):
    path = write("a", COMPRESS[suffix](bytes([120]) * (32 << 20)))  # some kilobytes
    tracemalloc.start()
    assert sum(map(len, File(path))) == 32 << 20
    assert tracemalloc.get_traced_memory()[1] < 12 << 20  # xz has a window of 8 MB
    tracemalloc.stop()


def test_xz_may_not_ask_for_any_amount_of_memory(write, monkeypatch):
    monkeypatch.setattr(compression, "MAX_XZ_BYTES", 1 << 20)
    with pytest.raises(TextError, match=r"damaged xz data .*[Mm]emory"):
        File(write("a.xz", lzma.compress(TEXT.encode())))


def test_a_pipe_may_be_compressed(monkeypatch):
    data = gzip.compress(TEXT.encode())
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))
    file = File("-")
    assert "".join(file) == "".join(file) == TEXT


def test_marks_positions_and_encodings_are_those_of_the_text(write):
    path = write("a.gz", gzip.compress(b"\xef\xbb\xbf" + "süß\n".encode()))
    assert (File(path).declared, "".join(File(path))) == ("utf-8", "süß\n")
    path = write("b.gz", gzip.compress(5_000 * b"x" + b"\ncaf\xe9 noir\n"))
    with pytest.raises(TextError, match=r'at byte 5,004 \(e9 20 6e 6f\).*cp1252 \("café"\)'):
        "".join(File(path))


def test_progress_is_that_of_the_compressed_bytes(write):
    data = gzip.compress(os.urandom(300_000).hex().encode())
    seen = []
    for _ in File(write("a.gz", data), progress=seen.append):
        pass
    assert sum(seen) == len(data)


def test_bytes_are_not_decompressed_on_request(write):
    data = gzip.compress(b"text")
    assert "".join(File(write("a.gz", data), Decoding(binary=True))) == data.decode("latin-1")


def test_a_text_may_begin_like_bzip2(write):
    assert "".join(File(write("a", b"BZhong is a name\n"))) == "BZhong is a name\n"


def test_a_picture_in_a_compressed_file_is_no_text(write):
    picture = b"\x89PNG\r\n\x1a\n" + bytes(50)
    with pytest.raises(NotTextError, match="is a PNG picture"):
        File(write("a.gz", gzip.compress(picture)))


@pytest.mark.parametrize("suffix", ["gz", "xz"])
def test_a_file_compressed_twice_is_refused_with_a_command_that_works(suffix, write, tmp_path):
    path = write(f"a.{suffix}", COMPRESS[suffix](gzip.compress(b"text\n")))
    with pytest.raises(NotTextError, match="is a file compressed twice") as caught:
        File(path)
    command = str(caught.value).split("`")[1]
    if os.name == "posix":
        subprocess.run(["sh", "-c", command], check=True, timeout=60)
        assert "".join(File(str(tmp_path / "a.txt"))) == "text\n"


def test_the_text_of_a_checkpoint_may_be_compressed(write):
    plain, packed = write("a.txt", TEXT.encode()), write("a.gz", gzip.compress(TEXT.encode()))
    assert read([packed]).sha256 == read([plain]).sha256
