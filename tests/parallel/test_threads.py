import subprocess
import sys

import pytest

from charrnn.parallel.threads import NAMES, one_thread, one_thread_within


def test_the_environment_asks_for_one_thread():
    environment = {"HOME": "/home"}
    one_thread(environment)
    assert environment == {"HOME": "/home", **dict.fromkeys(NAMES, "1")}


@pytest.mark.parametrize("name", NAMES)
def test_a_given_number_of_threads_is_kept(name):
    environment = {name: "4"}
    one_thread(environment)
    assert environment == {**dict.fromkeys(NAMES, "1"), name: "4"}


@pytest.mark.parametrize("before", [{}, {NAMES[0]: "4"}, dict.fromkeys(NAMES, "8"), {"A": "b"}])
def test_the_environment_is_as_it_was_afterwards(before):
    environment = dict(before)
    with one_thread_within(environment):
        assert environment == {**dict.fromkeys(NAMES, "1"), **before}
    assert environment == before


def test_the_environment_is_as_it_was_after_an_error():
    environment = {NAMES[1]: "2"}
    with pytest.raises(OSError, match="no more processes"), one_thread_within(environment):
        raise OSError("no more processes")
    assert environment == {NAMES[1]: "2"}


def test_one_thread_can_be_set_before_numpy_is_imported():
    code = "import sys, charrnn.parallel.threads; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0
