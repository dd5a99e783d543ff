import re
import sys
import unicodedata
from itertools import islice

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from charrnn.text.normal_forms import (
    INDEPENDENT,
    NORMAL_FORMS,
    compose,
    fitting_form,
    may_fit,
    normalized,
    normalized_pieces,
)
from charrnn.text.vocabulary import Vocabulary

SYLLABLES = "".join(map(chr, range(0xAC00, 0xAC00 + 11_172)))

#: Hangul syllables and letters, Latin letters with and without accents, accents alone, Bengali
#: vowels that combine, line ends, and a character that is several letters in NFKC.
accented = st.text(
    st.characters(min_codepoint=0xAC00, max_codepoint=0xD7A3)
    | st.characters(min_codepoint=0x1100, max_codepoint=0x11FF)
    | st.characters(min_codepoint=0xC0, max_codepoint=0x24F)
    | st.characters(min_codepoint=0x1E00, max_codepoint=0x1EFF)
    | st.characters(min_codepoint=0x300, max_codepoint=0x345)
    | st.sampled_from("aeo .\r\n漢ﬁ\u09c7\u09be\u09d7")
)


def in_pieces(text, sizes):
    """A text in pieces of these sizes, and the rest."""
    pieces, rest = [], text
    for size in sizes:
        pieces.append(rest[:size])
        rest = rest[size:]
    return [*pieces, rest]


@pytest.mark.parametrize("form", [None, *NORMAL_FORMS])
@given(accented, st.lists(st.integers(0, 4)))
@example("e\u0301", [1])
@example("각\u11a8"[:1] + "\u11a8", [1])
@example("a\u0301\u0323\n\u0323\u0301b\u0301", [1] * 7)
def test_the_pieces_together_are_the_normal_form_of_the_whole(form, text, sizes):
    pieces = in_pieces(text, sizes)
    assert "".join(normalized_pieces(pieces, form)) == normalized(text, form)


@pytest.mark.parametrize("form", NORMAL_FORMS)
@given(st.text(), st.lists(st.integers(0, 4)))
def test_any_text_may_be_cut_anywhere(form, text, sizes):
    pieces = in_pieces(text, sizes)
    assert "".join(normalized_pieces(pieces, form)) == normalized(text, form)


def test_an_independent_character_never_combines_with_the_one_before():
    everything = list(map(chr, range(sys.maxunicode + 1)))
    melting = set(map(chr, [*range(0x1161, 0x1176), *range(0x11A8, 0x11C3)]))  # of Hangul
    for character in everything:
        parts = unicodedata.decomposition(character).split()
        if len(parts) == 2 and not parts[0].startswith("<"):
            melting.add(chr(int(parts[1], 16)))
    first = {c: unicodedata.normalize("NFKD", c)[0] for c in everything}
    joining = {c for c in everything if unicodedata.combining(first[c]) or first[c] in melting}
    joining |= melting
    assert len(joining) > 900
    assert not re.search(f"[{INDEPENDENT}]", "".join(joining))


def test_only_the_text_from_the_last_independent_character_on_is_held_back():
    pieces = normalized_pieces(["abc", "de\u0301漢\u0301", "x"], "nfc")
    assert list(pieces) == ["ab", "cdé", "漢\u0301", "x"]


def test_a_text_without_independent_characters_comes_as_a_whole():
    assert list(normalized_pieces(["¼", "\u0301", "¼"], "nfd")) == ["¼\u0301¼"]


@pytest.mark.parametrize("form", NORMAL_FORMS)
@pytest.mark.parametrize(
    "text", ["ภาษาไทยน้ำ", "हिन्दीभाषा", "русскийязык", "عربي", "ひらがなが", "ខ្មែរ", "éàü"]
)
def test_little_is_held_back_of_any_script(text, form):
    """Also without a space, and with pieces that end within syllables."""
    for size in (3, 4, 5):
        pieces = in_pieces(text * 100, [size] * (100 * len(text) // size))
        largest = max(map(len, normalized_pieces(pieces, form)))
        assert largest < 12 * size


def test_all_syllables_of_hangul_are_composed_again():
    assert list(compose(unicodedata.normalize("NFD", SYLLABLES))) == list(SYLLABLES)


@given(accented)
@example("")
@example("\u0301e\u0301")  # a mark without a letter
@example("각\u11a8")  # a final consonant too many
@example("ǖa\u0323\u0302")
@example("a\u0321\u0301")  # the second mark melts into the letter, past the first
def test_letters_that_nfd_separates_are_combined_again(text):
    apart = unicodedata.normalize("NFD", text)
    assert "".join(compose(apart)) == unicodedata.normalize("NFC", text)


def test_a_letter_is_handed_on_as_soon_as_the_next_one_begins():
    seen = []

    def characters():
        for character in "e\u0301\u1100\u1161\u11a8xy":
            seen.append(character)
            yield character

    pieces = compose(characters())
    assert next(pieces) == "é"
    assert seen == ["e", "\u0301", "\u1100"]
    assert next(pieces) == "각"
    assert seen[-1] == "x"
    assert list(islice(pieces, 3)) == ["x", "y"]


@pytest.mark.parametrize(
    ("characters", "text", "form"),
    [
        ("caf\u00e9", "cafe\u0301", "nfc"),
        ("cafe\u0301", "caf\u00e9", "nfd"),
        ("caf\u00e9", "caf\u00e9", None),
        ("cafe", "caf\u00e9", None),
        ("aei", "\u00e1\u00e9\u00ed", None),
        ("caf\u00e9", "cafe\u0301 \u2603", "nfc"),  # the snowman is in no form
    ],
)
def test_the_form_of_a_text_that_a_vocabulary_knows(characters, text, form):
    vocabulary = Vocabulary(characters)
    assert fitting_form(lambda: [text], vocabulary) == form
    assert fitting_form(lambda: iter(text), vocabulary) == form
    assert may_fit("".join(sorted(set(text))), vocabulary) or form is None


@pytest.mark.parametrize(
    ("characters", "text", "may"),
    [
        ("abc", "abc", False),
        ("abc", "abc \U0001f600\u2764\ufe0f", False),  # a heart and the variation of its colour
        ("abc\u0301", "a\u0301 \u2603", False),  # all known but the snowman
        ("caf\u00e9", "cafe\u0301", True),
        ("cafe\u0301", "caf\u00e9", True),
        ("\uac01", "\u1100\u1161\u11a8", True),  # a syllable of Hangul
        ("\u09cb", "\u09c7\u09be", True),  # a vowel of Bengali, of parts that are no accents
        ("\u00e5", "\u212b", True),  # the sign of the unit, and the letter
    ],
)
def test_a_form_can_help_only_where_it_changes_an_unknown_character(characters, text, may):
    assert may_fit("".join(sorted(set(text))), Vocabulary(characters)) == may
