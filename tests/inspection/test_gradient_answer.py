import json

import numpy as np
import pytest

from charrnn.inspection.gradient import GradientByLag, answer, first_fallen, gradient_by_lag, grows
from charrnn.inspection.reading import Signal
from charrnn.network.layers import LAYER_TYPES
from charrnn.render.plain import plain


def result(curves, cell="gru", untrained=None):
    norms = {Signal(*key): np.array(curve, float) for key, curve in curves.items()}
    (length,) = {len(curve) for curve in norms.values()}
    return GradientByLag(
        layer_type=cell,
        passages=3,
        lags=np.arange(length),
        norms=norms,
        half={signal: first_fallen(curve, 1 / 2) for signal, curve in norms.items()},
        tenth={signal: first_fallen(curve, 1 / 10) for signal, curve in norms.items()},
        explodes={signal: grows(curve) for signal, curve in norms.items()},
        untrained=untrained,
    )


FALLS, LASTS, GROWS = [1, 0.5, 0.05, 0.01], [1, 0.9, 0.8, 0.7], [1, 5, 25, 125]
BEGINS_LATER, ALL = [0, 1, 0.5, 0.05], [1, 1.2, 0.6, 0.1]


@pytest.mark.parametrize(
    ("curves", "sentence"),
    [
        ({(1, "h"): FALLS}, "Gradients fall to a tenth after 2 characters (layer 1, h)."),
        ({(1, "h"): [1, 0.1]}, "Gradients fall to a tenth after 1 character (layer 1, h)."),
        ({(1, "h"): LASTS}, "Gradients do not fall to a tenth within 3 characters (layer 1, h)."),
        (
            {(1, "h"): GROWS},
            "Gradients explode: 3 characters back they are 125 times as large (layer 1, h).",
        ),
        (
            {(1, "h"): [1, 1e4, 1e8]},
            "Gradients explode: 2 characters back they are more than a million times as large "
            "(layer 1, h).",
        ),
        (
            {(1, "h"): FALLS, (1, "c"): BEGINS_LATER, (1, "state"): ALL},
            "Gradients fall to a tenth after 3 characters (layer 1, c).",
        ),
        (
            {(1, "h"): FALLS, (2, "h"): [1, 1, 1, 0.01]},
            "Gradients fall to a tenth after 2 and 3 characters (layers 1 and 2, h).",
        ),
        (
            {(1, "h"): FALLS, (2, "h"): LASTS},
            "Gradients fall to a tenth after 2 characters (layer 1, h) and do not fall to a tenth "
            "within 3 characters (layer 2, h).",
        ),
    ],
)
def test_the_sentence_says_where_gradients_vanish_or_explode(curves, sentence):
    assert answer(result(curves)).sentence == sentence


def test_the_sentence_compares_with_random_weights():
    found = answer(result({(1, "h"): LASTS}, untrained=result({(1, "h"): FALLS})))
    assert found.sentence == (
        "Gradients do not fall to a tenth within 3 characters (layer 1, h); with random weights "
        "they fall to a tenth after 2 characters."
    )
    (figure,) = found.figures
    assert [(series.name, series.y) for series in figure.series] == [
        ("h, random weights", FALLS),
        ("h", LASTS),
    ]


def test_several_layers_are_each_compared_with_their_untrained_ones():
    untrained = result({(1, "h"): LASTS, (2, "h"): LASTS})
    found = answer(result({(1, "h"): FALLS, (2, "h"): FALLS}, untrained=untrained))
    assert found.sentence == (
        "Gradients fall to a tenth after 2 and 2 characters (layers 1 and 2, h); with random "
        "weights they do not fall to a tenth within 3 characters (layer 1, h) and do not fall "
        "to a tenth within 3 characters (layer 2, h)."
    )


def test_a_layer_has_a_figure_with_each_array_of_its_state():
    curves = {(n, name): LASTS for n in (1, 2) for name in ("h", "c", "state")}
    first, second = answer(result(curves)).figures
    assert [series.name for series in second.series] == ["h", "c"]
    assert (first.title[-7:], second.title[-7:]) == ("layer 1", "layer 2")
    assert first.log_y
    assert first.series[0].x == [0, 1, 2, 3]


@pytest.mark.parametrize("cell", sorted(LAYER_TYPES))
def test_every_cell_has_an_answer_and_numbers(cell, tiny_model, rng):
    model, text = tiny_model(cell, 2), rng.integers(0, 7, 60)
    found = gradient_by_lag(model, text, passages=3, rng=rng, untrained=model)
    assert "(layer" in answer(found).sentence
    json.dumps(plain(found), allow_nan=False)
