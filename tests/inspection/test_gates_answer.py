import json

import numpy as np
import pytest

from charrnn.inspection.gates import (
    GATE,
    OUTPUT,
    RECTIFIED,
    GateSaturation,
    answer,
    gate_saturation,
)
from charrnn.inspection.reading import Signal
from charrnn.network.layers import LAYER_TYPES
from charrnn.render.plain import plain


def result(cell, limits, left, right):
    return GateSaturation(
        layer_type=cell,
        characters=100,
        low=limits[0],
        high=limits[1],
        left={Signal(*key): np.array(shares) for key, shares in left.items()},
        right={Signal(*key): np.array(shares) for key, shares in right.items()},
    )


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (
            result(
                "lstm",
                GATE,
                {(1, "i"): [0.1, 0.1], (1, "f"): [0.1, 0.0]},
                {(1, "i"): [0.9, 0.9], (1, "f"): [0.25, 1.0]},
            ),
            "Forget gates of layer 1 are open (above 0.9), and keep the state, 62 % of the "
            "time; 1 of 2 cells never forget, or hardly ever.",
        ),
        (
            result(
                "gru",
                GATE,
                {(1, "z"): [0.1, 0.1], (2, "z"): [0.1, 0.0]},
                {(1, "z"): [0.2, 0.4], (2, "z"): [0.5, 0.7]},
            ),
            "Update gates of layers 1 and 2 are open (above 0.9), and keep the state, 30 % "
            "and 60 % of the time; there is no cell that never forgets.",
        ),
        (
            result("vanilla", OUTPUT, {(1, "h"): [0.1, 0.3]}, {(1, "h"): [0.4, 0.6]}),
            "Cells of layer 1 are saturated (below −0.9 or above 0.9) 70 % of the time: gradients "
            "hardly pass there.",
        ),
        (
            result("vanilla-relu", RECTIFIED, {(1, "h"): [1.0, 0.6]}, {(1, "h"): [0.0, 0.4]}),
            "Cells of layer 1 are off (zero) 80 % of the time; 1 of 2 are never on.",
        ),
        (
            result("vanilla-relu", RECTIFIED, {(1, "h"): [0.4, 0.6]}, {(1, "h"): [0.6, 0.4]}),
            "Cells of layer 1 are off (zero) 50 % of the time; each is on at times.",
        ),
    ],
)
def test_the_sentence_says_how_much_of_the_time(found, sentence):
    assert answer(found).sentence == sentence


def test_each_gate_has_a_scatter_of_all_layers():
    left = {(1, "r"): [0.1, 0.2], (1, "z"): [0.3, 0.4], (2, "r"): [0.5, 0.6], (2, "z"): [0, 0]}
    right = {key: [0.3, 0.1] for key in left}
    reset, update = answer(result("gru", GATE, left, right)).figures
    assert reset.title == "Saturation of the reset gate r"
    assert update.title == "Saturation of the update gate z"
    assert (reset.x_range, reset.y_range) == ((0, 1), (0, 1))
    assert reset.x_label == "share of time closed, below 0.1"
    assert [(s.name, s.x, s.y, s.kind) for s in reset.series] == [
        ("layer 1", [0.1, 0.2], [0.3, 0.1], "points"),
        ("layer 2", [0.5, 0.6], [0.3, 0.1], "points"),
    ]


def test_cells_without_gates_are_shown_below_and_above():
    (figure,) = answer(
        result("vanilla", OUTPUT, {(1, "h"): [0.1, 0.3]}, {(1, "h"): [0.4, 0.6]})
    ).figures
    assert figure.title == "Saturation of the output h"
    assert figure.x_label == "share of time below −0.9"


def test_rectified_cells_are_in_the_order_of_their_time_off():
    left = {(1, "h"): [0.5, 1.0, 0.2]}
    (figure,) = answer(result("vanilla-relu", RECTIFIED, left, {(1, "h"): [0.5, 0, 0.8]})).figures
    assert (figure.series[0].x, figure.series[0].y) == ([1, 2, 3], [0.2, 0.5, 1.0])


@pytest.mark.parametrize("cell", sorted(LAYER_TYPES))
def test_every_cell_has_an_answer_and_numbers(cell, tiny_model, rng):
    found = gate_saturation(tiny_model(cell, 2), rng.integers(0, 7, 60))
    assert "of layers 1 and 2 are" in answer(found).sentence
    json.dumps(plain(found), allow_nan=False)
