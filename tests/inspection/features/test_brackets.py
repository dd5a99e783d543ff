import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.inspection.features.brackets import Stack, pairs
from charrnn.inspection.features.features import FEATURES

#: A feature; the kind of text; lines of it, as conftest.py has them.
SAMPLES = [
    (
        "inside ( )",
        "prose",
        r"""
|f(x, (y)) + z :-) or a) and b) (one
  ^^^^^^^
|
|here) (there) [but) not].
       ^^^^^^
""",
    ),
    (
        "inside ( )",
        "python",
        r"""
|print("(", a, ")(", f(b))  # (c
      ^^^^^^^^^^^^^^^^^^^     ^^^
|# d) :-(
 ^^^
|y = (0
     ^^^
|
 ^
|    + 1)
 ^^^^^^^
|lost = (1, 2
|
|def found(owl):
          ^^^^
|    pass
""",
    ),
    (
        "inside [ ]",
        "prose",
        r"""
|a[1](2) ]
  ^^
""",
    ),
    (
        "inside { }",
        "c",
        r"""
|void f() {
          ^^
|#ifdef A
 ^^^^^^^^^
|  if (a) {
 ^^^^^^^^^^^
|#else
 ^^^^^^
|  if (b) {
 ^^^^^^^^^^^
|#endif
 ^^^^^^^
|    g("}");
 ^^^^^^^^^^^^
|
 ^
|  }
 ^^^^
|}
|
|int h;
""",
    ),
    (
        "inside { }",
        "prose",
        r"""
|\begin{owls} and {
       ^^^^^      ^^
|
 ^
|more}
 ^^^^
""",
    ),
    (
        "in a condition",
        "python",
        r"""
|if x[1:2] == ":":  # if y:
   ^^^^^^^^^^^^^^
|    z = 1 if y else 2
|    while f(lambda: 0):
          ^^^^^^^^^^^^^
""",
    ),
    (
        "in a condition",
        "c",
        r"""
|if (a && (b)) f(c); else if(d) { }
    ^^^^^^^^^               ^^
""",
    ),
]


@pytest.mark.parametrize(("name", "kind", "block"), SAMPLES)
def test_what_is_in_brackets_is_seen_where_it_is(name, kind, block, marked):
    assert marked(name, kind, block) == block


def enclosed(inner):
    pieces = st.lists(inner, max_size=3).map("".join)
    return pieces | st.tuples(st.sampled_from(["()", "[]", "{}"]), pieces).map(
        lambda both: both[0][0] + both[1] + both[0][1]
    )


@given(st.recursive(st.sampled_from("ab "), enclosed, max_leaves=20), st.integers(0, 40))
def test_where_all_brackets_are_closed_the_depth_is_how_many_are_open(text, cut):
    depths = FEATURES["depth of brackets"].measure(text)
    for position, depth in enumerate(depths, start=1):
        read = text[:position]
        opened, closed = (sum(map(read.count, which)) for which in ("([{", ")]}"))
        assert depth == opened - closed
    assert FEATURES["depth of brackets"].measure(text[:cut]).tolist() == depths[:cut].tolist()


@given(st.text("()[]{}", max_size=30))
def test_no_bracket_is_of_two_pairs(text):
    found = pairs(text)
    for pair in found:
        assert text[pair.start] == pair.bracket
        assert text[pair.stop : pair.stop + 1] in ("", {"(": ")", "[": "]", "{": "}"}[pair.bracket])
    ends = [pair.stop for pair in found if pair.stop < len(text)]
    assert len({pair.start for pair in found}) == len(found)
    assert len(set(ends)) == len(ends)


def test_a_bracket_that_begins_its_line_closes_one_of_a_line_as_much_indented():
    stack = Stack()
    for position, level in enumerate([0, 4, 4]):
        assert stack.read("{", position, level) == []
    assert stack.read("}", 3, 4, begins_line=True) == [("{", 2, 3)]
    assert stack.read("}", 4, 0, begins_line=True) == [("{", 0, 4)]
    assert stack.read("}", 5, 0, begins_line=True) == []


def test_without_such_a_line_it_closes_the_latest():
    stack = Stack()
    stack.read("{", 0, 2)
    stack.read("{", 1, 4)
    assert stack.read("}", 2, 0, begins_line=True) == [("{", 1, 2)]
    assert stack.unclosed(9) == [("{", 0, 9)]


def test_a_brace_in_prose_that_is_never_closed_is_not_open_forever():
    text = "An owl { sat\n\nin the barn.\n"
    assert FEATURES["inside { }"].measure(text)[-1] == 1
    assert not FEATURES["inside { }"].measure(text + 9999 * "x").any()
