import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.inspection.features.kinds import Kind
from charrnn.inspection.features.lexing import PYTHON as PYTHON_TOKENS
from charrnn.inspection.features.lexing import C as C_TOKENS
from charrnn.inspection.features.lexing import lexed, scan

PYTHON = "def feed(owl):\n    return owl\n"
C = "int feed(int owl) {\n    return owl;\n}\n"


def of_tokens(text):
    """The characters inside tokens, without the last character of each closing delimiter."""
    return [text[slice(*token.inside)] for token in lexed(text).tokens]


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("owls, they don't.\n" + '"""\n' + PYTHON + "x = 'a'\n", 'owls, they don\'t.\n""'),
        ("owls.\n'''\n" + PYTHON + PYTHON, "owls.\n''"),
        ("owls', 'mice')\n" + PYTHON, "owls"),
        ("it\\'s', 1)\n" + PYTHON, "it\\'s"),
        ("owl\", 'mouse')\n" + PYTHON, "owl"),
        ("it's of \"owls\n */ int x;\n" + C, "it's of \"owls\n *"),
        ('owls: */*";\n' + C, "owls: */*"),
        ("owls:\n  n = 1\n  return n\n */ int x;\n" + C, "owls:\n  n = 1\n  return n\n *"),
    ],
)
def test_a_text_may_begin_inside_a_token(text, first):
    assert of_tokens(text)[0] == first


@pytest.mark.parametrize("text", [PYTHON + "x = 'a'\n", C + 's = "don\'t";\n'])
def test_a_text_that_begins_outside_of_tokens_is_not_read_as_if_inside(text):
    assert not any(token.begun for token in lexed(text).tokens)


@pytest.mark.parametrize(
    ("text", "last"),
    [
        (PYTHON + "x = 'an owl", "'an owl"),
        (PYTHON + '"""Owls\n\ndon\'t', '"""Owls\n\ndon\'t'),
        (PYTHON + "# owls", "# owls"),
        (C + "/* an\nowl", "/* an\nowl"),
        (C + "// owl", "// owl"),
    ],
)
def test_a_text_may_end_inside_a_token(text, last):
    assert of_tokens(text)[-1] == last


def test_one_apostrophe_does_not_open_a_string():
    text = PYTHON + "print 'don't'\n" + PYTHON + "x = 'a'\n"
    assert of_tokens(text) == ["'don", "'a"]
    text = C + "#error don't\n" + C + "char x = 'a';\n"
    assert of_tokens(text) == ["'a"]


def test_lifetimes_of_rust_are_not_strings():
    text = C + "fn f<'a>(x: &'a str, y: &'a str) { g('x'); }\n"
    assert of_tokens(text) == ["'x"]


def test_code_and_prose_are_distinguished():
    text = "if x:  # Owls\n    # fly.\n    f('a\\nb {}', y)\n"
    parts = lexed(text)
    assert parts.kind is Kind.PYTHON
    assert parts.code == "if x:        \n          \n    f(         , y)\n"
    assert parts.prose.replace("\0", "_") == "__ __    Owls\n      fly.\n    ___a  b {}__ __\n"


@given(st.text(st.sampled_from("ab{}'\"`#/*<>!-\\\n\0é\ud800") | st.characters(), max_size=40))
@pytest.mark.parametrize("before", ["", PYTHON, C])
def test_the_parts_are_as_long_as_the_text(before, text):
    parts = lexed(before + text)
    assert len(parts.code) == len(parts.prose) == len(before + text)
    for token in parts.tokens:
        assert 0 <= token.start < token.stop <= len(before + text)
        assert token.start <= token.inside[0] <= token.inside[1] <= token.stop
        assert token.start <= token.content[0] <= token.content[1]


#: A feature; the kind of text; lines of it, as conftest.py has them.
SAMPLES = [
    (
        "inside a comment",
        "python",
        r"""
|x = 1  # one, "two
        ^^^^^^^^^^^
|y = "# no"  # '''
             ^^^^^
""",
    ),
    (
        "inside a comment",
        "c",
        r"""
|char q = '"';  // it's
                ^^^^^^^
|s = "/* no */"; /* "yes
                 ^^^^^^^^
|*/ t = 1; /* ** */
 ^         ^^^^^^^
|u = http://owl.example;
""",
    ),
    (
        "inside a comment",
        "prose",
        r"""
|# A heading
|See http://owl.example/ // and #7 /* or nothing */.
""",
    ),
    (
        "inside a string",
        "python",
        r"""
|x = rb'\d' + f"{y['z']}"  # 'no'
       ^^^     ^^^^^^^^^
|don't = "this
|y = "one \
     ^^^^^^^
|two" + '' + "a"
 ^^^    ^    ^^
""",
    ),
    (
        "inside a string",
        "c",
        r"""
|x = 'a' + '\'' + '"' + "b'\"c" + 1'000;
     ^^    ^^^    ^^    ^^^^^^
|y = `a ${b} "c` + "'";
     ^^^^^^^^^^    ^^
""",
    ),
    (
        "inside a string",
        "python",
        r'''
|x = """a "b" ""c \""" d""" + "e"
     ^^^^^^^^^^^^^^^^^^^^^    ^^
|y = """
     ^^^^
|""" + 'g' + """h
 ^^    ^^    ^^^^^
''',
    ),
    (
        "inside a string",
        "prose",
        r"""
|It's 'here', and "there", and don't.
""",
    ),
]


@pytest.mark.parametrize(("name", "kind", "block"), SAMPLES)
def test_a_string_or_a_comment_is_seen_where_it_is(name, kind, block, marked):
    assert marked(name, kind, block) == block


@pytest.mark.parametrize(
    ("pattern", "text", "marks"),
    [
        (PYTHON_TOKENS, "\"\" \"\"\"a\"\"\" '' '''b''' # c", ['"', '"""', "'", "'''", "#"]),
        (PYTHON_TOKENS, '"""a""""b"', ['"""', '"']),
        (C_TOKENS, '"""a" // b\n/* c */ `d` \'e\'', ['"', '"', "//", "/*", "`", "'"]),
        (C_TOKENS, "case'a':return'b';don't 1'000", ["'", "'"]),
    ],
)
def test_a_token_has_the_mark_that_begins_it(pattern, text, marks):
    assert [token.mark for token in scan(pattern, text)] == marks
