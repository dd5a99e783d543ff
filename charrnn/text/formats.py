"""Files that are not text: recognized by their first bytes, with the way to the text in them."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from charrnn.names import unused
from charrnn.shell import quoted_path

#: Bytes at the beginning of a file by which it is recognized.
HEAD_BYTES = 8192
#: The control characters that texts and logs have: backspace, tab, line ends, escape, end of file.
CONTROLS_OF_TEXT = b"\b\t\n\f\r\x1a\x1b"
#: For `bytes.translate`: leaves the other control characters, NUL among them.
NOT_CONTROLS = bytes(set(range(256)) - set(range(32)) | set(CONTROLS_OF_TEXT))
#: The share of these control characters from which on bytes are not text, and the least number.
MAX_CONTROLS, MIN_CONTROLS = 0.02, 8

#: The remedies. `{file}` stands for the file, `{text}` for a new file, `{folder}` for a new folder.
TO_TEXT = "write its text to a file with `{}`, and name {{text}}".format
UNPACK = "unpack it with `{}`, and name the folder {{folder}}".format
PANDOC = TO_TEXT("pandoc -t plain -o {text} {file}")
OFFICE = TO_TEXT("libreoffice --headless --convert-to txt:Text {file}")
TABLE = "save it as .csv in its program, and name the .csv"
SLIDES = "save it as .txt in its program, and name the .txt"
BYTES = "name a text, or train on its bytes with --binary"
EXPORT = "write the text in it to a file, and name that file"


class Format(NamedTuple):
    """A format of files that are not text.

    Attributes:
        name: the name, with its article.
        beginning: the first bytes.
        remedy: the advice.
        offset: the position of `beginning`.
        data: the first bytes are also possible in a text; `is_data` decides.
        inside: bytes that follow within the head; b"" for none.
    """

    name: str
    beginning: bytes
    remedy: str = BYTES
    offset: int = 0
    data: bool = False
    inside: bytes = b""


ZIP = b"PK\x03\x04"
#: The formats. Of two that fit, the first one counts.
FORMATS = (
    Format("an .npz archive", ZIP, "name a checkpoint with -c {file}", inside=b".npy"),
    Format("a PyTorch file", ZIP, EXPORT, inside=b"data.pkl"),
    # The end of a length below 16 MB, in 8 bytes, and the beginning of the header.
    Format("a .safetensors file", b"\0\0\0\0\0{", "start from it with --init-from {file}", 3),
    Format("a Word document", ZIP, PANDOC, inside=b"word/"),
    Format("an Excel table", ZIP, TABLE, inside=b"xl/"),
    Format("a PowerPoint document", ZIP, SLIDES, inside=b"ppt/"),
    Format("an EPUB book", ZIP, PANDOC, inside=b"application/epub+zip"),
    Format("an OpenDocument text", ZIP, PANDOC, inside=b"opendocument.text"),
    Format("an OpenDocument table", ZIP, TABLE, inside=b"opendocument.spreadsheet"),
    Format("an OpenDocument file", ZIP, SLIDES, inside=b"opendocument."),
    Format("a zip archive", ZIP, UNPACK("unzip {file} -d {folder}")),
    Format("an empty zip archive", b"PK\x05\x06", "name a text"),
    Format(
        "a tar archive", b"ustar", UNPACK("mkdir {folder}; tar -xf {file} -C {folder}"), offset=257
    ),
    Format("a 7-Zip archive", b"7z\xbc\xaf\x27\x1c", UNPACK("7z x {file} -o{folder}")),
    Format("a RAR archive", b"Rar!\x1a\x07", UNPACK("unrar x {file} {folder}/")),
    Format("a zstd file", b"\x28\xb5\x2f\xfd", TO_TEXT("zstd -dc {file} > {text}")),
    Format("an lz4 file", b"\x04\x22\x4d\x18", TO_TEXT("lz4 -dc {file} > {text}")),
    Format("an lzip file", b"LZIP\x01", TO_TEXT("lzip -dc {file} > {text}")),
    Format("a compress file", b"\x1f\x9d", TO_TEXT("gzip -dc {file} > {text}")),
    Format("an .lzma file", b"\x5d\0\0", TO_TEXT("xz -dc {file} > {text}")),
    Format("a PDF", b"%PDF-", TO_TEXT("pdftotext {file} {text}")),
    Format("an Office document", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", OFFICE),
    Format("an SQLite database", b"SQLite format 3\0", TO_TEXT("sqlite3 {file} .dump > {text}")),
    Format("a NumPy array", b"\x93NUMPY", EXPORT),
    Format("an HDF5 file", b"\x89HDF\r\n\x1a\n", EXPORT),
    Format("a Parquet file", b"PAR1", EXPORT, data=True),
    Format("an Arrow file", b"ARROW1\0\0", EXPORT),
    Format("a PNG picture", b"\x89PNG\r\n\x1a\n"),
    Format("a JPEG picture", b"\xff\xd8\xff"),
    Format("a BMP picture", b"BM", data=True),
    Format("a GIF picture", b"GIF87a", data=True),
    Format("a GIF picture", b"GIF89a", data=True),
    Format("a WebP picture", b"RIFF", inside=b"WEBPVP8", data=True),
    Format("a TIFF picture", b"II*\0"),
    Format("a TIFF picture", b"MM\0*"),
    Format("a WAV file", b"RIFF", inside=b"WAVEfmt", data=True),
    Format("an AVI video", b"RIFF", inside=b"AVI LIST", data=True),
    Format("an MP3 file", b"ID3", data=True),
    Format("an MP3 file", b"\xff\xfb", data=True),
    Format("an Ogg file", b"OggS\0"),
    Format("a FLAC file", b"fLaC\0"),
    Format("a MIDI file", b"MThd\0"),
    Format("an MP4 file", b"ftyp", offset=4, data=True),
    Format("a Matroska video", b"\x1a\x45\xdf\xa3"),
    Format("a program", b"\x7fELF"),
    Format("a program", b"MZ", data=True),
    Format("a program", b"\xcf\xfa\xed\xfe"),
    Format("a program", b"\xca\xfe\xba\xbe"),
    Format("a program", b"\0asm"),
    Format("a Python pickle", b"\x80\x04\x95", EXPORT),
    Format("a Python pickle", b"\x80\x02}", EXPORT, data=True),
)


def format_of(head: bytes) -> Format | None:
    """The format of a file that is not text, by its first bytes; None for any other file."""
    for known in FORMATS:
        if (
            head.startswith(known.beginning, known.offset)
            and known.inside in head
            and (not known.data or is_data(head))
        ):
            return known
    return None


def remedy_for(known: Format, path: str) -> str:
    """The advice for a file of a format; commands are complete and quoted for a shell.

    Args:
        known: the format.
        path: the path of the file; `-` for stdin.
    """
    if path == "-":
        return known.remedy.format(file="FILE", text="FILE.txt", folder="FOLDER")
    whole = Path(path)
    stem = whole.stem.removesuffix(".txt").removesuffix(".tar") or "text"
    folder = whole.with_name(stem)
    if known.remedy is OFFICE:  # LibreOffice writes into the current folder
        text = Path(f"{whole.stem}.txt")
    else:
        text = unused(whole.with_name(f"{stem}.txt"))
    names = {"file": whole, "text": text, "folder": unused(folder)}
    return known.remedy.format(**{role: quoted_path(str(name)) for role, name in names.items()})


def is_data(sample: bytes) -> bool:
    """Return whether bytes have too many control characters for a text with a byte per letter."""
    controls = len(sample.translate(None, NOT_CONTROLS))
    return controls > MAX_CONTROLS * len(sample) and controls >= MIN_CONTROLS


def compressed_twice(outer: str) -> Format:
    """The format of a compressed file with a compressed file in it.

    Args:
        outer: the compression of the file, which is the name of its command.
    """
    return Format("a file compressed twice", b"", TO_TEXT(f"{outer} -dc {{file}} > {{text}}"))
