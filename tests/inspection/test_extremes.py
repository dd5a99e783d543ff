import numpy as np

from charrnn.inspection.extremes import highest


def test_the_highest_come_first_and_their_neighbours_do_not_count():
    values = np.zeros(200)
    values[50:60] = [1, 2, 3, 9, 8, 7, 6, 5, 4, 3]
    values[150] = 7
    assert highest(values, 2) == [53, 150]
    assert highest(-values, 1) == [0]


def test_a_text_may_be_too_short_for_as_many():
    assert highest(np.arange(50.0), 5, apart=40) == [49, 9]
