"""Quotations of prose, in double and in single quotes.

In typewritten text both ends of a quotation look the same, single quotes look like apostrophes,
and a speech of several paragraphs has one end and many beginnings. So a quotation ends with its
paragraph at the latest, and the characters on both sides of a quote decide whether it opens or
closes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final, NamedTuple

from charrnn.inspection.features.lexing import PARAGRAPH_END
from charrnn.inspection.features.spans import named

#: Quotes and the ends of paragraphs.
DOUBLE_QUOTES = '"“”„«»'
DOUBLE: Final = re.compile(f"{PARAGRAPH_END}|[{DOUBLE_QUOTES}]")
SINGLE: Final = re.compile(rf"{PARAGRAPH_END}|['‘’‚]")
#: The characters that may stand before a quotation, and after one.
BEFORE, AFTER = " \t\r\n\0([{<—–-=/\"'“‘„«»*", " \t\r\n\0)]}>.,;:!?…—–-=/\"'”’«»*"
#: Words that have lost their beginning, and the years of a century, unless they are in quotes.
CLIPPED: Final = re.compile(
    r"(?:t(?:is|was|were|will|would)n?|em|till?|cause|cos|bout|round|neath|gainst|mongst|tween|twixt"
    r"|mid|fore|scape[ds]?|prentices?|larums?|ware|[sz]?blood|sdeath|[sz]wounds|zounds|pon|un|im|er"
    r"|[sdtmn]|ll|[rv]e|\d\ds?)\b(?!['’])",
    re.IGNORECASE,
)
#: Words that have lost their end.
CLIPPED_AFTER: Final = named("o th i a t ha wi an d ol lil fo mo n")
LETTERS_BEFORE: Final = re.compile(r"[^\W\d_]{1,3}\Z")
#: The largest lengths, in characters, of a quotation in single quotes: without a full stop or
#: similar mark before its end, and with one. A longer one begins or ends with an apostrophe.
MAX_WITHOUT_STOP, MAX_LENGTH = 100, 2000


def double_quotations(prose: str) -> list[tuple[int, int]]:
    """The spans of quotations in double quotes, from the opening quote up to the closing one.

    Args:
        prose: `Lexed.prose` of `charrnn.inspection.features.lexing`.
    """
    found, begun, closing = [], -1, ""
    opens_right = len(re.findall(r"«\w", prose)) >= len(re.findall(r"»\w", prose))
    sides = {"“": "open", "„": "open", "«»"[not opens_right]: "open", "«»"[opens_right]: "close"}
    begins = True  # the text may begin inside a quotation
    for match in DOUBLE.finditer(prose):
        mark, position = match[0], match.start()
        if mark[0] in "\0\n":
            if begun >= 0 and mark[0] == "\n":
                found.append((begun, position))
            begun, begins = -1, False
            continue
        may_open, may_close = sides_of(prose, position)
        side = "close" if mark == closing else sides.get(mark, "")
        if side or may_open != may_close:
            opens = side == "open" if side else may_open
        else:
            opens = begun < 0
        if opens and begun < 0:
            begun, closing = position, "“" if mark == "„" else ""
        elif not opens and (begun >= 0 or begins):
            found.append((max(begun, 0), position))
            begun, closing = -1, ""
        begins = False
    return [*found, (begun, len(prose))] if begun >= 0 else found


def sides_of(prose: str, position: int) -> tuple[bool, bool]:
    """True if a quote may open a quotation, and True if it may close one, by its neighbours."""
    before, after = neighbours(prose, position)
    may_open = before in BEFORE and after not in " \t\r\n\0)]},;:!?…"
    may_close = after in AFTER and before not in " \t\r\n\0([{"
    return may_open, may_close


def neighbours(prose: str, position: int) -> tuple[str, str]:
    """The characters before and after a position; NUL beyond the ends."""
    return prose[position - 1 : position] or "\0", prose[position + 1 : position + 2] or "\0"


class Quote(NamedTuple):
    """A single quote that may not be an apostrophe."""

    position: int
    opens: bool
    #: True for a closing quote after punctuation, and for an opening one before a capital.
    sure: bool


@lru_cache(maxsize=1)
def single_quotations(prose: str) -> tuple[tuple[int, int], ...]:
    """The spans of quotations in single quotes; each has an opening and a closing quote.

    Args:
        prose: `Lexed.prose` of `charrnn.inspection.features.lexing`.
    """
    found: list[tuple[int, int]] = []
    quotes: list[Quote] = []
    for match in SINGLE.finditer(prose):
        if match[0][0] in "\0\n":
            found += quotations_of(quotes)
            quotes = []
        else:
            quotes += quote_at(prose, match.start())
    return (*found, *quotations_of(quotes))


def quote_at(prose: str, position: int) -> Iterator[Quote]:
    """The single quote at a position, unless it is an apostrophe."""
    before, after = neighbours(prose, position)
    mark = prose[position]
    if before.isalnum():
        word = LETTERS_BEFORE.search(prose, max(0, position - 3), position)
        stem = prose[max(0, word.start() - 1) : word.start()] if word else ""
        whole = not stem or not (stem.isalnum() or stem in "'‘‚")
        clipped = word and whole and word[0].lower() in CLIPPED_AFTER
        if not (after.isalnum() or clipped):
            yield Quote(position, False, False)
        return
    may_open, may_close = sides_of(prose, position)
    if may_open and mark != "’":
        if not CLIPPED.match(prose, position + 1):
            yield Quote(position, True, after.isupper())
    elif may_close:
        yield Quote(position, mark == "‚", True)


def quotations_of(quotes: list[Quote]) -> Iterator[tuple[int, int]]:
    """The spans of the quotations of a paragraph."""
    begun = None
    for quote, after in zip(quotes, [*quotes[1:], None]):
        if quote.opens:
            # The earlier opening was an apostrophe, unless this one is more likely to be.
            if begun is None or quote.sure or not begun.sure:
                begun = quote
        elif begun is not None:
            # If a surer end follows, this one was an apostrophe, such as that of a plural.
            surer = after is not None and not after.opens and after.sure
            length = quote.position - begun.position
            if quote.sure or (length <= MAX_WITHOUT_STOP and not surer):
                if length <= MAX_LENGTH:
                    yield begun.position, quote.position
                begun = None
