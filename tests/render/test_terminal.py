import pytest

from charrnn.inspection.answer import Answer, Figure, Series, Table
from charrnn.render.chart import chart
from charrnn.render.colors import columns
from charrnn.render.terminal import MAX_CHART_WIDTH, lines, table_lines

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


def test_charts_grow_with_the_terminal_to_a_limit():
    for width, of_chart, height in ((60, 60, 10), (120, 120, 15), (300, MAX_CHART_WIDTH, 20)):
        drawn = lines(Answer("A.", (FIGURE,)), width)[2:]
        assert drawn == chart(FIGURE, width=of_chart, height=height)


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
    assert rows(("what", "much"), *cells, width=13) == [
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
    assert rows(("a",), (30 * "x",), width=20)[2:] == [20 * "x", 10 * "x"]


def test_a_table_without_rows_is_its_headings():
    assert rows(("one", "two")) == ["one  two", "---  ---"]


def test_cells_are_harmless_to_a_terminal():
    assert rows(("a",), ("x\n\x1b[2J",))[-1] == r"x\n\x1b[2J"


WIDE = Table(
    ("feature", "verdict", "cell", "score", "chance", "holds", "bits held"),
    (
        ("inside double quotes", "found", "1.20", "0.97", "0.56", "18 %", "+0.80"),
        ("column in the line", "whole layer", "1.8", "0.54", "0.06", "graded", "–"),
    ),
)


def test_a_table_that_fits_has_one_part():
    shown = table_lines(WIDE, 73)
    assert len(shown) == 4
    assert shown[0].split()[-2:] == ["bits", "held"]


def test_a_table_that_is_too_wide_has_two_parts_with_the_same_first_column():
    assert table_lines(WIDE, 52) == [
        "feature               verdict      cell  score",
        "--------------------  -----------  ----  -----",
        "inside double quotes  found        1.20   0.97",
        "column in the line    whole layer   1.8   0.54",
        "",
        "feature               chance  holds   bits held",
        "--------------------  ------  ------  ---------",
        "inside double quotes    0.56  18 %    +0.80",
        "column in the line      0.06  graded  –",
    ]


def test_a_table_that_is_far_too_wide_is_a_list():
    assert table_lines(WIDE, 40) == [
        "inside double quotes",
        "  verdict found, cell 1.20, score 0.97,",
        "  chance 0.56, holds 18 %,",
        "  bits held +0.80",
        "column in the line",
        "  verdict whole layer, cell 1.8,",
        "  score 0.54, chance 0.06, holds graded",
    ]


@pytest.mark.parametrize("width", range(30, 130))
def test_no_line_of_a_table_is_wider_than_the_terminal(width):
    long = (60 * "wide ", "found", 70 * "x", "0.97", "0.56", "18 %", "+0.80")
    for table in (WIDE, Table(WIDE.headings, (*WIDE.rows, long), "How to read it. " * 9)):
        assert max(map(columns, table_lines(table, width))) <= width


def test_the_caption_of_a_table_stands_above():
    assert table_lines(Table(("a", "b"), (("c", "1"),), "How to read."), 40)[:3] == [
        "How to read.",
        "",
        "a  b",
    ]
