"""Whatever becomes of the bytes of a checkpoint, it is refused or it is the same."""

import io

import numpy as np
import pytest
from making import mutated, npz, refused, small

from charrnn import archive
from charrnn.checkpoint import unpacked
from charrnn.errors import CheckpointError


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.npz"


def test_a_checkpoint_that_is_cut_short_anywhere_is_refused(path):
    whole = small(path)
    assert all(refused(whole[:size], whole) for size in range(len(whole)))


def test_a_checkpoint_of_which_a_bit_is_wrong_is_refused_or_the_same(path):
    whole = small(path)
    outcomes = [
        refused(whole[:n] + bytes([whole[n] ^ 1 << n % 8]) + whole[n + 1 :], whole)
        for n in range(len(whole))
    ]
    assert sum(outcomes) > 0.7 * len(whole)


def test_of_ten_thousand_mutations_none_is_more_than_refused(path):
    whole, rng = small(path), np.random.default_rng(0)
    assert sum(refused(mutated(whole, rng), whole) for _ in range(10_000)) > 9_000


def test_headers_that_were_worked_on_are_refused_or_can_be_used(path):
    """Mutations that the checksums do not find, since they come with checksums of their own."""
    small(path)
    rng = np.random.default_rng(0)
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files}
    header = arrays["header"].tobytes()
    outcomes = []
    for _ in range(2_000):
        arrays["header"] = np.frombuffer(mutated(header, rng), np.uint8)
        data = io.BytesIO(npz(**arrays))
        try:
            outcomes.append(len("".join(unpacked(archive.read(data)).build().sample(2, seed=0))))
        except CheckpointError:
            outcomes.append(0)
    assert 0 < sum(outcome == 2 for outcome in outcomes) < len(outcomes)
