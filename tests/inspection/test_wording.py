import pytest

from charrnn.inspection.wording import (
    characters,
    direction,
    folded,
    listed,
    of_layers,
    oriented,
    rounded,
    share,
)


def test_lists_read_like_sentences():
    assert [listed(list("abc")[:n]) for n in range(4)] == ["", "a", "a and b", "a, b and c"]


def test_layers_are_counted_in_words():
    assert of_layers([1]) == "layer 1"
    assert of_layers([1, 2, 3]) == "layers 1, 2 and 3"


def test_one_character_is_singular():
    assert [characters(n) for n in (0, 1, 2, 1200)] == [
        "0 characters",
        "1 character",
        "2 characters",
        "1,200 characters",
    ]


@pytest.mark.parametrize(
    ("value", "said"),
    [(0.2, 1), (1.4, 1), (9.6, 10), (34.7, 35), (99.6, 100), (347, 350), (123_456, 120_000)],
)
def test_about_has_two_significant_digits(value, said):
    assert rounded(value) == said


def test_a_number_that_is_not_finite_cannot_be_rounded():
    with pytest.raises(ValueError, match="inf cannot be rounded"):
        rounded(float("inf"))


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0, "0 %"),
        (0.001, "less than 1 %"),
        (0.314, "31 %"),
        (0.999, "more than 99 %"),
        (1, "100 %"),
    ],
)
def test_a_share_near_an_end_is_not_shown_as_the_end(value, said):
    assert share(value) == said


def test_scores_are_folded_about_chance():
    assert folded(0.1, "AUC") == 0.9
    assert folded(0.75, "AUC") == 0.75
    assert folded(-0.3, "Spearman") == 0.3


@pytest.mark.parametrize(
    ("score", "measure", "said"),
    [
        (0.1, "AUC", "low inside it, AUC 0.90"),
        (0.75, "AUC", "high inside it, AUC 0.75"),
        (0.35, "AUC", "low inside it, AUC 0.65"),
        (-0.3, "Spearman", "low where it is large, Spearman 0.30"),
        (0.3, "Spearman", "high where it is large, Spearman 0.30"),
    ],
)
def test_the_direction_of_a_score_is_in_words(score, measure, said):
    assert oriented(score, measure) == said
    assert said.startswith(direction(score, measure))
