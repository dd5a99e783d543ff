import pytest

from charrnn.inspection.features.features import FEATURES
from charrnn.inspection.features.spans import MAX_DISTANCE

#: Graded features: a text, and the value after each character.
GRADES = [
    ("depth of brackets", "a([{}])b", [0, 1, 2, 3, 2, 1, 0, 0]),
    ("depth of brackets", ")](a", [0, 0, 1, 1]),
    ("depth of brackets", "([)] (]", [1, 1, 0, 0, 0, 1, 1]),
    ("depth of brackets", "「a『b』」", [1, 1, 2, 2, 1, 0]),
    ("depth of indentation", "  a b\n\n\tc\nd", [1, 2, 2, 2, 2, 2, 2, 8, 8, 8, 0]),
    ("column in the line", "ab\n\ncd", [1, 2, 0, 0, 1, 2]),
    ("position in the word", "to be, I'm 'x_2'", [1, 2, 0, 1, 2, 0, 0, 1, 2, 3, 0, 0, 1, 2, 3, 0]),
    ("position in the word", "5'4 I'm", [1, 0, 1, 0, 1, 2, 3]),
    ("position in the sentence", "a b. Go on! He", [1, 2, 3, 4, 5, 1, 2, 3, 4, 5, 6, 7, 1, 2]),
    ("position in the paragraph", "a\nb\n \n\nc", [1, 2, 3, 4, 5, 0, 0, 1]),
]


@pytest.mark.parametrize(("name", "text", "values"), GRADES)
def test_a_graded_feature_has_its_value_after_each_character(name, text, values):
    assert not FEATURES[name].binary
    assert FEATURES[name].measure(text).tolist() == values


def test_a_value_stays_the_same_far_from_its_mark():
    measured = FEATURES["column in the line"].measure("a" * (MAX_DISTANCE + 100))
    assert measured.max() == MAX_DISTANCE
