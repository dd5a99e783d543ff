import numpy as np
import pytest

from charrnn.inspection.features.features import FEATURES
from charrnn.inspection.find.follow import followed_features

WORDS = ["grey owls", "Ann", "42 boats", "(by the sea)", "[see below]", "{x}", '"no"', "NORTH"]


@pytest.fixture
def text(rng):
    """Some thousand characters with many features."""
    lines = []
    for number in range(200):
        chosen = [WORDS[position] for position in rng.integers(0, len(WORDS), rng.integers(2, 8))]
        lines.append((number % 4) * "  " + " ".join(chosen))
    return "\n".join(lines)


def following(values, text):
    indices = np.unique(list(text), return_inverse=True)[1]
    return followed_features(values, indices, text)


@pytest.mark.parametrize("name", ["inside ( )", "inside double quotes", "column in the line"])
@pytest.mark.parametrize("sign", [-1, 1])
def test_a_planted_feature_is_followed(name, sign, text, rng):
    measured = FEATURES[name].measure(text)
    values = sign * measured + 0.2 * rng.standard_normal(len(text))
    (own,) = [one for one in following(values, text) if one.feature == name]
    assert own.strength > 0.9 > 0.4 > own.chance
    assert (own.score > (0.5 if own.measure == "AUC" else 0)) == (sign > 0)


def test_random_values_follow_nothing_better_than_chance(text, rng):
    found = following(rng.standard_normal(len(text)), text)
    assert len(found) > 5
    assert sum(one.strength > one.chance for one in found) <= len(found) / 4


def test_a_cell_that_only_knows_the_character_follows_nothing(text):
    """A cell that knows the character and nothing else follows nothing."""
    values = np.array([ord(character) for character in text], float)
    assert max(one.strength for one in following(values, text)) == 0


def test_the_strongest_feature_comes_first(text, rng):
    strengths = [one.strength for one in following(rng.standard_normal(len(text)), text)]
    assert strengths == sorted(strengths, reverse=True)


def test_a_cell_that_never_changes_follows_nothing(text):
    assert all(one.strength == 0 for one in following(np.zeros(len(text)), text))


def test_a_single_character_has_nothing_to_follow():
    assert following(np.array([0.5]), "a") == []
