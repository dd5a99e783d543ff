"""`charrnn train --mpi`, started by a launcher of MPI."""

import shutil
import signal
import subprocess
from dataclasses import replace

import numpy as np
import pytest

from charrnn import checkpoint
from parallel.launching import (
    CHARRNN,
    DEADLINE,
    HERE,
    KILLED,
    LONG,
    QUICK,
    command,
    environment,
    launch,
    mishap,
    needs_mpi,
    same_bits,
    train,
)

pytestmark = needs_mpi
RANKS = (1, 3)


@pytest.fixture(scope="module", params=RANKS)
def size(request):
    return request.param


@pytest.fixture(scope="module")
def trained(size, place):
    """The messages of a training by several ranks, and its checkpoint."""
    path = f"by {size}.npz"
    said = launch(size, *CHARRNN, "train", "--mpi", "text.txt", "-c", path, *QUICK, cwd=place)
    return said.stderr, checkpoint.read(place / path)


@pytest.fixture(scope="module")
def of_two(place):
    """A function that gives a test a copy of a run of two ranks."""
    train(2, place, "text.txt", "-c", "two.npz", *QUICK)
    return lambda path: shutil.copy(place / "two.npz", place / path)


def test_ranks_train_what_one_process_trains(size, trained, place):
    together = trained[1]
    if not (place / "alone.npz").exists():
        words = ("train", "text.txt", "-c", "alone.npz", *QUICK, "--workers", 1)
        launch(1, *CHARRNN, *words, cwd=place)
    alone = checkpoint.read(place / "alone.npz")
    for name, array in alone.last.items():
        np.testing.assert_allclose(together.last[name], array, rtol=0, atol=1e-5)
    for name, array in alone.resume.items():
        np.testing.assert_allclose(together.resume[name], array, rtol=1e-4, atol=1e-5)
    assert together.run.best_loss == pytest.approx(alone.run.best_loss, rel=1e-5)
    assert together.settings == replace(alone.settings, ranks=size)


def test_only_the_first_rank_speaks(size, trained):
    lines = trained[0].splitlines()
    (shape,) = [line for line in lines if line.startswith("gru")]
    assert shape.endswith("1 worker" if size == 1 else f"; {size} ranks")
    launcher = f"    mpiexec -n {size} charrnn train -c 'by {size}.npz' --resume --steps 24 --mpi"
    alone = "    charrnn train -c 'by 1.npz' --resume --steps 24"
    assert [line for line in lines if "--resume" in line] == [alone if size == 1 else launcher]


def test_the_same_ranks_and_seed_give_the_same_bits(size, trained, place):
    train(size, place, "text.txt", "-c", f"again {size}.npz", *QUICK)
    assert same_bits(place / f"by {size}.npz", place / f"again {size}.npz")


def test_a_run_that_was_interrupted_and_resumed_has_the_same_bits(size, trained, place):
    path = f"resumed {size}.npz"
    mishap("terminate", size - 1, 4, size, place, path, code=128 + signal.SIGTERM, words=QUICK)
    assert checkpoint.read(place / path).run.step == 5
    assert "rounding" not in train(size, place, "--resume", "-c", path)
    assert same_bits(place / path, place / f"by {size}.npz")


@pytest.mark.parametrize(("member", "workers"), [(1, 1), (2, 2)])
def test_a_signal_to_a_rank_ends_the_validation_of_all(member, workers, place):
    path, whole = f"scoring {member}.npz", f"scored {workers}.npz"
    # A validation has 64 windows, and each of them waits.
    words = [*QUICK, "--val-frac", "0.1", "--workers", workers]
    if not (place / whole).exists():
        train(2, place, "text.txt", "-c", whole, *words)
    what = "terminate_while_scoring"
    mishap(what, member, 5, 2, place, path, code=128 + signal.SIGTERM, words=words)
    saved = checkpoint.read(place / path)
    assert saved.run.step == 6
    assert not any(point["val_loss"] for point in saved.run.history)
    train(2, place, "--resume", "-c", path, "--workers", workers)
    assert same_bits(place / path, place / whole)


def test_another_number_of_ranks_resumes_a_run_but_for_rounding(of_two, place):
    of_two("others.npz")
    said = train(3, place, "--resume", "-c", "others.npz", "--steps", 14)
    assert "by rounding from the earlier run: MPI ranks 3, not 2" in said
    said = launch(1, *CHARRNN, "train", "--resume", "-c", "others.npz", "--steps", 16, cwd=place)
    assert "by rounding from the earlier run: MPI ranks 1, not 3" in said.stderr
    assert checkpoint.read(place / "others.npz").settings.ranks == 1


def test_a_batch_can_grow_with_the_ranks(place):
    words = ("text.txt", "-c", "weak.npz", *QUICK[:8], "--steps", 2, "--batch-size-per-rank", 4)
    train(2, place, *words)
    assert checkpoint.read(place / "weak.npz").settings.batch_size == 8


def test_a_batch_too_small_for_the_ranks_is_refused_once(place):
    said = train(3, place, "text.txt", "-c", "small.npz", *QUICK, "--batch-size", 2, code=2)
    assert said.count("a batch of 2 is too small for 3 ranks") == 1


def test_a_usage_error_is_printed_once(place):
    said = train(3, place, "text.txt", "--steps", "many", code=2)
    assert said.count("Invalid value for '--steps'") == 1


def test_the_checkpoint_of_another_run_is_refused_once(place):
    (place / "other.npz").touch()
    said = train(2, place, "text.txt", "-c", "other.npz", *QUICK, code=1)
    assert said.count("holds another run") == 1


def test_ranks_that_do_not_know_each_other_are_refused_once(place):
    words = ("train", "text.txt", "-c", "apart.npz", *QUICK)
    said = launch(2, *CHARRNN, *words, cwd=place, code=2).stderr
    assert said.count("started 2 times") == 1
    assert not (place / "apart.npz").exists()


@pytest.mark.parametrize("rank", [0, 1])
def test_a_rank_that_fails_ends_all_and_says_where(rank, place):
    said = mishap("fail", rank, 3, 3, place, f"failed {rank}.npz", code=1)
    assert f"rank {rank} of 3:\nTraceback" in said
    assert "LookupError: not where it was" in said


@pytest.mark.parametrize("rank", [0, 1])
def test_a_rank_that_leaves_ends_all(rank, place):
    mishap("leave", rank, 3, 2, place, f"left {rank}.npz", code=3)


@pytest.mark.parametrize("rank", [0, 1])
def test_a_rank_that_is_killed_ends_all_and_the_last_save_is_resumed(rank, of_two, place):
    path = f"killed {rank}.npz"
    of_two(path)
    words = ("kill", rank, 15, "train", "--mpi", "--resume", "-c", path, "--steps", 20)
    launch(2, HERE / "mishaps.py", *words, cwd=place, code=KILLED)
    train(2, place, "--resume", "-c", path, "--steps", 20)
    assert checkpoint.read(place / path).run.step == 20


@pytest.mark.parametrize("rank", [0, 1])
def test_a_rank_whose_numbers_are_not_finite_ends_all(rank, place):
    said = mishap("forget", rank, 4, 2, place, f"lost {rank}.npz", code=1)
    assert said.count("Error: step 5: loss nan") == 1


def test_a_rank_with_other_weights_ends_all(place):
    said = mishap("alter", 1, 4, 3, place, "altered.npz", code=1)
    assert "Error: rank 1 of 3 has other weights than rank 0" in said


@pytest.mark.parametrize("rank", [0, 1])
def test_a_signal_to_a_rank_saves_the_run(rank, place):
    path = f"ended {rank}.npz"
    said = mishap("terminate", rank, 4, 2, place, path, code=128 + signal.SIGTERM)
    assert said.count("saving (Ctrl-C again") == 1
    saved = checkpoint.read(place / path)
    assert saved.run.step == 5
    assert np.isfinite(saved.resume["state"]).all()


def test_sigusr1_to_the_launcher_saves_the_run(place):
    words = ("train", "--mpi", "text.txt", "-c", "usr1.npz", *LONG)
    with subprocess.Popen(
        command(2, *CHARRNN, *words),
        cwd=place,
        env=environment(),
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            while not process.stderr.readline().startswith("step 1 of"):
                assert process.poll() is None
            process.send_signal(signal.SIGUSR1)
            _, said = process.communicate(timeout=DEADLINE)
        finally:
            process.kill()
    assert process.returncode == 128 + signal.SIGUSR1
    assert "saving" in said
    assert checkpoint.read(place / "usr1.npz").run.step < 100000
