import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.errors import SettingError
from charrnn.inspection.features import FEATURES, depth, matches, pattern, since

texts = st.text(st.sampled_from('abXY 0,."#([{)]}\n\té각') | st.characters(), max_size=60)

#: Binary features as a text and, below each character, where they hold.
HOLDS = [
    ("inside double quotes", 'he said "go on" loudly', "        ''''''        "),
    ("inside double quotes", 'half "open', "          "),
    ("inside double quotes", '"a"\n"b\n"c"', "''     '' "),
    ("inside ( )", "f(x, (y)) + z", " '''''''     "),
    ("inside ( )", ")a(b", "  ''"),
    ("inside [ ]", "a[1](2)", " ''    "),
    ("inside { }", "{a: {}}", "'''''' "),
    ("in a # comment", "x = 1  # one\ny", "       '''''  "),
    ("in a capitalized word", "the Old oWl, X_1", "    '''      '''"),
    ("in an upper-case word", "NASA and A bC DE", "''''          ''"),
    ("in a number", "a1 20 3.5 1,000", "   '' ''' '''''"),
    ("in indentation", "  if a:\n\t b  c\nd", "''      ''      "),
    ("first word of a line", "one two\n three\nfour.", "'''            '''' "),
]

#: Graded features as a text and the value after each character.
GRADES = [
    ("depth of brackets", "a([{}])b", [0, 1, 2, 3, 2, 1, 0, 0]),
    ("depth of brackets", ")](a", [0, 0, 1, 1]),
    ("column in the line", "ab\n\ncd", [1, 2, 0, 0, 1, 2]),
    ("position in the word", "to be, 42", [1, 2, 0, 1, 2, 0, 0, 1, 2]),
    ("characters since a capital", "abCdeÉf", [1, 2, 0, 1, 2, 0, 1]),
]


@pytest.mark.parametrize(("name", "text", "where"), HOLDS)
def test_a_binary_feature_holds_where_it_should(name, text, where):
    assert FEATURES[name].binary
    expected = [float(place == "'") for place in where]
    assert FEATURES[name].measure(text).tolist() == expected


@pytest.mark.parametrize(("name", "text", "values"), GRADES)
def test_a_graded_feature_has_its_value_after_each_character(name, text, values):
    assert not FEATURES[name].binary
    assert FEATURES[name].measure(text).tolist() == values


def test_every_feature_has_an_example_here():
    assert {name for name, *_ in HOLDS + GRADES} == set(FEATURES)


@given(texts)
def test_a_feature_has_a_value_for_each_character(text):
    for feature in FEATURES.values():
        values = feature.measure(text)
        assert values.shape == (len(text),)
        assert (values >= 0).all()
        if feature.binary:
            assert set(values) <= {0, 1}
        else:
            assert (values == np.round(values)).all()


@given(texts, st.integers(0, 60))
def test_counted_features_depend_on_what_was_read_alone(text, cut):
    for name, feature in FEATURES.items():
        if name in ("inside ( )", "inside [ ]", "inside { }") or not feature.binary:
            measured = feature.measure(text)[:cut]
            np.testing.assert_array_equal(measured, feature.measure(text[:cut]))


@given(st.text("ab()[", max_size=40))
def test_the_depth_is_how_many_brackets_are_open(text):
    open_brackets, expected = [], []
    for character in text:
        if character in "([":
            open_brackets.append(character)
        elif character == ")" and open_brackets:
            open_brackets.pop()
        expected.append(len(open_brackets))
    assert depth("([", ")")(text).tolist() == expected


@given(st.text("ab.", max_size=40))
def test_since_counts_from_the_last_one_or_from_the_start(text):
    expected = [place - text.rfind(".", 0, place + 1) for place in range(len(text))]
    assert since(".".__eq__)(text).tolist() == expected


def test_matches_of_a_pattern_are_marked_from_their_start_to_their_end():
    assert matches("b+")("abbcb").tolist() == [0, 1, 1, 0, 1]
    assert matches("^b.")("b\nb\n").tolist() == [1, 1, 1, 1]


def test_what_stands_between_two_quotations_is_not_inside_one():
    measured = FEATURES["inside double quotes"].measure('x "a" y "b" z')
    assert "".join("1" if value else "." for value in measured) == "..11....11..."


@pytest.mark.parametrize(
    ("regex", "where"),
    [
        ("b+", " '' '"),
        ("a(b)", " '   "),
        ("(c)|b", "   ' "),
        ("x*", "     "),
        ("^ab", "''   "),
        ("b$", "    '"),
    ],
)
def test_a_pattern_of_ones_own_holds_inside_of_its_matches(regex, where):
    feature = pattern(regex)
    assert feature.binary
    assert feature.measure("abbcb").tolist() == [float(place == "'") for place in where]


def test_a_pattern_looks_at_lines():
    assert pattern("^.").measure("ab\ncd").tolist() == [1, 0, 0, 1, 0]
    assert pattern("a.*").measure("xab\ncd").tolist() == [0, 1, 1, 0, 0, 0]


@pytest.mark.parametrize(
    ("regex", "said"),
    [
        ("(b", r"--feature '\(b': missing \), unterminated subpattern at position 0"),
        ("ab**", "--feature 'ab\\*\\*': multiple repeat at position 3"),
        ("a{99999999999}", "--feature 'a{99999999999}': .*too large"),
    ],
)
def test_a_broken_pattern_is_refused_with_the_place(regex, said):
    with pytest.raises(SettingError, match=said):
        pattern(regex)
