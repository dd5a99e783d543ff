"""Every collective, with ranks of MPI, with workers, and with ranks that have workers."""

import json

import numpy as np
import pytest

from parallel.launching import HERE, launch, needs_mpi

pytestmark = needs_mpi
#: The length of the vectors of collectives.py.
SIZE = 7
#: Ranks, and processes of each.
SHAPES = ((1, 1), (2, 1), (3, 1), (1, 3), (2, 2), (2, 3), (3, 2))


@pytest.fixture(scope="module", params=SHAPES, ids=lambda shape: "{} of {}".format(*shape))
def shape(request):
    return request.param


@pytest.fixture(scope="module")
def size(shape):
    """The number of members."""
    ranks, workers = shape
    return ranks * workers


@pytest.fixture(scope="module")
def found(shape, place):
    """The results of all members by operation."""
    ranks, workers = shape
    return json.loads(launch(ranks, HERE / "collectives.py", workers, cwd=place).stdout)


def share(size, rank):
    """The positions of a vector that belong to a member."""
    return range(rank * SIZE // size, (rank + 1) * SIZE // size)


def test_all_members_begin_with_the_leaders_arrays(size, found):
    assert found["begin"] == [list(range(SIZE))] * size


def test_a_sum_has_the_same_bits_with_every_member(size, found):
    assert found["all_reduce"] == [found["all_reduce"][0]] * size
    assert found["all_reduce"][0][0] == pytest.approx([0.1, 0.3, 0.6, 1.0, 1.4, 1.8][size - 1])
    assert not np.isfinite(found["infinite"]).any()


def test_each_member_gets_its_part_of_a_sum(size, found):
    total = sum(10.0**rank for rank in range(size))
    for rank, row in enumerate(found["reduce_scatter"]):
        assert {row[place] for place in share(size, rank)} == {total}


def test_all_members_see_the_gathered_parts(size, found):
    whole = [rank for rank in range(size) for _ in share(size, rank)]
    assert found["all_gather"] == [whole] * size
    assert found["complete"] == [whole] * size


def test_all_members_see_a_broadcast(size, found):
    assert found["broadcast"] == [[5.0] * SIZE] * size


def test_the_leader_sees_gathered_parts_of_the_last_axis(size, found):
    whole = [rank for rank in range(size) for _ in share(size, rank)]
    assert found["gather"][0] == [whole, [rank + 10 for rank in whole]]


def test_each_member_reads_a_text_at_its_positions(size, found):
    assert [length for length, _ in found["wrap"]] == [50] * size
    both = [[], [[107, 108, 109]], [], [[108, 109, 110]]]
    wrapped = [[[100, 101, 102], [110, 111, 112]], [[149, 100, 101]], *both]
    clipped = [[[100, 100, 100]], [], [[148, 149, 149]], *both[1:]]
    assert [read for _, read in found["wrap"]] == wrapped[:size]
    assert [read for _, read in found["clip"]] == clipped[:size]
