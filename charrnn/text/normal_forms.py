"""Unicode normal forms of a text in pieces."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from typing import Literal

from charrnn.text.vocabulary import Vocabulary

#: Unicode normal forms by their names on the command line.
NORMAL_FORMS: dict[str, Literal["NFC", "NFD", "NFKC"]] = {
    "nfc": "NFC",
    "nfd": "NFD",
    "nfkc": "NFKC",
}

#: Characters that no normal form combines or reorders with the character before them: ASCII, the
#: Chinese comma and full stop, Chinese characters, Hangul syllables, and letters that begin
#: syllables in other scripts. There are more, but every text has one of these before long.
INDEPENDENT = (
    "\x00-\x7f、。\u3400-\u9fff가-힣"
    "\u00c0-\u02af\u0386-\u0482\u048a-\u0556"  # Latin, Greek, Cyrillic, Armenian
    "\u05d0-\u05ea\u0620-\u064a\u0671-\u06d3"  # Hebrew, Arabic
    "\u0904-\u0939\u0985-\u09b9\u0a05-\u0a39\u0a85-\u0ab9\u0b05-\u0b39\u0b85-\u0bb9"  # of India
    "\u0c05-\u0c39\u0c85-\u0cb9\u0d05-\u0d3a\u0d85-\u0dc6"
    "\u0e01-\u0e30\u0e81-\u0eb0\u0f40-\u0f6c\u1000-\u102a\u1780-\u17b3"  # Thai to Khmer
    "\u10a0-\u10ff\u1200-\u135a\u1e00-\u1fff\u3041-\u3096\u30a1-\u30fa"  # Georgian to kana
)
#: Matches the text before its last independent character.
BEFORE_THE_LAST = re.compile(f"(?s:.*)(?=[{INDEPENDENT}])")


def normalized(text: str, form: str | None) -> str:
    """The text in a Unicode normal form of `NORMAL_FORMS`; unchanged for None."""
    if form is None or text.isascii():  # ASCII is the same in every form
        return text
    return unicodedata.normalize(NORMAL_FORMS[form], text)


def normalized_pieces(pieces: Iterable[str], form: str | None) -> Iterator[str]:
    """Normalize a text in pieces; the joined results are the normal form of the whole text.

    A piece may end between a letter and its accent. Therefore the end of each piece, from its last
    independent character on, is held back until the next piece.
    """
    if form is None:
        yield from pieces
        return
    held: list[str] = []
    for piece in pieces:
        if found := BEFORE_THE_LAST.match(piece):
            yield normalized("".join(held) + found[0], form)
            held = [piece[found.end() :]]
        else:
            held.append(piece)
    yield normalized("".join(held), form)


def fitting_form(read: Callable[[], Iterable[str]], vocabulary: Vocabulary) -> str | None:
    """The normal form in which a vocabulary lacks the fewest characters of a text.

    macOS writes é as two characters, e and an accent, where a model may have one.

    Args:
        read: returns the text in pieces; called for each form.
        vocabulary: of a model.

    Returns:
        `nfc` or `nfd`; None where neither helps, or none is needed.
    """

    def unknown(form: str | None) -> int:
        return sum(map(vocabulary.count_unknown, normalized_pieces(read(), form)))

    return min((None, "nfc", "nfd"), key=unknown)


def may_fit(characters: str, vocabulary: Vocabulary) -> bool:
    """True where a normal form may turn unknown characters of a text into known ones.

    Args:
        characters: the distinct characters of the text.
        vocabulary: of a model.
    """
    unknown = vocabulary.unknown(characters)
    if any(unicodedata.combining(character) for character in unknown):
        return True
    forms = (NORMAL_FORMS["nfc"], NORMAL_FORMS["nfd"])
    if not all(unicodedata.is_normalized(form, each) for form in forms for each in unknown):
        return True
    return any(
        _joins(first, second)
        for second in filter(_may_join, characters)
        for first in (characters if second in unknown else unknown)
    )


def _may_join(character: str) -> bool:
    """True for a mark or a later letter of a syllable of Hangul."""
    return unicodedata.category(character) in ("Mn", "Mc") or "\u1161" <= character <= "\u11c2"


def compose(characters: Iterable[str]) -> Iterator[str]:
    """Combine letters and their marks (NFC), and yield each letter as soon as it is complete."""
    held = ""
    for character in characters:
        if held and not (unicodedata.combining(character) or _joins(held, character)):
            yield unicodedata.normalize("NFC", held)
            held = ""
        held += character
    yield unicodedata.normalize("NFC", held)


def _joins(held: str, character: str) -> bool:
    """True if NFC combines a character with the text before it, as with the letters of Hangul."""
    whole = unicodedata.normalize("NFC", held + character)
    return len(whole) <= len(unicodedata.normalize("NFC", held))
