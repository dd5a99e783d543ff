"""The encodings that a text may be in, the likeliest first, with words as they would read.

An encoding is likely if its letters are those of one language, if capitals begin words, and if
symbols do not stand inside of words. The user decides: charrnn reads a text only in an encoding
that was named or declared.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import cache
from typing import NamedTuple

#: Characters outside of ASCII that are looked at.
MAX_CHARACTERS = 1_000
#: Encodings to name, and words of each.
MAX_NAMED, MAX_WORDS = 3, 3
#: The share of the score of the likeliest encoding from which on another one is named.
MIN_SHARE = 0.7
#: Characters of a word. A text in Chinese has no spaces.
MAX_WORD = 12
#: Letters outside of ASCII for each mistake in UTF-8, from which on a text is UTF-8 with mistakes.
LETTERS_OF_UTF_8 = 3


class Language(NamedTuple):
    """The letters of a language, without those of ASCII.

    Attributes:
        letters: all that are usual.
        frequent: the letters that make up some half of a text; empty for a small alphabet.
    """

    letters: frozenset[str]
    frequent: frozenset[str] = frozenset()


#: The letters of languages in addition to a to z.
LATIN = (
    "äöüß",  # German
    "àâæçéèêëîïôœùûüÿ",  # French
    "áéíñóúü",  # Spanish
    "àáâãçéêíóôõú",  # Portuguese
    "àèéìíîòóùú",  # Italian
    "àçéèíïòóúü·",  # Catalan
    "åäöæøé",  # Swedish, Danish, Norwegian, Finnish
    "áéëïíóöüèê",  # Dutch
    "áéíóúýþðæö",  # Icelandic
    "ąćęłńóśźż",  # Polish
    "áčďéěíňóřšťúůýžäľĺôŕ",  # Czech, Slovak
    "áéíóöőúüű",  # Hungarian
    "ăâîșțşţ",  # Romanian
    "čćđšž",  # Croatian, Slovene
    "çğıöşüİâîû",  # Turkish
    "āčēģīķļņšūž",  # Latvian
    "ąčęėįšųūž",  # Lithuanian
    "äöõüšž",  # Estonian
)
#: The letters of other alphabets, and the frequent ones among them.
ALPHABETS = (
    ("абвгдежзийклмнопрстуфхцчшщъыьэюяё", "оеаинтсрвл"),  # Russian, Bulgarian
    ("абвгґдеєжзиіїйклмнопрстуфхцчшщьюя", "оаинівтер"),  # Ukrainian
    ("абвгдђежзијклљмнњопрстћуфхцчџш", "аиоенрстју"),  # Serbian
    ("αβγδεζηθικλμνξοπρσςτυφχψωάέήίόύώϊϋΐΰ", "αοιετσνηυρ"),  # Greek
    ("אבגדהוזחטיךכלםמןנסעףפץצקרשת", "יוהלאמרבתש"),  # Hebrew
    ("ءآأؤإئابةتثجحخدذرزسشصضطظعغفقكلمنهوىيًٌٍَُِّْ", "اليمنتروبه"),  # Arabic
    ("".join(map(chr, (*range(0xE01, 0xE3B), *range(0xE40, 0xE4F)))), ""),  # Thai
)
#: Frequent characters of Chinese in simplified and in traditional form, of Japanese and of Korean.
SIMPLIFIED = (
    "的一是不了在人有我他这中大来上国个到说们为子和你地出道也时年得就那要下以生会自着去之过家学"
)
TRADITIONAL = (
    "的一是不了在人有我他這中大來上國個到說們為子和你地出道也時年得就那要下以生會自著去之過家學"
)
HIRAGANA = "".join(map(chr, range(0x3041, 0x3097)))
KANA = HIRAGANA + "".join(map(chr, range(0x30A1, 0x30FD))) + "々"
SYLLABLES = "이다는에의가을를은고하지로도한기사나어리그아서자인스해라있였습니"

#: Quotes, dashes and signs that are usual in texts.
PUNCTUATION = frozenset(
    "‘’“”„‚«»‹›–—…•·°§€£©®™†‡‰′″№½¼¾¿¡ªº²³×\xa0\xad\u3000"
    "、。「」『』〈〉《》【】〔〕・ー～〜！＂＃％＆＇（）＊＋，－．／：；＜＝＞？［］｛｝"
)
#: Those of them that may stand between two letters of an alphabet.
WITHIN_WORDS = frozenset("’·–—…\xad\xa0×")
#: Those of them that no letter follows.
BEFORE_NO_LETTER = frozenset("²³ªº™°£€©®†‡½¼¾")
#: The first character of the scripts of Chinese, Japanese and Korean.
FIRST_CJK = "\u2e80"


@cache
def languages(kind: str) -> tuple[Language, ...]:
    """The languages that an encoding is for: `letters`, `zh`, `zh-tw`, `ja`, `ko`, or `all`."""
    if kind == "letters":
        latin = [Language(frozenset(letters)) for letters in LATIN]
        return (*latin, *(Language(frozenset(a), frozenset(b)) for a, b in ALPHABETS))
    if kind == "zh":
        return (Language(_level("gb2312", 0xB0, 0xD7), frozenset(SIMPLIFIED)),)
    if kind == "zh-tw":
        return (Language(_level("big5", 0xA4, 0xC6), frozenset(TRADITIONAL)),)
    if kind == "ja":
        return (Language(_level("euc_jp", 0xB0, 0xCF) | frozenset(KANA), frozenset(HIRAGANA)),)
    if kind == "ko":
        return (Language(_level("euc_kr", 0xB0, 0xC8), frozenset(SYLLABLES)),)
    return tuple(
        language for kind in ("letters", "zh", "zh-tw", "ja", "ko") for language in languages(kind)
    )


def _level(encoding: str, first: int, last: int) -> frozenset[str]:
    """The frequent characters of an encoding of two bytes, which have the first bytes given."""
    lows = (*range(0x40, 0x7F), *range(0xA1, 0xFF))
    data = b"".join(bytes([high, low]) for high in range(first, last + 1) for low in lows)
    return frozenset(each for each in data.decode(encoding, "ignore") if each > "\x7f")


#: The encodings with the languages that they are for. Of two that are equally likely, the first
#: one is named first; of two that read a text alike, the first one alone. Latin-1 is missing: it
#: differs from cp1252 in control characters alone, which no text has. iconv has the same names.
ENCODINGS = {
    "utf-8": "all",
    "utf-16le": "all",
    "utf-16be": "all",
    "utf-32le": "all",
    "utf-32be": "all",
    "cp1252": "letters",
    "cp1251": "letters",
    "cp1250": "letters",
    "gb18030": "zh",
    "cp932": "ja",
    "cp949": "ko",
    "big5": "zh-tw",
    "cp950": "zh-tw",
    "euc-jp": "ja",
    "koi8-r": "letters",
    "koi8-u": "letters",
    "iso8859-2": "letters",
    "iso8859-5": "letters",
    "iso8859-7": "letters",
    "iso8859-15": "letters",
    "cp1253": "letters",
    "cp1254": "letters",
    "cp1255": "letters",
    "cp1256": "letters",
    "cp1257": "letters",
    "cp874": "letters",
    "cp437": "letters",
    "cp850": "letters",
    "cp852": "letters",
    "cp866": "letters",
    "macintosh": "letters",
}
#: The encodings in which ASCII has other bytes.
WIDE = frozenset(name for name in ENCODINGS if name.startswith(("utf-16", "utf-32")))


class Reading(NamedTuple):
    """A sample of a text as it reads in an encoding.

    Attributes:
        encoding: the name of the encoding, for Python and for iconv.
        score: the likelihood in points for a character, at most 1.5; below 0 for no language.
        text: the sample.
    """

    encoding: str
    score: float
    text: str

    def words(self) -> str:
        """Words as they read, in quotes; those with characters outside of ASCII, if there are."""
        found: dict[str, None] = {}
        end = 0
        for match in re.finditer(r"[^\x00-\x7f\s]", self.text):
            start = match.start()
            if start < end:
                continue
            before = re.split(r"\s", self.text[max(end, start - MAX_WORD) : start])[-1]
            after = re.split(r"\s", self.text[start : start + MAX_WORD], maxsplit=1)[0]
            if len(before + after) > MAX_WORD:
                before = before[-MAX_WORD // 3 :]
            found[(before + after)[:MAX_WORD]] = None
            end = start + len(after)
            if len(found) == MAX_WORDS:
                break
        return ", ".join(f'"{word}"' for word in found or self.text.split()[:MAX_WORDS])


def readings(sample: bytes) -> list[Reading]:
    """Read a sample in every encoding; the readings that are text, the likeliest first.

    Args:
        sample: bytes of a text, from a character's beginning; in a wide encoding, a
            multiple of four bytes from the beginning of the file.
    """
    found: list[Reading] = []
    for encoding, kind in ENCODINGS.items():
        try:
            text = codecs.getincrementaldecoder(encoding)().decode(sample)
        except UnicodeError:
            continue
        if all(is_text(character, encoding) for character in set(text)):
            value = score(text, languages(kind))
            if value > 0 and text not in [reading.text for reading in found]:
                found.append(Reading(encoding, value, text))
    found.sort(key=lambda reading: -reading.score)
    enough = MIN_SHARE * found[0].score if found else 0
    return [reading for reading in found[:MAX_NAMED] if reading.score >= enough]


def is_text(character: str, encoding: str) -> bool:
    """Return whether a character may occur in a text that is rightly read in an encoding.

    No text has the control characters from U+0080 to U+009F, or characters that Unicode does not
    have or leaves to private use. Other control characters are the same bytes in most encodings,
    and say nothing of them.
    """
    if " " <= character <= "~" or character in "\t\n\r\f":
        return True
    if character < " ":
        return encoding not in WIDE and character != "\0"
    return unicodedata.category(character) not in ("Cc", "Cn", "Co")


def score(text: str, known: Sequence[Language]) -> float:
    """The mean of points for the characters of a text outside of ASCII.

    A letter of the language gets 1 point, a frequent one 1.5, another letter -1. Points are
    deducted for a capital after a small letter, and for two scripts in one word. A usual
    punctuation mark gets 1, or -1 inside of a word, and another symbol -0.5, or -1 inside of a
    word. The language is the one that gives the highest mean.
    """
    letters: Counter[str] = Counter()
    total, count = 0.0, 0
    for found in re.finditer(r"[^\x00-\x7f]", text):
        count += 1
        if count > MAX_CHARACTERS:
            break
        character, start = found.group(), found.start()
        before, after = text[start - 1 : start], text[start + 1 : start + 2]
        if is_letter(character) and character not in PUNCTUATION:
            letters[character] += 1
            total -= penalty(character, before, after)
        else:
            total += symbol_points(character, before, after)
    if not count:
        return 1.0
    count = min(count, MAX_CHARACTERS)
    return (total + max(letter_points(letters, language) for language in known)) / count


def letter_points(letters: Counter[str], language: Language) -> float:
    """The points of letters in a language."""
    total = 0.0
    for letter, count in letters.items():
        small = letter.lower()
        if letter in language.letters or small in language.letters:
            total += count * (1.5 if small in language.frequent else 1)
        else:
            total -= count
    return total


def penalty(letter: str, before: str, after: str) -> float:
    """The points deducted for a letter between two characters."""
    if (letter.isupper() and before.islower()) or (letter.islower() and after.isupper()):
        return 2
    if letter < "\u0250" or "\u1e00" <= letter < "\u1f00":  # Latin
        return 0
    if any(side.isascii() and side.isalpha() for side in (before, after)):
        return 2
    # In one encoding of Cyrillic the capitals are where the small letters are in another.
    return 0.2 if letter.isupper() and before.isupper() else 0


def symbol_points(symbol: str, before: str, after: str) -> float:
    """The points for a character that is not a letter between two characters."""
    inside = is_letter(before) and is_letter(after) and max(before, after) < FIRST_CJK
    if symbol in PUNCTUATION:
        wrong = (inside and symbol not in WITHIN_WORDS) or (
            symbol in BEFORE_NO_LETTER and is_letter(after)
        )
        return -1 if wrong else 1
    return -1 if inside else -0.5


def is_letter(character: str) -> bool:
    """Return whether a character is a letter, or an accent of one."""
    return character != "" and unicodedata.category(character)[0] in "LM"


def is_wide(sample: bytes) -> bool:
    """Return whether bytes are a text in UTF-16 or UTF-32 without a byte-order mark."""
    found = readings(sample)
    return bool(found) and found[0].encoding in WIDE


def fitting(encodings: Iterable[str], blocks: Iterable[bytes]) -> list[str]:
    """The encodings in which bytes are text.

    Args:
        encodings: the names of the encodings.
        blocks: the bytes, in blocks; the last one is empty if the bytes are complete.
    """
    decoders = {name: codecs.getincrementaldecoder(name)() for name in encodings}
    seen: dict[str, set[str]] = {name: set() for name in decoders}
    for block in blocks:
        for name in list(decoders):
            with suppress(UnicodeError):
                seen[name].update(decoders[name].decode(block, final=not block))
                continue
            del decoders[name]
    return [name for name in decoders if all(is_text(each, name) for each in seen[name])]


def is_utf_8_with_mistakes(sample: bytes) -> bool:
    """Return whether bytes have mistakes in UTF-8, but `LETTERS_OF_UTF_8` letters for each."""
    text = sample.decode("utf-8", "replace")
    mistakes = text.count("\ufffd")
    letters = sum(character > "\x7f" for character in text) - mistakes
    return mistakes > 0 and letters >= LETTERS_OF_UTF_8 * mistakes
