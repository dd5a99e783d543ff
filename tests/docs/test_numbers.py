"""Numbers in docs/inspecting.md, compared with the code."""

from pathlib import Path

import pytest

from charrnn.inspection import features, finding

PAGE = (Path(__file__).parents[2] / "docs" / "inspecting.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "sentence",
    [
        f"in {100 * finding.LEVEL:.0f} of 100 cases",
        f"by {finding.MARGIN} of their standard deviations",
        f"The margin of {finding.MARGIN} was chosen",
        f"more than {finding.MOST:,} characters that many are read, in {finding.BLOCKS} blocks",
    ],
)
def test_the_controls_of_find(sentence):
    assert sentence in " ".join(PAGE.split())


def test_untrained_networks():
    assert finding.TWINS == 10
    assert PAGE.count("ten untrained networks") + PAGE.count("ten networks") > 2


def test_features():
    assert round(len(features.FEATURES), -1) == 30
    assert "about thirty features" in PAGE
