import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.render.cells import MARKS, colored_text, in_context, key, mark, visible
from charrnn.render.colors import RESET, background, columns
from charrnn.render.escape import printable

ESCAPES = re.compile(r"\x1b\[[0-9;]*m")
DEPTHS = ["24-bit", "256", "16", "none"]

#: Narrow and wide characters, marks, white space, and characters to spell out.
texts = st.text(st.sampled_from("abcé 각字😀\u0301\t\n\r\x1b\u202e") | st.characters(), max_size=60)


def drawn(text, values, depth="none", width=80, guesses=None):
    return list(colored_text(text, np.array(values, float), depth, width, guesses))


def shown(text, width, depth="16"):
    """The lines as they look on a terminal, colours aside."""
    return [ESCAPES.sub("", line) for line in drawn(text, len(text) * [1], depth, width)]


def test_each_character_is_on_the_background_of_its_value():
    blue, red = background(-1, "24-bit"), background(0.5, "24-bit")
    lines = drawn("abc", [-1, 0, 0.5], "24-bit")
    assert lines == [f"{blue}a{RESET}b{red}c{RESET}"]


def test_the_likelier_a_guess_the_redder_it_is():
    lines = list(
        colored_text(
            "ab", np.zeros(2), "24-bit", 80, ["xy", "zw"], np.array([[0.9, 0.05], [0.5, 0.5]])
        )
    )
    strong, weak = background(0.9, "24-bit"), background(0.5, "24-bit")
    assert lines == ["ab", f"{strong}x{RESET}{weak}z{RESET}", f"y{weak}w{RESET}"]


def test_a_colour_does_not_run_into_the_next_line():
    red = background(1, "16")
    assert drawn("abcd", [1, 1, 1, 1], "16", 2) == [f"{red}ab{RESET}", f"{red}cd{RESET}"]


def test_no_text_is_no_line():
    assert drawn("", []) == []


def test_lines_wrap_at_the_width():
    assert shown("abcdefghijkl", 5) == ["abcde", "fghij", "kl"]


def test_wide_characters_take_two_columns_and_are_not_cut_in_two():
    assert shown("각각각각각", 9) == ["각각각각", "각"]
    assert shown("a각각각각", 9) == ["a각각각각"]


def test_a_mark_stays_with_its_letter_at_the_end_of_a_line():
    assert shown("abe\u0301de\u0301", 3) == ["abe\u0301", "de\u0301"]


def test_a_spelled_out_character_is_not_cut_in_two():
    assert shown("abcdef\x1bg", 9) == ["abcdef", r"\x1bg"]


def test_harmful_characters_are_spelled_out():
    assert shown("a\x1b[2J\u202eb\r", 80) == [r"a\x1b[2J\u202eb\r"]


def test_a_line_of_the_text_ends_with_a_place_for_the_colour_of_its_newline():
    red = background(1, "16")
    assert drawn("a\n\nb", [0, 1, 1, 0], "16") == [f"a{red} {RESET}", f"{red} {RESET}", "b"]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a\tb", "a       b"),
        ("\tb", "        b"),
        ("abcdefg\th", "abcdefg h"),
        ("abcdefgh\ti", "abcdefgh        i"),
        ("a\t\tb", "a               b"),
        ("각\tb", "각      b"),
        ("e\u0301\tb", "e\u0301       b"),
        ("\x1b\tb", r"\x1b    b"),
    ],
)
def test_a_tab_goes_to_the_next_eighth_column(text, line):
    assert shown(text, 80) == [line]


def test_a_tab_ends_at_the_edge_of_the_terminal():
    assert shown("abcdefgh\ti", 9) == ["abcdefgh ", "i"]


def test_tabs_are_counted_from_the_start_of_each_line():
    assert shown("abc\n\td", 80) == ["abc ", "        d"]


@given(st.sampled_from(DEPTHS), texts, st.integers(8, 40), st.integers(0, 99))
def test_no_line_is_wider_than_the_terminal(depth, text, width, seed):
    values = np.random.default_rng(seed).uniform(-1, 1, len(text))
    for line in drawn(text, values, depth, width):
        assert columns(ESCAPES.sub("", line)) <= width


@given(texts, st.integers(8, 40))
def test_wrapped_lines_lose_nothing(text, width):
    text = text.replace("\t", "").replace("\n", "")
    assert "".join(shown(text, width)) == printable(text)


def test_without_colours_a_line_of_marks_is_under_each_line():
    lines = drawn("abcdefg", [-1, -0.5, 0, 0.5, 1, 1, -1], width=5)
    assert lines == ["abcde", "=- +#", "fg", "#="]


def test_without_colours_there_are_no_escapes():
    assert "\x1b" not in "".join(drawn("abc\n\x1bd", np.linspace(-1, 1, 6)))


def test_marks_are_under_their_characters():
    assert drawn("각a\tb", [1, -1, 1, -1]) == ["각a     b", "##=#####="]
    assert drawn("e\u0301a", [1, 1, -1]) == ["e\u0301a", "#="]
    assert drawn("\x1ba", [1, -1]) == [r"\x1ba", "####="]
    assert drawn("a\nb", [-1, 1, -1]) == ["a", "=#", "b", "="]


@pytest.mark.parametrize(
    ("value", "expected"), [(-1, "="), (-0.5, "-"), (0, " "), (0.5, "+"), (1, "#")]
)
def test_marks_go_from_low_to_high(value, expected):
    assert mark(value) == expected


@given(st.lists(st.floats(-2, 2), min_size=2, max_size=2))
def test_a_higher_value_never_has_a_lower_mark(values):
    low, high = map(mark, sorted(values))
    assert MARKS.index(low) <= MARKS.index(high)


def test_values_beyond_the_scale_have_the_marks_of_its_ends():
    assert mark(-7) == mark(-1)
    assert mark(7) == mark(1)


def test_guesses_are_under_each_character_the_likeliest_first():
    guesses = [["p", "q"], ["r", "s"], ["t", "u"]]
    assert drawn("abc", [1, 1, 1], guesses=guesses) == ["abc", "###", "prt", "qsu"]
    assert drawn("abc", [0, 0, 0], "16", guesses=guesses) == ["abc", "prt", "qsu"]


def test_guesses_wrap_with_their_lines():
    lines = drawn("abcd", [0, 0, 0, 0], "16", 3, guesses=["p", "q", "r", "s"])
    assert lines == ["abc", "pqr", "d", "s"]


def test_guesses_go_on_at_their_character_after_a_newline():
    lines = drawn("ab\ncd", [0, 0, 0, 0, 0], "16", guesses=["p", "q", "r", "s", "t"])
    assert lines == ["ab ", "pqr", "cd", "st"]


def test_guesses_are_aligned_with_what_takes_more_columns():
    lines = drawn("a\t각\x1bb", [0, 0, 0, 0, 0], "16", guesses=["p", "q", "r", "s", "t"])
    assert lines == [r"a       각\x1bb", "pq      r s   t"]


def test_white_space_that_was_guessed_can_be_seen():
    assert drawn("abc", [0, 0, 0], "16", guesses=["\n", " ", "\t"]) == ["abc", "¶·»"]


def test_a_guess_wider_than_its_place_is_a_question_mark():
    assert drawn("abc", [0, 0, 0], "16", guesses=["각", "\x1b", "p"]) == ["abc", "??p"]


def test_a_harmful_guess_is_spelled_out_where_it_has_room():
    assert drawn("\x1bb", [0, 0], "16", guesses=["\x07", "p"]) == [r"\x1bb", r"\x07p"]


def plain_lines(text, width=80, guesses=None):
    values = np.zeros(len(text))
    return list(colored_text(text, values, "24-bit", width, guesses))


def test_guesses_stay_in_the_columns_of_their_characters():
    assert plain_lines("가b", guesses=[["나"], ["c"]])[1] == "나c"
    assert plain_lines("eab", guesses=[["\u0301"], ["y"], ["z"]])[1] == "?yz"
    assert plain_lines("e\u0301b", guesses=[["x"], ["y"], ["z"]])[1] == "xz"
    assert plain_lines("abc", guesses=[["p"], ["q", "r"], []])[1:] == ["pq", " r"]


@pytest.mark.parametrize("piece", ["\t", "가", "\x1b"])
def test_a_piece_wider_than_the_terminal_has_a_line_of_its_own(piece):
    assert len(plain_lines("a" + piece + "b", width=1)) == 3


def test_a_tab_that_wraps_reaches_the_first_stop_of_its_new_line():
    assert plain_lines("abcdefghij\tx", width=10) == ["abcdefghij", "        x"]


def test_a_decomposed_syllable_of_hangul_takes_two_columns():
    assert columns("\u1100\u1161\u11a8") == columns("각") == 2
    assert columns("a\u200db") == 2


STOPS = ((-1.0, "-1"), (0.0, "0"), (1.0, "1"))


def test_the_key_has_the_colours_with_their_values():
    blue, red = background(-1, "16"), background(1, "16")
    assert key(STOPS, "16", 80) == [f"key: {blue} -1 {RESET}  0  {red} 1 {RESET}"]


def test_without_colours_the_key_has_the_marks():
    assert key(STOPS, "none", 80) == ["key: = -1; blank 0; # 1"]


@pytest.mark.parametrize("depth", DEPTHS)
def test_a_key_fits_a_narrow_terminal(depth):
    stops = tuple((value / 4, f"{value}, a long label") for value in range(-4, 5, 2))
    lines = key(stops, depth, 30)
    assert len(lines) > 1
    assert all(columns(ESCAPES.sub("", line)) <= 30 for line in lines)


def test_a_character_stands_between_its_neighbours():
    assert in_context("abcdefg", 3, 1.0, "none", 2) == "bc[d]ef"
    assert in_context("abc", 0, 1.0, "none", 2) == "  [a]bc"
    red = background(1, "16")
    assert in_context("a\nc", 1, 1.0, "16", 2) == f" a{red}¶{RESET}c"


@given(texts.filter(bool), st.integers(0, 9), st.integers(0, 20))
def test_a_context_is_no_wider_than_asked(text, position, around):
    position %= len(text)
    shown = in_context(text, position, 0.0, "none", around)
    assert columns(shown) <= 2 * around + len("[]") + columns(visible(text[position]))
