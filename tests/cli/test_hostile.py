"""A stranger's checkpoint and text on a terminal: nothing in them is obeyed (CWE-150)."""

import re
import shutil
import sys
from pathlib import Path
from threading import Thread

import pytest
from helpers.commands import DRAWING, QUICK, command, terminal

from charrnn import checkpoint

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="terminals of POSIX")

#: What would clear the screen, retitle the window, reverse the line, go back, ring.
EVIL = "\x1b[2J\x1b]0;x\x07\u202e\x9b2J\x9d0;y\x9c\x08\x7f\u2066\u200f\x00<script>"
NAME = "te\x1b]0;owned\x07\u202ext"
#: What charrnn itself writes: colours.
OWN = re.compile(r"\x1b\[[0-9;]*m")
HARMFUL = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)


@pytest.fixture
def hostile(place, run):
    """A checkpoint of a stranger, and their text."""
    text = "".join(f'{EVIL} ({number}) "quoted" Words.\n' for number in range(400))
    Path(NAME).write_text(text.replace("\x00", "\x01"), encoding="utf-8")
    run("train", NAME, *QUICK, "-c", "evil.npz")
    saved = checkpoint.read("evil.npz")
    saved.versions["numpy"] = EVIL.replace("\x00", "")
    checkpoint.save("evil.npz", saved)
    shutil.copy("evil.npz", f"{NAME}.npz")


def shown(*words):
    """What a terminal gets of a command, of stdout and stderr."""
    seen = bytearray()

    def read(ours):
        try:
            while some := ours.read(65536):
                seen.extend(some)
        except OSError:  # the other end is closed
            pass

    with (
        terminal() as (ours, theirs),
        command(*words, stdout=theirs, stderr=theirs, env=DRAWING) as process,
    ):
        theirs.close()
        reader = Thread(target=read, args=(ours,))
        reader.start()
        reader.join()
        code = process.wait(60)
    return code, seen.decode("utf-8")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["sample", "--length", "3000", "--temp", "9"], 0),
        (["sample", "--json", "--temp", "9"], 0),
        (["sample", "--prime", "\x9b2J\n", "--length", "9"], 0),
        (["sample", "--prime", "Q\x1b[2JQ\u2067"], 2),
        (["sample", "--prime-file", "no\x1b[2J"], 1),
        (["inspect"], 0),
        (["inspect", "--json"], 0),
        (["inspect", "--cell", "1", "--predictions", "--length", "300"], 0),
        (["inspect", "--cell", "1", "--neighbours", "--no-color"], 0),
        (["inspect", "--find", "--surprisal", "--errors", "--ngram", "--memory"], 0),
        (["inspect", "--find", "--feature", "\x1b|\x9b"], 0),
        (["inspect", "--find", "--feature", "(\x1b[2J"], 2),
        (["inspect", "--text", NAME, "--dynamic"], 0),
        (["inspect", "--plot", "\x1b[2J.gif", "--memory"], 2),
        (["train", "--resume", "--steps", "24", "--sample-every", "6"], 0),
        (["train", "--resume", "--steps", "24", NAME + "x"], 1),
        (["train", NAME, "--\x9b2J"], 2),
        (["train", NAME, "--model", "\x9b2J"], 2),
        (["train", NAME, "--time", "\x9b2J"], 2),
        (["train", NAME, "--workers", "\x9b2J"], 2),
    ],
    ids=lambda value: None if isinstance(value, int) else " ".join(map(ascii, value)),
)
def test_a_terminal_is_told_nothing_by_a_strangers_characters(words, code, hostile):
    found, seen = shown(words[0], "-c", f"{NAME}.npz", *words[1:])
    assert found == code, seen
    left = OWN.sub("", seen)
    assert HARMFUL.findall(left) == [], ascii(left)
    if "%|" not in left:  # a bar goes back in its line
        assert "\r" not in left.replace("\r\n", "\n")


def test_the_stranger_would_have_been_obeyed(hostile):
    """What the tests above look for is there to be found: raw, all of it is shown."""
    code, seen = shown("sample", "-c", "evil.npz", "--length", "3000", "--temp", "9", "--raw")
    assert code == 0
    assert {"\x1b", "\x9b", "\u202e", "\x7f"} <= set(HARMFUL.findall(seen))


def test_through_a_pipe_a_sample_is_as_the_model_wrote_it(hostile):
    with command("sample", "-c", "evil.npz", "--length", "3000", "--temp", "9") as process:
        out, _ = process.communicate(timeout=60)
    assert {b"\x1b", b"\x9b"} <= {bytes([byte]) for byte in out}


def test_json_is_ascii_without_control_characters(hostile):
    for words in (["sample", "--json", "--temp", "9"], ["inspect", "--json", "--surprisal"]):
        with command(*words, "-c", "evil.npz") as process:
            out, _ = process.communicate(timeout=60)
        assert process.returncode == 0
        assert set(out.rstrip(b"\n")) <= set(range(0x20, 0x7F))


#: What must be shown and cannot, by consoles of old.
NARROW = [
    {"PYTHONIOENCODING": "cp1252"},
    {"PYTHONIOENCODING": "ascii:strict"},
    {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
]


@pytest.mark.parametrize("environment", NARROW, ids=lambda environment: next(iter(environment)))
def test_a_console_that_cannot_show_a_character_gets_something_else(environment, run):
    line = "각하 안녕하세요 😀 “quoted” — naïve\n"
    Path("text.txt").write_text(line * 400, encoding="utf-8")
    run("train", "text.txt", *QUICK, "-c", "각.npz")
    for words in (
        ["sample", "--length", "80"],
        ["sample", "--json"],
        ["sample", "--prime", "Q"],
        ["inspect"],
        ["inspect", "--json"],
        ["inspect", "--cell", "1", "--color", "--predictions", "--length", "99"],
        ["inspect", "--find", "--surprisal", "--errors", "--ngram", "--spectrum", "--gates"],
        ["inspect", "--help"],
        ["train", "--resume", "--steps", "24", "--sample-every", "6"],
        ["train", "--overwrite", "no각.txt"],
    ):
        with command(words[0], "-c", "각.npz", *words[1:], env=environment) as process:
            _, said = process.communicate(timeout=60)
        assert b"Traceback" not in said
        assert process.returncode == {"Q": 2, "no각.txt": 1}.get(words[-1], 0), said


def test_a_name_that_the_locale_cannot_write_is_an_error_in_one_line(run):
    Path("text.txt").rename("각.txt")
    run("train", "각.txt", *QUICK)
    with command("train", "--resume", "--steps", "24", env=NARROW[2]) as process:
        _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    assert said.startswith(b"Error: ")
    assert b"cannot write this name in ascii" in said
    assert len(said.splitlines()) == 1
