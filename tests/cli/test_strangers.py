"""A stranger's checkpoint: whatever its header says, a command works, or says why in one line."""

import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import QUICK, command

from charrnn.header import SECTIONS


@pytest.fixture
def stranger(trained):
    """Makes a checkpoint of which the header and the arrays are others."""

    def make(change=lambda said: None, path="evil.npz", **arrays):
        with np.load("charrnn.npz") as file:
            found = {name: file[name] for name in file.files} | arrays
        said = json.loads(found["header"].tobytes())
        change(said)
        found["header"] = np.frombuffer(json.dumps(said).encode(), np.uint8)
        np.savez(path, **found)
        return path

    return make


COMMANDS = {
    "sample": ["sample", "--length", "5"],
    "inspect": ["inspect"],
    "ngram": ["inspect", "--ngram"],
    "html": ["inspect", "--html", "page.html", "--length", "50"],
    "resume": ["train", "--resume", "--steps", "14"],
}


def carried_out(words, path):
    """The exit code of a command, its output, and its errors; a hanging one is killed."""
    with command(words[0], "-c", path, *words[1:]) as process:
        out, said = process.communicate(timeout=100)
    return process.returncode, out.decode(), said.decode()


def setting(section, name, value):
    return lambda said: said[section].update({name: value})


#: What made a command fail with a traceback, wait, or write what is no JSON.
FIELDS = {
    "a NUL in a file": setting("corpus", "files", ["a\0b"]),
    "a NUL in a name": setting("corpus", "name", "a\0b"),
    "a share beyond 1": setting("corpus", "val_frac", 1.7e308),
    "a share below 1": setting("corpus", "val_frac", 1),
    "an infinite loss": setting("run", "best_loss", 1.7e308),
    "a long window": lambda said: (
        said["settings"].update(seq_length=4096, steps=2**53),
        said["run"].update(step=2**52),
    ),
    "many streams": setting("settings", "batch_size", 2**20),
}


@pytest.mark.parametrize("words", COMMANDS.values(), ids=COMMANDS)
@pytest.mark.parametrize("change", FIELDS.values(), ids=FIELDS)
def test_a_header_of_a_stranger_is_one_line_or_none(change, words, stranger):
    code, out, said = carried_out(words, stranger(change))
    assert "Traceback" not in said
    assert "Warning" not in said
    assert code in (0, 1), said
    if code:
        assert out == ""
        assert len(said.splitlines()) == 1
        assert said.startswith("Error: evil.npz: ")


def test_every_section_is_read_by_these_commands(stranger):
    for section in SECTIONS:
        code, _, said = carried_out(["inspect"], stranger(lambda said: said.update({section: 7})))  # noqa: B023
        assert (code, said) == (1, f"Error: evil.npz: damaged: its header has no {section}\n")


@pytest.mark.skipif(sys.platform == "win32", reason="pipes of POSIX")
@pytest.mark.parametrize("name", ["pipe", "folder", "/dev/zero", "/dev/tty", "link"])
@pytest.mark.parametrize("words", [COMMANDS["ngram"], COMMANDS["html"], COMMANDS["resume"]])
def test_a_file_that_a_checkpoint_names_is_opened_only_where_it_is_one(words, name, stranger):
    os.mkfifo("pipe")
    Path("folder").mkdir()
    Path("link").symlink_to("pipe")
    path = stranger(setting("corpus", "files", [str(Path(name).absolute())]))
    code, _, said = carried_out(words, path)
    assert f"{Path(name).absolute()}: the text of the checkpoint, and no regular file" in said
    assert code == (0 if "--html" in words else 1)


def test_a_file_starts_no_more_processes_than_there_are_cores(stranger):
    path = stranger(lambda said: said["settings"].update(workers=4096, batch_size=4096))
    code, _, said = carried_out(COMMANDS["resume"], path)
    assert code == 1
    assert "damaged: 4,096 streams of 8 characters" in said
