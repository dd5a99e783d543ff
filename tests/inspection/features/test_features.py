import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.errors import SettingError
from charrnn.inspection.features.features import FEATURES, MIN_CHARACTERS, Feature, pattern, present
from charrnn.inspection.features.spans import MAX_DISTANCE

#: Texts of different kinds that have all features between them.
TEXTS = [
    """\
THE BARN OWL:
"It is 7," said Ann ['the owl'] (again). See http://owl.example/ {or not}.
  Then she left.
"""
    + 40 * "x\n",
    '# One owl\ndef feed(owl):\n    if owl:\n        return """no"""\n',
]

#: Features whose values do not depend on later characters.
FROM_THE_PAST = (
    "depth of indentation",
    "column in the line",
    "position in the paragraph",
)

CHARACTERS = "abXY 0,.!?:;=#/*<>\"'`“”‘’«»([{)]}\\\n\t\r\0é각"
PIECES = [
    *("if x:\n", "def f(x):\n", "import os\n", '"""', "'''", "# no\n", "\\'", "return x;\n", "{\n"),
    *("//", "/*", "*/", "${", "`", "};\n", "#if\n", '"a": ', "[1, 2]", "http://a.b", "1,000", "  "),
    *("<p>", "</p>", "<!--", "-->", '<a b="c"', "<script>", "</script>"),
    *("'tis ", "don't ", "A. B ", "“No,", " he said.\n\n", "A:\n"),
]
texts = st.text(st.sampled_from(CHARACTERS) | st.characters())
pieces = st.lists(st.sampled_from(PIECES)).map("".join)


def test_every_feature_is_in_some_kind_of_text():
    for name, feature in FEATURES.items():
        assert any(np.ptp(feature.measure(text)) > 0 for text in TEXTS), name


@given(texts | pieces)
def test_a_feature_has_a_number_for_each_character(text):
    for feature in FEATURES.values():
        values = feature.measure(text)
        assert values.shape == (len(text),)
        assert values.dtype == np.float32
        if feature.binary:
            assert set(values) <= {0, 1}
        else:
            assert (values == np.round(values)).all()
            assert (np.abs(values) <= max(MAX_DISTANCE, len(text))).all()


@given(texts | pieces, st.integers(0, 60))
def test_features_that_need_not_look_ahead_do_not(text, cut):
    for name in FROM_THE_PAST:
        measured = FEATURES[name].measure(text)[:cut]
        np.testing.assert_array_equal(measured, FEATURES[name].measure(text[:cut]))


def test_delimiters_begin_and_end_a_feature():
    for name, delimiters in {"inside ( )": "()", "inside { }": "{}"}.items():
        assert FEATURES[name].delimiters == delimiters


@pytest.mark.parametrize(
    ("holding", "others", "is_there"),
    [
        (MIN_CHARACTERS, 100, True),
        (MIN_CHARACTERS - 1, 100, False),
        (100, MIN_CHARACTERS, True),
        (100, MIN_CHARACTERS - 1, False),
    ],
)
def test_a_feature_that_hardly_ever_changes_is_not_present(holding, others, is_there):
    text = others * "-" + holding * "7"
    found, missing = present(text, {"number": FEATURES["in a number"]})
    assert (list(found), missing) == ((["number"], []) if is_there else ([], ["number"]))


@pytest.mark.parametrize(
    ("others", "is_there"), [(MIN_CHARACTERS, True), (MIN_CHARACTERS - 1, False), (0, False)]
)
def test_a_graded_feature_that_hardly_changes_is_not_present(others, is_there):
    values = np.array([5.0] * 200 + [3.0] * others)
    found, missing = present(len(values) * "a", {"some": Feature(False, lambda text: values)})
    assert (list(found), missing) == ((["some"], []) if is_there else ([], ["some"]))


def test_an_empty_text_has_no_feature():
    assert present("", FEATURES) == ({}, list(FEATURES))


@pytest.mark.parametrize(
    ("regex", "where"),
    [
        ("b+", " ^^ ^"),
        ("a(b)", " ^   "),
        ("(c)|b", "   ^ "),
        ("x*", "     "),
        ("^ab", "^^   "),
        ("b$", "    ^"),
        ("(a)(b)", "^    "),
    ],
)
def test_a_given_pattern_holds_inside_its_matches(regex, where):
    feature = pattern(regex)
    assert feature.binary
    assert feature.measure("abbcb").tolist() == [float(position == "^") for position in where]


def test_anchors_of_a_pattern_match_at_lines():
    assert pattern("^.").measure("ab\ncd").tolist() == [1, 0, 0, 1, 0]
    assert pattern("a.*").measure("xab\ncd").tolist() == [0, 1, 1, 0, 0, 0]


def test_a_pattern_that_python_warns_of_is_taken_as_it_is():
    assert pattern("[[a]").measure("a[b").tolist() == [1, 1, 0]


@pytest.mark.parametrize(
    ("regex", "said"),
    [
        ("(b", "missing ), unterminated subpattern at position 0"),
        ("ab**", "multiple repeat at position 3"),
        ("a{99999999999}", "the repetition number is too large"),
    ],
)
def test_a_broken_pattern_is_refused_with_the_position(regex, said):
    with pytest.raises(SettingError) as error:
        pattern(regex)
    assert str(error.value) == f"--feature {regex!r}: {said}"


#: A feature; the kind of text; lines of it, as conftest.py has them.
SAMPLES = [
    (
        "in a URL",
        "prose",
        r"""
|See (http://owl.example/a?b=c), https://owl.example/~d. And www.owl.example!
      ^^^^^^^^^^^^^^^^^^^^^^^^   ^^^^^^^^^^^^^^^^^^^^^^      ^^^^^^^^^^^^^^^
""",
    ),
    (
        "in a number",
        "prose",
        r"""
|a1 20 3.5, 1,000 and 2,3 in 1910. .5 0xFF -1e-5 1.2.3 7th
    ^^ ^^^  ^^^^^     ^ ^    ^^^^  ^^ ^^^^  ^^^^ ^^^^^ ^
""",
    ),
    (
        "in a number",
        "python",
        r"""
|x = 0o17 + 0b1_0 - 0XfF * 1_000 / 0b2
     ^^^^   ^^^^^   ^^^^   ^^^^^   ^
""",
    ),
    (
        "in indentation",
        "python",
        r"""
|  if a:
 ^^
|	 b  c
 ^^
|d
""",
    ),
]


@pytest.mark.parametrize(("name", "kind", "block"), SAMPLES)
def test_a_feature_is_seen_where_it_is(name, kind, block, marked):
    assert marked(name, kind, block) == block
