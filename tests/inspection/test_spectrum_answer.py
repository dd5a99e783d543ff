import json

import numpy as np
import pytest

from charrnn.inspection.spectrum import JACOBIAN, RECURRENT, Eigenvalues, Spectrum, answer, spectrum
from charrnn.network.layers import LAYER_TYPES
from charrnn.render.plain import plain


def eigenvalues(layer, matrix, radius, untrained=None):
    values = np.array([radius, radius * 0.5j])
    of_untrained = None if untrained is None else np.array([untrained, 0j])
    return Eigenvalues(layer, matrix, values, of_untrained, radius, untrained)


@pytest.mark.parametrize(
    ("cell", "found", "sentence"),
    [
        (
            "gru",
            [eigenvalues(1, JACOBIAN, 0.9, 0.75)],
            "The mean Jacobian of layer 1 has spectral radius 0.90 (random weights 0.75): the "
            "slowest change of the state fades to a tenth in about 22 characters.",
        ),
        (
            "lstm",
            [eigenvalues(1, JACOBIAN, 0.9), eigenvalues(2, JACOBIAN, 0.99)],
            "The mean Jacobian of layers 1 and 2 has spectral radius 0.90 and 0.99: the slowest "
            "change of the state fades to a tenth in about 22 and 230 characters.",
        ),
        (
            "vanilla",
            [eigenvalues(1, RECURRENT, 1.6, 1.0), eigenvalues(1, JACOBIAN, 0.8, 0.9)],
            "Wh of layer 1 has spectral radius 1.60 (random weights 1.00); the mean Jacobian has "
            "0.80: the slowest change of the state fades to a tenth in about 10 characters.",
        ),
        (
            "vanilla-relu",
            [eigenvalues(1, RECURRENT, 1.6), eigenvalues(1, JACOBIAN, 1.2)],
            "Wh of layer 1 has spectral radius 1.60; the mean Jacobian has 1.20: some changes of "
            "the state last.",
        ),
        (
            "vanilla-relu",
            [eigenvalues(1, RECURRENT, 1.6), eigenvalues(1, JACOBIAN, 0.0)],
            "Wh of layer 1 has spectral radius 1.60; the mean Jacobian has 0.00: no change of the "
            "state lasts.",
        ),
    ],
)
def test_the_sentence_says_the_radius_and_what_it_means(cell, found, sentence):
    assert answer(Spectrum(cell, 64, tuple(found))).sentence == sentence


def test_eigenvalues_are_points_beside_the_unit_circle_the_untrained_ones_below():
    found = Spectrum("gru", 64, (eigenvalues(2, JACOBIAN, 0.9, 0.5),))
    (figure,) = answer(found).figures
    assert figure.equal
    assert figure.title == "Eigenvalues of mean Jacobian, layer 2"
    assert [(s.name, s.x, s.y, s.kind) for s in figure.series] == [
        ("random weights", [0.5, 0.0], [0.0, 0.0], "points"),
        ("trained", [0.9, 0.0], [0.0, 0.45], "points"),
    ]


@pytest.mark.parametrize("cell", sorted(LAYER_TYPES))
def test_every_cell_has_an_answer_and_numbers(cell, tiny_model, rng):
    model, text = tiny_model(cell, 2), rng.integers(0, 7, 60)
    found = spectrum(model, model, text)
    shown = answer(found)
    assert "of layers 1 and 2 has spectral radius" in shown.sentence
    assert len(shown.figures) == len(found.eigenvalues)
    json.dumps(plain(found), allow_nan=False)
