r"""Line ends: \r\n, \r and \r\r\n, in pieces of any size."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from charrnn.text.line_ends import LineEnds, converted, with_line_ends

texts = st.text(st.sampled_from("a\r\r\n"))
cuts = st.lists(st.integers(0, 3), max_size=12)


def in_pieces(text, sizes):
    """The text in pieces of these sizes, and the rest."""
    for size in sizes:
        yield text[:size]
        text = text[size:]
    yield text


@given(texts, cuts)
@example("a\r\nb\rc\r\r\nd\n", [2])
@example("\r\r\r\n", [1, 1, 1])
@example("\r", [])
def test_pieces_of_any_size_have_the_same_line_ends(text, sizes):
    for newlines in ("lf", "keep"):
        found = LineEnds()
        result = "".join(with_line_ends(in_pieces(text, sizes), newlines, found))
        assert result == (re.sub("\r\r\n|\r\n|\r", "\n", text) if newlines == "lf" else text)
        ends = re.findall("\r\r\n|\r\n|\r|\n", text)
        assert (found.crcrlf, found.crlf, found.cr) == tuple(
            map(ends.count, ("\r\r\n", "\r\n", "\r"))
        )
        assert found.lf == ("\n" in ends)


def test_a_line_end_of_two_characters_may_lie_in_two_pieces():
    found = LineEnds()
    assert list(with_line_ends(["a\r", "\nb"], "lf", found)) == ["a", "\nb"]
    assert found == LineEnds(crlf=1)


def test_pieces_without_cr_pass_unchanged():
    pieces = ["one\n", "two", "\n"]
    assert all(a is b for a, b in zip(with_line_ends(pieces, "lf", LineEnds()), pieces))


@pytest.mark.parametrize(
    ("text", "usual"),
    [("a\n", "\n"), ("a", "\n"), ("a\r\n", "\r\n"), ("a\rb\r", "\r"), ("a\r\nb\n", "\n")],
)
def test_the_usual_line_end_is_that_of_most_lines(text, usual):
    found = LineEnds()
    list(with_line_ends([text], "keep", found))
    assert found.usual == usual


def test_a_text_in_memory_is_converted():
    assert converted("a\r\nb\r", "lf") == "a\nb\n"
    assert converted("a\r\nb\r", "keep") == "a\r\nb\r"
