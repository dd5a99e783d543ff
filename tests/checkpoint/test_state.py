import numpy as np

from charrnn.checkpoint.state import RunState, history_of, table_of


def test_a_history_has_few_points_over_the_whole_training():
    run = RunState()
    for step in range(1, 101):
        run.add_point({"step": step, "loss": 1.0, "val_loss": None}, most=8)
        steps = [point["step"] for point in run.history]
        assert len(steps) <= 8
        assert steps[-1] == step
    assert len(steps) == 8
    assert steps[0] == 1
    # As evenly spaced as possible.
    assert np.diff(steps).max() <= 2 * 100 / 7


def test_a_table_has_nan_for_a_missing_loss():
    history = [
        {"step": 1, "loss": None, "val_loss": 1.5},
        {"step": 2, "loss": 1.25, "val_loss": None},
    ]
    table = table_of(history)
    np.testing.assert_array_equal(table, [[1, np.nan, 1.5], [2, 1.25, np.nan]])
    assert history_of(table) == history
    assert table_of([]).shape == (0, 3)
