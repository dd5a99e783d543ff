import numpy as np
import pytest

from charrnn.network.dropout import draw_masks


@pytest.mark.parametrize("shape", [(1, 4, 7), (2, 5, 7), (3, 5, 7), (1, 1, 7)])
def test_the_masks_of_a_part_are_a_part_of_all_masks(shape):
    whole = draw_masks(shape, 0.5, np.random.default_rng(7))
    for part in (slice(0, 3), slice(3, 4), slice(4, 7), slice(5, 5)):
        mine = draw_masks(shape, 0.5, np.random.default_rng(7), part)
        np.testing.assert_array_equal(mine, whole[..., part])


def test_streams_and_cells_are_dropped_independently():
    masks = draw_masks((2, 100, 50), 0.3, np.random.default_rng(0))
    assert masks.shape == (2, 100, 1, 50)
    dropped = masks == 0
    for axis in ((0, 1, 2), (3,), (0, 3)):  # of each stream, of each cell and layer, of each cell
        assert 0.05 < dropped.mean(axis=axis).min() < dropped.mean(axis=axis).max() < 0.6
    np.testing.assert_allclose(masks.mean(), 1, atol=0.02)


def test_kept_outputs_are_scaled_up():
    masks = draw_masks((1, 50, 20), 0.2, np.random.default_rng(0))
    assert np.unique(masks).tolist() == [0, np.float32(1.25)]
    assert (draw_masks((1, 50, 20), 0.0, np.random.default_rng(0)) == 1).all()
