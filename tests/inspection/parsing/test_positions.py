import pytest

from charrnn.inspection.features import FEATURES
from charrnn.inspection.parsing.measures import FARTHEST

#: Graded features: a text, and the value after each character.
GRADES = [
    ("depth of brackets", "a([{}])b", [0, 1, 2, 3, 2, 1, 0, 0]),
    ("depth of brackets", ")](a", [0, 0, 1, 1]),
    ("depth of brackets", "([)] (]", [1, 1, 0, 0, 0, 1, 1]),
    ("depth of tags", "<p>a<b>c<br></b></p>", [0, 0, *4 * [1], *9 * [2], *4 * [1], 0]),
    ("depth of tags", "<u><li>a<li>b</u></i>", [0, 0, *4 * [1], *10 * [2], *5 * [0]]),
    ("depth of indentation", "  a b\n\n\tc\nd", [1, 2, 2, 2, 2, 2, 2, 8, 8, 8, 0]),
    ("column in the line", "ab\n\ncd", [1, 2, 0, 0, 1, 2]),
    ("column past the line before", "abc\n\nde\nf", [0, 0, 0, -3, -3, -2, -1, -2, -1]),
    ("position in the word", "to be, I'm 'x_2'", [1, 2, 0, 1, 2, 0, 0, 1, 2, 3, 0, 0, 1, 2, 3, 0]),
    ("position in the sentence", "a b. Go on! He", [1, 2, 3, 4, 5, 1, 2, 3, 4, 5, 6, 7, 1, 2]),
    ("position in the paragraph", "a\nb\n \n\nc", [1, 2, 3, 4, 5, 0, 0, 1]),
    ("characters since a quote", 'ab "c" d', [1, 2, 3, 0, 1, 0, 1, 2]),
    ("characters since a quote", "isn't 'it' so", [1, 2, 3, 4, 5, 6, 0, 1, 2, 0, 1, 2, 3]),
    ("characters since a capital", "abCdeÉf", [1, 2, 0, 1, 2, 0, 1]),
    ("characters since a capital", "none", [0, 0, 0, 0]),
]


@pytest.mark.parametrize(("name", "text", "values"), GRADES)
def test_a_graded_feature_has_its_value_after_each_character(name, text, values):
    assert not FEATURES[name].binary
    assert FEATURES[name].measure(text).tolist() == values


def test_far_from_what_it_is_counted_from_a_value_stays_the_same():
    measured = FEATURES["column in the line"].measure("a" * (FARTHEST + 100))
    assert measured.max() == FARTHEST
