import numpy as np
import pytest
from configs import complete

from charrnn.checkpoint.state import RunState, history_of, table_of


def test_a_history_has_few_points_over_the_whole_training():
    run = RunState()
    for step in range(1, 101):
        run.step = step
        run.add_point(most=8)
        steps = [point["step"] for point in run.history]
        assert len(steps) <= 8
        assert steps[-1] == step
    assert len(steps) == 8
    assert steps[0] == 1
    # As evenly spaced as possible.
    assert np.diff(steps).max() <= 2 * 100 / 7


def test_a_point_has_the_mean_loss_since_the_point_before():
    run = RunState(step=2, loss_sum=3.0, loss_count=2)
    assert run.add_point() == 1.5
    run.step, run.loss_sum, run.loss_count = 3, 1.0, 1
    assert run.add_point(0.75) == 1.0
    run.step = 4
    assert run.add_point() is None
    assert run.history == [
        {"step": 2, "loss": 1.5, "val_loss": None},
        {"step": 3, "loss": 1.0, "val_loss": 0.75},
        {"step": 4, "loss": None, "val_loss": None},
    ]


#: Points every 2 steps, and validations at steps 5 and 10.
POINTS = [(2, 5.0, None), (4, 4.0, None), (5, 3.0, 2.5), (6, 2.0, None), (8, 1.5, None)]


def history(*more):
    return [
        {"step": step, "loss": loss, "val_loss": val_loss}
        for step, loss, val_loss in (*POINTS, *more)
    ]


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ([], (2 * 5 + 2 * 4 + 3) / 5),
        ([(10, 1.0, 1.2)], (2 + 2 * 1.5 + 2 * 1.0) / 5),
        ([(10, 1.0, 1.2), (12, 9.0, None)], (2 + 2 * 1.5 + 2 * 1.0) / 5),
        ([(10, 1.0, None), (12, 9.0, None)], (2 + 2 * 1.5 + 2 * 1.0) / 5),  # nothing held out
        ([(10, 1.0, 1.2), (12, 0.5, 1.1)], 0.5),  # the end of the run
    ],
)
def test_the_training_loss_is_that_between_the_last_two_validations(more, expected):
    config = complete(steps=12 if len(more) == 2 and more[1][2] else 20, val_every=5)
    assert RunState(history=history(*more)).train_loss(config) == pytest.approx(expected)


def test_before_the_first_validation_there_is_no_training_loss():
    config = complete(steps=20, val_every=5)
    assert RunState(history=history()[:2]).train_loss(config) is None
    assert RunState().train_loss(config) is None


def test_a_rewound_run_is_at_its_best_step():
    run = RunState(
        step=9,
        best_loss=2.5,
        best_step=5,
        stale=1,
        loss_sum=3.0,
        loss_count=1,
        diverged=10,
        history=history(),
    )
    rewound = run.rewound()
    assert rewound == RunState(step=5, best_loss=2.5, best_step=5, restart=5, history=history()[:3])
    assert run.step == 9


def test_a_table_has_nan_for_a_missing_loss():
    history = [
        {"step": 1, "loss": None, "val_loss": 1.5},
        {"step": 2, "loss": 1.25, "val_loss": None},
    ]
    table = table_of(history)
    np.testing.assert_array_equal(table, [[1, np.nan, 1.5], [2, 1.25, np.nan]])
    assert history_of(table) == history
    assert table_of([]).shape == (0, 3)
