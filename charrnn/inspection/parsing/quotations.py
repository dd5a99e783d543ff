"""Quotations of prose, in double and in single quotes.

In typewritten text both ends of a quotation look the same, single ones look like apostrophes, and
a speech of several paragraphs has one end and many beginnings. So a quotation ends with its
paragraph at the latest, and what stands on both sides of a quote tells what it may be.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final, NamedTuple

from charrnn.inspection.parsing.lexing import PARAGRAPH_END
from charrnn.inspection.parsing.measures import named

#: The ends of paragraphs, and quotes.
DOUBLE: Final = re.compile(rf'{PARAGRAPH_END}|["“”„«»]')
SINGLE: Final = re.compile(rf"{PARAGRAPH_END}|['‘’‚]")
#: What may stand before a quotation, and after one.
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
#: A quotation without a full stop or the like before its end is a few words, and one in single
#: quotes is not very long either, or an apostrophe was taken for a quote.
FEW, MANY = 100, 2000


def double_quotations(prose: str) -> list[tuple[int, int]]:
    """Spans in double quotes, from the first quote up to the one that ends it.

    Args:
        prose: as `charrnn.inspection.parsing.lexing.lexed` gives it.
    """
    found, begun, closing = [], -1, ""
    opens_right = len(re.findall(r"«\w", prose)) >= len(re.findall(r"»\w", prose))
    sides = {"“": "open", "„": "open", "«»"[not opens_right]: "open", "«»"[opens_right]: "close"}
    begins = True  # nothing was quoted yet
    for match in DOUBLE.finditer(prose):
        mark, place = match[0], match.start()
        if mark[0] in "\0\n":
            if begun >= 0 and mark[0] == "\n":
                found.append((begun, place))
            begun, begins = -1, False
            continue
        may_open, may_close = sides_of(prose, place)
        side = "close" if mark == closing else sides.get(mark, "")
        if side or may_open != may_close:
            opens = side == "open" if side else may_open
        else:
            opens = begun < 0
        if opens and begun < 0:
            begun, closing = place, "“" if mark == "„" else ""
        elif not opens and (begun >= 0 or begins):
            found.append((max(begun, 0), place))
            begun, closing = -1, ""
        begins = False
    return [*found, (begun, len(prose))] if begun >= 0 else found


def sides_of(prose: str, place: int) -> tuple[bool, bool]:
    """Whether a quote may open a quotation, and whether it may close one, by its neighbours."""
    before, after = prose[place - 1 : place] or "\0", prose[place + 1 : place + 2] or "\0"
    may_open = before in BEFORE and after not in " \t\r\n\0)]},;:!?…"
    may_close = after in AFTER and before not in " \t\r\n\0([{"
    return may_open, may_close


class Quote(NamedTuple):
    """A single quote that is no apostrophe, or may be none."""

    place: int
    opens: bool
    #: After punctuation, if it closes; before a capital, if it opens.
    sure: bool


@lru_cache(maxsize=1)
def single_quotations(prose: str) -> tuple[tuple[int, int], ...]:
    """Spans in single quotes; where no quote ends one, there is none.

    Args:
        prose: as `charrnn.inspection.parsing.lexing.lexed` gives it.
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


def quote_at(prose: str, place: int) -> Iterator[Quote]:
    """The single quote at a place, unless it is an apostrophe."""
    before, after = prose[place - 1 : place] or "\0", prose[place + 1 : place + 2] or "\0"
    mark = prose[place]
    if before.isalnum():
        word = LETTERS_BEFORE.search(prose, max(0, place - 3), place)
        stem = prose[max(0, word.start() - 1) : word.start()] if word else ""
        whole = not stem or not (stem.isalnum() or stem in "'‘‚")
        clipped = word and whole and word[0].lower() in CLIPPED_AFTER
        if not (after.isalnum() or clipped):
            yield Quote(place, False, False)
        return
    may_open, may_close = sides_of(prose, place)
    if may_open and mark != "’":
        if not CLIPPED.match(prose, place + 1):
            yield Quote(place, True, after.isupper())
    elif may_close:
        yield Quote(place, mark == "‚", True)


def quotations_of(quotes: list[Quote]) -> Iterator[tuple[int, int]]:
    """The quotations of a paragraph."""
    begun = None
    for quote, after in zip(quotes, [*quotes[1:], None]):
        if quote.opens:
            # What began before was an apostrophe, unless this is more likely to be one.
            if begun is None or quote.sure or not begun.sure:
                begun = quote
        elif begun is not None:
            # Where a surer end follows, this was the apostrophe of a plural, or the like.
            surer = after is not None and not after.opens and after.sure
            length = quote.place - begun.place
            if quote.sure or (length <= FEW and not surer):
                if length <= MANY:
                    yield begun.place, quote.place
                begun = None
