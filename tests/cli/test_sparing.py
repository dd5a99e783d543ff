"""Files that `charrnn train` would lose if its outputs had their names."""

from pathlib import Path

import pytest
from helpers.commands import QUICK


def written_over(*arguments, run):
    """Return True if a command that would overwrite a file is refused, and no file changes."""
    kept = ("text.txt", "charrnn.npz")
    before = [Path(name).read_bytes() for name in kept]
    said = run("train", *arguments, code=2).stderr.splitlines()[-1]
    assert [Path(name).read_bytes() for name in kept] == before
    return said


@pytest.mark.parametrize("more", [["--overwrite"], []])
def test_a_checkpoint_does_not_overwrite_a_text(more, run, trained):
    Path("link.txt").symlink_to("text.txt")
    said = written_over("link.txt", "-c", "text.txt", *more, run=run)
    assert said == "Error: -c text.txt: is link.txt, which would be lost: name another file"


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        (["text.txt", "--overwrite", "--log", "text.txt"], "text.txt"),
        (["text.txt", "--overwrite", "--log", "charrnn.npz"], "charrnn.npz"),
        (["--resume", "--steps", "20", "--log", "charrnn.npz"], "charrnn.npz"),
        (["--resume", "--steps", "20", "--log", "text.txt"], "text.txt"),
        (["text.txt", "-c", "b.npz", "--init-from", "charrnn.npz", "--log", "charrnn.npz"],
         "charrnn.npz"),
    ],
)  # fmt: skip
def test_a_log_is_not_appended_to_a_checkpoint_or_a_text(words, kept, run, trained):
    said = written_over(*words, run=run)
    assert said.startswith(f"Error: --log {words[-1]}: is ")
    assert said.endswith(f"{kept}, which would be lost: name another file")


def test_a_checkpoint_may_be_started_from_and_replaced(run, trained):
    before = Path("charrnn.npz").read_bytes()
    run("train", "text.txt", "--init-from", "charrnn.npz", "--overwrite", *QUICK[4:])
    assert Path("charrnn.npz").read_bytes() != before
