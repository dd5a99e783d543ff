"""Numbers in docs/inspecting.md, compared with the code."""

from pathlib import Path

import pytest

from charrnn.inspection import copying, effect, why
from charrnn.inspection.features.features import FEATURES
from charrnn.inspection.find import search

PAGE = (Path(__file__).parents[2] / "docs" / "inspecting.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "sentence",
    [
        f"in {100 * search.LEVEL:.0f} of 100 cases",
        f"by {search.MARGIN} of their standard deviations",
        f"The margin of {search.MARGIN} was chosen",
        f"At most {search.MAX_CHARACTERS:,} characters are read, of a longer text in "
        f"{search.BLOCKS} blocks",
    ],
)
def test_the_controls_of_find(sentence):
    assert sentence in " ".join(PAGE.split())


@pytest.mark.parametrize(
    "sentence",
    [
        f"write {copying.WRITTEN:,} characters",
        f"`charrnn sample --length {copying.WRITTEN} --seed 0`",
        f"spans of {', '.join(map(str, copying.LENGTHS[:-1]))} and {copying.LENGTHS[-1]} ",
        f"The sentence is about spans of {copying.RECITED} and more",
        f"by more than {100 * copying.MIN_EXCESS:.0f} percentage points",
        f"the first {copying.MAX_CONTROL:,} characters are read",
        f"a text of {copying.MIN_CONTROL} characters or more",
    ],
)
def test_the_numbers_of_copying(sentence):
    assert sentence in " ".join(PAGE.split())


@pytest.mark.parametrize(
    "sentence",
    [
        f"the last 0, 1, 2, … {why.CONTEXT} characters",
        f"of more than {why.MAX_MATCHES} matches, {why.MAX_MATCHES} from all over the text",
    ],
)
def test_the_numbers_of_why(sentence):
    assert sentence in " ".join(PAGE.split())


@pytest.mark.parametrize(
    "sentence",
    [
        f"{effect.STREAMS} texts of {effect.LENGTH} characters",
        f"the {100 * effect.ENDS[1]:.0f} % and the {100 * effect.ENDS[0]:.0f} % quantile",
        f"at most {effect.MAX_CHARACTERS:,} characters are read",
        f"larger than {effect.MARGIN} times their median",
        f"larger than {effect.NOISE} standard errors",
    ],
)
def test_the_numbers_of_effect(sentence):
    assert sentence in " ".join(PAGE.split())


def test_untrained_networks():
    assert search.UNTRAINED_MODELS == 10
    assert PAGE.count("ten untrained networks") + PAGE.count("ten networks") > 2


def test_features():
    assert round(len(FEATURES), -1) == 20
    assert "about twenty features" in PAGE
