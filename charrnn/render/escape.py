"""Make untrusted text harmless to a terminal."""

from __future__ import annotations

import re

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


def printable_bytes(text: str) -> str:
    r"""Bytes, each a character, with all but ASCII spelled out: \xe9 may be any letter."""
    return printable(text).encode("ascii", "backslashreplace").decode()
