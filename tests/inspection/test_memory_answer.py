import json
from math import isnan

import numpy as np
import pytest

from charrnn.inspection.memory import Memory, answer, memory
from charrnn.inspection.reading import Signal
from charrnn.network.layers import LAYER_TYPES
from charrnn.render.plain import plain


def result(horizon, time_constants):
    contexts = np.arange(1, 257)
    return Memory(
        layer_type="lstm" if time_constants else "vanilla",
        gate="f" if time_constants else None,
        time_constants={
            Signal(layer, "f"): np.array(tau, float)
            for layer, tau in enumerate(time_constants, start=1)
        },
        characters=5000,
        positions=1000,
        contexts=contexts,
        loss=1.5 + 1 / contexts,
        error=0.1 / contexts,
        carried=1.5,
        tolerance=0.01,
        horizon=horizon,
    )


@pytest.mark.parametrize(
    ("horizon", "time_constants", "sentence"),
    [
        (
            63,
            [[2, 204], [5, 1]],
            "It uses about 63 characters of context; its slowest cells remember for about 200 "
            "characters.",
        ),
        (1, [], "It uses about 1 character of context."),
        (
            None,
            [[2, np.inf]],
            "It uses more than 256 characters of context; its slowest cells never forget.",
        ),
    ],
)
def test_the_sentence_says_the_context_and_the_slowest_cells(horizon, time_constants, sentence):
    assert answer(result(horizon, time_constants)).sentence == sentence


def test_the_loss_is_shown_beside_that_with_carried_state():
    found = result(63, [])
    (figure,) = answer(found).figures
    assert figure.log_x
    carried, empty = figure.series
    assert set(carried.y) == {1.5}
    assert empty.y == found.loss.tolist()
    assert empty.x == carried.x == found.contexts.tolist()


def test_time_constants_are_in_order_and_infinite_ones_are_left_out():
    _, figure = answer(result(63, [[2, np.inf, 30], [5, 1, 7]])).figures
    first, second = figure.series
    assert isnan(first.y[0])
    assert first.y[1:] == [30, 2]
    assert second.y == [7, 5, 1]
    assert second.x == [1, 2, 3]
    assert figure.log_y


@pytest.mark.parametrize("cell", sorted(LAYER_TYPES))
def test_every_cell_has_an_answer_and_numbers(cell, tiny_model, rng):
    found = memory(tiny_model(cell, 2), rng.integers(0, 7, 60), rng=rng)
    shown = answer(found)
    assert "of context" in shown.sentence
    assert len(shown.figures) == (2 if cell in ("gru", "lstm") else 1)
    json.dumps(plain(found), allow_nan=False)
