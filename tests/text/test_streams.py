from math import ceil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.text.streams import Streams


@st.composite
def any_streams(draw):
    """Streams of a text whose characters are all different, so that each position is known."""
    length = draw(st.integers(1, 60))
    batch_size = draw(st.integers(1, length))
    return Streams(np.arange(length, dtype=np.uint8), batch_size, draw(st.integers(1, 70)))


def read(streams, count):
    """The inputs and the targets of each stream in the first windows, each (B, count · T)."""
    windows = [streams.window(number) for number in range(count)]
    return tuple(np.concatenate(part).T for part in zip(*windows))


def test_targets_are_the_inputs_shifted_by_one():
    window = Streams(np.arange(100), 4, 7).window(0)
    np.testing.assert_array_equal(window.targets[:-1], window.inputs[1:])
    np.testing.assert_array_equal(window.targets[-1], window.inputs[-1] + 1)


@given(any_streams(), st.integers(0, 10**12))
def test_each_target_is_the_character_after_its_input(streams, number):
    window = streams.window(number)
    np.testing.assert_array_equal(window.targets, (window.inputs + 1) % len(streams.indices))


def test_a_stream_continues_at_its_last_position():
    streams = Streams(np.arange(1000), 3, 5)
    first, second = streams.window(0), streams.window(1)
    assert first.inputs[:, 1].tolist() == [333, 334, 335, 336, 337]
    np.testing.assert_array_equal(second.inputs[0], first.targets[-1])


@given(any_streams(), st.integers(1, 6))
def test_streams_keep_every_character_in_order(streams, count):
    inputs, targets = read(streams, count)
    circle = np.tile(streams.indices, 2 + inputs.shape[1])
    for start, was_input, was_target in zip(inputs[:, 0], inputs, targets):
        np.testing.assert_array_equal(was_input, circle[start:][: len(was_input)])
        np.testing.assert_array_equal(was_target, circle[start + 1 :][: len(was_input)])


@given(any_streams())
def test_streams_start_evenly_spaced(streams):
    starts, length = streams.window(0).inputs[0], len(streams.indices)
    gaps = np.diff([*starts, length])
    assert starts[0] == 0
    assert gaps.sum() == length
    assert np.ptp(gaps) <= 1


@given(any_streams())
def test_all_streams_together_read_each_character_of_an_epoch(streams):
    inputs, _ = read(streams, ceil(streams.windows_per_epoch))
    assert set(inputs.flat) == set(streams.indices)


def test_an_epoch_of_full_windows_reads_each_character_once():
    streams = Streams(np.arange(4 * 6 * 5), 4, 6)
    assert streams.windows_per_epoch == 5
    inputs, _ = read(streams, 5)
    np.testing.assert_array_equal(np.sort(inputs, axis=None), np.arange(120))


def test_an_epoch_need_not_end_with_a_window():
    assert Streams(np.arange(100), 3, 8).windows_per_epoch == pytest.approx(100 / 24)


def test_at_the_end_of_the_text_a_stream_continues_at_the_beginning():
    streams = Streams(np.array([7, 8, 9]), 1, 2)
    inputs, targets = read(streams, 3)
    assert inputs.tolist() == [[7, 8, 9, 7, 8, 9]]
    assert targets.tolist() == [[8, 9, 7, 8, 9, 7]]


def test_a_window_may_be_longer_than_the_text():
    window = Streams(np.array([7, 8, 9]), 1, 8).window(0)
    assert window.inputs[:, 0].tolist() == [7, 8, 9, 7, 8, 9, 7, 8]


@given(any_streams(), st.integers(1, 1000))
def test_a_stream_begins_after_it_reached_the_beginning_of_the_text(streams, number):
    came = (streams.window(number - 1).targets == 0).any(axis=0)
    np.testing.assert_array_equal(streams.begins(number), came)


def test_the_first_stream_begins_in_the_first_window():
    streams = Streams(np.arange(100), 4, 5)
    assert streams.begins(0).tolist() == [True, False, False, False]
    assert not streams.begins(1).any()
    assert streams.begins(5).tolist() == [False, False, False, True]


@given(any_streams(), st.integers(0, 1000))
def test_the_positions_of_streams_follow_from_the_number_of_the_window_alone(streams, number):
    later = streams.window(number + 10**9 * len(streams.indices))
    np.testing.assert_array_equal(later, streams.window(number))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int64])
def test_windows_have_a_row_for_each_step_and_index_without_conversion(dtype):
    text = np.arange(90, dtype=dtype)
    window = Streams(text, 5, 8).window(2)
    assert window.inputs.shape == window.targets.shape == (8, 5)
    assert window.inputs.dtype == window.targets.dtype == np.intp
    np.testing.assert_array_equal(text, np.arange(90))


def test_the_number_of_a_window_has_no_limit():
    """The product of two numbers of a checkpoint may need more than 64 bits."""
    streams = Streams(np.arange(7), 2, 4)
    number = 7 * 2**60 + 2
    np.testing.assert_array_equal(streams.begins(number), streams.begins(2))
    np.testing.assert_array_equal(streams.window(number), streams.window(2))


def test_each_stream_starts_anew_after_about_two_thousand_characters():
    streams = Streams(np.arange(1_000_000), 32, 32)
    resets = np.array([streams.resets(number) for number in range(1, 129)])
    assert streams.reset_windows == 64
    np.testing.assert_array_equal(resets.sum(axis=0), [2] * 32)
    assert resets.sum(axis=1).max() == 1
    first, second = (np.flatnonzero(column) for column in resets[:, [0, 31]].T)
    assert np.diff(first) == np.diff(second) == 64
    assert not streams.resets(0)[1:].any()


@given(any_streams(), st.integers(0, 10**12))
def test_the_resets_of_a_worker_are_those_of_its_streams(streams, number):
    B, T = streams.batch_size, len(streams.steps) - 1
    part = Streams(streams.indices, B, T, slice(B // 2, B))
    every = Streams(streams.indices, B, T)
    np.testing.assert_array_equal(part.resets(number), every.resets(number)[B // 2 :])
    assert (every.begins(number) <= every.resets(number)).all()


def test_long_windows_have_no_fewer_than_sixteen_between_resets():
    assert Streams(np.arange(100_000), 2, 2_000).reset_windows == 16
