from charrnn.inspection.learning_curves import learning_curves

HISTORY = [
    {"step": 0, "loss": None, "val_loss": 4.2},
    {"step": 50, "loss": 3.0, "val_loss": None},
    {"step": 100, "loss": 2.5, "val_loss": 2.4},
    {"step": 200, "loss": 2.0, "val_loss": None},
]


def test_the_curves_are_the_losses_over_steps():
    training, held_out = learning_curves(HISTORY).series
    assert (training.name, held_out.name) == ("training", "held out")
    assert (training.x, training.y) == ([50, 100, 200], [3.0, 2.5, 2.0])
    assert (held_out.x, held_out.y) == ([100], [2.4])


def test_further_losses_are_flat_lines_over_all_points():
    *_, beside = learning_curves(HISTORY, {"3-gram": 1.9}).series
    assert (beside.name, beside.x, beside.y) == ("3-gram", [50, 100, 200], [1.9] * 3)
