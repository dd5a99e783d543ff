"""`charrnn train --mpi --workers N`: ranks that each have several processes."""

import shutil
import signal
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers.commands import invoke

from charrnn import checkpoint
from parallel.launching import (
    CHARRNN,
    KILLED,
    LONG,
    QUICK,
    launch,
    mishap,
    needs_mpi,
    same_bits,
    train,
)

pytestmark = needs_mpi
#: Two ranks with two workers each: four members.
WORKERS = ("--workers", "2")
HEAVY = (*LONG, *WORKERS)


@pytest.fixture(scope="module")
def trained(place):
    """The messages of a training, and its checkpoint."""
    said = train(2, place, "text.txt", "-c", "both.npz", *QUICK, *WORKERS)
    return said, checkpoint.read(place / "both.npz")


def living(place):
    """The processes whose working directory is this one."""
    return [link for link in Path("/proc").glob("[0-9]*/cwd") if works_in(link, place)]


def works_in(link, place):
    try:
        return link.readlink() == place
    except OSError:  # the process has ended, or belongs to another user
        return False


def leaves_nobody(place):
    """Return True if all processes end soon, also the workers of a rank that was killed."""
    for _ in range(100):
        if not living(place):
            return True
        time.sleep(0.1)
    return False


def test_ranks_of_workers_train_what_one_process_trains(trained, place):
    together = trained[1]
    words = ("train", "text.txt", "-c", "alone.npz", *QUICK, "--workers", 1)
    launch(1, *CHARRNN, *words, cwd=place)
    alone = checkpoint.read(place / "alone.npz")
    for name, array in [*alone.last.items(), *alone.resume.items()]:
        found = together.last[name] if name in together.last else together.resume[name]
        np.testing.assert_allclose(found, array, rtol=1e-4, atol=1e-5)
    assert together.run.best_loss == pytest.approx(alone.run.best_loss, rel=1e-5)
    assert together.settings == replace(alone.settings, ranks=2, workers=2)


def test_messages_name_ranks_and_workers(trained):
    said = trained[0]
    assert "; 2 ranks of 2 workers\n" in said
    assert "mpiexec -n 2 charrnn train -c both.npz --resume --steps 24 --mpi --workers 2" in said


def test_equal_ranks_and_workers_give_the_same_bits(trained, place):
    train(2, place, "text.txt", "-c", "again.npz", *QUICK, *WORKERS)
    assert same_bits(place / "both.npz", place / "again.npz")


def test_a_run_that_was_interrupted_and_resumed_has_the_same_bits(trained, place):
    words, code = (*QUICK, *WORKERS), 128 + signal.SIGTERM
    mishap("terminate", 2, 4, 2, place, "resumed.npz", code=code, words=words)
    assert checkpoint.read(place / "resumed.npz").run.step == 5
    assert "rounding" not in train(2, place, "--resume", "-c", "resumed.npz")
    assert same_bits(place / "resumed.npz", place / "both.npz")
    assert leaves_nobody(place)


def test_ranks_keep_the_workers_of_ranks_and_not_those_of_a_single_process(trained, place):
    shutil.copy(place / "both.npz", place / "resumed.npz")
    assert "rounding" not in train(2, place, "--resume", "-c", "resumed.npz", "--steps", 14)
    said = train(4, place, "--resume", "-c", "resumed.npz", "--steps", 15, "--workers", 1)
    assert "by rounding from the earlier run: --workers 1, not 2" in said
    assert "by rounding from the earlier run: MPI ranks 4, not 2" in said
    invoke("train", place / "text.txt", "-c", place / "one.npz", *QUICK, "--workers", 2)
    shutil.copy(place / "one.npz", place / "resumed.npz")
    said = train(2, place, "--resume", "-c", "resumed.npz", "--steps", 14)
    assert "by rounding from the earlier run: --workers 1, not 2" in said


@pytest.mark.parametrize("member", [1, 3])
def test_a_worker_that_is_killed_ends_all(member, place):
    said = mishap("kill", member, 3, 2, place, f"killed {member}.npz", code=1, words=HEAVY)
    assert f"worker 2 of 2 on rank {member // 2} is gone (killed by signal 9" in said
    assert leaves_nobody(place)


def test_a_rank_that_is_killed_ends_all(place):
    mishap("kill", 2, 3, 2, place, "killed 2.npz", code=KILLED, words=HEAVY)
    assert leaves_nobody(place)


def test_a_worker_that_fails_ends_all_and_says_where(place):
    said = mishap("fail", 3, 3, 2, place, "failed.npz", code=1, words=HEAVY)
    assert "LookupError: not where it was" in said
    assert "worker 2 of 2 on rank 1 failed" in said


def test_a_worker_whose_numbers_are_not_finite_ends_all(place):
    said = mishap("forget", 3, 4, 2, place, "lost.npz", code=1, words=HEAVY)
    assert said.count("Error: step 5: loss nan") == 1


def test_a_batch_too_small_is_refused_once(place):
    words = ("text.txt", "-c", "small.npz", *QUICK, "--batch-size", 3, *WORKERS)
    said = train(2, place, *words, code=2)
    assert said.count("a batch of 3 is too small for 2 ranks of 2 workers") == 1


def test_a_rank_with_other_weights_ends_all(place):
    said = mishap("alter", 2, 4, 2, place, "altered.npz", code=1, words=HEAVY)
    assert "Error: rank 1 of 2 has other weights than rank 0" in said
