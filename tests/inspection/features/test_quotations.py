import pytest

from charrnn.inspection.features.quotations import double_quotations, single_quotations

#: A feature; the kind of text; lines of it, as conftest.py has them.
SAMPLES = [
    (
        "inside double quotes",
        "prose",
        r"""
|He said "go on" loudly.
         ^^^^^^
|"All of it,
 ^^^^^^^^^^^^
|my dear," she said, "is his" (6" long).
 ^^^^^^^^            ^^^^^^^
|
|“The end of one is missing, and
 ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
|still it ends here.
 ^^^^^^^^^^^^^^^^^^^
|
|No quote. “Curly ones” do, „other ones“ too; « here » and «there».
           ^^^^^^^^^^^      ^^^^^^^^^^^       ^^^^^^^      ^^^^^^
|And—"so," for "a "b" c" d.
     ^^^^      ^^^^^
""",
    ),
    (
        "inside double quotes",
        "python",
        r'''
|x = "a 'b' \" c" + 'd "e" f'  # say "no", 5"
     ^^^^^^^^^^^       ^^            ^^^
|"""Two "lines"
 ^^^^^^^^^^^^^^^
|of it."""
 ^^^^^^^^
''',
    ),
    (
        "inside single quotes",
        "prose",
        r"""
|'Don't,' he said, 'or the dogs' owner comes.' 'Tis late.
 ^^^^^^^           ^^^^^^^^^^^^^^^^^^^^^^^^^^
|The word 'owl' is short o' the rest, and 'gainst rock 'n' roll.
          ^^^^                                         ^^
|‘It’s here,’ she said, in the '90s; the boys’ dogs barked.
 ^^^^^^^^^^^
|
|'This has no end, and so it is no quotation.
|
|The girls' house is 'over there,' they said: 'a', ‚so‘.
                     ^^^^^^^^^^^^             ^^   ^^^
""",
    ),
    (
        "inside single quotes",
        "python",
        r"""
|x = 'it\'s' + "it's" + "'a'"  # don't say 'b'
     ^^^^^^              ^^                ^^
""",
    ),
]


@pytest.mark.parametrize(("name", "kind", "block"), SAMPLES)
def test_a_quotation_is_seen_where_it_is(name, kind, block, marked):
    assert marked(name, kind, block) == block


def quoted(find, text):
    return [text[start:stop] for start, stop in find(text)]


def test_a_text_may_begin_and_end_in_a_quotation():
    assert quoted(double_quotations, 'owls," he said. "And') == ["owls,", '"And']
    assert quoted(double_quotations, "owls,” he said. “And") == ["owls,", "“And"]


def test_guillemets_may_point_inwards():
    assert quoted(double_quotations, "»Owls«, said he, »fly.«") == ["»Owls", "»fly."]
    assert quoted(double_quotations, "«Owls», said he, « fly.»") == ["«Owls", "« fly."]


def test_where_there_is_no_prose_a_quotation_has_no_end_and_is_none():
    assert quoted(double_quotations, 'a "b\0c" d "e"') == ['"e']


def test_a_quotation_without_an_end_goes_on_with_the_next():
    assert quoted(double_quotations, 'He said "no. "Yes," said she. No.') == ['"no. "Yes,']


def test_few_words_are_quoted_without_punctuation():
    assert quoted(single_quotations, "'prentice of owls' eggs") == []
    assert quoted(single_quotations, "the 'scaped one" + 30 * " owls" + " of the dogs' house") == []
    assert quoted(single_quotations, "a 'very old' owl") == ["'very old"]


def test_a_quotation_that_would_be_very_long_is_none():
    text = "He said: 'Owls" + 1000 * " and" + ".' And 'so.'"
    assert quoted(single_quotations, text) == ["'so."]


def test_the_surer_beginning_of_two_is_taken():
    assert quoted(single_quotations, "the 'ard way. 'No,' he said") == ["'No,"]
    assert quoted(single_quotations, "'So 'ard is it,' he said") == ["'So 'ard is it,"]


def test_letters_in_quotes_are_not_clipped_words():
    assert quoted(single_quotations, "write 'o', 's' and 'd'") == ["'o", "'s", "'d"]
