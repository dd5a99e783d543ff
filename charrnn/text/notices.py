"""Messages for the user about everything that reading did to a text, and about odd characters."""

from __future__ import annotations

import codecs
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from charrnn.names import unused
from charrnn.shell import quoted_path
from charrnn.text.decoding import Decoding
from charrnn.text.line_ends import LineEnds
from charrnn.text.paths import MAX_NAMES, listed
from charrnn.text.sources import File, JoinedFiles

#: The byte-order mark, which belongs to the beginning of a file.
BYTE_ORDER_MARK = "\ufeff"
#: Control characters that no text has, and that arise where cp1252 is read as latin-1.
C1_CONTROLS = "".join(map(chr, range(0x80, 0xA0)))
SUSPICIOUS = BYTE_ORDER_MARK + C1_CONTROLS


def notices_of(
    files: JoinedFiles, decoding: Decoding, suspicious: Mapping[str, int], characters: str
) -> Iterator[str]:
    """The messages about a text that has been read.

    Args:
        files: the files of the text.
        decoding: the settings.
        suspicious: the number of each of the characters in `SUSPICIOUS`.
        characters: the distinct characters of the text, sorted.
    """
    yield from _marks(files.files)
    yield from _losses(files.files, decoding.errors)
    ends = sum((file.line_ends for file in files.files), LineEnds())
    paths = [file.path for file in files.files if file.line_ends.others]
    yield from line_ends_notice(paths, ends, decoding.newlines)
    if files.added:
        yield f"added a newline between files: {count(files.added, 'file')} ended without one"
    if not decoding.binary:
        yield from _odd_characters(files.files, decoding, suspicious, characters)


def _marks(files: Sequence[File]) -> Iterator[str]:
    for encoding in dict.fromkeys(file.declared for file in files if file.declared):
        paths = [file.path for file in files if file.declared == encoding]
        yield f"{listed(paths)}: left out the byte-order mark, read as {encoding}"


def _losses(files: Sequence[File], errors: str) -> Iterator[str]:
    """The invalid bytes and NULs left out or replaced: a line for each file, or one for many."""
    form = "replaced {} by U+FFFD" if errors == "replace" else "left out {}"
    lossy = [file for file in files if file.losses.invalid or file.losses.nuls]
    groups = [[file] for file in lossy] if len(lossy) <= MAX_NAMES else [lossy]
    for group in groups:
        invalid = sum(file.losses.invalid for file in group)
        nuls = sum(file.losses.nuls for file in group)
        parts = []
        if invalid:
            verb = "is" if invalid == 1 else "are"
            parts.append(f"{count(invalid, 'byte')} that {verb} not {group[0].encoding}")
        if nuls:
            parts.append(count(nuls, "NUL"))
        paths = [file.path for file in group]
        yield f"{listed(paths)}: {form.format(' and '.join(parts))}"


def line_ends_notice(names: Sequence[str], found: LineEnds, newlines: str) -> Iterator[str]:
    r"""Yield a message for line ends that became \n, or for a mixture of them that was kept.

    Args:
        names: the names of the texts that have such line ends.
        found: the line ends.
        newlines: one of `NEWLINES`.
    """
    kinds = " and ".join(found.kinds())
    if kinds and newlines == "lf":
        remedy = "train with --newlines keep to leave them"
        yield rf"{listed(names)}: line ends {kinds} became \n: {remedy}"
    elif kinds and len(found.kinds()) + found.lf > 1:
        more = r" in addition to \n" if found.lf else ""
        remedy = r"`charrnn train --newlines lf` makes all of them \n"
        yield rf"{listed(names)}: mixed line ends, {kinds}{more}: {remedy}"


def _odd_characters(
    files: Sequence[File], decoding: Decoding, suspicious: Mapping[str, int], characters: str
) -> Iterator[str]:
    """The byte-order marks inside of the text, and the control characters from U+0080 on."""
    if marks := suspicious.get(BYTE_ORDER_MARK, 0):
        yield (
            f"{count(marks, 'byte-order mark')} (U+FEFF) inside of the text: name the files that "
            "were put together, and each mark is left out"
        )
    controls = [character for character in C1_CONTROLS if suspicious.get(character)]
    if not controls:
        return
    shown = ", ".join(f"\\x{ord(character):02x}" for character in controls[:MAX_NAMES])
    more = ", …" if len(controls) > MAX_NAMES else ""
    total = sum(suspicious[character] for character in controls)
    codec = codecs.lookup(decoding.encoding or "utf-8").name
    remedy = "a text that was converted from a wrong encoding? convert it again"
    if codec == "iso8859-1":
        remedy = "cp1252 has quotes and dashes there: try --encoding cp1252"
    elif codec == "utf-8" and len(files) == 1 and files[0].plain and characters[-1] <= "\xff":
        path = Path(files[0].path)
        new = quoted_path(str(unused(path.with_name(f"{path.stem}-cp1252.txt"))))
        remedy = (
            "cp1252 that was converted as latin-1? `iconv -f utf-8 -t latin1 "
            f"{quoted_path(str(path))} > {new}`, then train on {new} with --encoding cp1252"
        )
    yield f"{count(total, 'control character')} ({shown}{more}) in the text: {remedy}"


def count(number: int, noun: str) -> str:
    """A number and a noun."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
