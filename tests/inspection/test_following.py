import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.inspection.features import FEATURES
from charrnn.inspection.following import LEAST, Following, auc, follow, ranked

#: Few different values, so that many are equal.
values_with_ties = st.lists(st.integers(-3, 3), min_size=2, max_size=40).map(np.array)

WORDS = ["grey owls", "Ann", "42 boats", "(by the sea)", "[see below]", "{x}", '"no"', "NORTH"]


@pytest.fixture
def text(rng):
    """Some thousand characters that have every feature."""
    lines = []
    for number in range(120):
        chosen = [WORDS[place] for place in rng.integers(0, len(WORDS), rng.integers(2, 8))]
        comment = "  # so far" if number % 3 == 0 else ""
        lines.append((number % 4) * "  " + " ".join(chosen) + comment)
    return "\n".join(lines)


def found(values, text):
    return {following.feature: following for following in follow(values, text)}


@given(values_with_ties)
def test_ranks_are_the_mean_places_among_the_sorted_values(values):
    places = sorted(values)
    expected = [
        np.mean([place for place, other in enumerate(places, start=1) if other == value])
        for value in values
    ]
    np.testing.assert_allclose(ranked(values), expected)


def test_ranks_of_different_values_are_their_places():
    assert ranked(np.array([0.5, -2.0, 7.0, 0.6])).tolist() == [2, 1, 4, 3]


@given(values_with_ties, st.data())
def test_the_auc_is_the_share_of_pairs_in_the_right_order(values, data):
    size = len(values)
    holds = np.array(data.draw(st.lists(st.booleans(), min_size=size, max_size=size)))
    holds[0], holds[-1] = True, False
    pairs = [
        (one > other) + (one == other) / 2 for one in values[holds] for other in values[~holds]
    ]
    assert auc(ranked(values), holds) == pytest.approx(np.mean(pairs))


@pytest.mark.parametrize(
    ("measure", "score", "strength"),
    [
        ("AUC", 1.0, 1.0),
        ("AUC", 0.0, 1.0),
        ("AUC", 0.5, 0.0),
        ("AUC", 0.25, 0.5),
        ("Spearman", -0.7, 0.7),
        ("Spearman", 0.0, 0.0),
    ],
)
def test_the_strength_is_the_distance_from_chance(measure, score, strength):
    assert Following("in a number", measure, score).strength == pytest.approx(strength)


@pytest.mark.parametrize("name", sorted(FEATURES))
@pytest.mark.parametrize("sign", [-1, 1])
def test_a_planted_feature_is_found_first(name, sign, text):
    best, second, *_ = follow(sign * FEATURES[name].measure(text), text)
    assert best.feature == name
    assert best.strength == pytest.approx(1)
    assert second.strength < best.strength - 0.005
    if best.measure == "AUC":
        assert best.score == pytest.approx((sign + 1) / 2)
    else:
        assert best.score == pytest.approx(sign)


@pytest.mark.parametrize(
    ("name", "noise"), [("inside ( )", 0.4), ("in a # comment", 0.4), ("column in the line", 5)]
)
def test_a_planted_feature_is_found_first_through_noise(name, noise, text, rng):
    best = follow(FEATURES[name].measure(text) + noise * rng.standard_normal(len(text)), text)[0]
    assert best.feature == name
    assert 0.8 < best.strength < 0.99


def test_random_values_follow_nothing(text, rng):
    scores = found(rng.standard_normal(len(text)), text)
    assert set(scores) == set(FEATURES)
    assert all(following.strength < 0.15 for following in scores.values())


def test_the_measure_is_the_one_for_the_kind_of_feature(text, rng):
    for name, following in found(rng.standard_normal(len(text)), text).items():
        assert following.measure == ("AUC" if FEATURES[name].binary else "Spearman")


def test_the_best_followed_come_first(text, rng):
    strengths = [following.strength for following in follow(rng.standard_normal(len(text)), text)]
    assert strengths == sorted(strengths, reverse=True)


def test_only_the_order_of_the_values_counts(text, rng):
    values = rng.standard_normal(len(text))
    assert follow(np.exp(values), text) == follow(values, text)


@pytest.mark.parametrize(
    ("holding", "others", "is_there"),
    [
        (LEAST, 100, True),
        (LEAST - 1, 100, False),
        (100, LEAST, True),
        (100, LEAST - 1, False),
    ],
)
def test_a_feature_that_hardly_ever_or_nearly_always_holds_is_left_out(holding, others, is_there):
    text = others * "-" + holding * "7"
    assert ("in a number" in found(np.arange(len(text)), text)) is is_there


def test_a_feature_that_is_the_same_everywhere_is_left_out():
    scores = found(np.arange(100.0), 100 * "a")
    assert "depth of brackets" not in scores
    assert scores["column in the line"].score == pytest.approx(1)


def test_a_cell_that_never_changes_follows_nothing(text):
    scores = found(np.zeros(len(text)), text)
    assert "column in the line" not in scores
    assert all(following.strength == 0 for following in scores.values())
