"""What a step does to what is remembered, in words and on the unit circle."""

from __future__ import annotations

from math import log

import numpy as np

from charrnn.arrays import Array
from charrnn.inspection.spectrum import JACOBIAN, RECURRENT, Eigenvalues, Spectrum
from charrnn.render.figures import Answer, Figure, Series
from charrnn.render.wording import listed, of_layers, rounded

#: What stands between Wh and the step, in a cell without gates.
BETWEEN = {"vanilla": "with tanh", "vanilla-relu": "without the units that are off"}
#: From this radius on nothing is said to fade.
LASTING = 0.999


def answer(result: Spectrum) -> Answer:
    """The spectral radius, trained and with random weights, its meaning, and all eigenvalues."""
    steps = [found for found in result.eigenvalues if found.matrix == JACOBIAN]
    recurrent = [found for found in result.eigenvalues if found.matrix == RECURRENT]
    where = of_layers([found.layer for found in steps])
    if recurrent:
        sentence = (
            f"Wh of {where} has spectral radius {_radii(recurrent)}, "
            f"{BETWEEN.get(result.cell, 'squashed')} the mean step has "
            f"{listed([f'{found.radius:.2f}' for found in steps])}"
        )
    else:
        sentence = f"The mean step of {where} has spectral radius {_radii(steps)}"
    return Answer(
        f"{sentence}; repeated, it {_meanings(steps)}.", tuple(map(_figure, result.eigenvalues))
    )


def _radii(found: list[Eigenvalues]) -> str:
    radii = listed([f"{x.radius:.2f}" for x in found])
    before = [x.untrained_radius for x in found if x.untrained_radius is not None]
    return radii + (f" (random weights {listed([f'{r:.2f}' for r in before])})" if before else "")


def _meanings(steps: list[Eigenvalues]) -> str:
    """What becomes of a change of the state in a step like the mean one, taken again and again."""
    radii = [found.radius for found in steps]
    if max(radii) >= LASTING:
        return "lets some changes of the state last"
    if min(radii) <= 0:
        return "lets no change of the state last"
    fading = [f"{rounded(log(10) / -log(radius)):,}" for radius in radii]
    return (
        "lets the most lasting change of the state fade to a tenth "
        f"in about {listed(fading)} characters"
    )


def _figure(found: Eigenvalues) -> Figure:
    series = [_points("trained", found.trained)]
    if found.untrained is not None:
        series.insert(0, _points("random weights", found.untrained))
    return Figure(
        title=f"Eigenvalues of {found.matrix}, layer {found.layer}",
        x_label="real part",
        y_label="imaginary part",
        series=tuple(series),
        equal=True,
    )


def _points(name: str, values: Array) -> Series:
    return Series(name, np.real(values).tolist(), np.imag(values).tolist(), "points")
