"""A stranger's checkpoint: for any header a command works, or says why not in one line."""

import json
import math
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from helpers.commands import QUICK, command

from charrnn.checkpoint.schema import SCHEMA
from charrnn.cli import group
from charrnn.inspection.analyses import ANALYSES
from charrnn.render.escape import MAX_NAME, one_line


@pytest.fixture
def stranger(trained):
    """Makes a checkpoint with another header and other arrays."""

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
    """The exit code of a command, its output, and its errors; a bug and a warning are raised."""
    result = CliRunner().invoke(group, [words[0], "-c", path, *words[1:]])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


def setting(section, name, value):
    return lambda said: said[section].update({name: value})


#: Changes that once made a command fail with a traceback, wait, or write invalid JSON.
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


@pytest.mark.parametrize(
    ("change", "words"),
    # A page takes seconds.
    [(FIELDS[name], COMMANDS[key]) for name in FIELDS for key in COMMANDS if key != "html"]
    + [(FIELDS["many streams"], COMMANDS["html"])],
)
def test_a_header_of_a_stranger_is_one_line_or_none(change, words, stranger):
    code, out, said = carried_out(words, stranger(change))
    assert code in (0, 1, 2), said
    if code:
        assert out == ""
        assert len(said.splitlines()) == 1
        assert said.startswith("Error: evil.npz: ")


def test_every_section_is_read_by_these_commands(stranger):
    for section in SCHEMA:
        path = stranger(lambda said, section=section: said.update({section: 7}))
        code, _, said = carried_out(["inspect"], path)
        assert code == 1
        assert f"evil.npz: damaged: the {section} of its header is not an object" in said


@pytest.mark.skipif(sys.platform == "win32", reason="pipes of POSIX")
@pytest.mark.parametrize("name", ["pipe", "folder", "/dev/zero", "link"])
def test_a_file_that_a_checkpoint_names_is_opened_only_where_it_is_one(name, stranger):
    os.mkfifo("pipe")
    Path("folder").mkdir()
    Path("link").symlink_to("pipe")
    where = Path(name).absolute()
    path = stranger(setting("corpus", "files", [str(where)]))
    for words in (COMMANDS["ngram"], COMMANDS["resume"]):
        with command(words[0], "-c", path, *words[1:]) as process:  # which is killed if it waits
            _, said = process.communicate()
        refusal = f"Error: {where}: the text of the checkpoint, and no regular file"
        assert (process.returncode, said.decode()[: len(refusal)]) == (1, refusal)


def test_a_file_asks_for_no_more_streams_than_its_text_has(stranger):
    path = stranger(lambda said: said["settings"].update(workers=4096, batch_size=4096))
    code, _, said = carried_out(COMMANDS["resume"], path)
    assert code == 1
    assert "damaged: 4,096 streams of 8 characters" in said


READING = [
    ["sample", "--length", "50", "--seed", "1", "--json"],
    ["sample", "--length", "50", "--temp", "0"],
    ["inspect", "--json"],
    ["inspect", "--text", "text.txt", "--json"],
    ["inspect", "--dynamic"],
    ["inspect", "--cell", "1", "--json", "--predictions"],
    *(["inspect", f"--{name}", "--json"] for name in ANALYSES if name != "find"),
    ["train", "--resume", "--steps", "14"],
]


def strict(constant):
    raise AssertionError(f"{constant} is no JSON")


ALL = ("Wx", "Wh", "Wy", "b", "by")


@pytest.mark.parametrize(
    ("names", "scale"),
    [(ALL, 3.3e38), (ALL, 1e12), (("Wy",), 3.3e38), (("Wy",), 1e30), (("by",), 3.3e38)],
)
def test_weights_of_any_size_give_numbers_or_one_line(names, scale, stranger, rng):
    """No warnings, no infinite losses, no NaN in JSON."""
    with np.load("charrnn.npz") as file:
        arrays = {
            name: np.float32(scale) * rng.choice([-1, 1], file[name].shape).astype(np.float32)
            for name in file.files
            if name.startswith(("best.", "last.")) and name.endswith(names)
        }
    path = stranger(**arrays)
    refused = 0
    for words in READING:
        code, out, said = carried_out(words, path)
        assert code in (0, 1), words
        refused += code
        if code:
            assert not out or words[0] == "sample"  # which writes as it goes
            assert said.splitlines()[-1].startswith("Error: ")
        elif "--json" in words:
            json.loads(out, parse_constant=strict)
        assert not {"inf", "nan"} & set(out.split()), words
    if scale > 1e38 and "Wy" in names:
        assert refused > 5


def test_losses_at_the_end_of_their_range_are_finite_in_json(stranger):
    path = stranger(setting("run", "best_loss", float(np.finfo(np.float32).max)))
    code, out, _ = carried_out(["inspect", "--json"], path)
    assert code == 0
    assert math.isfinite(json.loads(out, parse_constant=strict)["val_bpc"])


#: A name that would add a line of its own, clear the screen, and reverse the line.
FORGED = "a\nError: forged\x1b[2J\u202e\u2028\tb.txt"
LONG = "long" * 75_000
NAMES = {"forged": FORGED, "long": LONG}
NAMING = [
    ["sample", "--length", "5"],
    ["sample", "--prime", "\u4e00"],
    ["inspect"],
    ["inspect", "--ngram"],
    ["inspect", "--text", "text.txt"],
    ["train", "--resume", "--steps", "14"],
    ["train", "--resume", "other.txt"],
    ["train", "--resume", "--model", "gru"],
    ["train", "text.txt"],
]


def assert_plain(said):
    """Assert that no name adds a line or makes a line long."""
    for line in said.split("\n"):
        assert not line.startswith("Error: forged")
        assert len(line) < 1_100
    assert not {"\x1b", "\u202e", "\u2028", "\t"} & set(said)


@pytest.mark.parametrize("words", NAMING, ids=" ".join)
@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_names_in_a_header_are_shown_in_their_line_and_shortened(name, words, stranger):
    def change(said):
        said["corpus"].update(name=name, files=[f"/nowhere/{name[:30_000]}"])
        said["versions"]["numpy"] = name[:2_000]
        if words[-1] == "14":  # which has to find the text
            said["corpus"]["files"] = [str(Path("text.txt").absolute())]

    Path("other.txt").write_text("another text\n" * 99)
    _, out, said = carried_out(words, stranger(change))
    assert_plain(said)
    if words[0] == "inspect":
        assert_plain(out)


@pytest.mark.skipif(sys.platform == "win32", reason="names of POSIX")
def test_names_of_files_are_shown_in_their_line(run):
    Path(FORGED).write_bytes(Path("text.txt").read_bytes())
    path = f"{FORGED}.npz"
    result = run("train", FORGED, "-c", path, *QUICK, "--log", f"{FORGED}.log")
    assert_plain(result.stderr)
    for words in ([*NAMING, ["inspect", "--text", FORGED], ["inspect", "--export", f"{FORGED}x"],
                   ["train", "--resume", "--log", FORGED], ["train", "-", "--overwrite"],
                   ["train", f"no{FORGED}"], ["train", FORGED, "--steps", FORGED]]):  # fmt: skip
        _, out, said = carried_out(words, path)
        assert_plain(said)
        if words[0] == "inspect":
            assert_plain(out)


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_names_on_the_command_line_are_shown_in_their_line_and_shortened(name):
    for words in (
        ["sample"],
        ["sample", "--prime-file", name],
        ["inspect", "--cell", name],
        ["inspect", "--html", name],
        ["train", name],
        ["train", "--model", name],
        ["train", "text.txt", f"--{name}"],
        [name],
    ):
        code, _, said = carried_out(words, name)
        assert code in (1, 2)
        assert_plain(said)


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_names_in_json_are_as_they_are_and_on_a_page_as_in_a_line(name, stranger, page_of):
    page_of("gates")
    path = stranger(setting("corpus", "name", name))
    code, out, _ = carried_out(["inspect", "--json"], path)
    assert (code, json.loads(out)["corpus"]["name"]) == (0, name)
    code, _, said = carried_out(["inspect", "--html", "page.html", "--length", "50"], path)
    assert_plain(said)
    assert code == 0
    page = Path("page.html").read_text(encoding="utf-8")
    assert name not in page
    assert one_line(name, MAX_NAME) in page
