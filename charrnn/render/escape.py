"""Make untrusted text harmless to a terminal."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator

#: Control characters (C0 but newline and tab, DEL, C1) and those that reorder text
#: (bidirectional marks, embeddings, overrides, isolates): a terminal obeys them (CWE-150).
HARMFUL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2028\u2029\u2066-\u2069\ud800-\udfff]"
)

#: Characters of a message, and of a name in a table, that are shown.
MAX_LINE, MAX_NAME = 1_000, 200


def printable(text: str) -> str:
    r"""The text with harmful characters spelled out, as in \x1b; newline and tab stay."""
    return HARMFUL.sub(lambda match: match.group().encode("unicode_escape").decode(), text)


def one_line(text: str, limit: int = MAX_LINE) -> str:
    r"""The text as one line: newline and tab are spelled out, too, and a long middle is left out.

    Args:
        text: a message or a name.
        limit: characters of the text to show.
    """
    if len(text) > limit:
        text = f"{text[: limit * 2 // 3]} ... {text[-limit // 3 :]}"
    return printable(text).replace("\n", "\\n").replace("\t", "\\t")


def readable_bytes(pieces: Iterable[str]) -> Iterator[str]:
    r"""Decode bytes, each a character: UTF-8 becomes text, another byte its code, as in \xe9.

    Args:
        pieces: of a text; a character of UTF-8 may go on in the next piece.
    """
    decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")
    for piece in pieces:
        yield printable(decoder.decode(piece.encode("latin-1")))
    yield printable(decoder.decode(b"", True))
