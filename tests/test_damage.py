"""Whatever becomes of the bytes of a checkpoint, it is refused or it is the same."""

import json

import numpy as np
import pytest
from making import mutated, refused, small, with_header

from charrnn.checkpoint import read
from charrnn.errors import CheckpointError


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.npz"


def test_a_checkpoint_that_is_cut_short_anywhere_is_refused(path):
    whole = small(path)
    assert all(refused(path, whole[:size], whole) for size in range(len(whole)))


def test_a_checkpoint_of_which_a_bit_is_wrong_is_refused_or_the_same(path):
    whole = small(path)
    outcomes = [
        refused(path, whole[:n] + bytes([whole[n] ^ 1 << n % 8]) + whole[n + 1 :], whole)
        for n in range(len(whole))
    ]
    assert sum(outcomes) > 0.7 * len(whole)


def test_of_ten_thousand_mutations_none_is_more_than_refused(path):
    whole, rng = small(path), np.random.default_rng(0)
    assert sum(refused(path, mutated(whole, rng), whole) for _ in range(10_000)) > 9_000


def test_headers_that_were_worked_on_are_refused_or_can_be_used(path):
    """Mutations that the checksums do not find, since they come with checksums of their own."""
    rng = np.random.default_rng(0)
    outcomes = []
    for _ in range(2_000):
        with_header(path, lambda said: mutated(json.dumps(said).encode(), rng))
        try:
            outcomes.append(len("".join(read(path).build().sample(2, seed=0))))
        except CheckpointError:
            outcomes.append(0)
    assert 0 < sum(outcome == 2 for outcome in outcomes) < len(outcomes)
