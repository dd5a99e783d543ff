import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from multiprocessing.context import SpawnProcess

import numpy as np
import pytest

from charrnn.errors import TrainingError
from charrnn.parallel import signals, workers
from charrnn.parallel.group import Group
from charrnn.parallel.workers import LeadingWorker, group_of

#: Seconds after which a test counts as hanging, also on a busy machine.
DEADLINE = 60
#: The length of the vectors to sum, which is no multiple of any number of members.
SIZE = 7
posix = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")


class Desk:
    """The arrays of a member, and operations as methods.

    An order is the name of a method; each member writes its result into its row of the board.
    """

    def __init__(self, group, *arrays):
        self.group = group
        self.board = group.shared((group.size, SIZE), np.float64)
        self.own = group.buffer(SIZE, np.float32)
        self.texts = [group.text(array) for array in arrays]
        self.row = self.board[group.rank]

    def everyone(self, name, *arguments):
        """Call a method in all members; returns the board."""
        self.group.order(name, *arguments)
        getattr(self, name)(*arguments)
        return self.board.tolist()

    def write_rank(self):
        self.row[...] = self.group.rank
        self.group.all_gather(self.board)

    def write_sum_of_board(self):
        self.row[...] = self.group.rank + 1
        self.group.complete(self.board)
        seen = self.board.sum()
        self.group.all_reduce([])  # until all have seen the board
        self.row[...] = seen
        self.group.all_gather(self.board)

    def copy_first_row(self):
        self.row[...] = self.board[0]
        self.group.all_gather(self.board)

    def total(self, numbers):
        sums = self.group.all_reduce(numbers[self.group.rank])
        self.row[: len(sums)] = sums
        self.group.all_gather(self.board)

    def reduce_scatter(self, vectors):
        self.own[...] = vectors[self.group.rank]
        self.group.reduce_scatter(self.own)
        self.row[...] = self.own
        self.group.all_gather(self.board)

    def read_texts(self):
        for column, array in enumerate(self.texts):
            self.row[column] = checksum(array)
        self.group.all_gather(self.board)

    def stumble(self):
        if self.group.rank:
            raise LookupError("not where it was")

    def sleep(self):
        if self.group.rank:
            time.sleep(2 * DEADLINE)


def checksum(array):
    """A number that depends on every element and its position."""
    return float(array.ravel() @ np.arange(1, array.size + 1)) + array.ndim


def work(group, constants):
    """Execute the orders in a member that does not lead."""
    desk = Desk(group, *[None] * constants)
    for name, arguments in group.orders():
        getattr(desk, name)(*arguments)


def begin(group, *arrays):
    """Start the other members; returns the leader's desk."""
    desk = Desk(group, *arrays)
    group.start(work, len(arrays))
    return desk


@pytest.fixture(autouse=True)
def _deadline():
    """Make a test fail that hangs."""

    def ring(number, frame):
        pytest.fail(f"still waiting after {DEADLINE} s")

    if os.name == "posix":
        before = signal.signal(signal.SIGALRM, ring)
        signal.alarm(DEADLINE)
    yield
    if os.name == "posix":
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.fixture(scope="module", params=[2, 3])
def desk(request, tmp_path_factory):
    """The desk of a group without faults, with texts in all kinds of memory."""
    in_memory = np.arange(20, dtype=np.int16).reshape(4, 5)
    path = tmp_path_factory.mktemp("constants") / "numbers"
    np.arange(100, dtype=np.uint16).tofile(path)
    in_file = np.memmap(path, np.uint16, "r", offset=8)
    with LeadingWorker(request.param) as group:
        yield begin(
            group,
            in_memory,
            in_memory[:, 1:4],
            in_file,
            in_file[5:][10:60],
            in_file[::3],
            in_file[:0],
        )


def test_all_members_see_what_each_wrote(desk):
    size = desk.group.size
    assert desk.everyone("write_rank") == [[rank] * SIZE for rank in range(size)]


def test_workers_see_what_the_leader_wrote_before_its_order(desk):
    for text in (range(SIZE), range(3, 3 + SIZE)):
        desk.board[0] = text
        assert desk.everyone("copy_first_row") == [list(text)] * desk.group.size


def test_all_members_see_a_completed_vector_at_once(desk):
    size = desk.group.size
    total = SIZE * size * (size + 1) / 2
    assert desk.everyone("write_sum_of_board") == [[total] * SIZE] * size


def test_a_sum_has_the_same_bits_with_every_member(desk):
    numbers = [[0.1, 1e16], [0.2, 1.0], [0.3, -1e16]][: desk.group.size]  # the order matters
    rows = desk.everyone("total", numbers)
    assert [row[:2] for row in rows] == [rows[0][:2]] * desk.group.size
    assert rows[0][0] == pytest.approx(sum(number for number, _ in numbers))


@pytest.mark.parametrize("poison", [np.nan, np.inf])
def test_a_sum_with_a_number_that_is_not_finite_is_not_finite(poison, desk):
    numbers = [[1.0], [poison], [1.0]][: desk.group.size]
    assert not np.isfinite([row[0] for row in desk.everyone("total", numbers)]).any()


def test_each_member_gets_its_part_of_a_sum(desk):
    size = desk.group.size
    vectors = np.arange(1, SIZE + 1) * 10.0 ** np.arange(size)[:, None]
    expected = vectors.copy()
    for rank in range(size):
        part = slice(rank * SIZE // size, (rank + 1) * SIZE // size)
        expected[rank, part] = vectors.sum(axis=0)[part]
    np.testing.assert_array_equal(desk.everyone("reduce_scatter", vectors), expected)


def test_all_members_have_the_leaders_constants(desk):
    plain, file = np.arange(20).reshape(4, 5), np.arange(4, 100)
    expected = [plain, plain[:, 1:4], file, file[15:65], file[::3], file[:0]]
    for row in desk.everyone("read_texts"):
        assert row[: len(expected)] == [checksum(array) for array in expected]


def test_a_worker_that_fails_says_where():
    with LeadingWorker(3) as group:
        desk = begin(group)
        group.order("stumble")
        with pytest.raises(RuntimeError, match="worker 2 of 3 failed") as caught:
            group.all_reduce([1.0])
    for words in ("Traceback", "in stumble", "LookupError: not where it was"):
        assert words in str(caught.value)
    assert not desk.group._processes


def meet_in_sum(group):
    group.order("sleep")
    kill_soon(group)
    group.all_reduce([1.0])


def meet_in_gather(group):
    group.order("sleep")
    kill_soon(group)
    group.all_gather(np.empty(0))


def meet_after_an_order(group):
    kill(group._processes[-1])
    group._processes[-1].join()
    group.order("write_rank")
    group.all_gather(np.empty(0))


def kill(process):
    os.kill(process.pid, signal.SIGKILL)


def kill_soon(group):
    threading.Timer(0.3, kill, [group._processes[-1]]).start()


@posix
@pytest.mark.parametrize("meet", [meet_in_sum, meet_in_gather, meet_after_an_order])
def test_a_killed_worker_is_noticed_at_once(meet):
    with LeadingWorker(2) as group:
        begin(group).everyone("write_rank")
        begun = time.monotonic()
        with pytest.raises(
            TrainingError, match=r"worker 2 of 2 is gone \(.*signal 9.*\).*--resume"
        ):
            meet(group)
        assert time.monotonic() - begun < 20


@posix
def test_the_other_workers_end_when_one_is_gone():
    with LeadingWorker(3) as group:
        begin(group).everyone("write_rank")
        first, second = group._processes
        kill(first)
        with pytest.raises(TrainingError, match="worker 2 of 3"):
            group.all_reduce([1.0])
        for pipe in group._pipes:
            pipe.close()
        second.join(DEADLINE)
        assert second.exitcode == 0


@posix
def test_workers_that_do_not_answer_are_killed_in_the_end(monkeypatch):
    monkeypatch.setattr(workers, "GRACE", 0.2)
    group = LeadingWorker(3)
    begin(group).everyone("write_rank")
    numbers = [process.pid for process in group._processes]
    for number in numbers:
        os.kill(number, signal.SIGSTOP)
    group.close()
    for number in numbers:
        with pytest.raises(ProcessLookupError):
            os.kill(number, 0)


@posix
def test_workers_ignore_signals_from_their_start():
    with LeadingWorker(3) as group:
        desk = begin(group)
        for _ in ("as they begin", "at work"):
            for process, number in zip(group._processes, (signal.SIGINT, signal.SIGTERM)):
                os.kill(process.pid, number)
            assert desk.everyone("write_rank") == [[rank] * SIZE for rank in range(3)]


@posix
def test_the_leader_has_its_signals_again_after_the_start():
    with LeadingWorker(2) as group:
        begin(group)
        for number in signals.IGNORED:
            assert signal.getsignal(number) is not signal.SIG_IGN


def test_closing_twice_is_harmless_and_leaves_no_process():
    group = LeadingWorker(2)
    begin(group)
    (process,) = group._processes
    assert process.is_alive()
    group.close()
    group.close()
    assert process not in multiprocessing.active_children()


def test_a_group_that_was_never_started_can_be_closed():
    LeadingWorker(3).close()


SCRIPT = """
import time
from pathlib import Path
from charrnn.parallel.workers import LeadingWorker

def names():
    return {path.name for path in Path("/dev/shm").glob("pym-*")}

def work(group):
    common = group.shared((1000, 1000), "f8")
    for _ in group.orders():
        pass

if __name__ == "__main__":
    before = names()
    group = LeadingWorker(3)
    common = group.shared((1000, 1000), "f8")
    group.start(work)
    common[...] = 1
    print(names() - before or "no names", flush=True)
    %s
"""


@contextmanager
def program(tmp_path, end):
    """Start a program with a group; its first line lists the names of the memory in common."""
    path = tmp_path / "program.py"
    path.write_text(SCRIPT % end)
    words = [sys.executable, "-W", "error", path]
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("end", ["group.close()", "pass  # and forget to close"])
def test_a_program_with_a_group_ends_and_leaves_nothing(end, tmp_path):
    with program(tmp_path, end) as process:
        out, said = process.communicate(timeout=DEADLINE / 2)
    assert (process.returncode, out, said) == (0, "no names\n", "")


@posix
def test_no_process_is_left_when_the_leader_is_killed(tmp_path):
    with program(tmp_path, "time.sleep(100)") as process:
        assert process.stdout.readline() == "no names\n"
        process.kill()
        # Every process that was started has an end of these pipes, so this waits for all.
        _, said = process.communicate(timeout=DEADLINE / 2)
    assert said == ""


def test_a_worker_that_cannot_be_started_is_an_error_with_a_remedy(monkeypatch):
    def start(process):
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(SpawnProcess, "start", start)
    with (
        LeadingWorker(2) as group,
        pytest.raises(TrainingError, match=r"worker 2 .*\(Resource .*: train with fewer --workers"),
    ):
        group.start(work, 0)


def test_a_group_is_as_large_as_asked():
    assert type(group_of(1)) is Group
    assert group_of(3).size == 3


@pytest.mark.parametrize(
    ("cores", "batch_size", "expected"),
    [(4, 32, 4), (4, 31, 3), (4, 1, 1), (1, 64, 1), (64, 64, 8)],
)
def test_there_are_no_more_workers_than_cores_or_than_the_batch_can_use(
    cores, batch_size, expected, monkeypatch
):
    monkeypatch.setattr(workers, "cores", lambda: cores)
    assert workers.default_workers(batch_size) == expected
