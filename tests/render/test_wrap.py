import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.render.colors import columns
from charrnn.render.wrap import cut, one_line, padded, wrapped

texts = st.text(st.sampled_from("ab 각e\u0301😀\t\n\x1b") | st.characters(), max_size=60)


def test_line_breaks_and_control_characters_are_spelled_out():
    assert one_line("a\nb\tc\x1b[2J\r\ufffe\uffff") == r"a\nb\tc\x1b[2J\r\ufffe\uffff"


@pytest.mark.parametrize(
    ("text", "right", "expected"),
    [
        ("ab", False, "ab   "),
        ("ab", True, "   ab"),
        ("각", False, "각   "),
        ("abcdef", True, "abcdef"),
    ],
)
def test_padding_counts_columns(text, right, expected):
    assert padded(text, 5, right=right) == expected


@pytest.mark.parametrize(
    ("text", "width", "expected"),
    [
        ("abcde", 5, "abcde"),
        ("abcdef", 5, "ab..."),
        ("각각각", 6, "각각각"),
        ("각각각각", 6, "각..."),
        ("abcdef", 2, ".."),
    ],
)
def test_a_cut_text_ends_in_dots(text, width, expected):
    assert cut(text, width) == expected


@given(texts, st.integers(0, 20))
def test_a_cut_text_fits(text, width):
    assert columns(cut(text, width)) <= width


def test_lines_break_at_spaces():
    assert wrapped("one two three four", 9) == ["one two", "three", "four"]


def test_a_word_that_is_too_long_is_broken():
    assert wrapped("a bcdefghi j", 4) == ["a", "bcde", "fghi", "j"]


def test_spaces_within_a_line_stay():
    assert wrapped('the "  " of', 20) == ['the "  " of']


def test_no_text_is_an_empty_line():
    assert wrapped("", 10) == [""]


@given(texts, st.integers(2, 20))
def test_no_line_is_wider_than_asked_for(text, width):
    assert all(columns(line) <= width for line in wrapped(text, width))


@given(st.text(st.sampled_from("ab각 "), max_size=60), st.integers(2, 20))
def test_nothing_but_spaces_is_lost(text, width):
    assert "".join(wrapped(text, width)).replace(" ", "") == text.replace(" ", "")
