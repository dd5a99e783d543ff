import pytest
from click.testing import CliRunner
from helpers.commands import LIGHTHOUSE, QUICK

from charrnn.cli import group


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    """The working directory of a test, with a text in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CHARRNN_CHECKPOINT", raising=False)
    (tmp_path / "text.txt").write_bytes(LIGHTHOUSE.read_bytes())
    return tmp_path


@pytest.fixture
def run():
    """A function that runs a command within this process; a bug keeps its traceback."""

    def invoke(*arguments, code=0, **more):
        result = CliRunner().invoke(group, [str(a) for a in arguments], **more)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == code, result.output
        return result

    return invoke


@pytest.fixture
def trained(run):
    """A checkpoint in the working directory."""
    run("train", "text.txt", *QUICK)
