import numpy as np
import pytest

from charrnn.config import MAX_FLOAT32, MAX_INTEGER, ModelConfig, TrainingConfig, options
from charrnn.errors import SettingError


def test_the_largest_float32_is_that_of_numpy():
    assert float(np.finfo(np.float32).max) == MAX_FLOAT32


@pytest.mark.parametrize("kind", [ModelConfig, TrainingConfig])
def test_every_option_takes_the_ends_of_its_range_and_nothing_outside(kind):
    for option in options(kind):
        if option.kind is str:
            kind(**{option.name: option.choices[-1]})
            outside = ["magic", "", 1, None]
        elif option.kind is bool:
            kind(**{option.name: True})
            outside = [0, 1, "yes", None]
        else:
            for value in (option.low, option.high):
                assert getattr(kind(**{option.name: value}), option.name) == value
            outside = [option.low - 1, option.high * 2 + 1, float("nan"), "1", True, [1]]
            outside += [0.5] if option.kind is int else []
        for value in outside:
            with pytest.raises(SettingError, match=option.argument):
                kind(**{option.name: value})


def test_numbers_have_the_type_of_the_option():
    config = TrainingConfig(steps=np.int64(3), momentum=0, learning_rate=np.float32(0.5))
    assert type(config.steps) is int
    assert type(config.momentum) is type(config.learning_rate) is float


def test_only_options_that_are_none_are_filled():
    config = TrainingConfig(steps=5).filled(steps=9, val_every=3)
    assert (config.steps, config.val_every) == (5, 3)


def test_a_configuration_with_options_to_choose_is_not_complete():
    config = TrainingConfig(steps=5, learning_rate=0.1, warmup_steps=1, val_every=1)
    with pytest.raises(SettingError, match="no workers given"):
        config.check_complete()
    config.filled(workers=1).check_complete()


@pytest.mark.parametrize(
    ("workers", "ranks", "message"),
    [
        (5, 1, "workers is from 1 to batch_size, 4, not 5"),
        (1, 5, "a batch of 4 is too small for 5 ranks: each"),
        (2, 3, "a batch of 4 is too small for 3 ranks of 2 workers"),
    ],
)
def test_each_worker_needs_a_stream(workers, ranks, message):
    config = TrainingConfig(5, batch_size=4, workers=workers, ranks=ranks)
    with pytest.raises(SettingError, match=message):
        config.filled(learning_rate=0.1, warmup_steps=1, val_every=1).check_complete()


def test_counts_end_where_floats_are_no_longer_exact():
    assert float(MAX_INTEGER) == MAX_INTEGER
    assert float(MAX_INTEGER + 1) == MAX_INTEGER
