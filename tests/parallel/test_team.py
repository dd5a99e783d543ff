import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.parallel.team import Team


def member(rank, size):
    team = Team()
    team.rank, team.size = rank, size
    return team


@given(count=st.integers(0, 10_000), size=st.integers(1, 70))
def test_the_shares_of_all_members_are_the_whole_in_order(count, size):
    shares = [member(rank, size).part(count) for rank in range(size)]
    assert [thing for share in shares for thing in range(count)[share]] == list(range(count))


@given(count=st.integers(0, 10_000), size=st.integers(1, 70))
def test_shares_differ_by_one_thing_at_most(count, size):
    sizes = [len(range(count)[member(rank, size).part(count)]) for rank in range(size)]
    assert max(sizes) - min(sizes) <= 1


def test_a_team_of_one_has_it_all():
    assert Team().part(7) == slice(0, 7)


def test_a_team_of_one_adds_up_its_own_numbers():
    assert Team().sum([0.1, float("inf")]) == [0.1, float("inf")]


def test_a_team_of_one_leaves_its_vector_as_it_is():
    team = Team()
    own = team.own(3, np.float32)
    own[...] = 1, 2, 3
    team.reduce(own)
    np.testing.assert_array_equal(own, np.array([1, 2, 3], np.float32))


def test_a_team_of_one_copies_nothing():
    array = np.arange(3)
    assert Team().constant(array) is array


def test_a_team_of_one_makes_zeros_as_asked():
    for made, shape in ((Team().common((2, 3), np.float32), (2, 3)), (Team().own(5, "f4"), (5,))):
        assert made.shape == shape
        assert made.dtype == np.float32
        assert not made.any()


def test_a_team_of_one_gives_orders_to_nobody():
    def work(team):
        pytest.fail("there is nobody to do it")

    with Team() as team:
        team.start(work)
        team.order("step", 1)
        team.gather(np.empty(0))
        assert list(team.orders()) == []
