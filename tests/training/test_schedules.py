import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.training.schedules import SCHEDULES, learning_rate

schedules = st.sampled_from(sorted(SCHEDULES))
each_schedule = pytest.mark.parametrize("schedule", sorted(SCHEDULES))


@pytest.mark.parametrize(
    ("schedule", "progress", "share"),
    [
        ("constant", 0, 1),
        ("constant", 1, 1),
        ("linear", 0, 1),
        ("linear", 0.25, 0.75),
        ("linear", 1, 0),
        ("cosine", 0, 1),
        ("cosine", 1 / 3, 0.02 + 0.98 * 0.75),
        ("cosine", 0.5, 0.51),
        ("cosine", 1, 0.02),
        ("step", 0, 1),
        ("step", 0.499, 1),
        ("step", 0.5, 1 / 2),
        ("step", 0.599, 1 / 2),
        ("step", 0.6, 1 / 4),
        ("step", 0.95, 1 / 32),
    ],
)
def test_a_schedule_has_its_share_at_each_point(schedule, progress, share):
    assert SCHEDULES[schedule](progress) == pytest.approx(share)


@given(schedules, st.floats(0, 1), st.floats(0, 1))
def test_a_schedule_never_rises(schedule, one, other):
    earlier, later = min(one, other), max(one, other)
    assert 0 <= SCHEDULES[schedule](later) <= SCHEDULES[schedule](earlier) <= 1


@each_schedule
def test_the_warm_up_is_a_straight_line_to_the_highest_rate(schedule):
    rates = [learning_rate(schedule, 0.8, step, 100, 4) for step in range(5)]
    assert rates == pytest.approx([0.2, 0.4, 0.6, 0.8, 0.8])


@each_schedule
def test_the_warm_up_does_not_depend_on_the_length_of_the_run(schedule):
    for step in range(10):
        rates = {learning_rate(schedule, 0.1, step, total, 10) for total in (1, 10, 11, 5000)}
        assert len(rates) == 1


@each_schedule
def test_without_warm_up_a_run_starts_at_the_highest_rate(schedule):
    assert learning_rate(schedule, 0.3, 0, 50, 0) == pytest.approx(0.3)


def test_the_schedule_spans_the_steps_after_the_warm_up():
    rates = [learning_rate("linear", 1.0, step, 14, 4) for step in range(4, 14)]
    assert rates == pytest.approx([1, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1])


@given(schedules, st.integers(0, 299), st.integers(1, 300), st.integers(0, 300))
def test_every_step_of_a_run_has_a_rate_above_zero(schedule, step, total_steps, warmup_steps):
    rate = learning_rate(schedule, 0.5, min(step, total_steps - 1), total_steps, warmup_steps)
    assert 0 < rate <= 0.5


@each_schedule
def test_past_the_end_the_rate_stays_where_it_was(schedule):
    end = learning_rate(schedule, 0.5, 100, 100, 10)
    assert learning_rate(schedule, 0.5, 250, 100, 10) == end
    assert end == pytest.approx(0.5 * SCHEDULES[schedule](1))


@each_schedule
def test_a_run_may_be_shorter_than_its_warm_up(schedule):
    assert learning_rate(schedule, 1.0, 2, 3, 10) == pytest.approx(0.3)
