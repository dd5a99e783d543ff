"""Files that are not text, recognized by their first bytes."""

import io
import os
import shlex
import sqlite3
import subprocess
import tarfile
import zipfile

import numpy as np
import pytest

from charrnn.errors import NotTextError, TextError
from charrnn.names import unused
from charrnn.shell import quoted_path
from charrnn.text.decoding import Decoding
from charrnn.text.formats import FORMATS, format_of, is_data
from charrnn.text.sources import File

NULS = bytes(600)


def zipped(*names, data=b"text\n"):
    """A zip archive."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(name, data)
    return file.getvalue()


def tarred():
    """A tar archive."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        info = tarfile.TarInfo("a.txt")
        info.size = 5
        archive.addfile(info, io.BytesIO(b"text\n"))
    return file.getvalue()


def arrays():
    """An archive of NumPy."""
    file = io.BytesIO()
    np.savez(file, a=np.zeros(3))
    return file.getvalue()


def database(path):
    """A database of SQLite."""
    with sqlite3.connect(path) as opened:
        opened.execute("create table words (word)")
    opened.close()
    return path.read_bytes()


FILES = {
    "model.npz": (arrays(), "an .npz archive", "-c"),
    "letter.docx": (
        zipped("[Content_Types].xml", "word/document.xml"),
        "a Word",
        "pandoc -t plain",
    ),
    "table.xlsx": (zipped("[Content_Types].xml", "xl/workbook.xml"), "an Excel", ".csv"),
    "talk.pptx": (zipped("[Content_Types].xml", "ppt/slides"), "a PowerPoint", ".txt"),
    "book.epub": (zipped("mimetype", data=b"application/epub+zip"), "an EPUB", "pandoc -t plain"),
    "letter.odt": (
        zipped("mimetype", data=b"application/vnd.oasis.opendocument.text"),
        "an OpenDocument text",
        "pandoc",
    ),
    "texts.zip": (zipped("a.txt"), "a zip archive", "unzip texts.zip -d texts"),
    "texts.tar.gz": (tarred(), "a tar archive", "tar -xf texts.tar.gz -C texts"),
    "a.txt.zst": (b"\x28\xb5\x2f\xfd" + NULS, "a zstd file", "zstd -dc a.txt.zst > a.txt"),
    "book.pdf": (b"%PDF-1.7\n%\xe2\xe3", "a PDF", "pdftotext book.pdf book.txt"),
    "old.doc": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Office", "libreoffice --headless"),
    "a.7z": (b"7z\xbc\xaf\x27\x1c", "a 7-Zip", "7z x a.7z -oa"),
    "a.rar": (b"Rar!\x1a\x07\x01\0", "a RAR", "unrar x a.rar a/"),
    "a.png": (b"\x89PNG\r\n\x1a\n", "a PNG picture", "--binary"),
    "a.jpg": (b"\xff\xd8\xff\xe0", "a JPEG picture", "--binary"),
    "a.gif": (b"GIF89a" + NULS, "a GIF picture", "--binary"),
    "a.webp": (b"RIFF\0\0\0\0WEBPVP8 " + NULS, "a WebP picture", "--binary"),
    "a.mp3": (b"ID3\x04" + NULS, "an MP3 file", "--binary"),
    "a.mp4": (b"\0\0\0\x20ftypisom" + NULS, "an MP4 file", "--binary"),
    "a.ogg": (b"OggS\0", "an Ogg file", "--binary"),
    "program": (b"\x7fELF\x02", "a program", "--binary"),
    "a.exe": (b"MZ\x90" + NULS, "a program", "--binary"),
    "a.npy": (b"\x93NUMPY\x01\0", "a NumPy array", "name that file"),
    "a.h5": (b"\x89HDF\r\n\x1a\n", "an HDF5 file", "name that file"),
    "a.parquet": (b"PAR1" + NULS, "a Parquet file", "name that file"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_not_text_is_refused_with_the_way_to_its_text(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data, known, remedy = FILES[name]
    (tmp_path / name).write_bytes(data)
    with pytest.raises(NotTextError) as caught:
        File(name)
    message = str(caught.value)
    assert message.startswith(f"{name}: is {known}")
    assert remedy in message
    assert "{" not in message
    file = File(name, Decoding(binary=True))
    assert "".join(file) == data.decode("latin-1")


def test_a_database_is_recognized(tmp_path):
    path = tmp_path / "words.db"
    database(path)
    with pytest.raises(NotTextError, match=r"is an SQLite database .*`sqlite3 .* \.dump > "):
        File(str(path))


@pytest.mark.parametrize(
    "text",
    [
        b"GIF89a is the name of a format\n",
        b"MZ, the initials\n",
        b"ID3 tags, explained\n",
        b"RIFF WAVEfmt and what else begins a file\n",
        b"PK is no archive\n",
        b"BM\n",
        b"%!PS\n",
        b"<!DOCTYPE html><p>Text</p>\n",
        rb"{\rtf1\ansi Text}",
        "яыяы\n".encode("cp1251"),  # which begins with ff fb
    ],
)
def test_a_text_that_begins_like_a_format_is_a_text(text, write):
    File(write("a.txt", text))


@pytest.mark.skipif(os.name != "posix", reason="commands of a shell")
@pytest.mark.parametrize("name", ["texts.zip", "texts.tar.gz"])
@pytest.mark.parametrize("prefix", ["my ", "-", ""])
def test_commands_that_unpack_work_as_they_are_printed(name, prefix, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / f"{prefix}{name}").write_bytes(FILES[name][0])
    with pytest.raises(NotTextError) as caught:
        File(f"{prefix}{name}")
    command = str(caught.value).split("`")[1]
    program = "unzip" if name.endswith("zip") else "tar"
    found = subprocess.run(["sh", "-c", f"command -v {program}"], capture_output=True, check=False)
    if found.returncode:
        pytest.skip(f"without {program}")
    subprocess.run(["sh", "-c", command], check=True, capture_output=True, timeout=60)
    assert (tmp_path / f"{prefix}texts" / "a.txt").read_bytes() == b"text\n"
    assert shlex.split(str(caught.value).rpartition("the folder ")[2]) == [
        f"{'./' if prefix == '-' else ''}{prefix}texts"
    ]


def test_a_new_file_replaces_no_other(tmp_path):
    assert unused(tmp_path / "a.txt") == tmp_path / "a.txt"
    (tmp_path / "a.txt").touch()
    assert unused(tmp_path / "a.txt") == tmp_path / "a-2.txt"


def test_a_name_is_quoted_for_a_shell():
    assert quoted_path("a.txt") == "a.txt"
    assert quoted_path("my text.txt") == "'my text.txt'"
    assert quoted_path("-a.txt") == "./-a.txt"


def test_the_remedy_for_stdin_names_files_to_fill_in(monkeypatch):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"%PDF-1.7\n")))
    with pytest.raises(NotTextError, match=r"^-: is a PDF .*`pdftotext FILE FILE\.txt`"):
        File("-")


def test_every_format_begins_in_the_head():
    for known in FORMATS:
        assert known.offset + len(known.beginning) < 512
        data = bytes(known.offset) + known.beginning + NULS + known.inside
        assert format_of(data) is not None


def test_data_is_told_from_text():
    assert is_data(bytes(range(256)))
    assert is_data("text".encode("utf-16-le") * 10)
    assert not is_data(b"\x1b[31mred\x1b[0m\r\n" * 100)
    assert not is_data(b"x\0y\n")
    assert not is_data((b"a line of a log\n" * 3000) + b"\0" * 8)


def test_data_of_no_known_format_is_refused_with_the_remedy(write):
    data = b"a" * 200 + bytes(range(255, 0, -1)) * 20
    with pytest.raises(TextError, match=r"no text: not utf-8 at byte 200 .*--binary"):
        "".join(File(write("a.bin", data)))
