import numpy as np
import pytest

from charrnn.render.shades import largest, shades


@pytest.mark.parametrize(
    ("values", "name", "shaded"),
    [
        ([-0.5, 0.0, 1.0], "h", [-0.5, 0, 1]),
        ([0.0, 1.0, 4.0], "h", [0, 0.25, 1]),
        ([-8.0, 2.0], "h", [-1, 0.25]),
        ([0.0, 0.5, 1.0], "f", [-1, 0, 1]),
        ([-9.0, 0.0, 1.0], "c", [np.tanh(-9), 0, np.tanh(1)]),
        ([2.0, np.inf, -np.inf, np.nan], "h", [1, 1, -1, 0]),
    ],
)
def test_values_are_coloured_between_the_ends(values, name, shaded):
    values = np.array(values)
    found = shades(values, name, {"f"}, largest(values, name))
    assert found.tolist() == pytest.approx(shaded)
