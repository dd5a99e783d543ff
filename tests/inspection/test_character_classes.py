import re
import unicodedata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.inspection.character_classes import (
    BRACKET,
    BREAK,
    CLASSES,
    DIGIT,
    INDENT,
    INSIDE,
    PUNCTUATION,
    SPACE,
    START,
    SYMBOL,
    classes_of,
    positions_in_words,
    sums,
    words_of,
)

#: A letter for each class, in the order of `CLASSES`.
LETTERS = "WwdsibqpS"
CASES = [
    ("One day, 12 owls!", "WwwsWwwpsddsWwwwp"),
    ("it's 'so'", "WwwwsqWwq"),
    ("it\u2019s", "Wwww"),
    ("'tis o'", "qWwwsWq"),
    ("a\n  b\tc  d", "WbiiWsWssW"),
    ("\t\tx", "iiW"),
    ("  ", "ii"),
    ("\n\n \n", "bbib"),
    ("my_name = x1 + 3rd", "WwwwwwwsSsWdsSsdww"),
    ('f(a[0]) "q" `c`', "WqWqdqqsqWqsqWq"),
    ("«да» “é”", "qWwqsqWq"),
    ("мир, 안녕하세요 여러분.", "WwwpsWwwwwsWwwp"),
    ("e\u0301te\u0301", "Wwwww"),
    ("नमस्ते जी", "WwwwwwsWw"),
    ("a<b>=$5 # no", "WSWSSSdspsWw"),
    ("\u00a0x\u2028y\r\n", "iWbWbb"),
    ("𝄞 ½ ٣", "Ssdsd"),
    ("", ""),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_every_character_is_in_its_class(text, expected):
    assert "".join(LETTERS[one] for one in classes_of(text)) == expected


def test_classes_have_names_and_numbers_in_the_same_order():
    order = (START, INSIDE, DIGIT, SPACE, INDENT, BREAK, BRACKET, PUNCTUATION, SYMBOL)
    assert order == tuple(range(len(CLASSES)))
    assert list(CLASSES)[START] == "word starts"
    assert list(CLASSES)[SYMBOL] == "symbols"


@pytest.mark.parametrize(
    ("text", "expected"),
    [("a big x", [1, 0, 1, 2, 3, 0, 1]), ("don't", [1, 2, 3, 4, 5]), ("한국", [1, 2]), ("", [])],
)
def test_positions_count_within_words(text, expected):
    assert positions_in_words(text).tolist() == expected


def test_words_and_what_belongs_to_them():
    words, number = words_of("It's 7 o\u2019clock, «сад».")
    assert words == ["It's", "7", "o\u2019clock", "сад"]
    expected = [0] * 4 + [-1, 1, -1] + [2] * 7 + [-1] * 3 + [3] * 3 + [-1] * 2
    assert number.tolist() == expected
    assert words_of("")[0] == words_of(" .")[0] == []


@given(st.text(st.sampled_from("abé'’ \t\n1(\"_-.가나д\u0301\U0001d11e"), max_size=40))
def test_words_are_those_of_a_search_one_by_one(text):
    def letter(character):
        return unicodedata.category(character)[0] in "LM" or character == "_"

    marked = "".join(
        "x"
        if letter(c)
        or c == "1"
        or (c in "'’" and 0 < i < len(text) - 1 and letter(text[i - 1]) and letter(text[i + 1]))
        else "."
        for i, c in enumerate(text)
    )
    words, number = words_of(text)
    spans = [match.span() for match in re.finditer("x+", marked)]
    assert words == [text[start:end] for start, end in spans]
    positions, classes = positions_in_words(text), classes_of(text)
    for i in range(len(text)):
        inside = [(n, start) for n, (start, end) in enumerate(spans) if start <= i < end]
        n, start = inside[0] if inside else (-1, i + 1)
        assert number[i] == n
        assert positions[i] == i - start + 1
        assert (classes[i] in (START, INSIDE)) == (bool(inside) and text[i] != "1")
        assert (classes[i] == START) == (positions[i] == 1 and text[i] != "1")


def test_lone_surrogates_are_symbols():
    assert classes_of("a\ud800").tolist() == [START, SYMBOL]


def test_sums_leave_out_higher_groups():
    counts, totals = sums(np.array([0, 2, 2, 5]), np.array([1.0, 2.0, 4.0, 8.0]), 4)
    assert counts.tolist() == [1, 0, 2, 0]
    assert totals.tolist() == [1.0, 0.0, 6.0, 0.0]
