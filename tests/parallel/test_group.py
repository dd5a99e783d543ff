import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.parallel.group import Group


def member(rank, size):
    group = Group()
    group.rank, group.size = rank, size
    return group


@given(count=st.integers(0, 10_000), size=st.integers(1, 70))
def test_the_shares_of_all_members_are_the_whole_in_order(count, size):
    shares = [member(rank, size).part(count) for rank in range(size)]
    assert [thing for share in shares for thing in range(count)[share]] == list(range(count))


@given(count=st.integers(0, 10_000), size=st.integers(1, 70))
def test_shares_differ_by_one_thing_at_most(count, size):
    sizes = [len(range(count)[member(rank, size).part(count)]) for rank in range(size)]
    assert max(sizes) - min(sizes) <= 1


def test_a_group_of_one_has_it_all():
    assert Group().part(7) == slice(0, 7)


def test_a_group_of_one_adds_up_its_own_numbers():
    assert Group().all_reduce([0.1, float("inf")]) == [0.1, float("inf")]


def test_a_group_of_one_leaves_its_vector_as_it_is():
    group = Group()
    own = group.buffer(3, np.float32)
    own[...] = 1, 2, 3
    group.reduce_scatter(own)
    np.testing.assert_array_equal(own, np.array([1, 2, 3], np.float32))


def test_a_group_of_one_copies_nothing():
    array = np.arange(3)
    assert Group().text(array) is array


def test_a_group_of_one_makes_zeros_as_asked():
    for made, shape in (
        (Group().shared((2, 3), np.float32), (2, 3)),
        (Group().buffer(5, "f4"), (5,)),
    ):
        assert made.shape == shape
        assert made.dtype == np.float32
        assert not made.any()


def test_a_group_of_one_has_no_orders():
    def work(group):
        pytest.fail("there is nobody to do it")

    with Group() as group:
        group.start(work)
        group.order("step", 1)
        group.all_gather(np.empty(0))
        group.complete(np.empty(0))
        assert list(group.orders()) == []
