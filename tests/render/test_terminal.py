import pytest

from charrnn.inspection.answer import Answer, Figure, Series, Table
from charrnn.render.chart import chart
from charrnn.render.terminal import lines, table_lines

FIGURE = Figure("Title", "x", "y", (Series("", [1, 2], [3, 4]),))
TABLE = Table(("what", "how much"), (("a", "1.5"), ("bcd", "10")))


def rows(headings, *cells, width=80):
    return table_lines(Table(headings, cells), width)


def test_an_answer_is_its_sentence_its_table_and_its_charts():
    assert lines(Answer("A sentence.", (FIGURE, FIGURE), TABLE), 60) == [
        "A sentence.",
        "",
        *table_lines(TABLE, 60),
        "",
        *chart(FIGURE, width=60),
        "",
        *chart(FIGURE, width=60),
    ]


def test_a_sentence_alone_is_an_answer():
    assert lines(Answer("One two three.", ()), 9) == ["One two", "three."]


def test_charts_do_not_grow_with_a_wide_terminal():
    assert lines(Answer("A.", (FIGURE,)), 300)[2:] == chart(FIGURE, width=72)


def test_columns_are_aligned_and_numbers_to_the_right():
    assert table_lines(TABLE, 80) == [
        "what  how much",
        "----  --------",
        "a          1.5",
        "bcd         10",
    ]


@pytest.mark.parametrize(
    "cell",
    ["1", "-0.5", "−0.5", "+1,234.5", ".5", "1e-9", "12 %", "3×", "< 0.01", "~5", "less than 1 %"],
)
def test_numbers_of_all_kinds_are_to_the_right(cell):
    assert rows(("a heading of a column",), (cell,))[-1] == cell.rjust(21)


@pytest.mark.parametrize("cell", ["1.42 (c)", "layer 1", "-", "e", "1 of 2"])
def test_words_are_to_the_left(cell):
    assert rows(("a heading of a column",), (cell,))[-1] == cell


def test_a_column_of_numbers_may_have_words_and_gaps():
    shown = rows(("how often",), ("1 %",), ("12 %",), ("",), ("graded",), ("5 %",))
    assert shown[2:] == ["      1 %", "     12 %", "", "   graded", "      5 %"]


def test_wide_characters_take_two_columns():
    assert rows(("a", "b"), ("각각", "x"), ("c", "y"))[1:] == ["----  -", "각각  x", "c     y"]


def test_in_a_narrow_terminal_headings_are_broken_first():
    assert rows(("long heading here", "x"), ("a few words", "1"), width=16) == [
        "long heading   x",
        "here",
        "-------------  -",
        "a few words    1",
    ]


def test_then_cells_are_broken_between_words_and_never_a_number_from_its_unit():
    cells = [("several words of text", "12 %"), ("one", "less than 1 %")]
    assert rows(("what", "much"), *cells, width=10) == [
        "what     much",
        "-------  ----",
        "several  12 %",
        "words",
        "of text",
        "",
        "one      less",
        "         than",
        "          1 %",
    ]


def test_very_long_words_are_broken():
    assert rows(("a",), (30 * "x",), width=10)[2:] == [20 * "x", 10 * "x"]


def test_a_table_without_rows_is_its_headings():
    assert rows(("one", "two")) == ["one  two", "---  ---"]


def test_cells_are_harmless_to_a_terminal():
    assert rows(("a",), ("x\n\x1b[2J",))[-1] == r"x\n\x1b[2J"
