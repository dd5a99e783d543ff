import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.render.escape import one_line, printable, readable_bytes

#: Format characters that reorder what is shown.
REORDERING = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
MARKS = "\u061c\u200e\u200f"  # of Arabic letters, left to right, right to left


def harmful(character):
    if character in "\n\t":
        return False
    category = unicodedata.category(character)
    direction = unicodedata.bidirectional(character)
    return category in ("Cc", "Cs", "Zl", "Zp") or direction in REORDERING or character in MARKS


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J", r"\x1b[2J"),
        ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
        ("a\r\nb", "a\\r\nb"),
        ("\x00\x08\x7f\x9b", r"\x00\x08\x7f\x9b"),
        ("left \u202eright", r"left \u202eright"),
        ("\ud800", r"\ud800"),
    ],
)
def test_harmful_characters_are_spelled_out(text, shown):
    assert printable(text) == shown


def test_newline_and_tab_stay():
    assert printable("a\tb\nc\n") == "a\tb\nc\n"


def test_letters_of_all_scripts_stay():
    text = "Ünï 각 字 שלום سلام 😀 e\u0301"
    assert printable(text) == text


def test_of_all_characters_exactly_the_harmful_ones_are_changed():
    safe = "".join(character for character in map(chr, range(0x110000)) if not harmful(character))
    assert printable(safe) == safe
    for character in filter(harmful, map(chr, range(0x10000))):
        assert not any(map(harmful, printable(character)))


@given(st.text(st.characters() | st.characters(categories=["Cc", "Cf", "Cs"])))
def test_what_is_shown_is_harmless_and_can_be_written(text):
    shown = printable(text)
    assert not any(map(harmful, shown))
    assert shown.encode().decode() == shown
    assert printable(shown) == shown


@given(st.text(st.characters() | st.characters(categories=["Cc", "Cf", "Cs"])))
def test_a_line_is_one_line(text):
    shown = one_line(text)
    assert not any(map(harmful, shown))
    assert "\t" not in shown
    assert shown.splitlines() in ([shown], [])


@pytest.mark.parametrize("length", [10, 11, 300_000])
def test_of_a_long_line_both_ends_are_shown(length):
    shown = one_line("a" * (length - 2) + "yz", 10)
    assert shown == ("aaaaaaaayz" if length == 10 else "aaaaaa ... aayz")


def test_a_long_line_of_harmful_characters_is_no_longer_than_their_codes():
    assert len(one_line("\u202e" * 300_000)) < 6_100


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        ("café 春 😀\n".encode(), "café 春 😀\n"),
        ("café".encode("latin-1"), r"caf\xe9"),
        (b"\xe6\x98 \xff\xfe", r"\xe6\x98 \xff\xfe"),
        (b"\x1b[2J\xc2\x9b\xed\xa0\x80", r"\x1b[2J\x9b\xed\xa0\x80"),
    ],
)
def test_bytes_that_are_utf_8_are_text_and_others_are_spelled_out(data, shown):
    text = data.decode("latin-1")
    for pieces in ([text], text, [text[:2], text[2:]]):
        assert "".join(readable_bytes(pieces)) == shown


@given(st.text(st.characters(max_codepoint=255)))
def test_any_bytes_are_shown_harmlessly(text):
    assert not any(map(harmful, "".join(readable_bytes(text))))
