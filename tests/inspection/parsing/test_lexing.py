import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.inspection.parsing.kinds import Kind
from charrnn.inspection.parsing.lexing import lexed

PYTHON = "def feed(owl):\n    return owl\n"
C = "int feed(int owl) {\n    return owl;\n}\n"
ROWS = '{"a":"b, c","d":1},' * 4


def of_tokens(text):
    """What is inside of tokens, without the last of what ends them."""
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
        ("a ${b}`, `c`);\n" + C, "a ${b}"),
        ('b, c","d":1},' + ROWS, "b, c"),
        ('it\\"s","d":1},' + ROWS, 'it\\"s'),
        ("owls, it's --><p>a</p>\n<p>b</p>", "owls, it's --"),
        ('="a">b</p>\n<p>c</p>', '="a"'),
        ("a='</p>';</script>\n<p>b</p>\n<p>c</p>", "'</p>"),
    ],
)
def test_a_text_may_begin_inside_of_something(text, first):
    assert of_tokens(text)[0] == first


@pytest.mark.parametrize(
    "text", [PYTHON + "x = 'a'\n", C + 's = "don\'t";\n', ROWS, "<p>a</p>\n<p>b's</p>\n"]
)
def test_a_text_that_begins_outside_of_all_is_not_taken_to_begin_inside(text):
    assert not any(token.begun for token in lexed(text).tokens)


@pytest.mark.parametrize(
    ("text", "last"),
    [
        (PYTHON + "x = 'an owl", "'an owl"),
        (PYTHON + '"""Owls\n\ndon\'t', '"""Owls\n\ndon\'t'),
        (PYTHON + "# owls", "# owls"),
        (C + "/* an\nowl", "/* an\nowl"),
        (C + "// owl", "// owl"),
        (20 * ROWS + '{"an owl', '"an owl'),
        ("<p>a</p>\n<p>b</p>\n<!-- owl", "<!-- owl"),
        ("<p>a</p>\n<p>b</p>\n<p id", "<p id"),
        ('<p>a</p>\n<p>b</p>\n<p id="owl', '"owl'),
        ("<p>a</p>\n<p>b</p>\n<p id='", "'"),
        ("<p>a</p>\n<p>b</p>\n<script>f('owl", "'owl"),
    ],
)
def test_a_text_may_end_inside_of_something(text, last):
    assert of_tokens(text)[-1] == last


def test_one_apostrophe_does_not_turn_the_rest_inside_out():
    text = PYTHON + "print 'don't'\n" + PYTHON + "x = 'a'\n"
    assert of_tokens(text) == ["'don", "'a"]
    text = C + "#error don't\n" + C + "char x = 'a';\n"
    assert of_tokens(text) == ["'a"]


def test_templates_without_an_end_are_none():
    text = C + 12 * "`\n${" + "x = 'a';\n" + C
    assert of_tokens(text) == ["'a"]


def test_lifetimes_of_rust_are_not_strings():
    text = C + "fn f<'a>(x: &'a str, y: &'a str) { g('x'); }\n"
    assert of_tokens(text) == ["'x"]


def test_code_and_prose_are_told_apart():
    text = "if x:  # Owls\n    # fly.\n    f('a\\nb {}', y)\n"
    parts = lexed(text)
    assert parts.kind is Kind.PYTHON
    assert parts.code == "if x:        \n          \n    f(         , y)\n"
    assert parts.prose.replace("\0", "_") == "__ __    Owls\n      fly.\n    ___a  b {}__ __\n"


def test_tags_within_a_sentence_do_not_interrupt_it():
    text = "<p>An <b>owl</b> {x}<br>flies</p>\n"
    parts = lexed(text)
    assert parts.kind is Kind.HTML
    assert parts.prose.replace("\0", "_") == "___An    owl      x ____flies____\n"
    assert parts.code.strip() == "{ }"


@given(st.text(st.sampled_from("ab{}'\"`#/*<>!-\\\n\0é\ud800") | st.characters(), max_size=40))
@pytest.mark.parametrize("before", ["", PYTHON, C, ROWS, "<p>a</p>\n<p>b</p>\n"])
def test_the_parts_are_as_long_as_the_text(before, text):
    parts = lexed(before + text)
    assert len(parts.code) == len(parts.prose) == len(before + text)
    for token in parts.tokens:
        assert 0 <= token.start < token.stop <= len(before + text)
        assert token.start <= token.inside[0] <= token.inside[1] <= token.stop
        assert token.start <= token.content[0] <= token.content[1]
