import pytest

from charrnn.inspection.parsing.markup import attribute_values, elements, lex_html

#: A feature; the kind of text; lines of it, as conftest.py has them.
SAMPLES = [
    (
        "inside a comment",
        "html",
        r"""
|<a href="https://owl.example/#top">no</a> <!-- yes
                                           ^^^^^^^^^
|--> # // no
 ^^
""",
    ),
    (
        "inside a string",
        "html",
        r"""
|<p class="big owl" id='it'>"no", it's
          ^^^^^^^^     ^^^
|<script>let x = '</p>'; // don't
                 ^^^^^
|if (x < "y" && z > 1) {}</script> 'no'
         ^^
""",
    ),
    (
        "in a tag",
        "html",
        r"""
|<p id="a>b">c < d</p><br/> <3
 ^^^^^^^^^^^      ^^^ ^^^^
""",
    ),
    (
        "in an attribute's value",
        "html",
        r"""
|<p id="a = b" class=owl checked title='it"s'>x="y"</p>
       ^^^^^^        ^^^               ^^^^^
""",
    ),
]


@pytest.mark.parametrize(("name", "kind", "block"), SAMPLES)
def test_markup_is_seen_where_it_is(name, kind, block, marked):
    assert marked(name, kind, block) == block


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("<a><b></b></a>", ["><b></b></a", "></b"]),
        ("<ul><li>a<li>b</ul>", ["><li>a<li>b</ul", ">a<li", ">b</ul"]),
        ("<a><b></a></b>", ["><b></a"]),
        ("<a/><br><p>b", [">b"]),
        ("</a><A>b</a>", [">b</a"]),
    ],
)
def test_elements_are_what_is_between_tags_of_a_name(text, found):
    spans = elements(text, lex_html(text)[0])
    assert sorted(text[start:stop] for start, stop in spans) == sorted(found)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ('an owl" id="b">c', ["an owl", '"b']),
        ("owl'/>c", ["owl"]),
        ('id="a">b', ['"a']),
        ('id="" class="b">c', ['"', '"b']),
        ('id="the owls\' b">c', ["\"the owls' b"]),
        ('an "owl" <b>c</b>', []),
        ('<p id="a">b<p id="an o', ['"a', '"an o']),
        ("<p id='", ["'"]),
    ],
)
def test_a_text_may_begin_and_end_inside_of_an_attribute(text, values):
    found = attribute_values(text, lex_html(text)[0])
    assert [text[slice(*value.inside)] for value in found] == values


def test_scripts_are_code():
    text = "<script>a<b</script><style>c{}</style><script src=d />e"
    assert [text[start:stop] for start, stop in lex_html(text)[1]] == ["a<b", "c{}"]


def test_quotes_that_do_not_fit_end_with_the_tag():
    text = '<p a="b>c</p><p d="e">'
    assert [text[token.start : token.stop] for token in lex_html(text)[0]] == [
        '<p a="b>',
        "</p>",
        '<p d="e">',
    ]
