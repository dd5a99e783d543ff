import pytest

from parallel.launching import LIGHTHOUSE


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A directory with a text in it."""
    folder = tmp_path_factory.mktemp("ranks")
    (folder / "text.txt").write_bytes(LIGHTHOUSE.read_bytes())
    return folder
