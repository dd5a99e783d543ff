import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from charrnn.inspection.features.spans import (
    LOWER,
    MAX_DISTANCE,
    SPACE,
    UPPER,
    as_spans,
    case_and_space,
    depth,
    inside,
    latest,
    replaced,
    since,
)


@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)).map(sorted), max_size=6))
def test_the_depth_counts_the_spans_around_a_character(spans):
    expected = [sum(start <= position < stop for start, stop in spans) for position in range(12)]
    assert depth(as_spans(spans), 12).tolist() == expected
    assert inside(as_spans(spans), 12).tolist() == [count > 0 for count in expected]


@given(st.text("ab.", max_size=40))
def test_distances_count_from_the_last_mark_or_from_the_start(text):
    marks = np.array([character == "." for character in text], bool)
    last = [text.rfind(".", 0, position + 1) for position in range(len(text))]
    assert latest(marks).tolist() == last
    assert since(marks).tolist() == [position - before for position, before in enumerate(last)]


def test_distances_have_a_limit():
    assert since(np.arange(MAX_DISTANCE + 9) == 3).max() == MAX_DISTANCE


def test_characters_are_upper_case_or_lower_case_or_space_or_neither():
    text = "aÉ_7.\u0301\u00a0각ǅ\n"
    expected = [LOWER, UPPER, 0, 0, 0, 0, SPACE, 0, UPPER, SPACE]
    assert case_and_space(text).tolist() == expected


@given(st.text(max_size=20), st.data())
def test_replaced_characters_leave_the_rest(text, data):
    keep = data.draw(st.lists(st.booleans(), min_size=len(text), max_size=len(text)))
    expected = "".join(one if kept else "_" for one, kept in zip(text, keep, strict=True))
    assert replaced(text, np.array(keep, bool), "_") == expected
