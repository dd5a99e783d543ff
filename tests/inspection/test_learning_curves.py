from math import isnan

from charrnn.inspection.learning_curves import learning_curves

HISTORY = [
    {"step": 0, "loss": None, "val_loss": 4.2},
    {"step": 100, "loss": 2.5, "val_loss": 2.4},
    {"step": 200, "loss": 2.0, "val_loss": None},
]


def test_the_curves_are_the_losses_over_steps():
    training, held_out = learning_curves(HISTORY).series
    assert (training.name, held_out.name) == ("training", "held out")
    assert training.x == held_out.x == [100, 200]
    assert training.y == [2.5, 2.0]
    assert held_out.y[0] == 2.4


def test_a_missing_loss_is_left_out():
    assert isnan(learning_curves(HISTORY).series[1].y[1])
