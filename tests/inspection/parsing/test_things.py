import pytest

#: A feature; the kind of text; lines of it, as conftest.py has them.
SAMPLES = [
    (
        "in a keyword",
        "python",
        r"""
|if x is not None:  # if
 ^^   ^^ ^^^ ^^^^
|    yield "if", iffy
     ^^^^^
""",
    ),
    (
        "in a keyword",
        "c",
        r"""
|if (x) return forty; // if
 ^^     ^^^^^^
""",
    ),
    (
        "in a JSON key",
        "json",
        r"""
|"a": "b", "c" : {"d": ["e:"]}}
 ^^        ^^     ^^
""",
    ),
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
        "in a number",
        "json",
        r"""
|"a": [100,200,-3.5e10]}
       ^^^ ^^^  ^^^^^^
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
    (
        "in a line that ends with a colon",
        "prose",
        r"""
|FIRST OWL: no
|SECOND OWL:
 ^^^^^^^^^^^
|who?
""",
    ),
]


@pytest.mark.parametrize(("name", "kind", "block"), SAMPLES)
def test_it_is_seen_where_it_is(name, kind, block, marked):
    assert marked(name, kind, block) == block
