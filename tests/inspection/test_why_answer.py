from dataclasses import replace

import numpy as np
import pytest

from charrnn.inspection.answer import ColoredText
from charrnn.inspection.reading import signals_of
from charrnn.inspection.subject import Subject
from charrnn.inspection.why import MAX_MATCHES, Why, analyse, answer
from charrnn.render.colors import columns
from charrnn.render.terminal import lines


def result(*added, before="a(b", without=4.0, **more):
    """The result of one position with these contributions, the nearest first."""
    bits = without - np.cumsum([0.0, *added])
    return Why(np.array([1_234]), ")", (before,), bits[None], **more)


@pytest.mark.parametrize(
    ("added", "sentence"),
    [
        (
            [0.1, 2.9, 0.2],
            "Of the 3.2 bits by which the context makes ')' likelier, 2.9 come from '(' 2 "
            "characters before. Without context ')' takes 4.0 bits, after 3 characters 0.8.",
        ),
        (
            [-1, -0.5, 0.2],
            "Of the 1.3 bits by which the context makes ')' less likely, 1.0 come from 'b' 1 "
            "character before. Without context ')' takes 4.0 bits, after 3 characters 5.3.",
        ),
        (
            [-2, 3, 0.5],
            "The context makes ')' 1.5 bits likelier; '(' 2 characters before alone makes it 3.0 "
            "bits likelier. Without context ')' takes 4.0 bits, after 3 characters 2.5.",
        ),
        (
            [2, -2.02],
            "In sum, the context does not change how likely ')' is; '(' 2 characters before alone "
            "makes it 2.0 bits less likely. Without context ')' takes 4.0 bits, after 2 characters "
            "4.0.",
        ),
        (
            [0.01, 0, -0.01],
            "The context does not change how likely ')' is. Without context ')' takes 4.0 bits, "
            "after 3 characters 4.0.",
        ),
    ],
)
def test_the_sentence_names_the_strongest_character(added, sentence):
    assert answer(result(*added)).sentence == sentence


def test_the_text_before_is_coloured_in_its_order_and_the_table_is_by_strength():
    found = answer(result(0.01, 2, -0.5))
    text, by_distance = found.figures
    assert isinstance(text, ColoredText)
    assert text.title == "Before ')' at position 1234"
    assert text.text == "a(b)"
    np.testing.assert_allclose(text.shades, [-0.25, 1, 0.005, 0])
    assert text.stops[0] == (-1, "-2.0 bits")
    assert found.table.rows == (("'('", "2", "+2.00"), ("'a'", "3", "-0.50"))
    assert by_distance.series[0].x == [1, 2, 3]
    np.testing.assert_allclose(by_distance.series[0].y, [0.01, 2, -0.5])


def test_weak_contributions_have_weak_colours():
    np.testing.assert_allclose(answer(result(0, 0.1, 0)).figures[0].shades, [0, 0.1, 0, 0])


def test_several_matches_are_averaged():
    bits = np.array([[4.0, 4, 1, 1], [6, 5, 3, 2]])
    found = Why(np.array([10, 20]), "))", ("a(b", "b(c"), bits, r"\)", 7)
    np.testing.assert_allclose(found.contributions, [0.5, 2.5, 0.5])
    said = answer(found)
    assert said.sentence == (
        "On average over 2 of 7 matches, of the 3.5 bits by which the context makes ')' likelier, "
        "2.5 come from '(' at all distances. Without context ')' takes 5.0 bits, after 3 "
        "characters 1.5."
    )
    assert said.table.rows[0] == ("'('", "2", "100 %", "+2.50")
    text, _, by_character = said.figures
    assert text.text == "a(b)"
    assert text.title == "Before ')' at position 10, the context most like the mean"
    (bars,) = by_character.series
    assert dict(zip(bars.x, bars.y)) == {"'('": 2.5, "'b'": 0.5, "'c'": 0.5}
    assert answer(replace(found, matches=None)).sentence.startswith("On average over 2 positions, ")
    several = answer(replace(found, characters=")]", before=("a(b", "b[c"), matches=2)).sentence
    assert several.startswith("On average over 2 matches, of the 3.5 bits by which the context")
    assert "makes the last character likelier, 1.5 come from '(' at all distances." in several


@pytest.mark.parametrize("width", [40, 80])
def test_harmful_characters_are_spelled_out_within_the_width(width):
    before = "\x1b]0;x\x07\u202e" + "語\t" * 30
    found = result(*np.linspace(-3, 3, len(before)), before=before)
    shown = lines(answer(found), width)
    assert max(map(columns, shown)) <= width
    assert "\x1b" not in "".join(shown)
    assert "\\x1b]0;x\\x07\\u202e" in "".join(shown).replace(" ", "")


def subject(model, text, why):
    return Subject(
        model, text, model.vocabulary.encode(text), signals_of(model), list, list, why=why
    )


def test_a_subject_asks_about_a_position_or_a_pattern(tiny_model):
    model = tiny_model()
    one = analyse(subject(model, "abcdefg" * 9, "33"))
    assert (one.positions.tolist(), one.characters, one.matches) == ([33], "f", None)
    several = analyse(subject(model, "abcdefg" * 9, "[f]"))
    assert several.positions.tolist() == list(range(5, 63, 7))
    assert (several.pattern, several.matches) == ("[f]", 9)


def test_of_many_matches_some_from_all_over_the_text_are_read(tiny_model):
    found = analyse(subject(tiny_model(hidden_size=2), "ab" * 1_000, "b"))
    assert found.matches == 1_000
    assert len(set(found.positions)) == MAX_MATCHES
    assert (found.positions[0], found.positions[-1]) == (1, 1_999)
    assert answer(found).sentence.startswith("On average over 200 of 1,000 matches, ")
