import pytest

#: A feature; the kind of text; lines of it, as conftest.py has them.
SAMPLES = [
    (
        "in a capitalized word",
        "prose",
        r"""
|The old oWl, X_1, Don't! Élan iPad
 ^^^          ^^^  ^^^^^  ^^^^
""",
    ),
    (
        "in an uppercase word",
        "prose",
        r"""
|NASA and A bC DE, MAX_SIZE, DON'T! ÉÀ B2B 42 X_
 ^^^^          ^^  ^^^^^^^^  ^^^^^  ^^ ^^^
""",
    ),
    (
        "first word of a sentence",
        "prose",
        r"""
|"Well," said Dr. Owl. "It is J. Doe! (Are you?)" It's
  ^^^^                  ^^             ^^^        ^^^^
|so. now what... Eat
                 ^^^
|
|Twenty-one: there
 ^^^^^^
|KING OWL:
|I will. 7 will. iPads will. Yes,
 ^                           ^^^
""",
    ),
    (
        "first word of a sentence",
        "python",
        r"""
|x = Owl(a.B)  # This owl. That
                 ^^^^      ^^^^
|# Owl is the same. Then:
                    ^^^^
|print("It is.\nThat is", "This", 'no. Yes, it')
        ^^      ^^^^                   ^^^
""",
    ),
    (
        "first word of a line",
        "prose",
        r"""
|one two
 ^^^
|  "three," four
    ^^^^^
|
|five.
 ^^^^
""",
    ),
]


@pytest.mark.parametrize(("name", "kind", "block"), SAMPLES)
def test_a_word_is_seen_where_it_is(name, kind, block, marked):
    assert marked(name, kind, block) == block
