import pytest

from charrnn.inspection.parsing.tokens import JSON, PYTHON, C, end_of_template, scan

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
|y = `a ${b + `c ${'}'}`}
     ^^^^^^^^^^^^^^^^^^^^^
|d` + e.replace(/["'`]/g, "'");
 ^                        ^^
""",
    ),
    (
        "inside a string",
        "json",
        r"""
|"a\"b": ["c", 1, {"d": null}]}
 ^^^^^    ^^       ^^
""",
    ),
    (
        "inside a string",
        "prose",
        r"""
|It's 'here', and "there", and don't.
""",
    ),
    (
        "inside a triple-quoted string",
        "python",
        r'''
|x = """a "b" ""c \""" d""" + "e"
     ^^^^^^^^^^^^^^^^^^^^^
|y = """
     ^^^^
|""" + 'g' + """h
 ^^          ^^^^^
''',
    ),
]


@pytest.mark.parametrize(("name", "kind", "block"), SAMPLES)
def test_a_string_or_a_comment_is_seen_where_it_is(name, kind, block, marked):
    assert marked(name, kind, block) == block


@pytest.mark.parametrize(
    ("pattern", "text", "marks"),
    [
        (PYTHON, "\"\" \"\"\"a\"\"\" '' '''b''' # c", ['"', '"""', "'", "'''", "#"]),
        (PYTHON, '"""a""""b"', ['"""', '"']),
        (C, '"""a" // b\n/* c */ `d` \'e\'', ['"', '"', "//", "/*", "`", "'"]),
        (C, "a = /'/g; b = c / d / e; f(/[/'\"]/)", ["/", "/"]),
        (C, "case'a':return'b';don't 1'000", ["'", "'"]),
        (JSON, '"a": \'b\', "#"', ['"', '"']),
    ],
)
def test_a_token_is_told_by_how_it_begins(pattern, text, marks):
    assert [token.mark for token in scan(pattern, text)] == marks


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("a` b`", 2),
        ("``", 1),
        ("a\\`b` c", 5),
        ("${ {`a${b}`} } c` d", 17),
        ("${'`'}` a", 7),
        ("${a", 0),
        ("}` a", 2),
    ],
)
def test_a_template_ends_where_its_own_mark_is(text, end):
    assert end_of_template(text, 0, len(text)) == end
