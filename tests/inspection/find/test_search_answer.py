from dataclasses import replace

import numpy as np
import pytest

from charrnn.inspection.find.ablation import Ablation
from charrnn.inspection.find.search import HEADINGS, Finding, Findings, answer
from charrnn.inspection.reading import Signal
from charrnn.render.plain import plain

ROW = Finding(
    feature="inside ( )",
    measure="AUC",
    share=0.25,
    signal=Signal(2, "c"),
    cell=17,
    score=0.04,
    precision=0.9,
    chance=0.55,
    untrained=(0.3, 0.6),
    probe=0.99,
    untrained_probe=(0.7, 0.6),
    ablation=Ablation(1.5, 0.01, np.array([-0.1, 0.02]), 40),
    position=3,
)
GRADED = replace(
    ROW,
    feature="column",
    measure="Spearman",
    share=None,
    score=-0.2,
    chance=0.05,
    untrained=(0.1, 0.1),
    probe=0.9,
    untrained_probe=(0.3, 0.25),
    ablation=None,
)


def test_found_features_are_named_with_their_cells():
    found = answer(Findings((ROW, GRADED), ("inside { }",), 1_000, 64))
    assert found.sentence == (
        "1 of 2 features is followed by a single cell: inside ( ) (cell 2.17 c). "
        "Too rare in the text, or decided by the current character: inside { }."
    )
    assert found.table.headings == HEADINGS
    assert found.table.rows == (
        (
            "inside ( )", "found", "2.17 c", "low", "0.96", "0.55", "0.70", "25 %", "0.99", "0.70",
            "+1.50", "+0.02",
        ),
        (
            "column", "whole layer", "2.17 c", "low", "0.20", "0.05", "0.10", "graded", "0.90",
            "0.30", "–", "–",
        ),
    )  # fmt: skip


def test_a_feature_that_never_ends_has_no_effect_at_its_ends():
    never = replace(ROW, ablation=Ablation(np.nan, 0.01, np.full(2, np.nan), 0))
    (row,) = answer(Findings((never,), (), 1_000, 64)).table.rows
    assert row[-2:] == ("–", "–")
    assert plain(never)["ablation"]["ends"] is None


def test_the_first_of_many_found_features_are_named():
    rows = tuple(replace(ROW, feature=f"feature {n}") for n in range(8))
    sentence = answer(Findings(rows, (), 1_000, 64)).sentence
    assert sentence.endswith("feature 4 (cell 2.17 c) and 3 more.")


def test_the_picture_shows_strengths_from_chance_to_one():
    (figure,) = answer(Findings((ROW, GRADED), (), 1_000, 64)).figures
    assert [series.name for series in figure.series] == [
        "best cell",
        "the whole layer",
        "untrained",
        "chance",
    ]
    assert figure.series[0].x == ["inside ( )", "column"]
    np.testing.assert_allclose(figure.series[0].y, [0.92, 0.2])
    np.testing.assert_allclose(figure.series[3].y, [0.1, 0.05])


@pytest.mark.parametrize(
    ("score", "untrained", "probe", "untrained_probe", "said"),
    [
        (0.96, (0.52, 0.5), 0.97, (0.7, 0.69), "found"),
        (0.96, (0.52, 0.5), 0.97, (0.96, 0.5), "found"),
        (0.53, (0.5, 0.5), 0.53, (0.5, 0.5), "chance"),
        (0.53, (0.5, 0.5), 0.80, (0.8, 0.78), "chance"),
        (0.60, (0.52, 0.5), 0.95, (0.7, 0.69), "whole layer"),
        (0.60, (0.58, 0.5), 0.66, (0.6, 0.59), "whole layer"),
        (0.60, (0.58, 0.5), 0.95, (0.94, 0.9), "untrained"),
        (0.90, (0.88, 0.80), 0.92, (0.92, 0.9), "untrained"),
        (0.90, (0.12, 0.80), 0.92, (0.92, 0.9), "untrained"),
    ],
)
def test_a_row_claims_what_its_controls_allow(score, untrained, probe, untrained_probe, said):
    row = replace(
        ROW, score=score, untrained=untrained, probe=probe, untrained_probe=untrained_probe
    )
    assert answer(Findings((row,), (), 1_000, 64)).table.rows[0][1] == said


def test_the_sentence_says_that_nothing_was_found():
    empty = answer(Findings((), ("inside { }",), 1_000, 64))
    assert empty.sentence == (
        "No feature could be compared. "
        "Too rare in the text, or decided by the current character: inside { }."
    )
    assert empty.figures == ()


def test_of_the_output_the_table_names_layer_and_cell_alone():
    output = replace(ROW, signal=Signal(2, "h"))
    found = answer(Findings((output,), (), 1_000, 64))
    assert found.table.rows[0][2] == "2.17"
    assert found.sentence.endswith("inside ( ) (cell 2.17).")


def test_no_score_of_the_table_is_below_chance():
    scores = (0.04, 0.35, 0.49, 0.51, 0.9)
    rows = tuple(replace(ROW, score=score) for score in scores)
    shown = [row[3:5] for row in answer(Findings(rows, (), 1_000, 64)).table.rows]
    assert shown == [
        ("low", "0.96"),
        ("low", "0.65"),
        ("low", "0.51"),
        ("high", "0.51"),
        ("high", "0.90"),
    ]


def test_every_column_has_a_heading_and_a_key():
    table = answer(Findings((ROW,), (), 1_000, 64)).table
    assert all(table.headings)
    for word in ("there", "holds", "probe", "bits held", "others", "whole layer", "untrained"):
        assert word in table.caption
